"""What the settings accept, refuse and explain."""
