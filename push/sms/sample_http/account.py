"""One account with an aggregator, and the limits of the channel."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from push.sms.breaker import BreakerRules
from push.sms.bucket import Pace
from push.sms.text import MAINLAND, Rules


class HttpAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Raises ValueError naming the field that is wrong; never shows the secret."""

    account: str
    secret: str
    url: str
    """Where messages are posted to; https but for trials."""
    rules: Rules = MAINLAND
    """How the aggregator counts: it sends whole texts, we only say how many segments we expect."""

    def __post_init__(self) -> None:
        if not (self.account.isascii() and self.account.isprintable() and self.account):
            raise ValueError("account: not a name of printable ASCII")
        if not self.secret:
            raise ValueError("secret: is empty")
        try:
            parts = urlsplit(self.url)
            known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise ValueError(f"url: {self.url!r} is no http or https address")

    def __repr__(self) -> str:
        """Without the secret: it would reach a log with the first exception."""
        return f"HttpAccount(account={self.account!r}, url={self.url!r})"


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one channel; times in seconds."""

    window: int = 16
    """Segments asked for and not answered; a message longer than that goes alone."""
    pace: Pace = Pace()
    breaker: BreakerRules = BreakerRules()
    connect_timeout_s: float = 10
    answer_timeout_s: float = 60
    stop_timeout_s: float = 10
    waiting_max: int = 10_000
    """Segments that may wait for a slot."""
    repeats: int = 0
    """How often what has no outcome is asked again under its reference: above 0 only where the contract says that a
    repeated reference is one message. What is still unknown then is in doubt."""
    pause_max_s: float = 60
    """The longest Retry-After that is heeded; a message would rather go by another channel."""

    def __post_init__(self) -> None:
        for field, least in (("window", 1), ("waiting_max", 1), ("repeats", 0)):
            if getattr(self, field) < least:
                raise ValueError(f"{field}: {getattr(self, field)} is below {least}")
        for field in ("connect_timeout_s", "answer_timeout_s", "stop_timeout_s", "pause_max_s"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field}: {getattr(self, field)} is not above 0")
