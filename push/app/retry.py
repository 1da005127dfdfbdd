"""When what a vendor put off comes again: per host and class of error, spread by chance, never after its life. Pure.

The code of a Deferred begins with its class: ``flow:80100017``. ``now`` is in microseconds on a clock that never jumps.
push/sms/backoff.py counts the pauses of one connection; here many errors of several hosts have a count each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, cast, get_args

import msgspec

from inbox_store.times import US
from push.app.sender import Deferred
from push.sms.backoff import Backoff

ErrorClass = Literal["flow", "quota", "server", "network", "auth", "device", "stopping"]
"""``flow``: too fast. ``quota``: the day's number. ``server``: its own fault. ``network``: not reached. ``auth``: no token.
``device``: one device or robot only; it closes no host."""

CLASSES: Final[frozenset[str]] = frozenset(get_args(ErrorClass))

PAUSES: Final[Mapping[ErrorClass, Backoff]] = {
    "flow": Backoff(first_s=1, max_s=300),
    # Without a time told: vendors count by the day, and lower the volume of who goes on (vivo).
    "quota": Backoff(first_s=3_600, max_s=21_600),
    "server": Backoff(first_s=2, max_s=600),
    "network": Backoff(first_s=1, max_s=120),
    "auth": Backoff(first_s=2, max_s=300),
    "device": Backoff(first_s=60, max_s=3_600),
    "stopping": Backoff(first_s=1, max_s=5),
}
LIVES_PAST_S: Final = 86_400 * 15
"""No vendor stores longer (Huawei and Honor 15 days)."""


def class_of(deferred: Deferred) -> ErrorClass:
    """The class its code begins with; an unknown one is the server's fault."""
    name = deferred.code.partition(":")[0]
    return cast("ErrorClass", name) if name in CLASSES else "server"


class _Count(msgspec.Struct):
    attempts: int = 0
    counted_at: int = 0
    not_before: int = 0


class Retry:
    """The memory of failures, of all hosts. Pauses of one host and class grow while nothing succeeds there."""

    def __init__(self, pauses: Mapping[ErrorClass, Backoff] = PAUSES) -> None:
        self._pauses = pauses
        self._counts: dict[tuple[str, ErrorClass], _Count] = {}

    def put_off(self, host: str, deferred: Deferred, now: int, chance: float) -> int:
        """Remember it, and tell when the host may be asked again. ``chance`` is in [0, 1).

        What a batch of requests under way brings home together is one failure: within the pause it counts once.
        """
        name = class_of(deferred)
        if name in ("device", "stopping"):
            return now
        count = self._counts.setdefault((host, name), _Count())
        if now >= count.not_before:
            pause_s = self._pauses[name].pause_s(count.attempts, chance)
            count.attempts += 1
            count.counted_at = now
            count.not_before = now + int(pause_s * US)
        if deferred.after_s is not None:
            # The vendor's word is the least; everybody coming back at its very end would be the next flood.
            spread_s = min(60.0, deferred.after_s / 10) * chance
            count.not_before = max(count.not_before, now + int((deferred.after_s + spread_s) * US))
        return count.not_before

    def succeeded(self, host: str) -> None:
        """The host took something: it is well again. What is put off by the day stays so."""
        for name in self._pauses:
            if name != "quota":
                self._counts.pop((host, name), None)

    def opens_at(self, host: str, now: int) -> int:
        """When the host may be asked: ``now``, or later."""
        return max([count.not_before for key, count in self._counts.items() if key[0] == host], default=now)

    def blocked(self, host: str, now: int) -> tuple[ErrorClass, float] | None:
        """The class that closes the host the longest, and seconds until it opens; None where it may be asked."""
        held = [(count.not_before, key[1]) for key, count in self._counts.items() if key[0] == host]
        until, name = max(held, default=(now, "server"))
        return (name, (until - now) / US) if until > now else None


def again_at(
    deferred: Deferred, born: int, ttl_s: float, attempt: int, now: int, chance: float
) -> int | None:
    """When one push comes again; None where its life is over by then. All in microseconds but ``ttl_s``.

    ``attempt`` counts from 0; ``chance`` in [0, 1) spreads those that were put off together.
    """
    if deferred.after_s is not None:
        pause_s = deferred.after_s + min(60.0, deferred.after_s / 10) * chance
    else:
        pause_s = PAUSES[class_of(deferred)].pause_s(attempt, chance)
    at = now + int(pause_s * US)
    return at if at < born + int(min(ttl_s, LIVES_PAST_S) * US) else None
