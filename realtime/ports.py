"""What the live sockets ask of the rest of the house. The gateway implements these; tests bring their own memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from inbox_store.nouns import Folder, InboxState, Noun
from realtime.frames import Hello, Notice
from realtime.items import Header, Item

FolderCounts = Mapping[Folder, tuple[int, int]]
"""Folder -> (entries, of them to do or to read)."""


class Admitted(Noun, frozen=True, kw_only=True):
    """Who stands behind a hello. ``token_id`` is asked about again; ``expires_at`` (UTC microseconds) ends the session."""

    person_id: int
    name: str
    token_id: str
    expires_at: int


class Admission(Protocol):
    """Who may connect."""

    async def authenticate(self, hello: Hello) -> Admitted | None:
        """The person behind the ticket (used up by this) or token; None when it is not valid."""
        ...

    async def still_valid(self, token_id: str) -> bool:
        """Whether the log-in behind an open session still holds: not revoked, account not frozen."""
        ...


class Page(Noun, frozen=True, kw_only=True):
    """A piece of a person's history: all of theirs above the asked position and up to ``position``, commits ascending.

    A commit is never split over two pages. ``more`` says that there is history above ``position``; on the last page
    ``position`` is the number of the newest commit the read could see.
    """

    items: tuple[tuple[int, Item], ...]
    position: int
    more: bool


class Arrival(NamedTuple):
    """One person's new entry."""

    person_id: int
    folder: Folder
    state: InboxState


class Arrivals(Noun, frozen=True, kw_only=True):
    """The entries that one commit added for one send number, of those persons who were asked about."""

    header: Header
    rows: Sequence[tuple[int, Folder, InboxState]]
    """``Arrival``s; bare tuples are as good, and cheaper where there is one for everybody in a city."""


class CountsRead(Noun, frozen=True, kw_only=True):
    """Folder counts of several persons, as they stand at ``position``."""

    position: int
    by_person: Mapping[int, FolderCounts]


class Feed(Protocol):
    """The inbox, as the live sockets read it.

    Each read must see at least every commit whose nudge was published before the read was asked for.
    """

    @property
    def epoch(self) -> str:
        """Names this history of commits; another one (a restored backup) makes all positions void."""
        ...

    def position(self) -> int:
        """The newest commit that reads can see; never below one whose nudge was published, never above a durable one."""
        ...

    async def since(self, person_id: int, after: int, limit: int) -> Page:
        """The person's entries and state changes above position ``after``, about ``limit`` items."""
        ...

    async def arrivals(self, send_no: int, commit_no: int, online: AbstractSet[int]) -> Arrivals:
        """The entries which ``commit_no`` added for ``send_no``, of the persons in ``online``: one read."""
        ...

    async def items(self, wanted: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Item]:
        """The entries (person, send number) as they stand now: one read. What is gone may be missing."""
        ...

    async def counts(self, person_ids: Sequence[int]) -> CountsRead:
        """The folder counts of these persons: one read."""
        ...


class Delivered(NamedTuple):
    """Everything of this person above ``from_position`` and up to ``to_position`` reached ``device``."""

    person_id: int
    from_position: int
    to_position: int
    device: str


class Acks(Protocol):
    """Where proofs of delivery go."""

    async def delivered(self, batch: Sequence[Delivered]) -> None:
        """Record all of ``batch``; durable when it returns. The same line may come twice."""
        ...


Peak = Callable[[int, int], Awaitable[None]]
"""``peak(at, persons)``: most persons online at once in the 5-minute bin that starts ``at`` (UTC microseconds)."""


async def no_peak(_at: int, _persons: int) -> None:
    """Nobody keeps the online peaks."""


ReadNotices = Callable[[Sequence[int]], Awaitable[Sequence[tuple[int, Notice]]]]
"""The notices with these ids, each with its person: one read. What was read or settled meanwhile may be missing."""


async def no_notices(_ids: Sequence[int]) -> Sequence[tuple[int, Notice]]:
    """Nobody writes notices."""
    return ()


class LivePorts(NamedTuple):
    """All that the live server is given by the house."""

    admission: Admission
    feed: Feed
    acks: Acks
    peak: Peak = no_peak
    notices: ReadNotices = no_notices
