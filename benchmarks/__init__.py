"""Measurements of the road, each beside the limit of the machine it runs on; `python -m benchmarks` runs them."""
