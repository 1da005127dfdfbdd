"""Short messages: what one text costs in segments, and the carriers that take it."""
