"""What a live session's machine asks to be done; ``realtime.server`` does it."""

from __future__ import annotations

from typing import Final, NamedTuple

from realtime.frames import Hello


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


class Acked(NamedTuple):
    """All above ``from_position`` and up to ``to_position`` reached the device."""

    person_id: int
    from_position: int
    to_position: int
    device: str


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
