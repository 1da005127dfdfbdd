"""The store under kills, signals and a disk that refuses: real processes, real files."""
