"""A vendor's access token: held, renewed early by one asker for all who wait, let go when the vendor refuses it. Pure.

    none --asked--> asking --granted--> held --refused or old--> none
                      |--failed--> barred until a pause is over --> none

``now`` is in microseconds on a clock that never jumps.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from inbox_store.times import US
from push.app.sender import Deferred, Refused

Need = Literal["none", "early", "now"]
"""Whether to ask: not at all; while the old token still serves; before anything can be sent."""

EARLY_S: Final = 300
"""A token is renewed so long before its end (Huawei §1: 5 minutes)."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A token that opens the vendor's door for ``lifetime_s`` seconds."""

    value: str
    lifetime_s: float

    def __repr__(self) -> str:
        """Without the token: it would reach a log with the first exception."""
        return f"Grant(lifetime_s={self.lifetime_s!r})"


class TokenRules(msgspec.Struct, frozen=True, kw_only=True):
    """When to ask again; seconds."""

    early_s: float = EARLY_S
    longest_s: float = 86_400
    """Never held longer, whatever the vendor says (OPPO 23 h, vivo 2 h)."""
    pause_s: float = 2
    """After a failed attempt; doubles."""
    pause_max_s: float = 300
    alarm_s: float = 60
    """Least pause after a refusal of our keys: vendors count log-ins that fail."""


class TokenKeeper:
    """The token of one account."""

    __slots__ = ("_barred_until", "_failures", "_renew_at", "_rules", "_until", "_value", "asking", "why")

    def __init__(self, rules: TokenRules) -> None:
        self._rules = rules
        self._value = ""
        self._until = 0
        self._renew_at = 0
        self._failures = 0
        self._barred_until = 0
        self.asking = False
        """Somebody asks already; the others wait for what comes of it."""
        self.why: Refused | Deferred = Deferred(code="auth:none")
        """The last failure."""

    def value(self, now: int) -> str:
        """The token; empty where there is none that holds."""
        return self._value if now < self._until else ""

    def need(self, now: int) -> Need:
        """Whether somebody should ask now."""
        if self.asking or now < self._barred_until:
            return "none"
        if not self.value(now):
            return "now"
        return "early" if now >= self._renew_at else "none"

    def barred_s(self, now: int) -> float:
        """Seconds until asking is allowed again; 0 where it is."""
        return max(0, self._barred_until - now) / US

    def told(self, now: int) -> Refused | Deferred:
        """Why there is none, with the time after which it may be tried."""
        if isinstance(self.why, Refused):
            return self.why
        return msgspec.structs.replace(self.why, after_s=max(self.barred_s(now), self.why.after_s or 0))

    def asked(self) -> None:
        """Somebody begins to ask."""
        self.asking = True

    def granted(self, grant: Grant, now: int) -> None:
        """The vendor gave one."""
        rules = self._rules
        lifetime_s = min(grant.lifetime_s, rules.longest_s)
        # A short one is used for half of its life at least: otherwise we would ask for ever.
        renew_s = max(lifetime_s - rules.early_s, lifetime_s / 2)
        self._value, self._until = grant.value, now + int(lifetime_s * US)
        self._renew_at = now + int(renew_s * US)
        self._failures, self._barred_until, self.asking = 0, 0, False

    def failed(self, why: Refused | Deferred, now: int) -> None:
        """None came. A token that still holds stays in use."""
        rules = self._rules
        pause_s = min(rules.pause_max_s, rules.pause_s * 2.0 ** min(self._failures, 32))
        if isinstance(why, Refused):
            pause_s = max(pause_s, rules.alarm_s)
        elif why.after_s is not None:
            pause_s = max(pause_s, why.after_s)
        self._failures += 1
        self._barred_until = now + int(pause_s * US)
        self.why, self.asking = why, False

    def refused(self, value: str) -> None:
        """The vendor does not take ``value`` any more. Tidings of an older one change nothing."""
        if value == self._value:
            self._until = 0
