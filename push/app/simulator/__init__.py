"""The vendors' far ends that ship with the product: they check what they get and misbehave on a seeded script.

They know what comes over their sockets and nothing else: no database of ours, no flow of the house.
"""
