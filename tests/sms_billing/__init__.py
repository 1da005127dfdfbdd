"""What the sums must hold."""
