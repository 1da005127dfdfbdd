"""Where a pool connects, what limits it keeps, what ``ask`` tells."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final, Literal, NamedTuple

import msgspec

from push.app.http2.happenings import Answer, Http2Rules, Request
from push.app.sender import InDoubt
from push.sms.backoff import Backoff

PROTOCOL: Final = "h2"
"""What TLS has to agree on (RFC 9113 §3.2); there is no way back to HTTP/1.1 (apns §1)."""

Unable = Literal["stopping", "waiting_full", "unreachable", "timeout", "given_back", "unsendable"]
"""Why a request was never processed: the pool stops; too much waits; nobody is reached; no connection had room in time;
the peer gave it back too often; the peer takes no request of that size."""


class Unsent(NamedTuple):
    """The peer did nothing with the request; it may be asked again."""

    why: Unable
    note: str = ""


Said = Answer | Unsent | InDoubt


class Address(NamedTuple):
    """Where a vendor listens; ``tls`` from ``tls_context``."""

    host: str
    port: int
    tls: ssl.SSLContext


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much, how long, how often; times in seconds."""

    connections: int = 2
    waiting_max: int = 10_000
    wait_s: float = 20
    """From the call of ``ask`` until the request left for good."""
    attempts_max: int = 5
    """How often one request is begun: a peer that gives back all would be asked for ever."""
    again_s: float = 0.05
    """Pause before a request's third attempt; doubles."""
    connect_timeout_s: float = 10
    user_timeout_s: float = 20
    stop_timeout_s: float = 10
    fast_after: int = 3
    """Attempts to connect that failed in a row: then requests are turned away at once until one succeeds."""
    backoff: Backoff = Backoff(first_s=0.5, max_s=60)
    rules: Http2Rules = Http2Rules()

    def __post_init__(self) -> None:
        for field in ("connections", "waiting_max", "attempts_max", "fast_after"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} is below 1")


class Job:
    """A request until it ends. ``attempts`` counts how often it was begun; ``deadline`` is of the loop's clock."""

    __slots__ = ("attempts", "deadline", "done", "request", "timer")

    def __init__(self, request: Request, done: asyncio.Future[Said], deadline: float) -> None:
        self.request = request
        self.done = done
        self.deadline = deadline
        self.attempts = 0
        self.timer: asyncio.TimerHandle | None = None

    def end(self, said: Said) -> None:
        """Tell, once."""
        self.unset()
        if not self.done.done():
            self.done.set_result(said)

    def unset(self) -> None:
        """It waits no longer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def tls_context(ca_pem: str = "") -> ssl.SSLContext:
    """TLS 1.2 or newer with ALPN ``h2``; ``ca_pem`` is trusted in place of the system's roots (far ends of our own)."""
    context = ssl.create_default_context(cadata=ca_pem or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([PROTOCOL])
    return context
