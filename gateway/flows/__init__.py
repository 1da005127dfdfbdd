"""The use cases, one short function each: read the facts, ask a rule, commit once.

A flow knows neither HTTP nor which variant of the store runs.
"""
