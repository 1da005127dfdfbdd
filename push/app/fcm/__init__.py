"""Firebase Cloud Messaging, HTTP v1 (fcm.md): access, messages and verdicts apart from the I/O."""
