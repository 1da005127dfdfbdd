"""Routes of urging (催办): by hand for one unit or all that owe something, and the record of every urge (F14)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.doors.v1.shown import Position, UnitRef, unit_ref
from gateway.doors.wire import Answer, Body, shown
from gateway.flows import urging as flows
from gateway.flows.urging import UrgedAll, UrgeDone, UrgeTo
from gateway.rules.urging import DUTY_ZH, RUNG_ZH
from inbox_store.org import Organisation
from inbox_store.programs.urging import UrgeRow
from inbox_store.urging import Duty, Rung

routes = Routes("urging")


class UrgeBody(Body, frozen=True, kw_only=True):
    """催办谁：收发员（办理中的为承办人），或负责领导；sms 为是否发短信"""

    to: UrgeTo = "clerks"
    sms: Annotated[bool, Meta(description="是否发短信，费用由发文单位或督查单位所在县区承担")] = False


class UrgedPerson(Answer, frozen=True, kw_only=True):
    """告知的一人；asked 为所用渠道，sms 为短信的状态"""

    person_id: int
    name: str
    asked: tuple[str, ...]
    sms: str


class UrgeLine(Answer, frozen=True, kw_only=True):
    """一次催办：by 为空的是自动催办；payer 为费用承担单位"""

    id: int
    duty: Duty
    duty_zh: str
    unit: UnitRef
    number: int
    rung: Rung
    rung_zh: str
    by: str
    payer: UnitRef
    at: datetime
    told: tuple[UrgedPerson, ...]


class Above(msgspec.Struct, frozen=True):
    """The urge above which a page begins."""

    id: Position


_URGES: Final = Cursor("document.urges", Above)


@routes.at(
    "POST",
    "/api/v1/documents/{document_id:int}/units/{unit_id:int}/urge",
    name="document.urge",
    access="document.urge",
    body=UrgeBody,
    answer=UrgeDone,
    status=201,
    example=UrgeBody(sms=True),
    errors=("nothing_to_urge", "urged_lately"),
    zh="催办一个单位：催签、催办或催报会议回执；十分钟内不重复",
    en="Urge one unit about what it owes of a document; not twice within the throttle",
)
async def urge(call: AppCall[UrgeBody, None]) -> Encoded:
    """Urges a unit."""
    document_id, unit_id = call.path.number("document_id"), call.path.number("unit_id")
    told = call.body
    act, house = act_of(call), call.services.house
    return encoded(await flows.urge(house, act, document_id, unit_id, told.to, sms=told.sms))


@routes.at(
    "POST",
    "/api/v1/documents/{document_id:int}/urge",
    name="document.urge_all",
    access="document.urge",
    body=UrgeBody,
    answer=UrgedAll,
    example=UrgeBody(),
    zh="催办全部未完成的单位",
    en="Urge every unit that still owes something of a document",
)
async def urge_all(call: AppCall[UrgeBody, None]) -> Encoded:
    """Urges all that are missing."""
    told = call.body
    act, house = act_of(call), call.services.house
    return encoded(await flows.urge_all(house, act, call.path.number("document_id"), told.to, sms=told.sms))


@routes.at(
    "GET",
    "/api/v1/documents/{document_id:int}/urges",
    name="document.urges",
    access="dispatch.read",
    query=PageQuery,
    answer=Page[UrgeLine],
    errors=("cursor_invalid",),
    zh="催办记录：何时、催了谁、用什么渠道、由谁催、费用由谁承担",
    en="The record of urges: when, whom, by which channel, by whom, at whose cost",
)
async def list_urges(call: AppCall[None, PageQuery]) -> Page[UrgeLine]:
    """A page of urges in order."""
    house, limit = call.services.house, call.query.limit
    after = _URGES.decode(call.query.cursor) or Above(0)
    document_id = call.path.number("document_id")
    rows = await flows.urges(house, call.principal, document_id, after.id, limit + 1)
    organisation = await house.organisation()
    return _URGES.page([_line(row, organisation) for row in rows], limit, lambda line: Above(line.id))


def _line(row: UrgeRow, organisation: Organisation) -> UrgeLine:
    duty: Duty = row.duty  # type: ignore[assignment]  # as stored
    rung: Rung = row.rung  # type: ignore[assignment]
    return UrgeLine(
        id=row.id,
        duty=duty,
        duty_zh=DUTY_ZH[duty],
        unit=unit_ref(organisation, row.unit_id),
        number=row.number,
        rung=rung,
        rung_zh=RUNG_ZH[rung],
        by=row.by_name,
        payer=unit_ref(organisation, row.payer_unit_id),
        at=shown(row.at),
        told=tuple(
            UrgedPerson(
                person_id=one.person_id, name=one.name, asked=tuple(one.asked.split(",")), sms=one.sms
            )
            for one in row.told
        ),
    )
