"""What the pure decisions must hold."""
