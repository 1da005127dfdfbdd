"""What stands inside the house, for /metrics beside the doors' own figures: by these one sees that all is bounded (I10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

_MEANING: Final = {
    "songda_store_waiting": "Facts that wait for the writer",
    "songda_live_sessions": "Live sockets that are open",
}


def house_registry(told: Mapping[str, Callable[[], int]]) -> CollectorRegistry:
    """A registry with one gauge for each figure in ``told``, asked at each scrape, and the tasks of the event loop."""
    registry = CollectorRegistry()
    for name, ask in told.items():
        Gauge(name, _MEANING[name], registry=registry).set_function(ask)
    # Scraped on the loop itself: nothing else could count its tasks.
    Gauge("songda_tasks", "Tasks of the event loop", registry=registry).set_function(
        lambda: len(asyncio.all_tasks())
    )
    return registry
