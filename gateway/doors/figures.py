"""What the doors count for /metrics: requests and their time by route, and how many are inside."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LAG_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class DoorFigures:
    """The doors' collectors in one registry of their own: two applications in one process never mix."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.requests = Counter(
            "songda_http_requests", "Requests answered", ("route", "method", "status"), registry=registry
        )
        self.seconds = Histogram(
            "songda_http_seconds",
            "Seconds from the headers to the answer",
            ("route",),
            registry=registry,
            buckets=BUCKETS_S,
        )
        self.in_flight = Gauge("songda_http_in_flight", "Requests inside", registry=registry)
        self.in_flight.set_function(lambda: self.inside)
        self.inside = 0
        self.lag = Histogram(
            "songda_loop_lag_seconds",
            "How late the event loop ran a timer: everybody waits so long",
            registry=registry,
            buckets=LAG_BUCKETS_S,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answer. Its collectors are looked up once: their labels are few and closed."""
        found = self._known.get((route, method, status))
        if found is None:
            found = self.requests.labels(route, method, str(status)), self.seconds.labels(route)
            self._known[route, method, status] = found
        requests, took = found
        requests.inc()
        took.observe(seconds)


class DoorState:
    """What the doors of one application share while it runs."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.figures = DoorFigures(registry or CollectorRegistry())
        self.draining = False
        self.description = b"{}"
        """The OpenAPI document as served."""

    @property
    def in_flight(self) -> int:
        """How many requests are inside."""
        return self.figures.inside

    def entered(self, step: int) -> None:
        """One more (1) or one less (-1) inside."""
        self.figures.inside += step
