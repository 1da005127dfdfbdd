"""Route of the reach report (F20): who cannot be alerted and why, and the units where nobody can sign."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.doors.cursors import Cursor, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.v1.shown import Position, UnitRef, unit_ref
from gateway.doors.wire import Answer, Id
from gateway.flows import reach as flows
from inbox_store.programs.reach import Gap

routes = Routes("reach")

GAP_ZH: Final[dict[Gap, str]] = {
    "no_number": "没有手机号码",
    "bad_number": "手机号码无法送达",
    "no_device": "没有登记手机或浏览器推送",
    "never_logged_in": "从未登录",
}


class ReachQuery(PageQuery, frozen=True, kw_only=True):
    """触达情况的条件"""

    county: Annotated[Id, Meta(description="县区（或市本级）的地区编号")] | None = None
    gap: Annotated[Gap, Meta(description="只看一类原因")] | None = None


class ReachLine(Answer, frozen=True, kw_only=True):
    """一名提醒不到或不能完全提醒到的人员和原因"""

    person_id: int
    code: str
    name: str
    units: tuple[UnitRef, ...]
    is_clerk: bool
    gaps: tuple[Gap, ...]
    gaps_zh: tuple[str, ...]


class ReachPage(Answer, frozen=True, kw_only=True):
    """触达情况：范围内人数、各类原因的人数、短信和推送都到不了的人数，没有收发员的单位，人员明细"""

    persons: int
    gaps: dict[Gap, int]
    unreachable: int
    no_clerk: tuple[UnitRef, ...]
    items: tuple[ReachLine, ...]
    next: str | None = None


class AfterPerson(msgspec.Struct, frozen=True):
    """The person above whom a page begins."""

    person_id: Position


_REACH: Final = Cursor("reach", AfterPerson)


@routes.at(
    "GET",
    "/api/v1/reach",
    name="reach.show",
    access="reach.read",
    query=ReachQuery,
    answer=ReachPage,
    errors=("cursor_invalid",),
    zh="触达情况：哪些人提醒不到、为什么，哪些单位没有收发员",
    en="Who cannot be alerted and why; units without a clerk",
)
async def show(call: AppCall[None, ReachQuery]) -> ReachPage:
    """A page of the report."""
    house, wanted = call.services.house, call.query
    after = _REACH.decode(wanted.cursor) or AfterPerson(0)
    rows, sums, no_clerk = await flows.people(
        house,
        call.principal,
        county_id=wanted.county,
        gap=wanted.gap,
        after=after.person_id,
        limit=wanted.limit + 1,
    )
    organisation = await house.organisation()
    lines = [
        ReachLine(
            person_id=row.person_id,
            code=row.code,
            name=row.name,
            units=tuple(unit_ref(organisation, unit) for unit in row.units),
            is_clerk=row.is_clerk,
            gaps=row.gaps,
            gaps_zh=tuple(GAP_ZH[gap] for gap in row.gaps),
        )
        for row in rows
    ]
    page = _REACH.page(lines, wanted.limit, lambda line: AfterPerson(line.person_id))
    return ReachPage(
        persons=sums.persons,
        gaps=sums.gaps,  # type: ignore[arg-type]  # keyed by the gaps themselves
        unreachable=sums.unreachable,
        no_clerk=tuple(unit_ref(organisation, unit.id) for unit in no_clerk),
        items=page.items,
        next=page.next,
    )
