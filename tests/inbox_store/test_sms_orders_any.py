"""Answers and reports in any order, any number of times, in any batches: one outcome, one charge (faults.md 19, I3, I6)."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from inbox_store.embedded import FILE
from inbox_store.engine import Program, Row
from inbox_store.messages import Answered, Claiming, Decision, Facts, Go, NewAlert, Reported, Stop
from inbox_store.programs import ledger, sms, trace
from inbox_store.times import DAY_US
from tests.inbox_store.test_sms import (
    CHANNEL,
    ROUTE,
    answer,
    price,
    report,
)
from tests.inbox_store.world import VARIANTS, Clock, World

Word = Literal["accepted", "in_doubt", "refused", "waiting", "delivered", "failed", "lost", "silence"]
ANSWERS: Final = ("accepted", "in_doubt", "refused")
REPORTS: Final = ("waiting", "delivered", "failed")
FINAL: Final = ("delivered", "failed")


class Event(NamedTuple):
    """A word about one segment. ``lost`` (a start after a crash) and ``silence`` (72 hours passed) concern all of them."""

    segment: int
    word: Word


Batch = tuple[Event, ...]


class Case(NamedTuple):
    """A message of so many segments, what is said of it, and the same in another order."""

    segments: int
    own_ids: bool
    """Whether the message ids are known before anything is sent (SGIP)."""
    plain: tuple[Batch, ...]
    mixed: tuple[Batch, ...]


class Ends(NamedTuple):
    """Where all of it ended: the order, its attempts, its lines in the ledger."""

    order: Row
    attempts: tuple[Row, ...]
    lines: tuple[Row, ...]
    kept: int
    """Reports that nobody could be given."""


@st.composite
def cases(draw: st.DrawFn, *, contradicting: bool = False) -> Case:
    """For each segment an answer and reports that fit it; then shuffled, repeated and cut into batches."""
    segments, own_ids = draw(st.integers(1, 3)), draw(st.booleans())
    told = [event for segment in range(1, segments + 1) for event in draw(_said(segment, contradicting))]
    ends: list[Event] = [Event(0, "silence")] * draw(st.integers(0, 1))  # nothing is ever said after it
    anywhere = [Event(0, "lost"), *ends]
    again = draw(st.lists(st.sampled_from([*told, *anywhere]), max_size=4))
    mixed = [*draw(st.permutations([*told, *again])), *ends]
    plain = tuple((event,) for event in [*told, *ends])
    return Case(segments, own_ids, plain, tuple(_batches(draw, mixed)))


@st.composite
def _said(draw: st.DrawFn, segment: int, contradicting: bool) -> list[Event]:  # noqa: FBT001 - hypothesis calls it
    roads: list[tuple[Word, ...]] = [("accepted",), ("in_doubt",), ("in_doubt", "accepted"), ("refused",)]
    words: list[Word] = list(draw(st.sampled_from(roads)))
    if words != ["refused"]:
        words += draw(st.sampled_from([(), ("waiting",)]))
        finals: list[tuple[Word, ...]] = [(), ("delivered",), ("failed",)]
        words += ("delivered", "failed") if contradicting else draw(st.sampled_from(finals))
    return [Event(segment, word) for word in words]


def _batches(draw: st.DrawFn, events: Sequence[Event]) -> Iterator[Batch]:
    """Neighbours that a carrier could bring, or that could be settled, together."""
    for _, run in itertools.groupby(events, key=lambda event: _kind(event.word)):
        rest = tuple(run)
        while rest:
            size = draw(st.integers(1, len(rest)))
            yield rest[:size]
            rest = rest[size:]


def _kind(word: Word) -> str:
    return "answer" if word in ANSWERS else "report" if word in REPORTS else word


class Desk:
    """A store whose one dispatch is told about again and again, a message to one person each time."""

    def __init__(self, world: World, folder: Path, runner: asyncio.Runner) -> None:
        self.world = world
        self.folder = folder
        self._run = runner.run
        self._submitted = self._run(world.submit(["U4"]))
        self._round = itertools.count(1)

    def played(self, case: Case, batches: Sequence[Batch]) -> Ends:
        """A new message, all that is said of it, and where that ended."""
        own_ids = tuple(f"own{next(_SERIAL)}" for _ in range(case.segments)) if case.own_ids else ()
        alert_id, attempts = self._run(self.world.write(self._leave(case.segments, own_ids)))
        for batch in batches:
            self._run(self.world.write(self._said(batch, attempts, own_ids)))
        return self._ends(alert_id, attempts)

    def _leave(self, segments: int, own_ids: tuple[str, ...]) -> Program[tuple[int, list[int]]]:
        world, now, told = self.world, self.world.clock.now, self._submitted
        alert = NewAlert(
            kind="arrival",
            unit_id=world.units["S0"],
            text="【送达】您有1份公文待签收",
            segments=segments,
            urgency="ordinary",
            priority=2,
            expires_at=now + 9 * DAY_US,
            document_id=told.document_id,
            dispatch_id=told.dispatch_id,
            round=next(self._round),
        )
        alert_id = yield from sms.add_alert(alert, 0, now)
        yield from sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, now)
        waiting = yield from sms.unrouted(100)
        yield from sms.set_routes([(person, ROUTE) for person, _, _ in waiting], now)
        one = world.people["u4-a"]

        def decide(facts: Facts) -> Decision:
            if facts.person_id == one:
                return Go(segments=segments, source="106573")
            return Stop(state="cancelled", reason="recalled")

        who = Claiming(channel=CHANNEL, routes=(ROUTE,), free=100, own_ids=own_ids)
        (leaving,) = yield from sms.claim(who, decide, now)
        return alert_id, [attempt for _, attempt in leaving.attempts]

    def _said(self, batch: Batch, attempts: Sequence[int], own_ids: Sequence[str]) -> Program[None]:
        kind, now = _kind(batch[0].word), self.world.clock.now
        if kind == "lost":
            yield from sms.in_doubt(now)
        elif kind == "silence":
            yield from sms.unreported(now + sms.UNREPORTED_US, 1_000)
        elif kind == "answer":
            answers = [self._answer(event, attempts, own_ids) for event in batch]
            yield from sms.settling(price)(answers)
        else:
            reports = [self._report(event, attempts, own_ids) for event in batch]
            yield from sms.reporting(price)(reports)

    def _answer(self, event: Event, attempts: Sequence[int], own_ids: Sequence[str]) -> Answered:
        told = answer(self.world, attempts[event.segment - 1], event.word)
        return replace(told, message_id=own_ids[event.segment - 1]) if own_ids else told

    def _report(self, event: Event, attempts: Sequence[int], own_ids: Sequence[str]) -> Reported:
        told = report(self.world, attempts[event.segment - 1], event.word)
        return replace(told, message_id=own_ids[event.segment - 1]) if own_ids else told

    def _ends(self, alert_id: int, attempts: Sequence[int]) -> Ends:
        first, last = attempts[0], attempts[-1]
        (order,) = self._rows(
            "select state, settled_at is not null, tries from sms_order"
            " where id = (select order_id from sms_attempt where id = ?)",
            first,
        )
        told = self._rows(
            "select segment_no, state, coalesce(code, ''), report, iif(report in ('delivered', 'failed'), stat, '')"
            " from sms_attempt where id between ? and ? order by id",
            first,
            last,
        )
        charged = self._rows(
            "select person_id, segment_no, acceptance_no, segments, amount_li, payer_id, kind, month from charge_line"
            " where alert_id = ? order by segment_no",
            alert_id,
        )
        ((kept,),) = self._rows(
            "select count(*) from sms_report where message_id in"
            " (select message_id from sms_attempt where id between ? and ?)",
            first,
            last,
        )
        return Ends(order, told, charged, kept)

    def _rows(self, query: str, *params: int) -> tuple[Row, ...]:
        with closing(sqlite3.connect(self.folder / FILE)) as conn:
            return tuple(conn.execute(query, params))

    def must_agree(self) -> None:
        """The sums are those of the lines, and the chain over all of it holds."""
        assert self._run(self.world.read(ledger.inconsistencies())) == []
        assert self._run(self.world.read(trace.verify())).faults == ()


_SERIAL: Final = itertools.count(1)


@contextmanager
def desk(variant: str, folder: Path) -> Iterator[Desk]:
    """A store in ``folder``, open for as many messages as are wanted."""
    clock = Clock()
    with asyncio.Runner() as runner:
        opened = VARIANTS[variant](folder, clock)
        store = runner.run(opened.__aenter__())
        try:
            found = Desk(runner.run(World.of(store, clock)), folder, runner)
            yield found
            found.must_agree()
        finally:
            runner.run(opened.__aexit__(None, None, None))


def converging(one: Desk, count: int) -> None:
    """Of so many cases each ends alike in both orders, charged once for each segment that was taken."""

    @settings(max_examples=count, suppress_health_check=[HealthCheck.too_slow])
    @given(case=cases())
    def alike(case: Case) -> None:
        plain, mixed = one.played(case, case.plain), one.played(case, case.mixed)
        assert mixed == plain
        taken = [row[0] for row in plain.attempts if row[1] == "accepted"]
        assert [row[1] for row in plain.lines] == taken
        assert "sending" not in {row[1] for row in plain.attempts}

    alike()


def contradicting(one: Desk, count: int) -> None:
    """Of two final reports the first that can be believed stands; what is charged does not depend on it."""

    @settings(max_examples=count, suppress_health_check=[HealthCheck.too_slow])
    @given(case=cases(contradicting=True))
    def first_stands(case: Case) -> None:
        plain, mixed = one.played(case, case.plain), one.played(case, case.mixed)
        assert [row[:3] for row in mixed.attempts] == [row[:3] for row in plain.attempts]
        assert mixed.lines == plain.lines
        events = [event for batch in case.mixed for event in batch]
        for number, state, _, reported, _ in mixed.attempts:
            finals = [event.word for event in events if event.segment == number and event.word in FINAL]
            if state == "accepted":
                assert reported == finals[0], "the first final report stands"

    first_stands()


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_any_order_of_answers_and_reports_ends_alike(variant: str, tmp_path: Path) -> None:
    """Late, doubled, disordered, before the answer, after a crash, after 72 hours: one state, one charge, one ledger (19)."""
    with desk(variant, tmp_path) as one:
        converging(one, 150)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_contradicting_reports_change_no_charge(variant: str, tmp_path: Path) -> None:
    """Delivered and failed about the same segment: the first stands, the ledger is the same in any order (19)."""
    with desk(variant, tmp_path) as one:
        contradicting(one, 50)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_very_many_orders_of_answers_and_reports_end_alike(variant: str, tmp_path: Path) -> None:
    """The same for hundreds."""
    with desk(variant, tmp_path) as one:
        converging(one, 600)
        contradicting(one, 200)
