"""The road as a state machine: any order of sending, signing, returning, recalling, merging and restarting.

After each step the store must break none of its own rules, no entry may be lost, counts and pages must agree, duties
must lie where they belong, and catching up from any earlier position must give exactly what changed.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.nouns import Kind
from inbox_store.programs import dispatch, inbox, signing, trace, work
from inbox_store.programs.inbox import Delivered, EntryFilter
from inbox_store.states import DISTRIBUTION, PENDING
from tests.inbox_store.small_city import POSTS, RECEIVERS
from tests.inbox_store.world import HOUR, VARIANTS, Clock, World

T = TypeVar("T")

CLERKS = {
    unit: [post.person_code for post in POSTS if post.unit_code == unit and post.role == "clerk"]
    for unit in RECEIVERS
}
STAFF = {unit: [post.person_code for post in POSTS if post.unit_code == unit] for unit in RECEIVERS}

PICK = st.integers(0, 99)
UNIT = st.sampled_from(RECEIVERS)
UNITS = st.lists(UNIT, min_size=1, max_size=4, unique=True)
ROWS = st.sampled_from([1, 4, 9])


class Seen(NamedTuple):
    """One entry as its person sees it."""

    send_no: int
    commit_no: int
    folder: str
    state: str
    opened_at: int | None
    delivered_at: int | None


Entries = dict[tuple[str, int], Seen]
"""By person and document."""


class Moment(NamedTuple):
    """The store after a step: the position, every entry, and which entries the step has touched."""

    position: int
    entries: Entries
    touched: frozenset[tuple[str, int]]


@cache
def template(variant: str) -> Path:
    """A store with the city in it, made once and copied for each history."""
    folder = Path(tempfile.mkdtemp(prefix="songda-machine-"))

    async def make() -> None:
        clock = Clock()
        async with VARIANTS[variant](folder, clock) as store:
            await World.of(store, clock)

    asyncio.run(make())
    return folder


class Road(RuleBasedStateMachine):
    """One history of a small city."""

    variant = "embedded"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="songda-road-"))
        shutil.copytree(template(self.variant), self.folder, dirs_exist_ok=True)
        self.clock = Clock()
        self.stack = AsyncExitStack()
        self.papers: list[int] = []
        self.signable: dict[int, bool] = {}
        self.senders: dict[int, str] = {}
        self.dispatches: list[int] = []
        self.held: list[int] = []
        self.withdrawing: set[int] = set()
        self.handed: set[tuple[str, int]] = set()
        self.moments: list[Moment] = []

    def run(self, work: Awaitable[T]) -> T:
        """Wait for one step."""

        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    @initialize()
    def open(self) -> None:
        """Open the store."""
        self.run(self._open())
        self.moments.append(Moment(self.world.store.engine.position, {}, frozenset()))

    async def _open(self) -> None:
        store = await self.stack.enter_async_context(VARIANTS[self.variant](self.folder, self.clock))
        self.world = await World.of(store, self.clock)

    def teardown(self) -> None:
        """The chain holds to the end; the folder is removed."""
        if self.moments:
            told = self.run(self.world.read(trace.verify()))
            assert told.faults == ()
            assert told.receipts == sum(
                state in _SIGNED for states in self._copies().values() for state in states.values()
            )
        self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    # Steps ----------------------------------------------------------------------------------------------------------

    def paper(self, pick: int) -> int:
        """One of the documents."""
        return self.papers[pick % len(self.papers)]

    def attempt(self, step: Callable[[], Awaitable[object]]) -> bool:
        """Do a step that may be refused; a refusal changes nothing."""
        before = self.world.store.engine.position
        try:
            self.run(step())
        except Refused as fault:
            note(f"refused: {fault}")
            assert self.world.store.engine.position == before
            assert self.entries() == self.moments[-1].entries
            return False
        return True

    def act(self, document_id: int, unit: str, event: str, step: Callable[[], Awaitable[object]]) -> bool:
        """Do a step on one copy: it leads where the table of states says, or is refused."""
        before = self._copies()[document_id].get(unit)
        done = self.attempt(step)
        after = self._copies()[document_id].get(unit)
        if done:
            assert before is not None
            assert after == DISTRIBUTION[before, event]
        else:
            assert after == before
        return done

    @rule(
        units=UNITS,
        kind=st.sampled_from(["notice", "notice", "telegram", "announcement", "meeting_notice"]),
        by=st.sampled_from(["s0-a", "s0-b"]),
        reach=st.sampled_from(["unit", "unit", "everyone"]),
        held=st.sampled_from([False, False, False, True]),
        drill=st.sampled_from([False, False, False, True]),
    )
    def submit(self, units: list[str], kind: Kind, by: str, reach: str, held: bool, drill: bool) -> None:  # noqa: FBT001
        """Hand in a document."""
        document = self.world.document(kind=kind, is_test=drill)
        told = self.run(self.world.submit(units, document=document, by=by, reach=reach, held=held))
        self.papers.append(told.document_id)
        self.signable[told.document_id] = kind != "announcement"
        self.senders[told.document_id] = by
        (self.held if held else self.dispatches).append(told.dispatch_id)

    @precondition(lambda self: self.held)
    @rule(approve=st.booleans())
    def decide(self, approve: bool) -> None:  # noqa: FBT001 - one of the two
        """A second person decides."""
        dispatch_id = self.held.pop()
        actor = self.world.people["u1-lead"]
        self.run(
            self.world.write(dispatch.decide(dispatch_id, actor, "", "", self.clock.now, approve=approve))
        )
        if approve:
            self.dispatches.append(dispatch_id)

    @precondition(lambda self: self.dispatches)
    @rule(pick=PICK, rows=ROWS)
    def chunk(self, pick: int, rows: int) -> None:
        """One chunk of any open dispatch."""
        dispatch_id = self.dispatches[pick % len(self.dispatches)]
        if self.run(self.world.chunk(dispatch_id, rows)):
            self.dispatches.remove(dispatch_id)

    @precondition(lambda self: self.dispatches)
    @rule(rows=ROWS)
    def fan_out(self, rows: int) -> None:
        """Everything that is open, to its end, in the order of the upkeep."""
        for dispatch_id, _ in self.run(self.world.read(dispatch.open_dispatches())):
            self.run(self.world.fan_out(dispatch_id, rows))
        self.dispatches.clear()

    @precondition(lambda self: self.papers)
    @rule(pick=PICK, units=UNITS, by=st.sampled_from(["s0-a", "s0-b"]))
    def supplement(self, pick: int, units: list[str], by: str) -> None:
        """Send a document on, or again."""
        told = []

        async def step() -> None:
            told.append(await self.world.supplement(self.paper(pick), units, by=by))

        if self.attempt(step):
            self.dispatches.append(told[0].dispatch_id)

    @precondition(lambda self: self.papers)
    @rule(pick=PICK, unit=UNIT, who=PICK)
    def sign(self, pick: int, unit: str, who: int) -> None:
        """A clerk signs."""
        by, paper = CLERKS[unit][who % 2], self.paper(pick)
        self.act(paper, unit, "sign", lambda: self.world.sign(paper, unit, by))

    @precondition(lambda self: self.papers)
    @rule(unit=UNIT, who=PICK)
    def sign_all(self, unit: str, who: int) -> None:
        """A clerk signs whatever there is."""
        wanted = [(paper, self.world.units[unit]) for paper in self.papers]
        actor = self.world.actor(CLERKS[unit][who % 2])
        self.attempt(lambda: self.world.write(signing.sign_many(wanted, actor, self.clock.now)))

    @precondition(lambda self: self.papers)
    @rule(pick=PICK, unit=UNIT, who=PICK)
    def give_back(self, pick: int, unit: str, who: int) -> None:
        """A clerk returns."""
        by, paper = CLERKS[unit][who % 2], self.paper(pick)
        if self.act(paper, unit, "return", lambda: self.world.give_back(paper, unit, by)):
            self.handed.add((self.senders[paper], paper))  # told, also where the entry waits already

    @precondition(lambda self: self.papers)
    @rule(pick=PICK, unit=UNIT, who=PICK, handler=PICK)
    def transfer(self, pick: int, unit: str, who: int, handler: int) -> None:
        """A clerk hands on."""
        self._hand(self.paper(pick), unit, "transfer", STAFF[unit][handler % len(STAFF[unit])], who)

    @precondition(lambda self: self.papers)
    @rule(pick=PICK, unit=UNIT, who=PICK, handler=PICK)
    def reopen(self, pick: int, unit: str, who: int, handler: int) -> None:
        """A clerk takes a filed copy up again."""
        self._hand(self.paper(pick), unit, "reopen", STAFF[unit][handler % len(STAFF[unit])], who)

    def _hand(self, paper: int, unit: str, event: str, handler: str, who: int) -> None:
        step = self.world.transfer if event == "transfer" else self.world.reopen
        if self.act(paper, unit, event, lambda: step(paper, unit, handler, CLERKS[unit][who % 2])):
            self.handed.add((handler, paper))

    @precondition(lambda self: self.papers)
    @rule(pick=PICK, unit=UNIT, who=PICK, event=st.sampled_from(["finish", "archive"]))
    def end(self, pick: int, unit: str, who: int, event: str) -> None:
        """The matter is dealt with, or filed."""
        by, paper = CLERKS[unit][who % 2], self.paper(pick)
        step = self.world.finish if event == "finish" else self.world.archive
        self.act(paper, unit, event, lambda: step(paper, unit, by))

    @precondition(lambda self: self.papers)
    @rule(pick=PICK, unit=UNIT, who=PICK)
    def read(self, pick: int, unit: str, who: int) -> None:
        """Somebody opens the document."""
        by = STAFF[unit][who % len(STAFF[unit])]
        self.attempt(lambda: self.world.open(self.paper(pick), by))

    @precondition(lambda self: self.papers)
    @rule(pick=PICK)
    def recall(self, pick: int) -> None:
        """The sender takes a document back."""
        paper = self.paper(pick)
        if self.attempt(lambda: self.world.recall(paper)):
            self.withdrawing.add(paper)

    @precondition(lambda self: self.withdrawing)
    @rule()
    def withdraw(self) -> None:
        """One step of one withdrawal, with its order, in one transaction, as the upkeep takes it."""
        for order in self.run(self.world.write(work.claim(1, 60, self.clock.now))):
            paper = int(json.loads(order.payload)["document_id"])
            if self.run(self.world.write(_withdraw(order, self.clock.now), bulk=True)):
                self.withdrawing.discard(paper)

    @rule(unit=UNIT, who=PICK, low=PICK, high=PICK)
    def deliver(self, unit: str, who: int, low: int, high: int) -> None:
        """A device acknowledges what lies between two positions."""
        person = STAFF[unit][who % len(STAFF[unit])]
        after, to = sorted(self.moments[no % len(self.moments)].position for no in (low, high))
        ack = Delivered(person_id=self.world.people[person], after=after, to=to)
        self.run(self.world.write(inbox.deliver([ack], self.clock.now)))
        for (code, _), seen in self.entries().items():
            if code == person and after < seen.commit_no <= to:
                assert seen.delivered_at is not None

    @rule(rows=st.integers(1, 6), keep=st.integers(0, 2))
    def merge_slice(self, rows: int, keep: int) -> None:
        """One slice of the merge."""
        before = self.entries()
        self.run(self.world.write(inbox.merge_slice(keep, rows), bulk=True))
        assert self.entries() == before

    @rule(hours=st.sampled_from([1, 9, 30]))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.clock.forward(hours * HOUR)

    @rule()
    def restart(self) -> None:
        """The process ends and begins again."""
        position = self.world.store.engine.position
        self.run(self.stack.aclose())
        self.run(self._open())
        assert self.world.store.engine.position == position

    # What must hold after each step ---------------------------------------------------------------------------------

    @invariant()
    def all_holds(self) -> None:
        """Everything at once, over one reading of the store."""
        if not self.moments:
            return
        self.run(self.world.must_agree())
        entries = self.entries()
        self._remember(entries)
        self._counts_agree(entries)
        self._duties_lie_where_they_belong(entries)
        for moment in {0, len(self.moments) // 2, len(self.moments) - 2} - {-1}:
            self._catching_up_from(moment, entries)

    def entries(self) -> Entries:
        """Every entry of everybody."""
        return self.run(self.world.read(_entries(self.world.people)))

    def _copies(self) -> dict[int, dict[str, str]]:
        return {paper: self.run(self.world.copy_states(paper)) for paper in self.papers}

    def _remember(self, entries: Entries) -> None:
        """No entry is lost; what has changed since the step before is noted."""
        before = self.moments[-1].entries
        assert before.keys() <= entries.keys()
        touched = {key for key, seen in entries.items() if before.get(key, _NOTHING)[:5] != seen[:5]}
        self.moments.append(
            Moment(self.world.store.engine.position, entries, frozenset(touched | self.handed))
        )
        self.handed = set()

    def _counts_agree(self, entries: Entries) -> None:
        for person in self.world.people:
            told: dict[str, tuple[int, int]] = {}
            for (code, _), seen in entries.items():
                if code == person:
                    total, pending = told.get(seen.folder, (0, 0))
                    told[seen.folder] = (total + 1, pending + (seen.state in PENDING))
            counted = self.run(self.world.badge(person))
            assert {folder: n for folder, n in counted.items() if n[0]} == told

    def _duties_lie_where_they_belong(self, entries: Entries) -> None:
        """A clerk with a copy to sign for, and a handler, have it to do; nobody else has."""
        states = self._copies()
        for (person, paper), seen in entries.items():
            to_sign = self.signable[paper] and any(
                person in CLERKS[unit] for unit, state in states[paper].items() if state == "unsigned"
            )
            if to_sign:
                assert seen.state == "to_do", (person, paper, seen)
            elif seen.state == "to_do" and paper not in self.withdrawing:
                assert self._handles(person, paper, states[paper]), (person, paper, seen)

    def _handles(self, person: str, paper: int, states: dict[str, str]) -> bool:
        for unit, state in states.items():
            if state == "handling":
                row = self.run(self.world.read(_handler(paper, self.world.units[unit])))
                if row == self.world.people[person]:
                    return True
        return False

    def _catching_up_from(self, moment: int, entries: Entries) -> None:
        """From that position: each entry that differs now, none that nobody touched, each once, in order, as it stands."""
        after, then = self.moments[moment].position, self.moments[moment].entries
        touched = frozenset().union(*(one.touched for one in self.moments[moment + 1 :]))
        for person in self.world.people:
            items = self.run(self.world.catch_up(person, after, 4))
            numbers = [item.commit_no for item in items]
            assert numbers == sorted(numbers)
            assert all(number > after for number in numbers)
            found = [item.document_id for item in items]
            assert len(found) == len(set(found))
            for item in items:
                seen = entries[person, item.document_id]
                assert (item.send_no, item.folder, item.state) == (seen.send_no, seen.folder, seen.state)
            mine = {paper for code, paper in entries if code == person}
            differing = {
                paper for paper in mine if _differs(then.get((person, paper)), entries[person, paper])
            }
            assert differing <= set(found) <= {paper for code, paper in touched if code == person}


_NOTHING = Seen(0, 0, "", "", None, None)
_SIGNED = {"signed", "handling", "finished", "archived"}


def _differs(then: Seen | None, now: Seen) -> bool:
    return then is None or (then.folder, then.state) != (now.folder, now.state)


def _entries(people: dict[str, int]) -> Program[Entries]:
    found: Entries = {}
    for code, person_id in people.items():
        for row in (yield from inbox.page(person_id, EntryFilter(), inbox.NO_BOUND, 500)):
            assert (code, row.document_id) not in found
            found[code, row.document_id] = Seen(
                row.send_no, row.commit_no, row.folder, row.state, row.opened_at, row.delivered_at
            )
    return found


def _handler(paper: int, unit_id: int) -> Program[int | None]:
    from inbox_store.engine import Sql  # noqa: PLC0415

    rows = yield Sql("handling_current", {"document_id": paper, "unit_id": unit_id})
    return int(rows[0][0]) if rows and rows[0][0] is not None else None


def _withdraw(order: work.Order, now: int) -> Program[bool]:
    told = json.loads(order.payload)
    reached = yield from dispatch.withdraw_chunk(told["document_id"], int(told.get("after", 0)), 1, now)
    if reached is None:
        yield from work.done(order)
        return True
    yield from work.again(order, now, json.dumps({**told, "after": reached}))
    return False
