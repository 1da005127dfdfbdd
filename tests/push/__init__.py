"""What the ways to a phone must hold."""
