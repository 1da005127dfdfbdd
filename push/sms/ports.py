"""What a channel's link is given by the house, and what it says of itself and of each segment."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from push.sms.backoff import Backoff
from push.sms.breaker import BreakerRules
from push.sms.bucket import Pace
from push.sms.carrier import ClientDialect, Inbound, InboundAnswer, SubmitAnswer
from push.sms.happenings import RULES, InDoubt, SessionRules

Dialects = Callable[[int, int], ClientDialect]
"""A dialect for connection ``lane`` of ``lanes``: they are told apart where sequences must not be alike (SGIP)."""

Build = Callable[[ClientDialect, int], bytes]
"""Makes a request other than a submit with its sequence: a report, where a carrier connects to us (SGIP)."""

Blocked = Literal["down", "circuit_open", "stopping", "unsendable", "left_over"]
"""Why a segment never left: no connection; the breaker holds; we stop; the protocol cannot carry it; a segment of the
same message before it could not leave."""


class NotSent(NamedTuple):
    """The segment never left this house: another channel may send it, nobody is charged."""

    why: Blocked
    note: str = ""


Outcome = SubmitAnswer | InboundAnswer | InDoubt[object] | NotSent
"""What became of one segment. The token of an InDoubt is the caller's."""

Done = Callable[[list[Outcome]], None]
"""Called once, when the outcome of every segment of a message is known; must not raise."""


class Address(NamedTuple):
    """Where a gateway listens; ``tls`` where it wants TLS."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class LinkState(NamedTuple):
    """Whether a channel can be used and, where not, why."""

    up: bool
    why: str
    """``up``; ``connecting`` before the first log-in; ``circuit_open``; ``stopped``; else why the last connection ended."""
    note: str = ""
    alarm: bool = False
    """An operator has to mend something: account, secret, version, contract."""


def no_change(_state: LinkState) -> None:
    """Nobody looks at the state."""


def no_late(_token: object, _number: int, _answer: SubmitAnswer | InboundAnswer) -> None:
    """Nobody looks at late answers."""


class Handlers(NamedTuple):
    """The house behind a link."""

    inbound: Callable[[Sequence[Inbound]], Awaitable[None]]
    """Store reports and replies durably; they are answered when it returns. Where it raises for several, each is tried
    alone; what raises alone is not answered, and the peer will send it again. The same may come twice."""
    changed: Callable[[LinkState], None] = no_change
    late: Callable[[object, int, SubmitAnswer | InboundAnswer], None] = no_late
    """An answer to what was in doubt: token and number (from 0) of the segment. May be told after a restart of the link
    never: then the report or the detail file tells."""


class LinkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one channel."""

    session: SessionRules = RULES
    connections: int = 1
    pace: Pace = Pace()
    breaker: BreakerRules = BreakerRules()
    backoff: Backoff = Backoff()
    connect_timeout_s: float = 10
    stop_timeout_s: float = 10
    user_timeout_s: float = 30
    """Sent bytes that nobody acknowledges for so long end the connection (TCP_USER_TIMEOUT, faults 21)."""
    waiting_max: int = 10_000
    """Segments that may wait for a slot."""
    inbound_max: int = 1_000
    """Reports and replies that wait to be stored; above it nothing more is read."""
    batch_max: int = 256
    """Reports and replies stored together."""

    def __post_init__(self) -> None:
        for field in ("connections", "waiting_max", "inbound_max", "batch_max"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} is below 1")
