"""What the store must hold, in every variant."""
