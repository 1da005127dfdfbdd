"""Requests over HTTP/2 that always end (RFC 9113): a pure machine around h2, a thin wire, a pool of connections."""
