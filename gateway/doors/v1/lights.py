"""Routes of red and amber lights: the board, figures, the supervisor's answer, who supervises (F15)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Final, cast

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, at_of, encoded, faulty
from gateway.doors.v1.shown import Position, UnitRef, from_of, unit_ref, until_of, when
from gateway.doors.wire import INT_MAX, Answer, Body, Id, When, shown
from gateway.flows import lights as flows
from gateway.flows.lights import Colour, Instructed, Instruction
from gateway.rules.urging import DUTY_ZH
from inbox_store.errors import Refused
from inbox_store.nouns import KIND_ZH, STATE_ZH, URGENCY_ZH, DistributionState, Kind, Urgency
from inbox_store.org import Organisation
from inbox_store.programs.lights import LightRow
from inbox_store.urging import Duty

PERIOD_DAYS_MAX = 366

routes = Routes("lights")


class LightsQuery(PageQuery, frozen=True, kw_only=True):
    """红黄灯一览的条件"""

    county: Annotated[Id, Meta(description="县区（或市本级）的地区编号")] | None = None
    unit: Annotated[Id, Meta(description="单位")] | None = None
    colour: Annotated[Colour, Meta(description="red 只看红灯；amber 红灯黄灯都看")] = "amber"
    duty: Annotated[Duty, Meta(description="只看签收、办理或会议回执")] | None = None


class RedQuery(Body, frozen=True, kw_only=True):
    """红灯数的起止日期，首尾两天都算"""

    from_: Annotated[date, Meta(description="起始日期")] = msgspec.field(name="from")
    to: Annotated[date, Meta(description="截止日期")]
    county: Annotated[Id, Meta(description="县区（或市本级）的地区编号")] | None = None


class LightLine(Answer, frozen=True, kw_only=True):
    """一盏亮着的灯；supervisor 为上一级督查单位，instruction_* 为督办通知和它在该单位的办理状态"""

    id: int
    colour: Colour
    colour_zh: str
    duty: Duty
    duty_zh: str
    document_id: int
    title: str
    doc_no: str
    kind: Kind
    kind_zh: str
    urgency: Urgency
    urgency_zh: str
    sender: UnitRef
    unit: UnitRef
    county_id: int
    due_at: datetime
    amber_at: datetime
    red_at: datetime | None
    supervisor: UnitRef | None
    instruction_id: int | None
    instruction_state: DistributionState | None
    instruction_state_zh: str


class RedLine(Answer, frozen=True, kw_only=True):
    """一个单位在期间内亮过的红灯数，其中仍亮着的"""

    unit: UnitRef
    county_id: int
    red: int
    open: int


class RedList(Answer, frozen=True, kw_only=True):
    """各单位红灯数和合计；没有红灯的单位不列"""

    items: tuple[RedLine, ...]
    red: int
    open: int


class InstructBody(Body, frozen=True, kw_only=True):
    """督办要求和反馈时限"""

    text: Annotated[str, Meta(min_length=1, max_length=4_000, pattern=r"\S", description="督办要求")]
    due_at: When


class SupervisingLine(Answer, frozen=True, kw_only=True):
    """一个县区（或市本级）由哪个单位督查；by_hand 为人工指定，否则按督查岗位和单位标签确定"""

    region_id: int
    region: str
    unit: UnitRef | None
    by_hand: bool


class SupervisingList(Answer, frozen=True, kw_only=True):
    """市和各县区的督查单位"""

    items: tuple[SupervisingLine, ...]


class SupervisingBody(Body, frozen=True, kw_only=True):
    """督查单位；不填为恢复自动确定"""

    unit_id: Id | None = None


class Below(msgspec.Struct, frozen=True):
    """The light below which a page begins: the last that came on first."""

    id: Position


_LIGHTS: Final = Cursor("lights", Below)
COLOUR_ZH: Final[dict[Colour, str]] = {"amber": "黄灯", "red": "红灯"}


def _line(row: LightRow, organisation: Organisation, now: int) -> LightLine:
    duty, kind = cast("Duty", row.duty), cast("Kind", row.kind)
    urgency, colour = cast("Urgency", row.urgency), flows.colour_of(row, now)
    unit = organisation.units.get(row.unit_id)
    state = cast("DistributionState", row.instruction_state) if row.instruction_state else None
    above = row.supervisor_unit_id
    return LightLine(
        id=row.id,
        colour=colour,
        colour_zh=COLOUR_ZH[colour],
        duty=duty,
        duty_zh=DUTY_ZH[duty],
        document_id=row.document_id,
        title=row.title,
        doc_no=row.doc_no,
        kind=kind,
        kind_zh=KIND_ZH[kind],
        urgency=urgency,
        urgency_zh=URGENCY_ZH[urgency],
        sender=unit_ref(organisation, row.sender_unit_id),
        unit=unit_ref(organisation, row.unit_id),
        county_id=unit.county_id if unit else 0,
        due_at=shown(row.due_at),
        amber_at=shown(row.amber_at),
        red_at=when(row.red_at),
        supervisor=None if above is None else unit_ref(organisation, above),
        instruction_id=row.instruction_id,
        instruction_state=state,
        instruction_state_zh=STATE_ZH[state] if state else "",
    )


@routes.at(
    "GET",
    "/api/v1/lights",
    name="light.list",
    access="lights.read",
    query=LightsQuery,
    answer=Page[LightLine],
    errors=("cursor_invalid",),
    zh="亮着的红灯和黄灯",
    en="Red and amber lights that are on, within one's reach",
)
async def list_lights(call: AppCall[None, LightsQuery]) -> Page[LightLine]:
    """A page of the board."""
    house, wanted = call.services.house, call.query
    before = _LIGHTS.decode(wanted.cursor) or Below(INT_MAX)
    rows = await flows.board(
        house,
        call.principal,
        county_id=wanted.county,
        unit_id=wanted.unit,
        red_only=wanted.colour == "red",
        duty=wanted.duty,
        before=before.id,
        limit=wanted.limit + 1,
    )
    organisation = await house.organisation()
    lines = [_line(row, organisation, call.now) for row in rows]
    return _LIGHTS.page(lines, wanted.limit, lambda line: Below(line.id))


@routes.at(
    "GET",
    "/api/v1/lights/counts",
    name="light.counts",
    access="lights.read",
    query=RedQuery,
    answer=RedList,
    errors=("period_reversed",),
    zh="各单位一段时间内的红灯数",
    en="How many lights turned red in a period, by unit",
)
async def counts(call: AppCall[None, RedQuery]) -> RedList:
    """The figures by unit."""
    query, house = call.query, call.services.house
    if query.to < query.from_:
        raise Refused("period_reversed", start=query.from_.isoformat(), end=query.to.isoformat())
    if query.to - query.from_ > timedelta(days=PERIOD_DAYS_MAX - 1):
        raise faulty("query_invalid", ("/to", f"一次最多查 {PERIOD_DAYS_MAX} 天"))
    span = (from_of(query.from_), until_of(query.to))
    rows = await flows.red_counts(house, call.principal, query.county, *span)
    organisation = await house.organisation()
    items = tuple(
        RedLine(
            unit=unit_ref(organisation, row.unit.id),
            county_id=row.unit.county_id,
            red=row.red,
            open=row.open,
        )
        for row in rows
    )
    return RedList(items=items, red=sum(row.red for row in items), open=sum(row.open for row in items))


@routes.at(
    "POST",
    "/api/v1/lights/{light_id:int}/instruction",
    name="light.instruct",
    access="lights.instruct",
    body=InstructBody,
    answer=Instructed,
    status=201,
    example=InstructBody(
        text="请立即签收办理，并书面说明逾期原因。",
        due_at=datetime.fromisoformat("2199-01-05T17:00:00+08:00"),
    ),
    errors=("light_not_red", "already_instructed", "field_invalid", "classified_refused", "unit_frozen"),
    zh="督办：向亮红灯的单位发督办通知，须签收并按时反馈",
    en="Answer a red light: a supervision notice that the unit signs for and answers by a day",
)
async def instruct(call: AppCall[InstructBody, None]) -> Encoded:
    """Sends the supervision notice."""
    told = Instruction(text=call.body.text, due_at=at_of(call.body.due_at, "/due_at"))
    light_id = call.path.number("light_id")
    return encoded(await flows.instruct(call.services.house, act_of(call), light_id, told))


@routes.at(
    "GET",
    "/api/v1/supervising",
    name="supervising.list",
    access="supervising.read",
    answer=SupervisingList,
    zh="市和各县区的督查单位",
    en="Which unit follows matters up in the city and in each county",
)
async def supervising(call: AppCall[None, None]) -> SupervisingList:
    """Who supervises."""
    house = call.services.house
    organisation = await house.organisation()
    rows = await flows.supervising(house, call.principal)
    return SupervisingList(
        items=tuple(
            SupervisingLine(
                region_id=row.region_id,
                region=organisation.regions[row.region_id].name,
                unit=unit_ref(organisation, row.unit.id) if row.unit else None,
                by_hand=row.by_hand,
            )
            for row in rows
        )
    )


@routes.at(
    "PUT",
    "/api/v1/supervising/{region_id:int}",
    name="supervising.set",
    access="supervising.set",
    body=SupervisingBody,
    status=204,
    example=SupervisingBody(unit_id=17),
    errors=("field_invalid",),
    zh="指定一个县区（或市本级）的督查单位",
    en="Name the unit that follows matters up in a region",
)
async def set_supervising(call: AppCall[SupervisingBody, None]) -> Encoded:
    """Names the supervising unit."""
    region_id = call.path.number("region_id")
    house = call.services.house
    return encoded(await flows.set_supervising(house, act_of(call), region_id, call.body.unit_id))
