"""The HTTP door kit, tested through a small application of its own."""
