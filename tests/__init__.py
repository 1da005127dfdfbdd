"""Behaviour through public doors; tables and hypothesis for the pure parts."""
