"""Routes of number hygiene (F19): which numbers need a look, and lifting the mark of a bad one. Numbers are masked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.doors.v1.shown import Position, UnitRef, unit_ref, when
from gateway.doors.wire import Answer, Id
from gateway.flows import phones as flows
from inbox_store.org import Organisation
from inbox_store.programs.phones import PhoneLine, Problem

routes = Routes("phones")

PROBLEM_ZH: Final[dict[Problem, str]] = {
    "missing": "没有号码",
    "bad": "无法送达",
    "refused": "本人退订",
    "ported": "携号转网",
}


class PhoneQuery(PageQuery, frozen=True, kw_only=True):
    """手机号码列表的条件"""

    county: Annotated[Id, Meta(description="县区（或市本级）的地区编号")] | None = None
    problem: Annotated[Problem, Meta(description="只看一类问题")] | None = None


class PhoneView(Answer, frozen=True, kw_only=True):
    """一人的手机号码情况；bad_at 起停发短信，error 为运营商最后一次的说明，refused 为本人退订的短信类别"""

    person_id: int
    code: str
    name: str
    units: tuple[UnitRef, ...]
    phone: str
    problems: tuple[Problem, ...]
    problems_zh: tuple[str, ...]
    bad_at: datetime | None
    failures: int
    failed_at: datetime | None
    error: str
    refused: tuple[str, ...]
    route: str
    prefix_route: str


class AfterPerson(msgspec.Struct, frozen=True):
    """The person above whom a page begins."""

    person_id: Position


_PHONES: Final = Cursor("phones", AfterPerson)


def _view(line: PhoneLine, organisation: Organisation) -> PhoneView:
    return PhoneView(
        person_id=line.person_id,
        code=line.code,
        name=line.name,
        units=tuple(unit_ref(organisation, unit) for unit in line.units),
        phone=line.phone,
        problems=line.problems,
        problems_zh=tuple(PROBLEM_ZH[problem] for problem in line.problems),
        bad_at=when(line.bad_at),
        failures=line.failures,
        failed_at=when(line.failed_at),
        error=line.error,
        refused=line.refused,
        route=line.route,
        prefix_route=line.prefix_route,
    )


@routes.at(
    "GET",
    "/api/v1/phones",
    name="phone.list",
    access="phones.manage",
    query=PhoneQuery,
    answer=Page[PhoneView],
    errors=("cursor_invalid",),
    zh="需要核对的手机号码：没有号码、无法送达、本人退订、携号转网",
    en="People whose number is missing, bad, refused or ported; numbers are masked",
)
async def list_phones(call: AppCall[None, PhoneQuery]) -> Page[PhoneView]:
    """A page of people by id."""
    house, wanted = call.services.house, call.query
    after = _PHONES.decode(wanted.cursor)
    lines = await flows.report(
        house,
        call.principal,
        county_id=wanted.county,
        problem=wanted.problem,
        after=after.person_id if after else 0,
        limit=wanted.limit,
    )
    organisation = await house.organisation()
    rows = [_view(line, organisation) for line in lines]
    return _PHONES.page(rows, wanted.limit, lambda row: AfterPerson(row.person_id))


@routes.at(
    "PUT",
    "/api/v1/phones/{person_id:int}/clear",
    name="phone.clear",
    access="phones.manage",
    status=204,
    zh="号码无误，恢复向其发送短信",
    en="Lift the bad mark of a number: messages go to it again",
)
async def clear(call: AppCall[None, None]) -> Encoded:
    """Lifts the mark."""
    told = await flows.clear(call.services.house, act_of(call), call.path.number("person_id"))
    return encoded(told)
