"""The rate of a channel: a token bucket that slows down when the gateway says "too fast". Pure: ``now`` is passed in.

``now`` is in microseconds on a clock that never jumps.
"""

from __future__ import annotations

from typing import Final

import msgspec

_US: Final = 1_000_000


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier allows an account, in segments a second, and how we behave when it finds us too fast."""

    rate_per_s: float = 100
    burst_s: float = 0.1
    """What may be saved up while nothing is sent, in seconds of ``rate_per_s``; never below one segment.

    Over any 10 s at most ``(10 + burst_s) * rate`` segments leave: 1 % above the rate at the default.
    """
    slowdown: float = 0.8
    """Factor at a throttle answer. A gateway counts by its own clock: one answer after a delay on the line is no reason to
    send half a minute at half the rate, and where we are really too fast the next second slows down again."""
    slowest: float = 1 / 16
    """Least share of the rate that slowing down leads to."""
    reaction_s: float = 1
    """A whole window of throttle answers is one event: within this time they slow down once."""
    recovery_per_s: float = 0.05
    """Share of the set rate that comes back each second without a throttle answer: all of one slow-down in 4 s."""

    def __post_init__(self) -> None:
        for field in ("rate_per_s", "burst_s", "reaction_s", "recovery_per_s"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field}: {getattr(self, field)} is not above 0")
        if not 0 < self.slowest <= 1:
            raise ValueError(f"slowest: {self.slowest} is no share of the rate")
        if not 0 < self.slowdown < 1:
            raise ValueError(f"slowdown: {self.slowdown} does not slow down")


class Bucket:
    """Tokens for segments. Starts full."""

    __slots__ = ("_at", "_burst", "_pace", "_share", "_slowed_at", "_tokens", "throttles")

    def __init__(self, pace: Pace, now: int) -> None:
        self._pace = pace
        self._burst = max(1.0, pace.rate_per_s * pace.burst_s)
        self._tokens = self._burst
        self._at = now
        self._share = 1.0
        self._slowed_at: int | None = None
        self.throttles = 0
        """Throttle answers so far."""

    @property
    def rate_per_s(self) -> float:
        """The rate now: the set one, or less after throttle answers."""
        return self._pace.rate_per_s * self._share

    def take(self, now: int) -> bool:
        """Take the token of one segment; False where there is none yet."""
        self._refill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def put_back(self) -> None:
        """What a token was taken for was not sent after all."""
        self._tokens = min(self._burst, self._tokens + 1)

    def wait_us(self, now: int) -> int:
        """Microseconds until there is a token, rounded up; 0 where there is one."""
        self._refill(now)
        missing = 1 - self._tokens
        return max(0, -int(-missing * _US // self.rate_per_s)) if missing > 0 else 0

    def throttled(self, now: int) -> None:
        """The gateway says "too fast": slow down, and start again without savings."""
        self._refill(now)
        self.throttles += 1
        self._tokens = min(self._tokens, 0.0)
        pace = self._pace
        if self._slowed_at is None or now - self._slowed_at >= pace.reaction_s * _US:
            self._share = max(pace.slowest, self._share * pace.slowdown)
            self._slowed_at = now

    def _refill(self, now: int) -> None:
        past_s = (now - self._at) / _US
        if past_s <= 0:
            return
        self._at = now
        if self._share < 1:
            self._recover(now, past_s)
        self._tokens = min(self._burst, self._tokens + past_s * self.rate_per_s)

    def _recover(self, now: int, past_s: float) -> None:
        pace = self._pace
        # Nothing comes back while answers to what was sent before the slow-down are still on their way.
        quiet_s = (now - (self._slowed_at or 0)) / _US - pace.reaction_s
        self._share = min(1.0, self._share + pace.recovery_per_s * max(0.0, min(past_s, quiet_s)))
