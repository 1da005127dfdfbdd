"""What the doors count for /metrics: requests and their time by route, and how many are inside."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

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

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        self.requests.labels(route, method, str(status)).inc()
        self.seconds.labels(route).observe(seconds)


class DoorState:
    """What the doors of one application share while it runs."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.figures = DoorFigures(registry or CollectorRegistry())
        self.in_flight = 0
        self.draining = False
        self.description = b"{}"
        """The OpenAPI document as served."""

    def entered(self, step: int) -> None:
        """One more (1) or one less (-1) inside."""
        self.in_flight += step
        self.figures.in_flight.set(self.in_flight)
