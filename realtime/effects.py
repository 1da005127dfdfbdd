"""What a live session's machine asks to be done; ``realtime.server`` does it."""

from __future__ import annotations

from typing import Final, NamedTuple

from realtime.frames import Hello
from realtime.ports import Delivered


class Authenticate(NamedTuple):
    """Ask who stands behind ``hello``; answer with ``admitted`` or ``unread``."""

    hello: Hello


class Join(NamedTuple):
    """Enter the session in the hub, before anything else that was asked for is done."""

    person_id: int


class CatchUp(NamedTuple):
    """Read the person's history above ``after``; answer with ``page`` or ``unread``."""

    person_id: int
    after: int
    limit: int


class Send(NamedTuple):
    """Write a frame."""

    frame: bytes


class Acked(Delivered):
    """An ack moved forward: itself the line that the store takes, so that it is made once for each ack of a city."""

    __slots__ = ()


class Recheck(NamedTuple):
    """Ask whether the log-in still holds; answer with ``rechecked``."""

    token_id: str


class ReadCounts(NamedTuple):
    """Read the folder counts soon; answer with ``counts``."""

    person_id: int


class Close(NamedTuple):
    """Close the socket with this code; nothing is sent after it."""

    code: int
    reason: str


Effect = Authenticate | Join | CatchUp | Send | Acked | Recheck | ReadCounts | Close
Effects = tuple[Effect, ...]
NOTHING: Final[Effects] = ()
