"""The ports of the realtime room: who may connect, the inbox as live sockets read it, where acks go."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, cast

from gateway.flows.access import Access
from gateway.house import House
from gateway.rules.access import Principal
from gateway.together import Together
from inbox_store.engine import Nudge as CommitNudge
from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Folder, InboxState, Urgency
from inbox_store.org import Organisation
from inbox_store.programs import inbox as programs
from inbox_store.programs import live, notices
from inbox_store.programs.inbox import FeedItem
from inbox_store.times import DAY_US, Clock, day_int, day_of, day_start
from realtime.frames import Hello, Notice
from realtime.items import Header, Item, UnitStatus
from realtime.ports import Admitted, Arrivals, CountsRead, Delivered, Page

BIN_US = 300_000_000
"""Five minutes: the bins of the online peak (bulletin.md 3.5)."""


def item_of(told: FeedItem, organisation: Organisation) -> Item:
    """One change of the inbox in the words of a live session."""
    sender = organisation.units.get(told.sender_unit_id)
    due = [copy.sign_due_at for copy in told.copies if copy.sign_due_at is not None]
    sent = [copy.sent_at for copy in told.copies]
    kind = "withdrawn" if told.state == "withdrawn" else "arrived" if told.arrived else "state"
    return Item(
        document_id=told.document_id,
        kind=kind,  # type: ignore[arg-type]  # one of the three by construction
        folder=cast("Folder", told.folder),
        state=cast("InboxState", told.state),
        title=told.title,
        urgency=cast("Urgency", told.urgency),
        sender=sender.name if sender else "",
        sent_at=min(sent, default=told.submitted_at),
        sign_due_at=min(due, default=None),
        unit_status=tuple(
            UnitStatus(unit_id=copy.unit_id, status=copy.state, by=copy.signed_by or "")  # type: ignore[arg-type]
            for copy in told.copies
        ),
    )


class StoreFeed:
    """``realtime.ports.Feed`` over the store."""

    def __init__(self, house: House, epoch: str) -> None:
        self._house = house
        self._epoch = epoch
        self._returns = Together(house.store.engine)

    @property
    def epoch(self) -> str:
        """Names this history of commits: the store's own, which a restored backup does not share."""
        return self._epoch

    def position(self) -> int:
        """The number of the newest durable commit."""
        return self._house.store.engine.position

    async def since(self, person_id: int, after: int, limit: int) -> Page:
        """The person's changes above ``after`` in commit order."""
        organisation = await self._house.organisation()
        page = await self._returns.read(programs.since(person_id, after, limit, self._house.clock()))
        items = tuple((told.commit_no, item_of(told, organisation)) for told in page.items)
        return Page(items=items, position=page.position, more=page.more)

    async def arrivals(self, send_no: int, commit_no: int, online: AbstractSet[int]) -> Arrivals:
        """The entries that a commit added for one send number, of the people online: one read."""
        organisation = await self._house.organisation()
        head, due, rows = await self._house.store.engine.read(_arrivals(send_no, commit_no, online))
        sender = organisation.units.get(head.sender_unit_id)
        header = Header(
            document_id=head.document_id,
            title=head.title,
            urgency=cast("Urgency", head.urgency),
            sender=sender.name if sender else "",
            sent_at=head.submitted_at,
            sign_due_at=due,
        )
        return Arrivals(header=header, rows=rows)

    async def items(self, wanted: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Item]:
        """The entries (person, send number) as they stand now: one read."""
        organisation = await self._house.organisation()
        found = await self._house.store.engine.read(live.items(wanted, self._house.clock()))
        return {key: item_of(told, organisation) for key, told in found.items()}

    async def counts(self, person_ids: Sequence[int]) -> CountsRead:
        """The folder counts of these people: one read."""
        position, found = await self._house.store.engine.read(live.counts(person_ids))
        by_person = {
            person: {cast("Folder", row.folder): (row.total, row.pending) for row in rows}
            for person, rows in found.items()
        }
        return CountsRead(position=position, by_person=by_person)


def _arrivals(
    send_no: int, commit_no: int, online: AbstractSet[int]
) -> Program[tuple[programs.SendHead, int | None, list[tuple[int, Folder, InboxState]]]]:
    head, rows = yield from programs.arrivals(send_no, commit_no, online)
    ((due,),) = yield Sql("arrivals_due", {"send_no": send_no})
    return head, due, [(row[0], row[1], row[2]) for row in rows]


SESSION_MAX_US: Final = 7 * DAY_US
"""A live session begins anew after so long, however quiet it was."""

ACKS_PER_FACT: Final = 400
"""A city that acknowledges a broadcast at once holds the writer for some milliseconds at a time."""

SESSIONS_KNOWN_MAX: Final = 50_000


class DoorAdmission:
    """``realtime.ports.Admission``: tickets for browsers, access tokens for programs; asked again while open."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._known: OrderedDict[str, Principal] = OrderedDict()
        self._asked: list[tuple[Principal, asyncio.Future[bool]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def authenticate(self, hello: Hello) -> Admitted | None:
        """The person behind the ticket or token, or None."""
        try:
            if hello.ticket is not None:
                who = await self._access.principal_of_ticket(hello.ticket)
            else:
                who = await self._access.principal_of_bearer(hello.token or "")
        except Refused:
            return None
        if who.kind != "person":
            return None
        self._remember(who)
        return Admitted(
            person_id=who.person_id,
            name=who.name,
            token_id=who.token_id,
            expires_at=self._clock() + SESSION_MAX_US,
        )

    def _remember(self, who: Principal) -> None:
        self._known[who.token_id] = who
        if len(self._known) > SESSIONS_KNOWN_MAX:
            self._known.popitem(last=False)

    def persons_of(self, account_id: int) -> frozenset[int]:
        """Who was admitted with this account."""
        return frozenset(who.person_id for who in self._known.values() if who.account_id == account_id)

    async def still_valid(self, token_id: str) -> bool:
        """Whether the log-in behind an open session still holds; those asked about together make one read."""
        who = self._known.get(token_id)
        if who is None:
            return False
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append((who, answer))
        if len(self._asked) == 1:
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        await asyncio.sleep(0)  # a sweep asks about all whose time has come in one turn of the loop
        asked, self._asked = self._asked, []
        try:
            told = await self._access.all_valid([who for who, _ in asked])
        except Exception as fault:  # noqa: BLE001 - whatever the store says, each of those who ask hears it
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(fault)
            return
        for (_, answer), valid in zip(asked, told, strict=True):
            if not answer.done():
                answer.set_result(valid)


class StoreAcks:
    """``realtime.ports.Acks`` over the store."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def delivered(self, batch: Sequence[Delivered]) -> None:
        """Record that entries reached devices; durable when it returns."""
        acks = [
            programs.Delivered(person_id=p, after=low, to=high, device=device)
            for p, low, high, device in batch
        ]
        for at in range(0, len(acks), ACKS_PER_FACT):
            fact = programs.deliver(acks[at : at + ACKS_PER_FACT], self._house.clock())
            await self._house.store.engine.write(fact)


async def keep_peak(house: House, at: int, persons: int) -> None:
    """The online peak of a 5-minute bin."""
    day = day_of(at)
    bin_no = (at - day_start(day)) // BIN_US
    await house.store.engine.write(programs.keep_peak(day_int(day), bin_no, persons))


async def notices_told(house: House, ids: Sequence[int]) -> Sequence[tuple[int, Notice]]:
    """The notices that were just written, each with its person: one read."""
    found = await house.store.engine.read(notices.told(ids))
    return tuple((person_id, notice_of(told)) for person_id, told in found)


def notice_of(told: notices.Notice) -> Notice:
    """The notice in the words of a live session."""
    return Notice(id=told.id, kind=told.kind, about=told.about_id, text=told.text, created_at=told.created_at)


def concerns_people(nudge: CommitNudge) -> bool:
    """Whether a commit has anything to tell a live session."""
    return bool(nudge.arrivals or nudge.changed or nudge.told or nudge.foreign)
