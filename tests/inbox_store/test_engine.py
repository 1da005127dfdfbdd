"""What every engine promises: one program is one transaction, durable and in order; no one harms a neighbour."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from inbox_store.embedded import lanes as embedded_lanes
from inbox_store.engine import Audit, CommitNo, Many, Nudge, OrgChanged, Program, Sql
from inbox_store.errors import Refused
from inbox_store.programs import inbox, trace
from inbox_store.store import Store
from tests.inbox_store.world import VARIANTS, Clock, rows_of

WAIT_S = 20


def add_line(
    code: str, *, refuse: bool = False, told: Callable[[str], None] = lambda _: None
) -> Program[int]:
    """A small fact with a trace: a vertical line. Refused at its very end where asked."""
    yield Sql("org_line_upsert", {"code": code, "name": code})
    yield Audit(action="line.add", actor=0, subject=f"line:{code}", detail={"code": code})
    ((commit_no,),) = yield CommitNo()
    told(code)
    if refuse:
        raise Refused("no", line=code)
    return int(commit_no)


def nothing() -> Program[None]:
    """A fact that changes nothing and leaves no trace."""
    yield from ()


class Gate:
    """A program that holds its connection until the test lets it go."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._opened = threading.Event()

    def hold(self, inner: Program[object] | None = None) -> Program[None]:
        """Stop in the middle of a transaction."""
        if inner is not None:
            yield from inner
        self._reached.set()
        assert self._opened.wait(WAIT_S)

    async def reached(self) -> None:
        """Wait until the program stands at the gate."""
        assert await asyncio.to_thread(self._reached.wait, WAIT_S)

    def open(self) -> None:
        """Let the program go on."""
        self._opened.set()


async def lines(store: Store) -> set[str]:
    """The codes of all lines."""
    return {row[0] for row in await store.engine.read(rows_of("known_lines"))}


async def trail(store: Store) -> list[tuple[int, str]]:
    """(commit number, subject) of every line of the trace, in order."""
    found = await store.engine.read(
        trace.page(before=(2**60, 0), limit=5000, subject="", actor=0, action="", from_at=0, to_at=2**60)
    )
    return [(row.commit_no, row.subject) for row in reversed(found)]


async def test_a_refused_program_leaves_nothing(store: Store) -> None:
    """A refusal after rows, trace and commit number leaves no row, no line, no number."""
    before = store.engine.position
    with pytest.raises(Refused, match="no"):
        await store.engine.write(add_line("A", refuse=True))
    assert await lines(store) == set()
    assert await trail(store) == []
    assert store.engine.position == before == await store.engine.read(inbox.position())


async def test_a_bug_in_a_program_harms_nobody_else(store: Store) -> None:
    """A statement that breaks a rule of the schema is told to its caller; the next fact is served."""

    def twice() -> Program[None]:
        yield Sql("org_line_upsert", {"code": "A", "name": "A"})
        yield Sql("org_link_add", {"kind": "no such kind", "child_id": 1, "parent_id": 1, "from_at": 0})

    with pytest.raises(Exception, match="CHECK"):
        await store.engine.write(twice())
    await store.engine.write(add_line("B"))
    assert await lines(store) == {"B"}


async def test_one_of_a_group_is_undone_alone(store: Store) -> None:
    """Facts that share a commit stand or fall each for itself, and only what stands leaves a trace."""
    gate = Gate()
    holding = asyncio.create_task(store.engine.write(gate.hold()))
    await gate.reached()
    facts = [add_line(f"L{no}", refuse=no % 3 == 1) for no in range(30)]
    waiting = [asyncio.create_task(store.engine.write(fact)) for fact in facts]
    await asyncio.sleep(0)
    gate.open()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    await holding
    stood = {f"L{no}" for no in range(30) if no % 3 != 1}
    assert await lines(store) == stood
    assert [isinstance(one, Refused) for one in done] == [no % 3 == 1 for no in range(30)]
    assert {one for one in done if isinstance(one, int)} == {1}, "they shared one commit"
    assert [subject for _, subject in await trail(store)] == [
        f"line:L{no}" for no in range(30) if no % 3 != 1
    ]


@pytest.mark.parametrize("detail", [{"what": object()}, {"what": "\udc80"}])
async def test_a_trace_that_cannot_be_written_undoes_its_own_fact_only(
    store: Store, detail: dict[str, object]
) -> None:
    """A line of the trace that is no text is its program's fault and none of its neighbours'."""

    def strange() -> Program[None]:
        yield Sql("org_line_upsert", {"code": "S", "name": "S"})
        yield Audit(action="line.add", actor=0, subject="line:S", detail=detail)

    gate = Gate()
    holding = asyncio.create_task(store.engine.write(gate.hold()))
    await gate.reached()
    told = [
        asyncio.create_task(store.engine.write(fact)) for fact in (add_line("A"), strange(), add_line("B"))
    ]
    await asyncio.sleep(0)
    gate.open()
    await holding
    first, fault, last = await asyncio.gather(*told, return_exceptions=True)
    assert (first, last) == (1, 1)
    assert isinstance(fault, (TypeError, UnicodeEncodeError))
    assert await lines(store) == {"A", "B"}
    assert await store.engine.write(add_line("C")) == 2


async def test_commit_numbers_have_no_gap(store: Store) -> None:
    """Every number up to the last is a commit, whatever was refused or changed nothing in between."""
    for no in range(12):
        if no % 3 == 0:
            with pytest.raises(Refused):
                await store.engine.write(add_line(f"L{no}", refuse=True))
        await store.engine.write(nothing())
        await store.engine.write(add_line(f"L{no}"))
    told = await store.engine.read(trace.verify())
    assert (told.commits, told.faults) == (12, ())
    assert [number for number, _ in await trail(store)] == list(range(1, 13))


async def test_a_nudge_tells_what_is_durable_in_order(store: Store) -> None:
    """Listeners hear each commit once, in order, when every reader can see it already."""
    heard: list[Nudge] = []
    seen: list[asyncio.Task[int]] = []

    def listen(nudge: Nudge) -> None:
        heard.append(nudge)
        seen.append(asyncio.create_task(store.engine.read(inbox.position())))

    def changed() -> Program[None]:
        yield OrgChanged()

    store.engine.subscribe(listen)
    await asyncio.gather(*(store.engine.write(changed(), bulk=no % 2 == 0) for no in range(20)))
    await store.engine.write(add_line("quiet"))
    numbers = [nudge.commit_no for nudge in heard]
    assert numbers == sorted(set(numbers))
    assert all(nudge.org for nudge in heard)
    assert all(
        position >= number for position, number in zip(await asyncio.gather(*seen), numbers, strict=True)
    )
    assert store.engine.position == numbers[-1] + 1, "a commit that concerns nobody is not told"


async def test_a_listener_that_fails_stops_nobody(store: Store) -> None:
    """A fault in one listener keeps neither the others nor the writer from going on."""
    heard: list[int] = []

    def broken(_nudge: Nudge) -> None:
        raise RuntimeError("a listener's own fault")

    def changed() -> Program[None]:
        yield OrgChanged()

    store.engine.subscribe(broken)
    store.engine.subscribe(lambda nudge: heard.append(nudge.commit_no))
    async with asyncio.timeout(WAIT_S):
        await store.engine.write(changed())
        await store.engine.write(changed())
    assert heard == [1, 2]


async def test_a_read_sees_one_committed_state(store: Store) -> None:
    """A read sees nothing of what is under way or was committed after it began."""
    gate, found = Gate(), []

    def look() -> Program[None]:
        found.append((yield Sql("known_lines")))
        yield from gate.hold()
        found.append((yield Sql("known_lines")))

    await store.engine.write(add_line("A"))
    reading = asyncio.create_task(store.engine.read(look()))
    await gate.reached()
    await store.engine.write(add_line("B"))
    gate.open()
    await reading
    assert found == [[("A",)], [("A",)]]
    assert await lines(store) == {"A", "B"}


async def test_what_is_under_way_is_not_read(store: Store) -> None:
    """A reader beside a writer in the middle of its fact sees the state before it, at once."""
    gate = Gate()
    writing = asyncio.create_task(store.engine.write(gate.hold(add_line("A"))))
    await gate.reached()
    async with asyncio.timeout(WAIT_S):
        assert await lines(store) == set()
    gate.open()
    await writing
    assert await lines(store) == {"A"}


@pytest.mark.parametrize(
    "step",
    [
        Sql("org_line_upsert", {"code": "A", "name": "A"}),
        Many("org_line_upsert", [{"code": "A", "name": "A"}]),
        Audit(action="a", actor=0, subject="b:1"),
        CommitNo(),
    ],
)
async def test_a_read_cannot_write(store: Store, step: Sql | Many | Audit | CommitNo) -> None:
    """A reading program that tries to change anything is refused, and its connection serves on."""

    def sly() -> Program[None]:
        yield step

    for _ in range(4):
        with pytest.raises(Exception, match="read"):
            await store.engine.read(sly())
    assert await lines(store) == set()


async def test_a_writer_who_leaves_changes_nothing_for_others(store: Store) -> None:
    """A caller who loses patience gets no answer; the fact stands, and the next one is served."""
    gate = Gate()
    holding = asyncio.create_task(store.engine.write(gate.hold()))
    await gate.reached()
    leaving = asyncio.create_task(store.engine.write(add_line("A")))
    staying = asyncio.create_task(store.engine.write(add_line("B")))
    await asyncio.sleep(0)
    leaving.cancel()
    gate.open()
    async with asyncio.timeout(WAIT_S):
        await holding
        await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await lines(store) == {"A", "B"}


async def test_readers_who_leave_give_their_place_back(store: Store) -> None:
    """More reads than there are readers are cancelled in the middle; afterwards all can read."""
    gates = [Gate() for _ in range(5)]
    reading = [asyncio.create_task(store.engine.read(gate.hold())) for gate in gates]
    await gates[0].reached()
    for task in reading:
        task.cancel()
    for gate in gates:
        gate.open()
    await asyncio.gather(*reading, return_exceptions=True)
    async with asyncio.timeout(WAIT_S):
        assert await asyncio.gather(*(lines(store) for _ in range(5))) == [set()] * 5


async def test_both_lanes_go_on(store: Store) -> None:
    """Under a flood of interactive facts bulk facts have their turns, one between two groups, and the other way round."""
    gate = Gate()
    order: list[str] = []
    holding = asyncio.create_task(store.engine.write(gate.hold()))
    await gate.reached()
    flood = [
        asyncio.create_task(store.engine.write(add_line(f"I{no}", told=order.append))) for no in range(1000)
    ]
    bulk = [
        asyncio.create_task(store.engine.write(add_line(f"B{no}", told=order.append), bulk=True))
        for no in range(3)
    ]
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(holding, *flood, *bulk)
    places = [order.index(f"B{no}") for no in range(3)]
    assert places == sorted(places)
    assert places[-1] < len(order) - 1, "no bulk fact waits for the end of the flood"
    assert all(second - first > 1 for first, second in pairwise(places))


async def test_a_person_waits_for_one_bulk_fact_at_most(store: Store) -> None:
    """With bulk facts queued, an interactive fact comes after the one that runs and one turn, not after all."""
    gate = Gate()
    order: list[str] = []
    holding = asyncio.create_task(store.engine.write(gate.hold(), bulk=True))
    await gate.reached()
    bulk = [
        asyncio.create_task(store.engine.write(add_line(f"B{no}", told=order.append), bulk=True))
        for no in range(20)
    ]
    await asyncio.sleep(0)
    person = asyncio.create_task(store.engine.write(add_line("I", told=order.append)))
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(holding, person, *bulk)
    assert order.index("I") <= 1


def add_lines(codes: Sequence[str]) -> Program[list[int | Refused]]:
    """Lines for all who wait together; an empty code is refused, "fault" is a fault nobody foresaw."""
    told: list[int | Refused] = []
    for code in codes:
        if not code:
            told.append(Refused("no"))
            continue
        yield Sql("org_line_upsert", {"code": code, "name": code})
        if code == "fault":
            raise ZeroDivisionError
        told.append(len(codes))
    return told


async def test_orders_that_wait_together_are_one_program(store: Store) -> None:
    """Each caller gets its own outcome; a refused order harms no other."""
    gate = Gate()
    holding = asyncio.create_task(store.engine.write(gate.hold()))
    await gate.reached()
    asked = [asyncio.create_task(store.engine.write_each(add_lines, code)) for code in ("A", "", "B", "C")]
    await asyncio.sleep(0)
    gate.open()
    told = await asyncio.gather(holding, *asked, return_exceptions=True)
    assert [one if isinstance(one, int) else str(one) for one in told[1:]] == [4, "no()", 4, 4]
    assert await lines(store) == {"A", "B", "C"}


async def test_a_fault_in_one_order_is_its_own(store: Store) -> None:
    """Where an order brings the program of many to fall, the others are done and only that one is told of the fault."""
    gate = Gate()
    holding = asyncio.create_task(store.engine.write(gate.hold()))
    await gate.reached()
    asked = [asyncio.create_task(store.engine.write_each(add_lines, code)) for code in ("A", "fault", "B")]
    await asyncio.sleep(0)
    gate.open()
    told = await asyncio.gather(holding, *asked, return_exceptions=True)
    assert [one if isinstance(one, int) else type(one) for one in told[1:]] == [1, ZeroDivisionError, 1]
    assert await lines(store) == {"A", "B"}


async def test_a_full_line_is_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When as many facts wait as may, one more is refused at once with "busy"; the other lane still takes."""
    monkeypatch.setattr(embedded_lanes, "WAITING_MAX", 3)
    gate = Gate()
    holding = asyncio.create_task(store.engine.write(gate.hold()))
    await gate.reached()
    waiting = [asyncio.create_task(store.engine.write(add_line(f"L{no}"))) for no in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="busy"):
        await store.engine.write(add_line("too many"))
    other = asyncio.create_task(store.engine.write(add_line("bulk"), bulk=True))
    await asyncio.sleep(0)
    gate.open()
    await asyncio.gather(holding, other, *waiting)
    await store.engine.write(add_line("again"))
    assert await lines(store) == {"L0", "L1", "L2", "bulk", "again"}


@pytest.mark.parametrize("variant", sorted(VARIANTS))
async def test_what_waits_is_done_before_the_end(
    variant: str, tmp_path: object, clock: Clock, store: Store
) -> None:
    """Closing the store finishes every accepted fact and takes no new one."""
    folder = store.folder / "other"
    async with VARIANTS[variant](folder, clock) as other:
        waiting = [asyncio.create_task(other.engine.write(add_line(f"L{no}"))) for no in range(50)]
        await asyncio.sleep(0)
    assert len(await asyncio.gather(*waiting)) == 50
    with pytest.raises(Refused, match="busy"):
        await other.engine.write(add_line("late"))
    async with VARIANTS[variant](folder, clock) as again:
        assert len(await lines(again)) == 50
        assert again.engine.position == other.engine.position


@pytest.mark.parametrize("variant", sorted(VARIANTS))
async def test_a_history_has_its_own_name(variant: str, clock: Clock, store: Store) -> None:
    """The epoch is there from the start, stays with the store, and is another for another store."""
    assert store.engine.epoch
    folder = store.folder / "other"
    async with VARIANTS[variant](folder, clock) as other:
        name = other.engine.epoch
    async with VARIANTS[variant](folder, clock) as again:
        assert again.engine.epoch == name != store.engine.epoch
