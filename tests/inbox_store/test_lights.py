"""Lights in the store: amber before, red at the deadline, one level up into 督查督办, out again when it is done (F15)."""

from __future__ import annotations

import pytest

from inbox_store.errors import Refused
from inbox_store.programs import lights
from inbox_store.store import Store
from inbox_store.times import DAY_US
from tests.inbox_store.test_urging import table
from tests.inbox_store.urging_world import SUPERVISED, Urging
from tests.inbox_store.world import HOUR, START, Clock, World

DUE = START + DAY_US


@pytest.fixture
async def office(store: Store, clock: Clock) -> Urging:
    """The supervised city with its rules."""
    return await Urging.of(await World.of(store, clock, SUPERVISED))


async def folder_of(world: World, person: str, document_id: int) -> tuple[str, str] | None:
    """(folder, state) of the person's entry."""
    found = [entry for entry in await world.inbox(person) if entry.document_id == document_id]
    return (found[0].folder, found[0].state) if found else None


async def test_amber_then_red_to_the_second(office: Urging) -> None:
    """An hour of work before the deadline amber, at the deadline and not before it red; both at once on the board."""
    world = office.world
    await world.send(["U1", "U3"])
    found = []
    for now in (DUE - HOUR - 1, DUE - HOUR, DUE - 1, DUE):
        await office.at(now)
        found.append(await office.board())
    amber, red = [("U1", "sign", False), ("U3", "sign", False)], [("U1", "sign", True), ("U3", "sign", True)]
    # Working hours begin at half past eight: an hour of work before nine lies on the day before.
    assert found == [amber, amber, amber, red]
    assert await office.board(red_only=True) == red


async def test_red_goes_one_level_up(office: Urging) -> None:
    """The supervisor of the county finds it in 督查督办 at due + 0 s, the unit's people are told; the city's only for the county's own."""
    world = office.world
    document_id = await world.send(["U1", "U2", "U5"], sms_reminder=True)
    await office.at(DUE - 1)
    assert await folder_of(world, "u2-staff", document_id) is None
    await office.at(DUE)
    # U2 supervises its county; what U2 itself leaves undone goes to the city, as does all of the west.
    assert await folder_of(world, "u2-staff", document_id) == ("supervision", "to_read")
    assert await folder_of(world, "s0-b", document_id) == ("from_above", "to_do")
    handed = dict(table(world, "select unit_id, supervisor_unit_id from light where red_at is not null"))
    units = world.units
    assert handed == {units["U1"]: units["U2"], units["U2"]: units["S0"], units["U5"]: units["S0"]}
    parts = table(
        world,
        "select a.part, count(*) from alert_person a join alert t on t.id = a.alert_id and t.kind = 'red_light' group by 1",
    )
    # s0-b, clerk of U2 and supervisor, is told of U2's light once.
    assert dict(parts)["supervisor"] == 2
    assert table(world, "select count(*) from audit where action = 'light.red'") == [(3,)]
    await world.must_agree()


async def test_the_supervisor_of_the_city_who_had_it_read(office: Urging) -> None:
    """Who had the document before finds it moved into 督查督办 and to be read again, the badges right, hot or merged."""
    world = office.world
    document_id = await world.send(["U5"], by="s0-b")
    assert await folder_of(world, "s0-b", document_id) == ("outgoing", "read")
    await world.merge()
    await office.at(DUE)
    assert await folder_of(world, "s0-b", document_id) == ("supervision", "to_read")
    assert (await world.badge("s0-b"))["supervision"] == (1, 1)
    await world.must_agree()


async def test_red_is_told_once(office: Urging) -> None:
    """However often the clock passes the deadline, one red alert and one line of the trace."""
    world = office.world
    await world.send(["U1"])
    for now in (DUE, DUE - HOUR, DUE, DUE + DAY_US):
        await office.at(now)
    assert table(world, "select count(*) from alert where kind = 'red_light'") == [(1,)]
    assert table(world, "select count(*) from audit where action = 'light.red'") == [(1,)]


async def test_a_light_goes_out_when_it_is_done(office: Urging) -> None:
    """Signed late it leaves the board at once; the red is counted all the same, and the sweep puts it out for good."""
    world = office.world
    document_id = await world.send(["U1", "U3"])
    await office.at(DUE)
    await world.sign(document_id, "U1", "u1-a")
    assert await office.board() == [("U3", "sign", True)]
    units = tuple(world.units.values())
    assert await world.write(lights.sweep(0, 10, world.clock.now)) is None
    counts = await world.read(lights.red_counts(units, START, DUE + HOUR))
    found = {row.unit_id: (row.red, row.open) for row in counts}
    assert found == {world.units["U1"]: (1, 0), world.units["U3"]: (1, 1)}
    assert await world.read(lights.red_counts(units, START, DUE)) == ()


async def test_the_sweep_goes_in_steps(office: Urging) -> None:
    """A page at a time, to the end."""
    world = office.world
    document_id = await world.send(["U1", "U2", "U3", "U4", "U5"])
    await office.at(DUE)
    for unit in ("U1", "U4"):
        await world.sign(document_id, unit, f"{unit.lower()}-a")
    cursor: int | None = 0
    while cursor is not None:
        cursor = await world.write(lights.sweep(cursor, 2, world.clock.now))
    assert table(world, "select count(*) from light where out_at is null") == [(3,)]


async def test_an_instruction_is_given_once(office: Urging) -> None:
    """A light is answered by one document."""
    world = office.world
    await world.send(["U1"])
    slip = await world.send(["U1"])
    await office.at(DUE)
    ((light_id,),) = table(world, "select min(id) from light where red_at is not null")
    actor = world.actor("s0-b")
    await world.write(lights.instructed(light_id, slip, actor))
    with pytest.raises(Refused, match="already_instructed"):
        await world.write(lights.instructed(light_id, slip, actor))
    assert (await world.read(lights.one(light_id))).instruction_state == "unsigned"


async def test_who_supervises_may_be_set(office: Urging) -> None:
    """By hand for a region, and back to what posts and tags say."""
    world = office.world
    ((east,),) = table(world, "select id from region where code = '110'")
    region = east
    await world.write(lights.set_supervising(region, world.units["U1"], world.actor("s0-b"), START))
    assert (await world.read(lights.supervising(START))).by_region == {region: world.units["U1"]}
    await world.write(lights.set_supervising(region, None, world.actor("s0-b"), START))
    told = await world.read(lights.supervising(START))
    assert told.by_region == {}
    assert told.manned == {world.units["S0"], world.units["U2"]}
