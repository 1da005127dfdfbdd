"""The demo as a stranger runs it: real processes, real sockets."""
