"""The reach report (F20): who cannot be alerted and why, and which units have nobody to sign, within one's reach."""

from __future__ import annotations

from gateway.house import House
from gateway.rules.access import Principal, Target, reach
from inbox_store.org import Unit
from inbox_store.programs import reach as programs
from inbox_store.programs.reach import Gap, ReachSum, Unreached


async def units_within(house: House, principal: Principal, county_id: int | None) -> tuple[Unit, ...]:
    """The units within reach, of one county where it is named, by code."""
    told = reach(principal, "reach.read")
    units = (await house.organisation()).units.values()
    seen = (
        unit
        for unit in units
        if county_id in (None, unit.county_id)
        and told.places(Target(unit_id=unit.id, county_id=unit.county_id))
    )
    return tuple(sorted(seen, key=lambda unit: unit.code))


async def people(
    house: House,
    principal: Principal,
    *,
    county_id: int | None,
    gap: Gap | None,
    after: int,
    limit: int,
) -> tuple[tuple[Unreached, ...], ReachSum, tuple[Unit, ...]]:
    """A page of people by id with the figures of all, and the live units without a clerk."""
    units = await units_within(house, principal, county_id)
    ids = tuple(unit.id for unit in units)
    rows = await house.store.engine.read(programs.page(ids, gap or "", after, limit))
    sums = await house.store.engine.read(programs.sums(ids))
    now = house.clock()
    return rows, sums, tuple(unit for unit in units if not unit.clerks and unit.live(now))
