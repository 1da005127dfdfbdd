"""What stands inside the house, for /metrics beside the doors' own figures: by these one sees that all is bounded (I10)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from push.sms.ports import LinkState

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


class WatchedSender(Protocol):
    """A sender, as one looks at it from outside."""

    @property
    def state(self) -> LinkState:
        """Whether it can be used."""
        ...


class WatchedChannel(Protocol):
    """A channel of short messages, as one looks at it from outside."""

    under_way: int
    outcomes: Counter[str]

    @property
    def sender(self) -> WatchedSender:
        """What it sends by."""
        ...


class ChannelFigures(Collector):
    """The channels of short messages as they are at a scrape."""

    def __init__(self, channels: Mapping[str, WatchedChannel]) -> None:
        self._channels = channels

    def collect(self) -> Iterator[Metric]:
        """Each channel's state, what is under way on it, and what became of its segments."""
        up = GaugeMetricFamily("songda_sms_up", "Whether a channel can be used", labels=["channel"])
        under_way = GaugeMetricFamily(
            "songda_sms_under_way", "Segments taken and not yet settled", labels=["channel"]
        )
        answers = CounterMetricFamily(
            "songda_sms_answers", "Segments settled, by outcome", labels=["channel", "outcome"]
        )
        for name, one in self._channels.items():
            up.add_metric([name], int(one.sender.state.up))
            under_way.add_metric([name], one.under_way)
            for outcome, count in one.outcomes.items():
                answers.add_metric([name, outcome], count)
        yield from (up, under_way, answers)
