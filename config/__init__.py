"""The lowest room: one file and the environment become frozen settings, once, at the start.

`config.settings` holds the sections with the meaning of every key, `config.loading` reads them,
`config.explain` prints them, `config.sample` writes the annotated file and `config.secret_files`
keeps the keys, which never stand in a configuration file.
"""
