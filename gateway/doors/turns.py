"""How often one address may ask a public route, and be refused there, before it has to wait. In memory, bounded. Pure.

Many people may share an address (an office behind one router, phones behind a carrier's): what is counted strictly is
what only a guesser or a broken program does, refusals.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.rules.accounts import MINUTE_US, address_key
from inbox_store.errors import Refused
from inbox_store.times import US

ADDRESSES_MAX: Final = 10_000
"""Addresses remembered; of more the one that came first is forgotten."""

GUESSES: Final = frozenset({"not_found", "callback_unsigned", "bad_request"})
"""Refusals of what nobody gave to this caller; others are the fate of people who hold a good link."""


class Turns:
    """Counts of one route, each minute anew."""

    def __init__(self, *, calls_max: int, failures_max: int) -> None:
        self._calls_max = calls_max
        self._failures_max = failures_max
        self._counts: dict[str, tuple[int, int, int]] = {}

    @contextmanager
    def turn(self, origin: str, now: int) -> Iterator[None]:
        """One call from ``origin`` at ``now`` (UTC microseconds). Raises Refused("throttled") before it begins."""
        if not (self._calls_max or self._failures_max):
            yield
            return
        key = address_key(origin)
        self._count(key, now, calls=1)
        try:
            yield
        except Refused as refused:
            self._count(key, now, failures=int(refused.code in GUESSES))
            raise

    def _count(self, key: str, now: int, *, calls: int = 0, failures: int = 0) -> None:
        since, called, failed = self._counts.get(key, (now, 0, 0))
        if not since <= now < since + MINUTE_US:
            since, called, failed = now, 0, 0
        spent = (self._calls_max and called >= self._calls_max) or (
            self._failures_max and failed >= self._failures_max
        )
        if calls and spent:
            raise Refused("throttled", retry_after_s=max(1, -(-(since + MINUTE_US - now) // US)))
        if key not in self._counts and len(self._counts) >= ADDRESSES_MAX:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = since, called + calls, failed + failures
