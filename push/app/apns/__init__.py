"""Apple's push service (APNs provider API, apns.md): tokens, requests and verdicts apart from the I/O."""
