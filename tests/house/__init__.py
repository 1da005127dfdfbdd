"""Rules of the house as tests: imports, purity, sizes, help, and what the documents promise."""
