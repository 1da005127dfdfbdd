"""A fictional city of real size, its clerks, and the run that shows one document on its whole road.

Names and numbers are invented and the same on every machine.
"""
