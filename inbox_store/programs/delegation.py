"""Facts of agents (代理): who acts for whom in a unit for a period; both are told (F38).

An agent's rights come from the absent person's own posts while the period runs (the view ``post_held``): they end with the
period, with the absent's post and with the agent's own, and are never passed on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.programs import notices
from inbox_store.programs.organisation import rebuild_addressees
from inbox_store.times import moment

if TYPE_CHECKING:  # copies needs dispatch, which needs this module
    from inbox_store.programs.copies import Actor


class NewDelegation(Noun, frozen=True, kw_only=True):
    """An agent as asked for: [from_at, to_at) in UTC microseconds, in one unit."""

    person_id: int
    agent_id: int
    unit_id: int
    from_at: int
    to_at: int
    reason: str


class DelegationRow(Noun, frozen=True):
    """One agent with the names; columns in the order of ``delegations``."""

    id: int
    person_id: int
    person: str
    agent_id: int
    agent: str
    unit_id: int
    from_at: int
    to_at: int
    reason: str
    set_by: int
    setter: str
    set_at: int
    ended_by: int | None


def one_hand(first: int, second: int, at: int, now: int) -> Program[bool]:
    """Whether one of both is, or was at ``at``, the agent of the other: together they are no two persons who decide."""
    told = {"first": first, "second": second, "at": at, "now": now}
    return bool((yield Sql("delegation_one_hand", told))[0][0])


def begin(wanted: NewDelegation, actor: Actor, now: int) -> Program[DelegationRow]:
    """Name an agent. Both are told; from the first moment alerts go to the agent too.

    Raises Refused: not_found (the absent has no post there), agent_unfit (the agent serves elsewhere, or somebody names
    himself for another), agent_set (there is one in that period).
    """
    told = {name: getattr(wanted, name) for name in NewDelegation.__struct_fields__}
    ((has_post, agent_serves, overlaps),) = yield Sql("delegation_look", {**told, "now": now})
    if not has_post:
        raise Refused("not_found", what="appointment", id=wanted.person_id)
    if not agent_serves or wanted.agent_id == wanted.person_id:
        raise Refused("agent_unfit")
    if actor.person_id == wanted.agent_id:
        raise Refused("agent_self")
    if overlaps:
        raise Refused("agent_set")
    ((delegation_id,),) = yield Sql("delegation_add", {**told, "actor": actor.person_id, "now": now})
    row = yield from one(int(delegation_id))
    yield from _took_effect(row, "delegation.begin", actor, now)
    to_agent = f"{_period(row)}，请您代理{row.person}的工作。"
    to_absent = f"{_period(row)}，您的工作由{row.agent}代理。"
    yield from notices.tell(row.agent_id, "agent", row.person_id, to_agent, now)
    yield from notices.tell(row.person_id, "agent", row.agent_id, to_absent, now)
    return row


def end(delegation_id: int, actor: Actor, now: int) -> Program[DelegationRow]:
    """End an agent's period now. Raises Refused: not_found, agent_ended."""
    row = yield from one(delegation_id)
    if row.to_at <= now:
        raise Refused("agent_ended")
    # One that has not begun never does.
    told = {"id": delegation_id, "to_at": max(now, row.from_at), "actor": actor.person_id}
    yield Sql("delegation_end", told)
    row = yield from one(delegation_id)
    yield from _took_effect(row, "delegation.end", actor, now)
    for person_id, other in ((row.agent_id, row.person_id), (row.person_id, row.agent_id)):
        text = f"{row.agent}代理{row.person}的工作已经结束。"
        yield from notices.tell(person_id, "agent", other, text, now)
    return row


def _period(row: DelegationRow) -> str:
    start, until = (f"{moment(at):%Y-%m-%d %H:%M}" for at in (row.from_at, row.to_at))
    return f"{start}至{until}"


def _took_effect(row: DelegationRow, action: str, actor: Actor, now: int) -> Program[None]:
    """Who can be addressed in the unit is worked out anew, and the trace says who, for whom, from when to when, by whom."""
    yield from rebuild_addressees(row.unit_id, row.unit_id, now)
    detail = {"agent": row.agent_id, "unit": row.unit_id, "from_at": row.from_at, "to_at": row.to_at}
    yield Audit(
        action=action,
        actor=actor.person_id,
        subject=f"person:{row.person_id}",
        detail=detail,
        origin=actor.origin,
    )


def one(delegation_id: int) -> Program[DelegationRow]:
    """One agent. Raises Refused("not_found")."""
    rows = yield Sql("delegation_one", {"id": delegation_id})
    if not rows:
        raise Refused("not_found", what="delegation", id=delegation_id)
    return _row(rows[0])


def page(units: str, own: int, after: int, limit: int, now: int) -> Program[tuple[DelegationRow, ...]]:
    """Agents that are named now or for later, by id above ``after``: in ``units`` (a JSON list), and one's ``own``."""
    told = {"units": units, "own": own, "after": after, "limit": limit, "now": now}
    return tuple(_row(row) for row in (yield Sql("delegations", told)))


def _row(row: Row) -> DelegationRow:
    return DelegationRow(*row)


def accounts_of(row: DelegationRow) -> Program[tuple[int, ...]]:
    """The accounts whose rights change with it."""
    rows = yield Sql("delegation_accounts", {"person_id": row.person_id, "agent_id": row.agent_id})
    return tuple(account_id for (account_id,) in rows)
