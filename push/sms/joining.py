"""Long messages from phones, put together from their parts. Pure: ``now`` is passed in, what is kept is handed in again.

Parts come in any order, more than once, or never. They belong together by sender, our number, reference and total
(sms-text §3); what is incomplete after 24 hours is given as it is. Each part carries the caller's ``key`` (the row it
is stored under), so that a restart hands the stored parts in again and nothing is lost with this object.

``now`` is in UTC microseconds, as the parts are stored with it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import groupby
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from push.sms import gsm
from push.sms.carrier import Coding, Reply
from push.sms.text import Part, read_header

K = TypeVar("K", bound=Hashable)

TIMEOUT_S: Final = 24 * 3600
WAITING_MAX: Final = 10_000
"""Messages waiting for parts at once; above it the oldest is given as it is, so that nobody fills our memory."""

MISSING: Final = "……"
"""Stands where a part never came."""

_US: Final = 1_000_000


class Joined(msgspec.Struct, Generic[K], frozen=True, kw_only=True):
    """A message as the person wrote it."""

    sender: str
    source: str
    text: str
    complete: bool
    keys: tuple[K, ...]
    """The parts it is made of, repeated ones too: all of them are settled with it."""


class _Place(NamedTuple):
    """What says that parts belong together."""

    sender: str
    source: str
    reference: int
    total: int


class _Waiting(Generic[K]):
    """A message that lacks parts."""

    __slots__ = ("keys", "parts", "until")

    def __init__(self, until: int) -> None:
        self.until = until
        self.parts: dict[int, tuple[Coding, bytes]] = {}
        self.keys: list[K] = []


class Joining(Generic[K]):
    """What waits for its other parts."""

    __slots__ = ("_max", "_timeout_us", "_waiting")

    def __init__(self, timeout_s: int = TIMEOUT_S, waiting_max: int = WAITING_MAX) -> None:
        self._timeout_us = timeout_s * _US
        self._max = waiting_max
        self._waiting: dict[_Place, _Waiting[K]] = {}

    def __len__(self) -> int:
        """Messages that lack parts."""
        return len(self._waiting)

    def take(self, reply: Reply, key: K, now: int) -> list[Joined[K]]:
        """A reply came at ``now``: the messages that are whole or given up by it, none where parts are missing."""
        part, content = _part(reply)
        if part is None or part.total == 1:
            text = read_text(content, reply.coding)
            return [Joined(sender=reply.sender, source=reply.source, text=text, complete=True, keys=(key,))]
        place = _Place(reply.sender, reply.source, part.reference, part.total)
        found = self.expired(now)
        waiting = self._waiting.get(place) or self._wait(place, now, found)
        waiting.keys.append(key)
        # A repeated part tells nothing new; the first is kept, as phones do.
        waiting.parts.setdefault(part.number, (reply.coding, content))
        if len(waiting.parts) == part.total:
            found.append(self._give(place))
        return found

    def expired(self, now: int) -> list[Joined[K]]:
        """What has waited too long by ``now``, oldest first."""
        due = [place for place, waiting in self._waiting.items() if waiting.until <= now]
        return [self._give(place) for place in due]

    def due(self) -> int | None:
        """When ``expired`` has next something to give; None where nothing waits."""
        return min((waiting.until for waiting in self._waiting.values()), default=None)

    def _wait(self, place: _Place, now: int, found: list[Joined[K]]) -> _Waiting[K]:
        if len(self._waiting) >= self._max:
            found.append(self._give(next(iter(self._waiting))))
        waiting = self._waiting[place] = _Waiting[K](now + self._timeout_us)
        return waiting

    def _give(self, place: _Place) -> Joined[K]:
        waiting = self._waiting.pop(place)
        parts = [waiting.parts.get(number) for number in range(1, place.total + 1)]
        return Joined(
            sender=place.sender,
            source=place.source,
            text=_text_of(parts),
            complete=None not in parts,
            keys=tuple(waiting.keys),
        )


def read_text(content: bytes, coding: Coding) -> str:
    """The text of a reply (sms-text §1); what cannot be read is marked, never refused. Binary is told in hex."""
    if coding == "ucs2":
        return content.decode("utf-16-be", "replace")
    if coding == "gsm":
        return gsm.decode(content)
    if coding == "binary":
        return content.hex()
    # A few gateways put GBK under 0, which is ASCII.
    return content.decode("gb18030", "replace")


def _part(reply: Reply) -> tuple[Part | None, bytes]:
    """The place of a reply in its message, and its content behind the header; a broken header is content."""
    if not reply.header:
        return None, reply.content
    try:
        return read_header(reply.content)
    except ValueError:
        return None, reply.content


def _text_of(parts: Iterable[tuple[Coding, bytes] | None]) -> str:
    """Bytes are joined before they are read: phones cut through characters."""
    runs = groupby(parts, key=lambda part: part[0] if part else None)
    return "".join(
        read_text(b"".join(part[1] for part in run if part), coding) if coding else MISSING
        for coding, run in runs
    )
