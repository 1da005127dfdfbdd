"""Who may see which units, in the words of the doors; and writes that change nothing when they are repeated."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, TypeVar

from gateway.doors.call import Encoded
from gateway.doors.call import Idempotency as Key
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.rules.access import ACTIONS, Principal, Reach, Target, explain, permit, reach
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.org import Organisation, Unit
from inbox_store.times import day_start

T = TypeVar("T")


def ensure(principal: Principal, action: str, target: Target) -> None:
    """Refuse with "forbidden", naming the right in Chinese, unless ``principal`` may do ``action`` to ``target``."""
    if not permit(principal, action, target):
        reason = explain(principal, action, target).zh
        raise Refused("forbidden", action=ACTIONS[action].zh, reason=reason)


def target_of(unit: Unit) -> Target:
    """The unit as the access policy sees it."""
    return Target(unit_id=unit.id, county_id=unit.county_id)


def covers(told: Reach, unit: Unit) -> bool:
    """Whether the unit lies within ``told``."""
    return told.places(target_of(unit))


def units_within(principal: Principal, action: str, organisation: Organisation) -> tuple[Unit, ...]:
    """The units to which ``principal`` may do ``action``, by code."""
    told = reach(principal, action)
    units = (unit for unit in organisation.units.values() if covers(told, unit))
    return tuple(sorted(units, key=lambda unit: unit.code))


async def unit_for(call: AppCall[Any, Any], action: str, unit_id: int) -> Unit:
    """The unit, when the caller may do ``action`` to it. Raises Refused: not_found, forbidden."""
    unit = await call.services.house.unit(unit_id)
    ensure(call.principal, action, target_of(unit))
    return unit


def instant_of_day(day: date | None, now: int) -> int:
    """The instant from which something dated by the day holds: at once, or the first instant of a later day."""
    return now if day is None else max(now, day_start(day))


def _nothing() -> Program[None]:
    """A fact without steps: only the answer is kept under its key."""
    yield from ()


async def repeatable(
    call: AppCall[Any, Any],
    verb: Callable[[], Awaitable[T]],
    render: Callable[[T], object],
    status: int = 200,
    key: Key | None = None,
) -> Encoded:
    """Run ``verb`` under the caller's key: the same key again gives the same answer, another content is refused.

    Only for verbs that change nothing when they are repeated (freeze, revoke, import): the answer is kept in a
    transaction of its own, so that a crash in between leads to a repetition and to nothing worse.
    """
    act = act_of(call, key)
    house = call.services.house
    earlier = await house.told_before(act)
    if earlier is not None:
        return encoded(earlier)
    result = await verb()
    late = dataclasses.replace(act, now=house.clock())
    return encoded(await house.once(late, _nothing(), lambda _: render(result), status))
