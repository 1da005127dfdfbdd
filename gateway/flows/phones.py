"""Number hygiene (F19): who sees which numbers, and who may lift a bad mark."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from gateway.house import Act, House
from gateway.rules.access import Principal, Target, reach
from inbox_store.errors import Refused
from inbox_store.programs import phones as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.phones import PhoneLine, PhonesWanted, Problem
from push.sms.prefixes import Prefixes


@cache
@cache
def shipped_prefixes() -> Prefixes:
    """The table of number prefixes that comes with the product."""
    return Prefixes.load((files("push.sms") / "prefixes.toml").read_text("utf-8"))


async def report(
    house: House,
    principal: Principal,
    *,
    county_id: int | None,
    problem: Problem | None,
    after: int,
    limit: int,
) -> tuple[PhoneLine, ...]:
    """People within reach whose number needs a look, by id, ``limit`` and one more; of one county where it is named."""
    told = reach(principal, "phones.manage")
    units = (await house.organisation()).units.values()
    seen = sorted(
        unit.id
        for unit in units
        if county_id in (None, unit.county_id)
        and told.places(Target(unit_id=unit.id, county_id=unit.county_id))
    )
    wanted = PhonesWanted(units=tuple(seen), after=after, limit=limit, problem=problem)
    fact = programs.report(wanted, house.store.keys.phones, shipped_prefixes().route_of)
    return await house.store.engine.read(fact)


async def clear(house: House, act: Act, person_id: int) -> Answer:
    """Lift the bad mark of a person in one of the units within reach; a person elsewhere is as good as none.

    Raises Refused("not_found").
    """
    told = reach(act.principal, "phones.manage")
    known = (await house.organisation()).units
    places = await house.store.engine.read(programs.places(person_id))
    units = [known[unit_id] for unit_id in places if unit_id in known]
    if not any(told.places(Target(unit_id=unit.id, county_id=unit.county_id)) for unit in units):
        raise Refused("not_found", what="person", id=person_id)
    return await house.once(act, programs.clear(person_id, act.actor, act.now), lambda _: None, 204)
