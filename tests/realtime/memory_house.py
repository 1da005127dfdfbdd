"""A city in memory: the ports of the live room kept in dictionaries, a second implementation beside the store's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from inbox_store.engine import Nudge
from inbox_store.nouns import Folder, InboxState
from realtime.frames import Hello
from realtime.items import Header, Item, arrived
from realtime.ports import Admitted, Arrival, Arrivals, CountsRead, Delivered, LivePorts, Page

YEAR_2100 = 4_102_444_800_000_000
PENDING = {"to_do", "to_read"}


def header(send_no: int) -> Header:
    """The document behind a send number; the one is as good a name as the other here."""
    return Header(
        document_id=send_no,
        title=f"关于第 {send_no} 号事项的通知",
        urgency="urgent",
        sender="市政府办公室",
        sent_at=1,
    )


class MemoryHouse:
    """Admission, feed and acks of one city. What a test waits for, it waits for on ``changed``."""

    def __init__(self) -> None:
        self.history = "history-1"
        self.commit_no = 0
        self.log: list[tuple[int, int, Item]] = []
        self.entries: dict[tuple[int, int], tuple[int, Item]] = {}
        self.tickets: dict[str, Admitted] = {}
        self.revoked: set[str] = set()
        self.written: list[Delivered] = []
        self.peaks: list[tuple[int, int]] = []
        self.readable = asyncio.Event()
        self.readable.set()
        self.reads = 0
        self.broken = 0
        self.changed = asyncio.Condition()
        self.listeners: list[Callable[[Nudge], None]] = []

    @property
    def ports(self) -> LivePorts:
        """The ports as the live server takes them."""
        return LivePorts(admission=self, feed=self, acks=self, peak=self.peak)

    # -- what happens in the city

    def arrive(
        self, send_no: int, *persons: int, folder: Folder = "from_above", state: InboxState = "to_do"
    ) -> int:
        """One commit that puts a document into the inboxes of ``persons``."""
        item = arrived(header(send_no), folder, state)
        return self.commit(arrivals={send_no: [(person, item) for person in persons]})

    def change(self, person_id: int, send_no: int, state: InboxState) -> int:
        """One commit that changes the state of one entry."""
        return self.commit(changes=[(person_id, send_no, state)])

    def commit(
        self,
        arrivals: Mapping[int, Sequence[tuple[int, Item]]] | None = None,
        changes: Sequence[tuple[int, int, InboxState]] = (),
    ) -> int:
        """One commit with any number of facts; whoever listens is told."""
        self.commit_no += 1
        for send_no, rows in (arrivals or {}).items():
            for person_id, item in rows:
                self._note(person_id, send_no, item)
        for person_id, send_no, state in changes:
            _, item = self.entries[person_id, send_no]
            self._note(person_id, send_no, msgspec.structs.replace(item, kind="state", state=state))
        nudge = Nudge(
            self.commit_no, tuple(arrivals or ()), tuple((person, send) for person, send, _ in changes)
        )
        for listener in self.listeners:
            listener(nudge)
        return self.commit_no

    def _note(self, person_id: int, send_no: int, item: Item) -> None:
        self.entries[person_id, send_no] = (self.commit_no, item)
        self.log.append((self.commit_no, person_id, item))

    def expected(self, person_id: int, after: int = 0) -> list[tuple[int, InboxState]]:
        """What this person is to see above ``after``: document and state, in commit order."""
        return [
            (item.document_id, item.state)
            for no, person, item in self.log
            if person == person_id and no > after
        ]

    # -- admission

    def ticket(self, person_id: int, *, lasts_to: int = YEAR_2100) -> str:
        """A new one-use ticket."""
        name = f"ticket-{person_id}-{len(self.tickets)}"
        self.tickets[name] = Admitted(
            person_id=person_id, name=f"干部{person_id}", token_id=f"login-{person_id}", expires_at=lasts_to
        )
        return name

    async def authenticate(self, hello: Hello) -> Admitted | None:
        """Use the ticket up; a token is the text ``person-<id>`` and may be shown again."""
        if hello.token is not None:
            person_id = int(hello.token.removeprefix("person-"))
            return Admitted(person_id=person_id, name="", token_id=f"login-{person_id}", expires_at=YEAR_2100)
        return self.tickets.pop(hello.ticket or "", None)

    async def still_valid(self, token_id: str) -> bool:
        """Whether the log-in was not revoked."""
        await self._read()
        return token_id not in self.revoked

    # -- feed

    @property
    def epoch(self) -> str:
        """The name of this history."""
        return self.history

    def position(self) -> int:
        """The newest commit."""
        return self.commit_no

    async def _read(self) -> None:
        self.reads += 1
        if self.broken:
            self.broken -= 1
            raise OSError("disk I/O error")
        await self.readable.wait()

    async def since(self, person_id: int, after: int, limit: int) -> Page:
        """A page of whole commits."""
        await self._read()
        rows = [(no, item) for no, person, item in self.log if person == person_id and no > after]
        if len(rows) <= limit:
            return Page(items=tuple(rows), position=self.commit_no, more=False)
        last = rows[limit - 1][0]
        return Page(items=tuple(row for row in rows if row[0] <= last), position=last, more=True)

    async def arrivals(self, send_no: int, commit_no: int, online: AbstractSet[int]) -> Arrivals:
        """Those online who got the document with this commit."""
        await self._read()
        rows = [
            Arrival(person, item.folder, item.state)
            for no, person, item in self.log
            if no == commit_no and person in online and item.document_id == send_no and item.kind == "arrived"
        ]
        return Arrivals(header=header(send_no), rows=rows)

    async def items(self, wanted: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Item]:
        """The entries as they stand."""
        await self._read()
        return {pair: self.entries[pair][1] for pair in wanted if pair in self.entries}

    async def counts(self, person_ids: Sequence[int]) -> CountsRead:
        """Counted afresh."""
        await self._read()
        by_person: dict[int, dict[Folder, tuple[int, int]]] = {person: {} for person in person_ids}
        for (person, _), (_, item) in self.entries.items():
            if person in by_person:
                total, pending = by_person[person].get(item.folder, (0, 0))
                by_person[person][item.folder] = (total + 1, pending + (item.state in PENDING))
        return CountsRead(position=self.commit_no, by_person=by_person)

    # -- acks and peaks

    async def delivered(self, batch: Sequence[Delivered]) -> None:
        """Keep the lines and tell whoever waits."""
        await self._read()
        self.written += batch
        async with self.changed:
            self.changed.notify_all()

    async def peak(self, at: int, persons: int) -> None:
        """Keep the bin."""
        self.peaks.append((at, persons))

    def acked_to(self, person_id: int, device: str = "") -> int:
        """The highest position written down for a device."""
        return max(
            (one.to_position for one in self.written if one[0] == person_id and one.device == device),
            default=0,
        )
