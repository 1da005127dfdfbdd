"""What the live sockets must hold."""
