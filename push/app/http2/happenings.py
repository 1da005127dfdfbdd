"""What is asked of an HTTP/2 connection, what it tells its owner, and the limits it keeps. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Generic, Literal, NamedTuple, TypeVar

import msgspec

T = TypeVar("T")

State = Literal["new", "greeting", "up", "leaving", "closed"]
"""new: not connected; greeting: the peer's SETTINGS are waited for; up: in use; leaving: nothing new is sent, open
answers are waited for; closed: nothing is read or written any more."""

Why = Literal[
    "unreachable",  # there was no connection
    "not_h2",  # the peer does not speak HTTP/2 (ALPN)
    "greeting_timeout",
    "malformed",  # the stream of frames is lost
    "silent",  # no frame came for too long, a PING went unanswered
    "goaway",  # the peer ended it in order
    "left",  # we ended it in order
    "lost",  # the transport ended
]
"""Why a connection ended."""

Doubt = Literal["timeout", "reset", "lost"]
"""Why nobody knows whether a request was taken: no answer in time, its stream was reset, the connection ended."""

Unseen = Literal["goaway", "refused", "unsent", "unfinished"]
"""Why a request was certainly not processed, so that it may be sent again: above a GOAWAY's last stream (RFC 9113
§6.8), REFUSED_STREAM (§8.7), its first byte never left, its last byte never left."""


class Request(NamedTuple):
    """One POST. ``headers`` hold the pseudo-headers first, names in lower case; a tuple of hpack tells what to index."""

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


class Answer(NamedTuple):
    """What came back; ``body`` may be cut or empty. ``via`` names the connection, for ``Pool.retire``."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes
    via: int = 0


class Up(NamedTuple):
    """The peer's SETTINGS came: requests may be sent."""


class Answered(NamedTuple, Generic[T]):
    """A request ended with an answer."""

    token: T
    answer: Answer


class Unprocessed(NamedTuple, Generic[T]):
    """A request ended, and the peer did nothing with it."""

    token: T
    why: Unseen


class InDoubt(NamedTuple, Generic[T]):
    """A request ended without an answer; the peer may have taken it."""

    token: T
    why: Doubt


class Leaving(NamedTuple):
    """Nothing new is sent here any more; what is open is still waited for."""

    why: Why
    note: str = ""


class Closed(NamedTuple):
    """The connection is over; nothing is told after it."""

    why: Why
    note: str = ""


Happening = Up | Answered[T] | Unprocessed[T] | InDoubt[T] | Leaving | Closed


class Http2Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one connection; times in seconds."""

    streams_max: int = 200
    """Requests without an answer; fewer where the peer's SETTINGS say so."""
    answer_timeout_s: float = 30
    """From sending to the end of the answer (fcm §3: at least 10)."""
    greeting_timeout_s: float = 10
    idle_s: float = 60
    """Silence after which a PING is sent: idle connections stay open for hours (apns §1)."""
    probe_timeout_s: float = 10
    leave_timeout_s: float = 10
    body_max: int = 8_192
    """Bytes of a request; payloads are at most 4,096, FCM wraps them."""
    answer_max: int = 16_384
    """Bytes of an answer that are kept; the rest is not waited for."""
    header_list_max: int = 16_384
    """Bytes of an answer's headers as RFC 9113 §6.5.2 counts them; a peer that sends more is cut off."""
    requests_max: int = 1 << 29
    """Requests after which a connection is left for a new one: stream ids end at 2^31-1 (apns §1)."""

    def __post_init__(self) -> None:
        for field in ("streams_max", "body_max", "answer_max", "header_list_max", "requests_max"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} is below 1")
        for field in ("answer_timeout_s", "greeting_timeout_s", "idle_s", "probe_timeout_s"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field}: {getattr(self, field)} is not above 0")


HEADER_OVERHEAD: Final = 32
"""What each header counts on top of its name and value (RFC 9113 §6.5.2)."""
