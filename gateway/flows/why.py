"""Why somebody was told, or was not: for the person, and for who may follow the document."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.house import House
from gateway.rules.access import ACTIONS, Principal, permit
from gateway.rules.why import order_zh, summary_zh
from inbox_store.errors import Refused
from inbox_store.programs import why as programs
from inbox_store.times import moment


class WhyOrder(msgspec.Struct, frozen=True, kw_only=True):
    """一条提醒：渠道、状态、原因，以及所依据的策略版本"""

    kind: str
    round: int
    channel: str
    device: str
    state: str
    reason: str
    due_at: datetime
    settled_at: datetime | None
    policy: str
    words: str


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """一人对一份文件：收件箱里何时送达、打开、办结，有哪些提醒，为什么有或没有"""

    name: str
    title: str
    delivered_at: datetime | None
    opened_at: datetime | None
    done_at: datetime | None
    summary: str
    orders: tuple[WhyOrder, ...]


async def why(house: House, principal: Principal, document_id: int, person_id: int) -> Why:
    """The answer. Raises Refused("not_found") for whom it does not concern."""
    told, orders = await house.store.engine.read(programs.why(document_id, person_id))
    target = await house.target(told.sender_unit_id, told.created_by)
    if person_id != principal.person_id and not permit(principal, "dispatch.read", target):
        raise Refused("not_found", what="document", id=document_id, action=ACTIONS["dispatch.read"].zh)
    return Why(
        name=told.name,
        title=told.title,
        delivered_at=_at(told.delivered_at),
        opened_at=_at(told.opened_at),
        done_at=_at(told.done_at),
        summary=summary_zh(told, orders),
        orders=tuple(_order(one) for one in orders),
    )


def _order(one: programs.ToldBy) -> WhyOrder:
    return WhyOrder(
        kind=one.kind,
        round=one.round,
        channel=one.channel,
        device=one.device,
        state=one.state,
        reason=one.reason,
        due_at=moment(one.due_at),
        settled_at=_at(one.settled_at),
        policy=one.policy,
        words=order_zh(one),
    )


def _at(told: int | None) -> datetime | None:
    return None if told is None else moment(told)
