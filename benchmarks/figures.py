"""A figure as it is reported: its median, its goal, whether it holds, and its spread."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import Any


def figure(name: str, values: Sequence[float], unit: str, goal: str, *, holds: bool | None) -> dict[str, Any]:
    """One line of results.json. ``spread`` is lowest and highest; ``holds`` is None for a limit or peer."""
    told = statistics.median(values)
    spread = [round(min(values), 4), round(max(values), 4)]
    return {
        "name": name,
        "value": round(told, 4),
        "unit": unit,
        "goal": goal,
        "holds": holds,
        "spread": spread,
    }


def p99(values: Sequence[float]) -> float:
    """What 99 of 100 stay below."""
    return statistics.quantiles(values, n=100)[98]


def tell(rows: Sequence[dict[str, Any]]) -> None:
    """The lines as JSON, one a row: how a stage in a process of its own tells them."""
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
