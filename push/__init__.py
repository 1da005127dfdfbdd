"""Ways to a phone: every channel that leaves the building, one folder each.

A channel takes orders and answers with outcomes as values; it knows no inbox and no price.
"""
