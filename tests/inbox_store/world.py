"""A small city in a store, a clock moved by hand, and short ways to the steps of the road.

Everything goes through programs and the engine's port, so that the same tests run over every variant of the store:
a variant is one line in ``VARIANTS``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from inbox_store.embedded import open_store as open_embedded
from inbox_store.engine import Program, Row, Sql
from inbox_store.keys import Keys
from inbox_store.nouns import AudienceUnit, Folder, Kind, MeetingForm, NewDocument
from inbox_store.orgrows import OrgRows
from inbox_store.programs import (
    access,
    account_care,
    copies,
    delegation,
    dispatch,
    figures,
    inbox,
    signing,
    work,
)
from inbox_store.programs import organisation as org
from inbox_store.programs.announcing import Due
from inbox_store.programs.copies import Actor
from inbox_store.programs.delegation import DelegationRow, NewDelegation
from inbox_store.programs.dispatch import DocumentHead, Plan, Submitted
from inbox_store.programs.inbox import EntryFilter, EntryView, FeedItem
from inbox_store.programs.signing import Signed
from inbox_store.store import Store
from inbox_store.times import DAY_US, US
from tests.inbox_store.small_city import ROWS

T = TypeVar("T")

START: Final = 1_772_413_200 * US
"""Monday, 2 March 2026, 9:00 in Shanghai."""

HOUR: Final = 3600 * US
LEADERS: Final = 4
"""The bit of the responsible leaders, who are addressed beside the clerks by default."""

KEYS: Final = Keys.of(b"tests of the store")


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: int = START

    def __call__(self) -> int:
        """Tell the time (UTC microseconds)."""
        return self.now

    def forward(self, us: int = HOUR) -> None:
        """Let time pass (microseconds)."""
        self.now += us


Opener = Callable[[Path, Clock], AbstractAsyncContextManager[Store]]


def _embedded(folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
    return open_embedded(folder, clock=clock, keys=KEYS, readers=2)


VARIANTS: Final[dict[str, Opener]] = {"embedded": _embedded}
"""How each variant of the store is opened."""


def due_in_a_day(_head: DocumentHead, now: int) -> Due:
    """Everything is to be signed for within a day and handled within three."""
    return Due(sign_due_at=now + DAY_US, handle_due_at=now + 3 * DAY_US)


def rows_of(statement: str, **params: object) -> Program[list[Row]]:
    """One named query as a program."""
    return (yield Sql(statement, params))


async def import_rows(store: Store, rows: OrgRows, now: int) -> None:
    """Import an organisation in the steps that a running server would take."""
    count = await store.engine.write(org.import_structure(rows, now, 0))
    for people, posts in org.people_in_steps(rows):
        await store.engine.write(org.import_people(people, posts, store.keys.phones, now), bulk=True)
    ids = await store.engine.read(org.unit_ids())
    await store.engine.write(org.rebuild_addressees(ids[0], ids[-1], now), bulk=True)
    await store.engine.write(org.import_finished(count, 0, now))


@dataclass
class World:
    """An open store with the small city in it."""

    store: Store
    clock: Clock
    units: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def of(cls, store: Store, clock: Clock, rows: OrgRows = ROWS) -> World:
        """The city, imported unless the store has it already."""
        world = cls(store, clock)
        if not await store.engine.read(org.unit_ids()):
            await import_rows(store, rows, clock.now)
        await world.learn()
        return world

    async def learn(self) -> None:
        """Read the ids which the store gave to the office's own codes."""
        self.units = dict(await self.read(rows_of("org_ids_unit")))
        found = await self.read(_person_ids(tuple(person.code for person in ROWS.people)))
        self.people = {code: person_id for code, person_id in found.items() if person_id}

    # The port -------------------------------------------------------------------------------------------------------

    async def write(self, program: Program[T], *, bulk: bool = False) -> T:
        """One fact."""
        return await self.store.engine.write(program, bulk=bulk)

    async def read(self, program: Program[T]) -> T:
        """One read."""
        return await self.store.engine.read(program)

    def actor(self, person: str) -> Actor:
        """A person of the city at their desk."""
        return Actor(person_id=self.people[person], name=person, origin="10.0.0.7", device="desk")

    # Sending --------------------------------------------------------------------------------------------------------

    def plan(self, units: Sequence[str], **changes: object) -> Plan:
        """A plan for these units; ``changes`` are fields of the plan, ``roles`` maps units to cc."""
        roles: dict[str, str] = changes.pop("roles", {})  # type: ignore[assignment]  # popped by its one name
        folder: Folder = "from_above"
        audience = tuple(
            AudienceUnit(unit_id=self.units[code], role=roles.get(code, "to"), folder=folder)  # type: ignore[arg-type]
            for code in units
        )
        told: dict[str, object] = {
            "scope": json.dumps(list(units)),
            "audience": audience,
            "reach": "unit",
            "leader_mask": LEADERS,
            "general": False,
            "held": False,
            "sms_reminder": False,
            "persons": 4 * len(units),
            "segments": 0,
            "amount_li": 0,
        }
        return Plan(**{**told, **changes})  # type: ignore[arg-type]  # the fields of a plan by name

    def document(
        self, title: str = "关于召开防汛工作会议的通知", kind: Kind = "notice", **changes: object
    ) -> NewDocument:
        """A document of the city office."""
        told: dict[str, object] = {
            "kind": kind,
            "title": title,
            "doc_no": "云政办发〔2026〕7号",
            "body": "各县区、市直各部门：……",
            "sender_unit_id": self.units["S0"],
        }
        return NewDocument(**{**told, **changes})  # type: ignore[arg-type]  # the fields of a document by name

    async def submit(
        self,
        units: Sequence[str],
        *,
        document: NewDocument | None = None,
        by: str = "s0-a",
        **changes: object,
    ) -> Submitted:
        """Hand a document in for these units."""
        paper = document or self.document()
        meeting = self.meeting() if paper.kind == "meeting_notice" else None
        plan = self.plan(units, **changes)
        fact = dispatch.submit(
            paper, meeting, plan, self.people[by], "10.0.0.1", "云水市政府办公室", self.clock.now
        )
        return await self.write(fact)

    def meeting(self) -> MeetingForm:
        """A meeting two days ahead, to be answered within one."""
        now = self.clock.now
        return MeetingForm(
            place="市政府一楼会议室", starts_at=now + 2 * DAY_US, reply_due_at=now + DAY_US, personal=True
        )

    async def supplement(
        self, document_id: int, units: Sequence[str], *, by: str = "s0-a", **changes: object
    ) -> Submitted:
        """Send a document to further units, or again to those that returned it."""
        plan = self.plan(units, **changes)
        fact = dispatch.supplement(document_id, plan, self.people[by], "10.0.0.1", self.clock.now)
        return await self.write(fact)

    async def chunk(self, dispatch_id: int, rows: int = 8) -> bool:
        """One chunk of a fan-out; returns whether the dispatch is complete."""
        fact = dispatch.fan_out_chunk(dispatch_id, rows, due_in_a_day, self.clock.now)
        return await self.write(fact, bulk=True)

    async def fan_out(self, dispatch_id: int, rows: int = 8) -> int:
        """The whole fan-out; returns the number of chunks."""
        chunks = 1
        while not await self.chunk(dispatch_id, rows):
            chunks += 1
        return chunks

    async def send(self, units: Sequence[str], **changes: object) -> int:
        """Hand in and fan out to the end; returns the document's id."""
        told = await self.submit(units, **changes)  # type: ignore[arg-type]  # passed on by name
        await self.fan_out(told.dispatch_id)
        return told.document_id

    async def recall(self, document_id: int) -> list[int]:
        """Take a document back; the entries follow with ``withdraw``."""
        fact = dispatch.recall(document_id, "内容有误", self.people["s0-a"], "10.0.0.1", self.clock.now)
        return await self.write(fact)

    async def withdraw(self, units_max: int = 2) -> None:
        """Work off every waiting withdrawal in small steps."""
        for order in await self.write(work.claim(99, 60, self.clock.now)):
            told = json.loads(order.payload)
            reached: int | None = int(told.get("after", 0))
            while reached is not None:
                fact = dispatch.withdraw_chunk(told["document_id"], reached, units_max, self.clock.now)
                reached = await self.write(fact, bulk=True)
            await self.write(work.done(order))

    # Receiving ------------------------------------------------------------------------------------------------------

    async def sign(self, document_id: int, unit: str, by: str) -> Signed:
        """Sign for a unit."""
        return await self.write(signing.sign(document_id, self.units[unit], self.actor(by), self.clock.now))

    async def open(self, document_id: int, by: str) -> bool:
        """Open the document."""
        return await self.write(copies.open_document(document_id, self.actor(by), self.clock.now))

    async def give_back(self, document_id: int, unit: str, by: str) -> None:
        """Return a unit's copy."""
        fact = copies.return_copy(
            document_id, self.units[unit], "不属本单位职责", self.actor(by), self.clock.now
        )
        await self.write(fact)

    async def transfer(self, document_id: int, unit: str, handler: str, by: str) -> None:
        """Hand a signed copy to a person of the unit."""
        due_at = self.clock.now + 3 * DAY_US
        fact = copies.transfer(
            document_id,
            self.units[unit],
            self.people[handler],
            due_at,
            "请办理",
            self.actor(by),
            self.clock.now,
        )
        await self.write(fact)

    async def finish(self, document_id: int, unit: str, by: str) -> None:
        """The matter is dealt with."""
        await self.write(copies.finish(document_id, self.units[unit], self.actor(by), self.clock.now))

    async def archive(self, document_id: int, unit: str, by: str) -> None:
        """File the copy."""
        await self.write(copies.archive(document_id, self.units[unit], self.actor(by), self.clock.now))

    async def reopen(self, document_id: int, unit: str, handler: str, by: str) -> None:
        """Take a filed copy up again."""
        due_at = self.clock.now + 3 * DAY_US
        fact = copies.reopen(
            document_id, self.units[unit], self.people[handler], due_at, self.actor(by), self.clock.now
        )
        await self.write(fact)

    async def freeze(self, person: str, from_at: int | None = None) -> None:
        """Freeze the person's account, now or at a later instant."""
        now, boss = self.clock.now, self.actor("s0-b")
        account_id = await self.account(person)
        await self.write(account_care.freeze(account_id, now if from_at is None else from_at, now, boss))

    async def thaw(self, person: str) -> None:
        """Lift the freeze."""
        account_id = await self.account(person)
        await self.write(account_care.unfreeze(account_id, self.clock.now, self.actor("s0-b")))

    async def name_agent(
        self, person: str, agent: str, unit: str, *, hours: int = 48, by: str = ""
    ) -> DelegationRow:
        """Name an agent from now on."""
        now = self.clock.now
        wanted = NewDelegation(
            person_id=self.people[person],
            agent_id=self.people[agent],
            unit_id=self.units[unit],
            from_at=now,
            to_at=now + hours * HOUR,
            reason="外出",
        )
        return await self.write(delegation.begin(wanted, self.actor(by or person), now))

    async def account(self, person: str) -> int:
        """The id of the person's account."""
        return (await self.read(access.account_by_login(person, self.clock.now))).id

    # Looking --------------------------------------------------------------------------------------------------------

    async def inbox(
        self, person: str, limit: int = 50, before: int = inbox.NO_BOUND, **wanted: object
    ) -> list[EntryView]:
        """A page of the person's inbox."""
        found = EntryFilter(**wanted)  # type: ignore[arg-type]  # the fields of a filter by name
        return list(await self.read(inbox.page(self.people[person], found, before, limit)))

    async def state(self, person: str, document_id: int) -> str | None:
        """The state of the person's entry of a document, None without one."""
        found = [entry.state for entry in await self.inbox(person) if entry.document_id == document_id]
        assert len(found) <= 1
        return found[0] if found else None

    async def badge(self, person: str) -> dict[str, tuple[int, int]]:
        """The person's folders: (total, pending)."""
        told = await self.read(inbox.counts(self.people[person]))
        return {row.folder: (row.total, row.pending) for row in told}

    async def copy_states(self, document_id: int) -> dict[str, str]:
        """The state of each unit's copy."""
        codes = {unit_id: code for code, unit_id in self.units.items()}
        rows = await self.read(rows_of("copies_all", document_id=document_id))
        return {codes[unit_id]: state for unit_id, state in rows}

    async def catch_up(self, person: str, after: int, limit: int = 3) -> list[FeedItem]:
        """Everything above a position, page by page, as a client that was away would read it."""
        found: list[FeedItem] = []
        while True:
            told = await self.read(inbox.since(self.people[person], after, limit, self.clock.now))
            found += told.items
            if not told.more:
                return found
            assert told.position > after
            after = told.position

    async def merge(self, keep_hot: int = 0, rows_max: int = 3) -> int:
        """Merge the hot inbox in small slices, checking the store after each; returns the number of slices."""
        slices = 1
        while await self.write(inbox.merge_slice(keep_hot, rows_max), bulk=True):
            slices += 1
            await self.must_agree()
        await self.must_agree()
        return slices

    async def must_agree(self) -> None:
        """The store breaks none of its own rules."""
        assert await self.read(figures.inconsistencies()) == []


def _person_ids(codes: Sequence[str]) -> Program[dict[str, int]]:
    found = {}
    for code in codes:
        rows = yield Sql("access_account_by_login", {"login": code})
        found[code] = rows[0][1] if rows else 0
    return found
