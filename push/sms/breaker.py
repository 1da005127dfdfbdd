"""Whether a channel may be used: a circuit breaker over failed submits and failed log-ins. Pure: times are passed in.

    closed --failures_max in a row, or misconfigured--> open --pause over--> half_open --one success--> closed
                                                         ^                       |
                                                         +------- failure -------+   (twice the pause)

``now`` is in microseconds on a clock that never jumps.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from push.sms.carrier import Verdict

_US: Final = 1_000_000

Circuit = Literal["closed", "open", "half_open"]
"""``closed``: in use. ``open``: nothing is sent. ``half_open``: one segment is tried."""

Weight = Literal["success", "failure", "trip", "neutral"]

WEIGHTS: Final[dict[Verdict, Weight]] = {
    "accepted": "success",
    # The gateway works; it is the number, or its own judgement of it.
    "bad_number": "success",
    "unserved": "success",
    "throttled": "neutral",
    "repeated": "neutral",
    # Final for one message. It may be that message's fault, so that it is no proof against the channel, nor for it.
    "failed": "neutral",
    "retry": "failure",
    "misconfigured": "trip",
}
"""What a verdict says about the channel."""


class BreakerRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a channel is given up for a while."""

    failures_max: int = 5
    """Temporary failures or answers that never came, in a row."""
    logins_max: int = 3
    """Attempts to connect and log in that failed in a row; one suffices where the gateway refused with an alarm."""
    open_s: float = 5
    """The first pause; doubles up to ``open_max_s`` for as long as trials fail."""
    open_max_s: float = 300

    def __post_init__(self) -> None:
        for field in ("failures_max", "logins_max"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} is below 1")
        if not 0 < self.open_s <= self.open_max_s:
            raise ValueError(f"open_s: {self.open_s} is not between 0 and open_max_s {self.open_max_s}")


class Breaker:
    """The circuit of one channel. ``reason`` says why it opened last, for the operator."""

    __slots__ = ("_failures", "_logins", "_open_until", "_pauses", "_rules", "_trial", "alarm", "reason")

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._failures = 0
        self._logins = 0
        self._pauses = 0
        self._open_until: int | None = None
        self._trial = False
        self.reason = ""
        self.alarm = False
        """Whether an operator has to mend something: the configuration, the contract."""

    def circuit(self, now: int) -> Circuit:
        """The state at ``now``."""
        if self._open_until is None:
            return "closed"
        return "open" if now < self._open_until else "half_open"

    def due(self) -> int | None:
        """When an open circuit lets a trial through; None where it is closed."""
        return self._open_until

    def admits(self, now: int) -> bool:
        """Whether a segment may be sent; in ``half_open`` only one at a time, told by ``began``."""
        circuit = self.circuit(now)
        return circuit == "closed" or (circuit == "half_open" and not self._trial)

    def began(self, now: int) -> None:
        """A segment was sent."""
        self._trial = self.circuit(now) == "half_open"

    def answered(self, verdict: Verdict, now: int) -> None:
        """A submit was answered."""
        weight = WEIGHTS[verdict]
        if weight == "success":
            if self._failures or self._pauses:
                self._close()
        elif weight == "trip":
            self._open(now, verdict, alarm=True)
        elif weight == "failure":
            self.failed(verdict, now)
        else:
            self._trial = False

    def failed(self, reason: str, now: int) -> None:
        """A submit failed for a while or was never answered, or a connection broke with submits open on it."""
        self._failures += 1
        if self._failures >= self._rules.failures_max or self.circuit(now) == "half_open":
            self._open(now, reason)
        self._trial = False

    def logged_in(self) -> None:
        """The gateway let us in: what failed log-ins had opened is closed. Nothing is known about submits."""
        self._logins = 0
        if self.reason == "login":
            self._close()

    def login_failed(self, now: int, *, alarm: bool = False) -> None:
        """Connecting or logging in failed; ``alarm`` where trying again soon does not mend it."""
        self._logins += 1
        if alarm or self._logins >= self._rules.logins_max:
            self._open(now, "login", alarm=alarm)

    def _open(self, now: int, reason: str, *, alarm: bool = False) -> None:
        rules = self._rules
        if self.circuit(now) == "open":
            # Answers to what was sent before it opened: they tell nothing new.
            self.alarm = self.alarm or alarm
            return
        pause_s = min(rules.open_max_s, rules.open_s * 2.0 ** min(self._pauses, 32))
        self._pauses += 1
        self._open_until = now + int(pause_s * _US)
        self._failures = 0
        self._trial = False
        self.reason, self.alarm = reason, alarm

    def _close(self) -> None:
        self._failures = 0
        self._pauses = 0
        self._open_until = None
        self._trial = False
        self.reason, self.alarm = "", False
