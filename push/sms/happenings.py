"""What a connection with a carrier tells its owner, and the limits it keeps. Pure data."""

from __future__ import annotations

from typing import Final, Generic, Literal, TypeVar

import msgspec

from push.sms.carrier import Hello, Inbound, InboundAnswer, SubmitAnswer, Submitted

T = TypeVar("T")

State = Literal["new", "greeting", "up", "leaving", "parting", "closed"]
"""new: not connected; greeting: the log-in is under way; up: in use; leaving: nothing new is sent, open answers are
waited for; parting: our goodbye is sent; closed: nothing is read or written any more."""

Why = Literal[
    "refused",  # the log-in; also a connection that ends right after its welcome (sgip §6.3)
    "login_timeout",
    "malformed",  # the stream is lost
    "silent",  # no PDU came for too long, probes went unanswered
    "goodbye",  # the peer ended it in order
    "left",  # we ended it in order
    "rested",  # we ended it because nothing was to be sent; only where a protocol has no heartbeat
    "lost",  # the transport ended
    "unreachable",  # there was no connection
]
"""Why a connection ended."""

Doubt = Literal["timeout", "nack", "lost"]
"""Why the outcome of a request is not known: no answer in time, a refusal that names none, the connection ended."""


class SessionRules(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one connection; times in seconds."""

    window: int = 16
    """Requests without an answer (cmpp §9: 1 to 64 by contract; smpp §6: 10; sgip §5: 32)."""
    answer_timeout_s: float = 60
    login_timeout_s: float = 30
    idle_s: float = 20
    """Silence after which the peer is probed. The texts say 3 minutes; servers in practice end in 30-60 s (cmpp §10)."""
    probe_timeout_s: float = 10
    misses_max: int = 3
    """Probes in a row without any sign of life: then the connection is dead."""
    rest_s: float = 30
    """Where the protocol has no heartbeat: silence after which a client ends the connection in order, to connect again
    on demand; a server waits twice as long (sgip §5: 60 s)."""
    leave_timeout_s: float = 10
    """How long open answers are waited for before a goodbye."""
    goodbye_timeout_s: float = 5
    settle_s: float = 2
    """A connection that ends so soon after its welcome, without another PDU, was refused (sgip §6.3)."""
    late_max: int = 4096
    """Requests without an answer that are remembered, should one come late."""

    def __post_init__(self) -> None:
        for field, least in (("window", 1), ("misses_max", 1), ("late_max", 1)):
            if getattr(self, field) < least:
                raise ValueError(f"{field}: {getattr(self, field)} is below {least}")
        for field in ("answer_timeout_s", "login_timeout_s", "idle_s", "probe_timeout_s", "rest_s"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field}: {getattr(self, field)} is not above 0")


class Up(msgspec.Struct, frozen=True):
    """The log-in was taken; ``note`` is for the operator."""

    note: str


class Answered(msgspec.Struct, Generic[T], frozen=True):
    """The answer to a request. ``late``: the request was told as InDoubt before."""

    token: T
    answer: SubmitAnswer | InboundAnswer
    late: bool


class InDoubt(msgspec.Struct, Generic[T], frozen=True):
    """The request was sent, and nobody knows what became of it. ``message_id`` is told where we gave it (SGIP)."""

    token: T
    why: Doubt
    message_id: str


class Closed(msgspec.Struct, frozen=True):
    """The connection is over; nothing follows. ``alarm``: trying again soon does not mend it."""

    why: Why
    note: str = ""
    alarm: bool = False


Happening = Up | Answered[T] | InDoubt[T] | Closed | Inbound | Hello | Submitted
"""Hello and Submitted are told by a server only."""

RULES: Final = SessionRules()
