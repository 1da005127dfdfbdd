"""Urging in the store: steps at their times, once, rechecked where they act; by hand with a throttle; who pays (F14, C4)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.rules.urging import UrgingRules, again_at
from inbox_store.embedded.migrate import split
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.messages import Claiming, Facts, Wait
from inbox_store.programs import sms, urging
from inbox_store.programs.urging import Asked, Urged
from inbox_store.statements import migrations, statements
from inbox_store.store import Store
from inbox_store.times import DAY_US
from tests.inbox_store.urging_world import SUPERVISED, Urging
from tests.inbox_store.world import START, VARIANTS, Clock, World

MINUTE = 60_000_000
DUE = START + DAY_US
"""Copies of the world are to be signed for within a day: Tuesday at nine."""


@pytest.fixture
async def city(store: Store, clock: Clock) -> World:
    """The small city with supervisors."""
    return await World.of(store, clock, SUPERVISED)


@pytest.fixture
async def office(city: World) -> Urging:
    """Its rules of urging."""
    return await Urging.of(city)


def table(world: World, query: str) -> list[tuple[Any, ...]]:
    """What the file holds, read past the engine."""
    with closing(sqlite3.connect(world.store.folder / "songda.db")) as conn:
        return conn.execute(query).fetchall()


async def test_the_ladder_runs_at_its_minutes(office: Urging) -> None:
    """Clerk A after two working hours, B after three, the leader after three and a half; each recorded with all that counts."""
    world = office.world
    document_id = await world.send(["U1"], sms_reminder=True)
    await office.step()
    assert await office.urges(document_id) == []
    found = []
    for minutes in (119, 120, 179, 180, 359, 360):
        await office.at(START + minutes * MINUTE)
        found.append([(row.rung, office.told(row)) for row in await office.urges(document_id)])
    a, b, leader = ("clerk_a", ["u1-a"]), ("clerk_b", ["u1-b"]), ("leader", ["mixed", "u1-lead"])
    assert found == [[], [a], [a], [a, b], [a, b], [a, b, leader]]
    rows = await office.urges(document_id)
    assert [(row.number, row.by_person, row.payer_unit_id) for row in rows] == [
        (number, 0, world.units["S0"]) for number in (1, 2, 3)
    ]
    assert [one.asked for row in rows for one in row.told] == ["inbox,sms"] * 4
    alerts = table(
        world, "select kind, round, unit_id, document_id from alert where kind = 'urge' order by id"
    )
    assert alerts == [("urge", number, world.units["S0"], document_id) for number in (1, 2, 3)]
    lines = table(world, "select count(*) from audit where action = 'document.urge'")
    assert lines == [(3,)]
    assert await world.state("u1-lead", document_id) == "to_read"
    await world.must_agree()


async def test_without_the_tick_box_nobody_gets_a_message(office: Urging) -> None:
    """The inbox is woken, no message is ordered; an extra urgent one always orders."""
    world = office.world
    plain = await world.send(["U1"])
    await office.at(START + 120 * MINUTE)
    assert [one.asked for row in await office.urges(plain) for one in row.told] == ["inbox"]
    hot = await world.send(["U1"], document=world.document(urgency="extra_urgent"))
    await office.at(START + 130 * MINUTE)
    assert [one.asked for row in await office.urges(hot) for one in row.told] == ["inbox,sms"]
    assert table(world, "select count(*) from sms_order") == [(1,)]


async def test_who_signed_meanwhile_is_not_urged(office: Urging) -> None:
    """Signed, returned and recalled copies are dropped at the look that would have urged them, and watched no more."""
    world = office.world
    document_id = await world.send(["U1", "U2", "U3", "U4"])
    gone = await world.send(["U1"])
    await office.step()
    await world.sign(document_id, "U1", "u1-a")
    await world.give_back(document_id, "U2", "u2-a")
    await world.recall(gone)
    await office.at(START + 120 * MINUTE)
    codes = {unit_id: code for code, unit_id in world.units.items()}
    assert sorted(codes[row.unit_id] for row in await office.urges(document_id)) == ["U3", "U4"]
    assert await office.urges(gone) == []
    left = table(world, "select unit_id from watch where duty = 'sign' order by unit_id")
    assert [codes[row[0]] for row in left] == ["U3", "U4"]


async def test_a_message_of_an_urge_is_judged_when_it_leaves(office: Urging) -> None:
    """Ordered at eleven, not yet sent: once the unit has signed, the order's facts say that it is done; a device gets its own."""
    world = office.world
    document_id = await world.send(["U1"], sms_reminder=True)
    with closing(sqlite3.connect(world.store.folder / "songda.db")) as conn:
        conn.execute(
            "insert into device (person_id, vendor, token_sealed, token_key, token_lookup, label, added_at, seen_at)"
            " values (?, 'webpush', x'00', 1, x'01', '', 1, 1)",
            (world.people["u1-a"],),
        )
        conn.commit()
    await office.at(START + 120 * MINUTE)
    ((told,),) = [row.told for row in await office.urges(document_id)]
    assert told.asked == "inbox,push,sms"
    await world.write(sms.set_routes([(world.people["u1-a"], "mobile")], START))
    seen: list[int] = []

    def look(facts: Facts) -> Wait:
        seen.append(facts.done)
        return Wait(until=facts.due_at + 60 * MINUTE, reason="quiet_hours")

    who = Claiming(channel="one", routes=("mobile",), free=9)
    now = world.clock.now
    await world.write(sms.claim(who, look, now))
    await world.sign(document_id, "U1", "u1-a")
    await world.write(sms.claim(who, look, now + 60 * MINUTE))
    assert seen == [0, 1]


async def test_a_copy_sent_again_is_urged_anew(office: Urging) -> None:
    """The second round of a returned copy has a ladder of its own, counted on."""
    world = office.world
    document_id = await world.send(["U1"])
    await office.at(START + 120 * MINUTE)
    await world.give_back(document_id, "U1", "u1-a")
    told = await world.supplement(document_id, ["U1"])
    await world.fan_out(told.dispatch_id)
    await office.at(START + 390 * MINUTE)
    assert [(row.number, row.rung) for row in await office.urges(document_id)] == [
        (1, "clerk_a"),
        (2, "clerk_a"),
    ]


async def test_handling_urges_the_handler(office: Urging) -> None:
    """Transferred to a person: seven working hours before the end the handler is urged; handed on, the next one is."""
    world = office.world
    document_id = await world.send(["U1"])
    await world.sign(document_id, "U1", "u1-a")
    await world.transfer(document_id, "U1", "u1-staff", "u1-a")
    due = START + 3 * DAY_US
    await office.at(due - DAY_US)
    rows = await office.urges(document_id)
    assert [(row.duty, row.rung, office.told(row)) for row in rows] == [("handle", "handler", ["u1-staff"])]
    await world.finish(document_id, "U1", "u1-staff")
    await office.at(due)
    assert len(await office.urges(document_id)) == 1
    assert await office.board() == []


async def test_a_meeting_is_urged_until_it_is_answered(office: Urging) -> None:
    """A unit that signed but did not answer is urged to reply; principal recipients only."""
    world = office.world
    document_id = await world.send(
        ["U1", "U2"], document=world.document(kind="meeting_notice"), roles={"U2": "cc"}
    )
    await world.sign(document_id, "U1", "u1-a")
    await world.sign(document_id, "U2", "u2-a")
    await office.at(DUE - 30 * MINUTE)
    rows = await office.urges(document_id)
    assert {(row.duty, row.unit_id) for row in rows} == {("reply", world.units["U1"])}


async def test_drills_are_left_alone(office: Urging) -> None:
    """A drill is neither watched nor urged."""
    world = office.world
    await world.send(["U1"], document=world.document(is_test=True))
    assert not await office.due()
    assert table(world, "select * from watch") == []


async def test_timers_survive_restarts_and_fire_once(tmp_path: Path, clock: Clock) -> None:
    """A server that was away over two rungs urges once for both; a clock set back and on again urges nobody twice."""
    opener = VARIANTS["embedded"]
    async with opener(tmp_path, clock) as store:
        world = await World.of(store, clock, SUPERVISED)
        document_id = await world.send(["U1"])
        await (await Urging.of(world)).step()
    clock.now = START + 200 * MINUTE
    async with opener(tmp_path, clock) as store:
        world = await World.of(store, clock, SUPERVISED)
        office = await Urging.of(world)
        await office.step()
        rows = await office.urges(document_id)
        assert [(row.rung, office.told(row)) for row in rows] == [("clerk_b", ["u1-a", "u1-b"])]
        for now in (START + 119 * MINUTE, START + 130 * MINUTE, START + 200 * MINUTE, START - DAY_US):
            await office.at(now)
        assert len(await office.urges(document_id)) == 1
        await office.at(START + 360 * MINUTE)
        assert len(await office.urges(document_id)) == 2


async def test_an_agent_is_urged_beside_the_absent(office: Urging) -> None:
    """While an agent acts for clerk A, both are told."""
    world = office.world
    document_id = await world.send(["U1"])
    await office.step()
    await world.name_agent("u1-a", "u1-staff", "U1")
    await office.at(START + 120 * MINUTE)
    (row,) = await office.urges(document_id)
    assert office.told(row) == ["u1-a", "u1-staff"]


# By hand ---------------------------------------------------------------------------------------------------------------


def by_hand(
    office: Urging, document_id: int, unit: str, *, payer: str = "S0", sms: bool = True
) -> Program[Urged]:
    """An urge by the clerk of the city office."""
    world = office.world
    asked = Asked(
        document_id=document_id,
        by=world.actor("s0-a"),
        payer_unit_id=world.units[payer],
        rung="clerks",
        sms=sms,
    )
    now = world.clock.now
    return urging.urge_one(
        asked, world.units[unit], office, lambda last, at: again_at(last, UrgingRules(), at), now
    )


async def test_by_hand_with_a_throttle(office: Urging) -> None:
    """Both clerks are told at the asker's cost; again within ten minutes is refused with the time; after them it is the second."""
    world = office.world
    document_id = await world.send(["U1"])
    told = await world.write(by_hand(office, document_id, "U1", payer="U2"))
    assert (told.duty, told.number, told.persons) == ("sign", 1, 2)
    (row,) = await office.urges(document_id)
    assert (row.by_person, row.payer_unit_id) == (world.people["s0-a"], world.units["U2"])
    assert [(one.asked, one.sms) for one in row.told] == [("inbox,sms", "waiting")] * 2
    world.clock.forward(9 * MINUTE)
    with pytest.raises(Refused) as caught:
        await world.write(by_hand(office, document_id, "U1"))
    assert caught.value.code == "urged_lately"
    assert caught.value.params["again_at"] == START + 10 * MINUTE
    world.clock.forward(MINUTE)
    assert (await world.write(by_hand(office, document_id, "U1"))).number == 2


async def test_by_hand_about_what_is_owed(office: Urging) -> None:
    """First the sign-for, then the handling; whoever owes nothing is not urged, nor a unit without a copy."""
    world = office.world
    document_id = await world.send(
        ["U1"], document=world.document(duty="handle"), handle_due_at=START + 3 * DAY_US
    )
    assert (await world.write(by_hand(office, document_id, "U1"))).duty == "sign"
    await world.sign(document_id, "U1", "u1-a")
    await world.transfer(document_id, "U1", "u1-staff", "u1-a")
    world.clock.forward(10 * MINUTE)
    assert (await world.write(by_hand(office, document_id, "U1"))).duty == "handle"
    assert office.told((await office.urges(document_id))[-1]) == ["u1-staff"]
    await world.finish(document_id, "U1", "u1-staff")
    world.clock.forward(10 * MINUTE)
    for unit in ("U1", "U5"):
        with pytest.raises(Refused, match="nothing_to_urge"):
            await world.write(by_hand(office, document_id, unit))


# What waits costs nothing ----------------------------------------------------------------------------------------------


@pytest.fixture
async def crowded(tmp_path: Path, clock: Clock) -> AsyncIterator[World]:
    """A city with 100,000 duties that are due on another day."""
    async with VARIANTS["embedded"](tmp_path, clock) as store:
        world = await World.of(store, clock, SUPERVISED)
        await world.send(["U1"])
        with closing(sqlite3.connect(tmp_path / "songda.db")) as conn:
            conn.execute(
                "insert into watch (duty, document_id, unit_id, copy_round, due_at, next_at)"
                " with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)"
                " select 'sign', 1000 + i, 1, 1, ?, ? from n",
                (START + DAY_US, START + DAY_US),
            )
            conn.commit()
        yield world


async def test_what_waits_is_not_read(crowded: World) -> None:
    """Beside 100,000 duties that wait, a step looks at the two that are due, by the index and by keys; SQLite itself counts."""
    office = await Urging.of(crowded)
    assert await office.due()
    assert await office.step() == 2
    assert not await office.due()
    with closing(sqlite3.connect(crowded.store.folder / "songda.db")) as conn:
        conn.execute("select 1 from watch limit 1")  # reads the schema
        ticks = [0]

        def tick() -> int:
            ticks[0] += 1
            return 0

        conn.set_progress_handler(tick, 1)
        assert conn.execute(statements()["watch_due"], {"now": START}).fetchone() == (0,)
        looking = ticks[0]
        assert conn.execute(statements()["matters_due"], {"now": START, "limit": 20}).fetchall() == []
    # Steps of SQLite's machine: a scan would take hundreds of thousands.
    assert looking < 50
    assert ticks[0] < 300


@pytest.mark.parametrize("name", ["watch_due", "matters_due", "requests_due", "requests_due_any"])
def test_the_step_goes_by_the_index_of_what_is_due(name: str) -> None:
    """The plan finds rows by their instant: nothing that waits is touched."""
    with closing(sqlite3.connect(":memory:")) as conn:
        for _, text in migrations():
            conn.executescript(text)
        plan = [
            row[3] for row in conn.execute(f"explain query plan {statements()[name]}", {"now": 1, "limit": 1})
        ]
    assert [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step] == []
    assert any("watch_next (next_at<?)" in step or "request_passes (passes_at>?" in step for step in plan)


async def test_copies_under_way_are_watched_after_an_upgrade(tmp_path: Path, clock: Clock) -> None:
    """What is open and not yet due when the step of the schema runs is watched; what was overdue is left in peace."""
    async with VARIANTS["embedded"](tmp_path, clock) as store:
        world = await World.of(store, clock, SUPERVISED)
        await world.send(["U1", "U2"])
        clock.forward(3 * DAY_US)
        await world.send(["U3"])
    text = dict(migrations())["0017_urging.sql"]
    moved = [part for part in split(text) if "insert into watch" in part]
    with closing(sqlite3.connect(tmp_path / "songda.db")) as conn:
        conn.execute("delete from watch")
        for part in moved:
            conn.execute(part)
        found = conn.execute("select duty, unit_id from watch order by duty").fetchall()
    assert found == [("handle", world.units["U3"]), ("sign", world.units["U3"])]
