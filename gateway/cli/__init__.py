"""The command line `songda`: one module per subject, each adding its verbs through `register(app)`.

Modules here import nothing heavy at the top, so that help and completion answer at once.
"""
