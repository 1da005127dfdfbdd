"""Routes of a county's switch-off of short messages (P66): applications, decisions, the standing with what was suppressed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import EARLIEST, LATEST, AppCall, act_of, at_of, encoded, faulty
from gateway.doors.v1.dispatch_bodies import Reason
from gateway.doors.v1.shown import Position, when
from gateway.doors.wire import INT_MAX, Answer, Body, Id, When
from gateway.flows import sms_switch as flows
from gateway.flows.sms_switch import CountyStanding, Switch
from inbox_store.programs.sms_switch import OnOff, Ruling, SwitchState, SwitchWish
from inbox_store.times import day_of, day_start

routes = Routes("sms")

Year = Annotated[int, Meta(ge=2000, le=2199, description="抑制条数的年度；默认今年")]


class NewSwitch(Body, frozen=True, kw_only=True):
    """申请关闭或恢复本县区的短信提醒；wanted_day 为希望生效的日子，默认批准的次日零时"""

    county_id: Id
    letter_no: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S", description="函件文号")]
    on_or_off: OnOff
    wanted_day: Annotated[date, Meta(description="希望自该日零时起生效")] | None = None


class Approval(Body, frozen=True, kw_only=True):
    """批准；from_at 为生效时间，默认申请的日子，最早为次日零时"""

    from_at: When | None = None
    note: Annotated[str, Meta(max_length=500, description="审批意见")] = ""


class Rejection(Body, frozen=True, kw_only=True):
    """不批准的原因"""

    reason: Reason


class SwitchQuery(PageQuery, frozen=True, kw_only=True):
    """申请列表的条件"""

    county: Annotated[Id, Meta(description="县区")] | None = None
    state: SwitchState | None = None


class StandingQuery(Body, frozen=True, kw_only=True):
    """开关状态的条件；at 默认现在"""

    at: When | None = None
    year: Year | None = None


class SuppressedMonth(Answer, frozen=True, kw_only=True):
    """一个月内因关闭而没有发出的短信；segments 为如果发出的条数"""

    month: int
    messages: int
    segments: int


class StandingView(Answer, frozen=True, kw_only=True):
    """一个县区的短信开关：现在如何、自何时起，以后何时变化，待审批的申请"""

    county_id: int
    code: str
    county: str
    on_or_off: OnOff
    since: datetime | None
    next: OnOff | None
    next_at: datetime | None
    open_id: int | None
    suppressed: tuple[SuppressedMonth, ...]


class StandingList(Answer, frozen=True, kw_only=True):
    """各县区的短信开关"""

    items: tuple[StandingView, ...]


class Below(msgspec.Struct, frozen=True):
    """The application below which a page begins."""

    id: Position


_SWITCHES: Final = Cursor("sms.switches", Below)


@routes.at(
    "POST",
    "/api/v1/sms/switches",
    name="sms_switch.apply",
    access="sms_switch.apply",
    body=NewSwitch,
    answer=Switch,
    status=201,
    example=NewSwitch(county_id=3, letter_no="东政办函〔2026〕12号", on_or_off="off"),
    errors=("switch_open", "switch_same", "switch_past"),
    zh="申请关闭或恢复本县区的短信提醒",
    en="Apply for a county's messages to be switched off, or on again",
)
async def apply(call: AppCall[NewSwitch, None]) -> Encoded:
    """Keeps an application."""
    told = call.body
    wanted = told.wanted_day
    if wanted is not None and not EARLIEST.date() < wanted < LATEST.date():
        raise faulty("body_invalid", ("/wanted_day", "日期应在 2000 年至 2199 年之间"))
    wish = SwitchWish(
        county_id=told.county_id,
        letter_no=told.letter_no.strip(),
        on_or_off=told.on_or_off,
        wanted_at=None if wanted is None else day_start(wanted),
    )
    return encoded(await flows.apply(call.services.house, act_of(call), wish))


@routes.at(
    "POST",
    "/api/v1/sms/switches/{switch_id:int}/approve",
    name="sms_switch.approve",
    access="sms_switch.decide",
    body=Approval,
    answer=Switch,
    example=Approval(note="同意"),
    errors=("switch_own", "switch_decided", "switch_past"),
    zh="批准短信开关申请；不能批准本人提交的，不追溯",
    en="Approve an application, never one's own, never for a time that has passed",
)
async def approve(call: AppCall[Approval, None]) -> Encoded:
    """A second person lets it take effect."""
    told = call.body
    from_at = None if told.from_at is None else at_of(told.from_at, "/from_at")
    return await _decide(call, Ruling(approve=True, from_at=from_at, note=told.note))


@routes.at(
    "POST",
    "/api/v1/sms/switches/{switch_id:int}/reject",
    name="sms_switch.reject",
    access="sms_switch.decide",
    body=Rejection,
    answer=Switch,
    example=Rejection(reason="请补充县政府的函件"),
    errors=("switch_own", "switch_decided"),
    zh="不批准短信开关申请，须说明原因",
    en="Reject an application, with a reason",
)
async def reject(call: AppCall[Rejection, None]) -> Encoded:
    """A second person stops it."""
    return await _decide(call, Ruling(approve=False, note=call.body.reason))


async def _decide(call: AppCall[Approval, None] | AppCall[Rejection, None], ruling: Ruling) -> Encoded:
    switch_id = call.path.number("switch_id")
    return encoded(await flows.decide(call.services.house, act_of(call), switch_id, ruling))


@routes.at(
    "GET",
    "/api/v1/sms/switches",
    name="sms_switch.list",
    access="sms_switch.read",
    query=SwitchQuery,
    answer=Page[Switch],
    errors=("cursor_invalid",),
    zh="短信开关申请一览",
    en="Applications, newest first",
)
async def list_switches(call: AppCall[None, SwitchQuery]) -> Page[Switch]:
    """A page of applications."""
    house, wanted = call.services.house, call.query
    counties = await flows.counties_within(house, call.principal)
    if wanted.county is not None:
        counties &= {wanted.county}
    after = _SWITCHES.decode(wanted.cursor)
    before = after.id if after else INT_MAX
    rows = await flows.applications(house, counties, wanted.state or "", before, wanted.limit + 1)
    return _SWITCHES.page(list(rows), wanted.limit, lambda row: Below(row.id))


@routes.at(
    "GET",
    "/api/v1/sms/switches/standing",
    name="sms_switch.standing",
    access="sms_switch.read",
    query=StandingQuery,
    answer=StandingList,
    zh="各县区短信开关的状态，以及各月没有发出的条数",
    en="Each county's standing at an instant, and what its switch-off kept from leaving, by month",
)
async def show_standing(call: AppCall[None, StandingQuery]) -> StandingList:
    """All counties within reach."""
    house, wanted = call.services.house, call.query
    at = call.now if wanted.at is None else _instant(wanted.at)
    year = wanted.year or day_of(at).year
    months = tuple(year * 100 + month for month in range(1, 13))
    counties = await flows.counties_within(house, call.principal)
    return StandingList(
        items=tuple(_standing(one) for one in await flows.standing(house, counties, at, months))
    )


def _instant(told: datetime) -> int:
    if not EARLIEST <= told < LATEST:
        raise faulty("query_invalid", ("at", "时刻应在 2000 年至 2199 年之间"))
    return at_of(told, "at")


def _standing(told: CountyStanding) -> StandingView:
    one = told.standing
    return StandingView(
        county_id=one.county_id,
        code=one.code,
        county=one.county,
        on_or_off=one.on_or_off,
        since=when(one.since),
        next=one.next,
        next_at=when(one.next_at),
        open_id=one.open_id,
        suppressed=tuple(
            SuppressedMonth(month=month.month, messages=month.messages, segments=month.segments)
            for month in told.suppressed
        ),
    )
