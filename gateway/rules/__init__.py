"""Decisions of the gateway as plain functions over frozen data: no clock, no socket, no randomness.

What a rule needs to know is passed in, `now` included; where a rule comes from stands in its docstring.
"""
