"""Whole numbers in given proportions that sum exactly (largest remainder)."""

from __future__ import annotations

from collections.abc import Sequence


def shared(total: int, weights: Sequence[float], minima: Sequence[int]) -> list[int]:
    """``total`` shared by ``weights`` on top of ``minima``. Raises ValueError where the minima alone exceed it."""
    free = total - sum(minima)
    if free < 0:
        raise ValueError(f"minima of {sum(minima)} exceed the total of {total}")
    exact = [free * weight / sum(weights) for weight in weights]
    parts = [int(part) for part in exact]
    largest = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in largest[: free - sum(parts)]:
        parts[index] += 1
    return [part + least for part, least in zip(parts, minima, strict=True)]
