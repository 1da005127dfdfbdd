"""Alerts by mail: composing, sending to the office's relay, reading what comes back."""
