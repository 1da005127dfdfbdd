"""A carrier's gateway that ships with the product: all four protocols as a server, seeded behaviour, an invoice of its own.

It knows what comes over its sockets and nothing else: no database of ours, no flow of the house.
"""
