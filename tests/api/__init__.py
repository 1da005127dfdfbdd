"""The road over the API: a whole server in this process, asked over HTTP."""
