"""Where requests come in: parse and authorise, call one flow, phrase the answer.

Faults leave as problem details (RFC 9457) with a Chinese and an English title.
"""
