"""The organisation: imports that may be repeated, links with dates, and who can be addressed."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from inbox_store.orgrows import AppointmentRow, OrgRows, PersonRow, UnitRow
from inbox_store.programs import organisation as org
from inbox_store.times import DAY_US, day_start
from tests.inbox_store.small_city import RECEIVERS, ROWS
from tests.inbox_store.world import START, World, import_rows, rows_of


async def addressees(world: World) -> dict[str, tuple[int, int, int]]:
    """(clerks, leaders, persons) of each unit as the snapshot tells."""
    told = await world.read(org.snapshot())
    return {unit.code: (unit.clerks, unit.leaders, unit.persons) for unit in told.units.values()}


async def links(world: World) -> set[tuple[str, int, int, int]]:
    """The open parent links: kind, child, parent, from."""
    return {(row[0], row[1], row[2], row[3]) for row in await world.read(rows_of("org_links_open"))}


def changed(**units: dict[str, object]) -> OrgRows:
    """The city with some units changed."""
    told = tuple(msgspec.structs.replace(unit, **units.get(unit.code, {})) for unit in ROWS.units)
    return msgspec.structs.replace(ROWS, units=told)


async def test_the_snapshot_is_the_city(world: World) -> None:
    """Regions, lines and units stand as imported, with the county each unit lies in and its people counted."""
    told = await world.read(org.snapshot())
    names = {region.id: region.code for region in told.regions.values()}
    units = {unit.code: unit for unit in told.units.values()}
    assert {code: names[unit.county_id] for code, unit in units.items()} == {
        "S0": "100",
        "U1": "110",
        "U2": "110",
        "U3": "110",
        "U4": "120",
        "U5": "120",
    }
    assert await addressees(world) == {
        "S0": (2, 0, 2),
        "U1": (2, 2, 5),
        "U2": (2, 1, 4),
        "U3": (2, 1, 4),
        "U4": (2, 1, 4),
        "U5": (2, 1, 4),
    }
    lines = {line.id: line.code for line in told.lines.values()}
    assert [lines.get(units[code].line_id or 0) for code in RECEIVERS] == ["L1", "L2", None, "L1", "L2"]
    assert told.subregions(units["U1"].county_id) == {
        region for region, code in names.items() if code in {"110", "111"}
    }
    assert [region.code for region in told.counties()] == ["100", "110", "120"]
    assert {unit.code for unit in told.live_units(START)} == set(world.units)
    assert told.version == (await world.read(rows_of("org_version")))[0][0]


async def test_importing_again_changes_nothing(world: World) -> None:
    """The same rows a day later leave every id, link, post, account and addressee as it was."""
    before = (await world.read(org.snapshot()), await links(world), await world.read(rows_of("known_people")))
    world.clock.forward(DAY_US)
    await import_rows(world.store, ROWS, world.clock.now)
    after = (await world.read(org.snapshot()), await links(world), await world.read(rows_of("known_people")))
    assert after[1:] == before[1:]
    assert dict(after[0].units) == dict(before[0].units)
    assert dict(after[0].regions) == dict(before[0].regions)


async def test_a_unit_that_moves_keeps_its_history(world: World) -> None:
    """A new parent opens a link from that day and closes the old one; everything else keeps its date."""
    before = await links(world)
    world.clock.forward(30 * DAY_US)
    await import_rows(world.store, changed(U1={"region_code": "120"}), world.clock.now)
    unit, now = world.units["U1"], world.clock.now
    after = await links(world)
    regions: dict[str, int] = dict(await world.read(rows_of("org_ids_region")))
    assert after - before == {("unit_region", unit, regions["120"], now)}
    assert before - after == {("unit_region", unit, regions["110"], 0)}
    told = await world.read(org.snapshot())
    assert told.units[unit].county_id == regions["120"]
    await import_rows(world.store, ROWS, now)
    assert ("unit_region", unit, regions["110"], now) in await links(world), (
        "moved back at once: no link of no length"
    )


async def test_a_unit_that_leaves_its_line_is_in_none(world: World) -> None:
    """A unit told without a line is no longer in the one it was in."""
    world.clock.forward(DAY_US)
    await import_rows(world.store, changed(U1={"line_code": None}, U2={"line_code": "L1"}), world.clock.now)
    told = await world.read(org.snapshot())
    lines = {line.code: line.id for line in told.lines.values()}
    units = {unit.code: unit.line_id for unit in told.units.values()}
    assert (units["U1"], units["U2"], units["U4"]) == (None, lines["L1"], lines["L1"])


async def test_a_part_of_the_city_may_be_imported(world: World) -> None:
    """Rows that hold some units and people touch no other."""
    before = await addressees(world)
    part = OrgRows(
        units=(
            UnitRow(
                code="U6",
                name="西岭县档案馆",
                short_name="",
                group="county_direct",
                region_code="120",
                rollout="live",
            ),
        ),
        people=(PersonRow(code="new", name="新人"),),
        appointments=(
            AppointmentRow(person_code="new", unit_code="U6", role="clerk", clerk_rank="A"),
            AppointmentRow(person_code="new", unit_code="U1"),
        ),
    )
    world.clock.forward(DAY_US)
    await import_rows(world.store, part, world.clock.now)
    assert await addressees(world) == before | {"U6": (1, 0, 1), "U1": (2, 2, 6)}


# Dated posts and freezes --------------------------------------------------------------------------------------------


def post(person: str, unit: str, from_day: date, to_day: date | None = None) -> AppointmentRow:
    """A clerk's post with dates."""
    return AppointmentRow(
        person_code=person, unit_code=unit, role="clerk", clerk_rank="B", from_day=from_day, to_day=to_day
    )


async def test_a_post_begins_and_ends_with_its_day(world: World) -> None:
    """A dated post counts from the first instant of its first day to the end of its last, once the sweep has come by."""
    rows = OrgRows(
        people=(PersonRow(code="temp", name="代理"),),
        appointments=(post("temp", "U1", from_day=date(2026, 3, 4), to_day=date(2026, 3, 5)),),
    )
    await import_rows(world.store, rows, world.clock.now)
    counted = {}
    for day, offset in ((3, -1), (4, 0), (5, DAY_US - 1), (6, 0)):
        world.clock.now = day_start(date(2026, 3, day)) + max(offset, 0)
        due = await world.read(org.units_due(world.clock.now))
        await world.write(org.sweep(due, world.clock.now, last=True), bulk=True)
        counted[day] = (await addressees(world))["U1"][2]
        assert await world.read(org.units_due(world.clock.now)) == []
    assert counted == {3: 5, 4: 6, 5: 6, 6: 5}


async def test_a_sweep_that_is_cut_off_goes_on(world: World) -> None:
    """When the process ends between two steps of a sweep, the units not yet reached are found again."""
    rows = OrgRows(
        people=(PersonRow(code="temp", name="代理"),),
        appointments=tuple(post("temp", unit, from_day=date(2026, 3, 4)) for unit in ("U1", "U2", "U3")),
    )
    await import_rows(world.store, rows, world.clock.now)
    world.clock.now = day_start(date(2026, 3, 4)) + 1
    due = await world.read(org.units_due(world.clock.now))
    assert due == sorted(world.units[unit] for unit in ("U1", "U2", "U3"))
    await world.write(org.sweep(due[:2], world.clock.now, last=False), bulk=True)
    assert world.units["U3"] in await world.read(org.units_due(world.clock.now))
    await world.write(org.sweep(due[2:], world.clock.now, last=True), bulk=True)
    assert await world.read(org.units_due(world.clock.now)) == []
    assert {
        unit: told[2] for unit, told in (await addressees(world)).items() if unit in ("U1", "U2", "U3")
    } == {
        "U1": 6,
        "U2": 5,
        "U3": 5,
    }


async def test_a_frozen_account_receives_nothing(world: World) -> None:
    """From the commit of the freeze on no entry reaches it; thawed, the next document does; its inbox stays."""
    first = await world.send(["U1"])
    await world.freeze("u1-b")
    second = await world.send(["U1"])
    await world.thaw("u1-b")
    third = await world.send(["U1"])
    assert [entry.document_id for entry in await world.inbox("u1-b")] == [third, first]
    assert second in [entry.document_id for entry in await world.inbox("u1-a")]


async def test_an_announced_freeze_comes_with_its_day(world: World) -> None:
    """A later date changes nothing before it; then the sweep takes the person out of every unit."""
    await world.freeze("both", world.clock.now + DAY_US)
    assert await world.read(org.units_due(world.clock.now)) == []
    before = await world.send(["U3", "U4"])
    world.clock.forward(DAY_US + 1)
    due = await world.read(org.units_due(world.clock.now))
    assert due == sorted([world.units["U3"], world.units["U4"]])
    await world.write(org.sweep(due, world.clock.now, last=True), bulk=True)
    await world.send(["U3", "U4"])
    assert [entry.document_id for entry in await world.inbox("both")] == [before]
    assert (await addressees(world))["U3"] == (1, 1, 3)


async def test_a_frozen_unit_is_not_live(world: World) -> None:
    """A unit frozen from an instant on is live before it and not after it; thawed it is live again."""
    at = world.clock.now + DAY_US
    await world.write(org.freeze_unit(world.units["U1"], at, 0, ""))
    told = await world.read(org.snapshot())
    assert "U1" in {unit.code for unit in told.live_units(at - 1)}
    assert "U1" not in {unit.code for unit in told.live_units(at)}
    await world.write(org.freeze_unit(world.units["U1"], None, 0, ""))
    assert "U1" in {unit.code for unit in (await world.read(org.snapshot())).live_units(at)}


@pytest.mark.parametrize("steps", [1, 3])
async def test_everything_derived_agrees_with_the_posts(world: World, steps: int) -> None:
    """Whatever was rebuilt, frozen and thawed: who can be addressed is exactly who holds a running post."""
    for person in ("u1-a", "both", "mixed")[:steps]:
        await world.freeze(person)
    assert await world.read(rows_of("org_addressee_differs", now=world.clock.now)) == []
    ids = await world.read(org.unit_ids())
    before = await addressees(world)
    await world.write(org.rebuild_addressees(ids[0], ids[-1], world.clock.now))
    assert await addressees(world) == before
