"""Live sockets: one message state machine without I/O, the hub that nudges, and the thin shell around them.

Frames are bytes and built once; a slow reader is cut off at a byte limit and resumes from its position.
"""
