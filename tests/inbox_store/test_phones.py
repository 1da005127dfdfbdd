"""Number hygiene: who is told of a bad number, once for each marking; what lifts the mark; what the report finds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from inbox_store.embedded import FILE
from inbox_store.engine import Nudge, Program
from inbox_store.errors import Refused
from inbox_store.orgrows import OrgRows
from inbox_store.programs import notices, phones, sms
from inbox_store.programs.phones import PhoneLine, PhonesWanted, Problem
from inbox_store.times import DAY_US
from tests.inbox_store.small_city import ROWS
from tests.inbox_store.test_sms import answer, claim, price, report, settle, told
from tests.inbox_store.world import World, import_rows, rows_of

FAILURES = sms.PERMANENT_FAILURES


async def fail(world: World, person: str = "u1-a", times: int = FAILURES) -> None:
    """So many permanent failures of the person's number in a row; everybody else's messages arrive."""
    for _ in range(times):
        world.clock.forward(DAY_US)
        await told(world, ["U1"])
        leaving = await claim(world)
        await settle(world, [answer(world, one.attempts[0][1]) for one in leaving])
        reports = []
        for one in leaving:
            bad = one.facts.person_id == world.people[person]
            words = {"error": "MK:0001", "permanent": True} if bad else {}
            reports.append(report(world, one.attempts[0][1], "failed" if bad else "delivered", **words))
        await world.write(sms.reporting(price)(reports))


async def unread(world: World, person: str) -> list[tuple[str, int]]:
    """What the person has not read: kind and whom it is about."""
    found = await world.read(notices.unread(world.people[person]))
    return [(one.kind, one.about_id) for one in found]


async def test_person_and_clerks_are_told_once_for_each_marking(world: World) -> None:
    """With the third failure, not before and not again with a fourth; the person and the unit's other clerk, nobody else."""
    nudges: list[Nudge] = []
    world.store.engine.subscribe(nudges.append)
    await fail(world, times=FAILURES - 1)
    assert await unread(world, "u1-a") == []
    await fail(world, times=1)
    about = world.people["u1-a"]
    assert await unread(world, "u1-a") == [("phone_bad", about)]
    assert await unread(world, "u1-b") == [("phone_bad_of", about)]
    assert await unread(world, "u1-lead") == await unread(world, "u2-a") == []
    pairs = [pair for nudge in nudges for pair in nudge.told]
    assert sorted(person for person, _ in pairs) == sorted([about, world.people["u1-b"]])
    found = await world.read(notices.told([number for _, number in pairs]))
    assert {(person, one.about_id) for person, one in found} == {(person, about) for person, _ in pairs}
    # A late report of an earlier message counts, and tells nobody again.
    await world.write(phones.failed(about, {"stat": "UNDELIV", "error": "", "at": world.clock.now}))
    assert len(await unread(world, "u1-a")) == 1


async def test_what_is_refused_tells_nobody(world: World) -> None:
    """A fact that fails after it marked a number leaves no notice, and its neighbours' commit tells of none."""

    def half() -> Program[None]:
        yield from notices.tell_bad(world.people["u1-a"], world.clock.now)
        raise Refused("busy")

    nudges: list[Nudge] = []
    world.store.engine.subscribe(nudges.append)
    whole = notices.tell_bad(world.people["u4-a"], world.clock.now)
    failed, _ = await asyncio.gather(world.write(half()), world.write(whole), return_exceptions=True)
    assert isinstance(failed, Refused)
    pairs = {person for nudge in nudges for person, _ in nudge.told}
    assert pairs == {world.people["u4-a"], world.people["both"]}
    assert await unread(world, "u1-a") == await unread(world, "u1-b") == []


async def test_a_cleared_number_may_go_bad_again(world: World) -> None:
    """Lifting the mark settles what was told and is in the trace once; three failures more tell anew."""
    await fail(world)
    person = world.people["u1-a"]
    by = world.actor("u1-b")
    assert await world.write(phones.clear(person, by, world.clock.now))
    assert not await world.write(phones.clear(person, by, world.clock.now))
    assert await unread(world, "u1-a") == await unread(world, "u1-b") == []
    rows = await world.read(
        rows_of(
            "audit_page",
            before_commit=2**60,
            before_no=0,
            limit=9,
            subject=f"person:{person}",
            actor=0,
            action="",
            from_at=0,
            to_at=2**60,
        )
    )
    assert [(row[3], row[4]) for row in rows] == [(by.person_id, "phone.clear")]
    await fail(world, times=FAILURES - 1)
    assert await unread(world, "u1-a") == []
    await fail(world, times=1)
    assert await unread(world, "u1-a") == [("phone_bad", person)]


async def test_a_notice_is_read_by_its_own_person(world: World) -> None:
    """Read once or twice it is read; another person's is as good as none."""
    await fail(world)
    (one,) = await world.read(notices.unread(world.people["u1-b"]))
    assert "人员" in one.text
    with pytest.raises(Refused, match="not_found"):
        await world.write(notices.mark_read(one.id, world.people["u1-a"], world.clock.now))
    for _ in range(2):
        await world.write(notices.mark_read(one.id, world.people["u1-b"], world.clock.now))
    assert await unread(world, "u1-b") == []
    assert await world.read(notices.told([one.id])) == ()


def with_number(person: str, number: str) -> OrgRows:
    """The small city with another number of one person."""
    people = tuple(replace(one, phone=number) if one.code == person else one for one in ROWS.people)
    return replace(ROWS, people=people)


async def state_of(world: World, person: str) -> PhoneLine | None:
    """The person's line of the report; None where there is nothing to look at."""
    found = {line.person_id: line for line in await listed(world)}
    return found.get(world.people[person])


def route_of(_number: str) -> str:
    """Every number's prefix is China Mobile's here."""
    return "mobile"


async def listed(
    world: World, units: Sequence[str] = ("U1", "U2", "U3"), problem: Problem | None = None, limit: int = 50
) -> tuple[PhoneLine, ...]:
    """The report over some units."""
    wanted = PhonesWanted(
        units=tuple(world.units[code] for code in units), after=0, limit=limit, problem=problem
    )
    return await world.read(phones.report(wanted, world.store.keys.phones, route_of))


def poke(folder: Path, statement: str, *values: object) -> None:
    """Write past the house: what replies and answers of gateways would have left."""
    with closing(sqlite3.connect(folder / FILE)) as conn:
        conn.execute(statement, values)
        conn.commit()


async def test_the_report_finds_each_kind(world: World, tmp_path: Path) -> None:
    """Missing, bad with its words, refused, ported; masked, by id, of the asked units, page by page."""
    await fail(world)
    people = world.people
    poke(
        tmp_path, "update person set phone_sealed = null, phone_lookup = null where id = ?", people["u2-lead"]
    )
    add = "insert into phone_state (person_id, route, refused) values (?, ?, ?)"
    poke(tmp_path, add, people["u3-b"], None, "urge,reminder")
    poke(tmp_path, add, people["u2-a"], "telecom", "")
    poke(tmp_path, add, people["u3-staff"], "mobile", "")
    poke(tmp_path, add, people["u4-a"], "unicom", "urge")
    found = {line.person_id: line for line in await listed(world)}
    assert {number: line.problems for number, line in found.items()} == {
        people["u1-a"]: ("bad",),
        people["u2-lead"]: ("missing",),
        people["u3-b"]: ("refused",),
        people["u2-a"]: ("ported",),
    }
    bad = found[people["u1-a"]]
    assert (bad.failures, bad.error, bad.failed_at) == (FAILURES, "UNDELIV MK:0001", world.clock.now)
    assert (bad.bad_at, bad.phone[3:7], bad.units) == (world.clock.now, "****", (world.units["U1"],))
    assert found[people["u3-b"]].refused == ("urge", "reminder")
    ported = found[people["u2-a"]]
    assert (ported.route, ported.prefix_route) == ("telecom", "mobile")
    assert [line.person_id for line in await listed(world)] == sorted(found)
    assert [line.problems for line in await listed(world, problem="bad")] == [("bad",)]
    assert len(await listed(world, limit=2)) == 3, "one more than the page tells that there is a next"
    assert [line.person_id for line in await listed(world, ["U4"])] == [people["u4-a"]]
    assert await listed(world, ["U5"]) == ()


async def test_the_report_reads_on(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many people with nothing to look at lie between, every page is full."""
    monkeypatch.setattr(phones, "ROWS_PER_STEP", 2)
    ids = sorted(world.people.values())
    for number in ids:
        route = "telecom" if number in ids[-3:] else "mobile"
        poke(tmp_path, "insert into phone_state (person_id, route) values (?, ?)", number, route)
    found = await listed(world, ["S0", "U1", "U2", "U3", "U4", "U5"], limit=2)
    assert [line.person_id for line in found] == ids[-3:]


async def test_a_new_number_starts_clean(world: World, tmp_path: Path) -> None:
    """Mark, failures and learned carrier go with the old number, what waits finds its carrier anew; refusals stay."""
    await fail(world)
    person = world.people["u1-a"]
    poke(tmp_path, "update phone_state set route = 'telecom', refused = 'urge' where person_id = ?", person)
    await told(world, ["U1"])
    assert (await world.read(sms.unrouted(10))) == []
    await import_rows(world.store, ROWS, world.clock.now)
    line = await state_of(world, "u1-a")
    assert line is not None
    assert set(line.problems) == {"bad", "refused", "ported"}, "the same number again changes nothing"
    await import_rows(world.store, with_number("u1-a", "19900009999"), world.clock.now)
    line = await state_of(world, "u1-a")
    assert line is not None
    assert (line.problems, line.failures, line.error, line.route) == (("refused",), 0, "", "")
    assert [row[0] for row in await world.read(sms.unrouted(10))] == [person]
    assert await unread(world, "u1-a") == await unread(world, "u1-b") == []


async def test_an_import_without_a_number_keeps_what_is_known(world: World) -> None:
    """A row that tells no number changes none: the mark stands."""
    await fail(world)
    await import_rows(world.store, with_number("u1-a", ""), world.clock.now)
    line = await state_of(world, "u1-a")
    assert line is not None
    assert line.problems == ("bad",)
