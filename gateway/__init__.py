"""The upper room: everything that faces people and other systems.

Doors turn requests into plain values, flows carry one use case through one transaction, rules decide,
and `assembly` is the single place where real parts are chosen and put together.
"""

__version__ = "0.1.0"
