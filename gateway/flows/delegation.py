"""Agents (代理): naming one for oneself or, as the administrator, for somebody absent; ending the period (F38)."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec

from gateway.flows.proposals import field_fault
from gateway.house import Act, House
from gateway.rules.access import ACTIONS, Principal, Target, permit, reach
from gateway.rules.delegation import period_fault
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.programs import delegation as programs
from inbox_store.programs.delegation import DelegationRow, NewDelegation
from inbox_store.programs.idempotency import Answer
from inbox_store.times import moment


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """一项代理：谁在哪个单位代理谁，起止时间，由谁设定"""

    id: int
    person_id: int
    person: str
    agent_id: int
    agent: str
    unit_id: int
    from_at: datetime
    to_at: datetime
    reason: str
    set_by: str
    set_at: datetime

    @classmethod
    def of(cls, row: DelegationRow) -> Agent:
        """From what is recorded."""
        return cls(
            id=row.id,
            person_id=row.person_id,
            person=row.person,
            agent_id=row.agent_id,
            agent=row.agent,
            unit_id=row.unit_id,
            from_at=moment(row.from_at),
            to_at=moment(row.to_at),
            reason=row.reason,
            set_by=row.setter,
            set_at=moment(row.set_at),
        )


async def begin(house: House, act: Act, wanted: NewDelegation) -> Answer:
    """Name an agent: for oneself, or for somebody within the administrator's scope, never oneself for another.

    Raises Refused: forbidden, not_found, field_invalid, agent_unfit, agent_self, agent_set.
    """
    target = await house.target(wanted.unit_id, wanted.person_id)
    if not permit(act.principal, "delegation.set", target):
        raise Refused("forbidden", action=ACTIONS["delegation.set"].zh)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    fault = period_fault(wanted.from_at, wanted.to_at, act.now)
    if fault is not None:
        raise field_fault("field_invalid", "to_at", fault)
    return await house.once(act, programs.begin(wanted, act.actor, act.now), Agent.of, 201)


async def end(house: House, act: Act, delegation_id: int) -> Answer:
    """End an agent's period now; what one may not see is not there. Raises Refused: not_found, agent_ended."""
    row = await house.store.engine.read(programs.one(delegation_id))
    if not permit(act.principal, "delegation.set", await house.target(row.unit_id, row.person_id)):
        raise Refused("not_found", what="delegation", id=delegation_id)
    return await house.once(act, programs.end(delegation_id, act.actor, act.now), Agent.of)


async def accounts_of(house: House, delegation_id: int) -> tuple[int, ...]:
    """Whose rights changed: what is remembered of them is forgotten."""

    def both() -> Program[tuple[int, ...]]:
        row = yield from programs.one(delegation_id)
        return (yield from programs.accounts_of(row))

    return await house.store.engine.read(both())


async def page(house: House, principal: Principal, after: int, limit: int) -> tuple[Agent, ...]:
    """Agents named now or for later: one's own, and those of units within the administrator's scope."""
    told = reach(principal, "delegation.read")
    units = (await house.organisation()).units.values()
    seen = [unit.id for unit in units if told.places(Target(unit_id=unit.id, county_id=unit.county_id))]
    own = principal.person_id if told.own else 0
    fact = programs.page(json.dumps(sorted(seen)), own, after, limit, house.clock())
    return tuple(Agent.of(row) for row in await house.store.engine.read(fact))
