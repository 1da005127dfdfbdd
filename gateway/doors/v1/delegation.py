"""Routes of agents (代理): who acts for whom, from when to when (F38)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, at_of, encoded
from gateway.doors.v1.shown import Position
from gateway.doors.wire import Body, Id, When
from gateway.flows import delegation as flows
from gateway.flows.delegation import Agent
from inbox_store.programs.delegation import NewDelegation

routes = Routes("delegations")


class DelegationBody(Body, frozen=True, kw_only=True):
    """由谁代理谁在哪个单位的工作，起止时间；person_id 不填为本人"""

    agent_id: Annotated[Id, Meta(description="代理人")]
    unit_id: Annotated[Id, Meta(description="在哪个单位")]
    person_id: Annotated[Id, Meta(description="被代理的人；默认本人")] | None = None
    from_at: When | None = None
    to_at: When
    reason: Annotated[str, Meta(max_length=200, description="事由")] = ""


class Above(msgspec.Struct, frozen=True):
    """The agent above whom a page begins."""

    id: Position


_AGENTS: Final = Cursor("delegations", Above)


@routes.at(
    "POST",
    "/api/v1/delegations",
    name="delegation.begin",
    access="delegation.set",
    body=DelegationBody,
    answer=Agent,
    status=201,
    example=DelegationBody(
        agent_id=17, unit_id=3, to_at=datetime.fromisoformat("2199-01-05T17:00:00+08:00"), reason="外出开会"
    ),
    errors=("agent_unfit", "agent_self", "agent_set", "field_invalid"),
    zh="指定代理人：期间内代理人同样收到提醒、行使本单位内的职责，记录注明“代”",
    en="Name an agent for a period: alerts go to the agent too, acts are recorded as on behalf",
)
async def begin(call: AppCall[DelegationBody, None]) -> Encoded:
    """Names an agent."""
    body = call.body
    wanted = NewDelegation(
        person_id=body.person_id or call.principal.person_id,
        agent_id=body.agent_id,
        unit_id=body.unit_id,
        from_at=call.now if body.from_at is None else max(call.now, at_of(body.from_at, "/from_at")),
        to_at=at_of(body.to_at, "/to_at"),
        reason=body.reason,
    )
    answer = await flows.begin(call.services.house, act_of(call), wanted)
    await _forget(call, msgspec.json.decode(answer.body, type=Agent).id)
    return encoded(answer)


async def _forget(call: AppCall[DelegationBody, None] | AppCall[None, None], delegation_id: int) -> None:
    """Rights changed: what is remembered of both is read again."""
    for account_id in await flows.accounts_of(call.services.house, delegation_id):
        call.services.access.cut(account_id)


@routes.at(
    "POST",
    "/api/v1/delegations/{delegation_id:int}/end",
    name="delegation.end",
    access="delegation.set",
    answer=Agent,
    errors=("agent_ended",),
    zh="结束代理",
    en="End an agent's period now",
)
async def end(call: AppCall[None, None]) -> Encoded:
    """Ends a period."""
    delegation_id = call.path.number("delegation_id")
    answer = await flows.end(call.services.house, act_of(call), delegation_id)
    await _forget(call, delegation_id)
    return encoded(answer)


@routes.at(
    "GET",
    "/api/v1/delegations",
    name="delegation.list",
    access="delegation.read",
    query=PageQuery,
    answer=Page[Agent],
    errors=("cursor_invalid",),
    zh="现行和预定的代理：本人的，以及管辖范围内的",
    en="Agents named now or for later: one's own, and those within the administrator's scope",
)
async def list_agents(call: AppCall[None, PageQuery]) -> Page[Agent]:
    """A page of agents."""
    limit = call.query.limit
    after = _AGENTS.decode(call.query.cursor) or Above(0)
    rows = await flows.page(call.services.house, call.principal, after.id, limit + 1)
    return _AGENTS.page(list(rows), limit, lambda row: Above(row.id))
