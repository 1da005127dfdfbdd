"""Routes of meetings: the unit's receipt, personal answers, the roster and its files, check-in, seats."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal, cast

from aiohttp import web
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.downloads import CSV, XLSX, made
from gateway.doors.file_names import clean_name
from gateway.doors.routes import Raw, Routes
from gateway.doors.v1.adapter import AppCall, act_of, encoded, faulty
from gateway.doors.v1.dispatch_bodies import Code, unit_of
from gateway.doors.v1.document_answers import MeetingInfo, meeting_of
from gateway.doors.v1.shown import UnitRef, unit_ref, when
from gateway.doors.wire import Answer, Body, Id, shown
from gateway.flows import meetings as flows
from gateway.flows.meetings import (
    Answered,
    AnsweredPersonally,
    CheckedIn,
    Place,
    Roster,
    Seated,
    phone_shown,
)
from gateway.flows.words import PERSONAL_ZH, PersonalAnswer
from gateway.rules.roster import ATTENDEES_MAX, TEXT_CHARACTERS_MAX, RosterRow, Summary
from inbox_store.errors import Refused
from inbox_store.nouns import MODE_ZH, Attendee, MeetingMode
from inbox_store.org import Organisation

Text = Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX)]
Name = Annotated[str, Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX, pattern=r"\S", description="姓名")]

routes = Routes("meetings")


class AttendeeBody(Body, frozen=True, kw_only=True):
    """回执中的一个人；参会的填职务和电话，替会的填替何人，请假的填原因"""

    name: Text
    mode: MeetingMode
    post: Text = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    for_person: Text = ""
    reason: Text = ""
    extra: Annotated[
        dict[Annotated[str, Meta(max_length=40)], Text], Meta(max_length=20, description="会议另要求的项目")
    ] = {}


class ReceiptBody(Body, frozen=True, kw_only=True):
    """一个单位的会议回执：名单全报，再报即整份替换"""

    attendees: Annotated[tuple[AttendeeBody, ...], Meta(max_length=ATTENDEES_MAX)]
    note: Annotated[str, Meta(max_length=1_000, description="附言")] = ""


class PersonalBody(Body, frozen=True, kw_only=True):
    """本人的答复；只在一个单位任职的，不必填单位"""

    answer: PersonalAnswer
    reason: Text = ""
    unit_id: Id | None = None
    unit_code: Code | None = None


class CheckInBody(Body, frozen=True, kw_only=True):
    """签到的人：单位用编号或编码指明"""

    name: Name
    unit_id: Id | None = None
    unit_code: Code | None = None


class SeatBody(Body, frozen=True, kw_only=True):
    """一个座位"""

    name: Name
    seat: Annotated[str, Meta(min_length=1, max_length=40, description="座位号")]
    unit_id: Id | None = None
    unit_code: Code | None = None


class SeatsBody(Body, frozen=True, kw_only=True):
    """排定的座位；同一个人再排即更改"""

    seats: Annotated[tuple[SeatBody, ...], Meta(min_length=1, max_length=500)]


class RosterQuery(Body, frozen=True, kw_only=True):
    """名单的形式"""

    masked: Annotated[bool, Meta(description="只要脱敏的号码，即使有权看全号")] = False


class RosterLine(Answer, frozen=True, kw_only=True):
    """名单上的一个人"""

    unit: UnitRef
    name: str
    post: str
    phone: str
    mode: MeetingMode
    mode_zh: str
    for_person: str
    reason: str
    extra: dict[str, str]
    answered_at: datetime
    late: bool
    checked_in_at: datetime | None
    seat: str | None


class PersonalLine(Answer, frozen=True, kw_only=True):
    """一个人的答复"""

    unit: UnitRef
    name: str
    answer: PersonalAnswer
    answer_zh: str
    reason: str
    at: datetime


class ReceiptAnswer(Answer, frozen=True, kw_only=True):
    """本单位的会议回执；version 为第几次报送"""

    document_id: int
    unit_id: int
    version: int
    answered_at: datetime
    answered_by: str
    note: str
    attendees: tuple[Attendee, ...]


class RosterAnswer(Answer, frozen=True, kw_only=True):
    """参会名单、未报回执的单位和合计；phones 说明号码是全号还是脱敏"""

    document_id: int
    title: str
    sender: UnitRef
    meeting: MeetingInfo
    phones: Literal["full", "masked"]
    summary: Summary
    rows: tuple[RosterLine, ...]
    missing: tuple[UnitRef, ...]
    personal: tuple[PersonalLine, ...]


@routes.at(
    "PUT",
    "/api/v1/meetings/{document_id:int}/units/{unit_id:int}/receipt",
    name="meeting.answer",
    access="meeting.answer",
    body=ReceiptBody,
    answer=Answered,
    zh="报送会议回执；报名截止之前可以改，截止之后的首次填报记为逾期",
    en="The unit's receipt; it may be changed until the reply deadline",
    example=ReceiptBody(
        attendees=(AttendeeBody(name="张敏", mode="attend", post="局长", phone="0930-1234567"),)
    ),
    errors=(
        "receipt_invalid",
        "seats_exceeded",
        "deadline_passed",
        "not_addressed",
        "not_clerk",
        "already_recalled",
    ),
)
async def answer(call: AppCall[ReceiptBody, None]) -> Encoded:
    """Takes a unit's list of names."""
    people = tuple(
        Attendee(
            name=one.name.strip(),
            mode=one.mode,
            post=one.post,
            phone=one.phone,
            for_person=one.for_person,
            reason=one.reason,
            extra=one.extra,
        )
        for one in call.body.attendees
    )
    document_id, unit_id = call.path.number("document_id"), call.path.number("unit_id")
    house, note = call.services.house, call.body.note
    return encoded(await flows.answer(house, act_of(call), document_id, unit_id, people, note))


@routes.at(
    "GET",
    "/api/v1/meetings/{document_id:int}/units/{unit_id:int}/receipt",
    name="meeting.answered",
    access="meeting.answer",
    answer=ReceiptAnswer,
    zh="本单位已报的会议回执；改报时以此为底稿",
    en="The unit's own receipt as it stands, to change it from",
)
async def answered(call: AppCall[None, None]) -> ReceiptAnswer:
    """What the unit has answered so far."""
    document_id, unit_id = call.path.number("document_id"), call.path.number("unit_id")
    told = await flows.own_answer(call.services.house, call.principal, document_id, unit_id)
    return ReceiptAnswer(
        document_id=document_id,
        unit_id=unit_id,
        version=told.version,
        answered_at=shown(told.answered_at),
        answered_by=told.answered_by,
        note=told.note,
        attendees=told.attendees,
    )


@routes.at(
    "PUT",
    "/api/v1/meetings/{document_id:int}/personal",
    name="meeting.personal",
    access="meeting.personal",
    body=PersonalBody,
    answer=AnsweredPersonally,
    zh="本人答复参会、不参会或请假",
    en="A person's own yes, no or leave",
    example=PersonalBody(answer="leave", reason="出差"),
    errors=("field_missing", "scope_unknown_unit", "deadline_passed", "not_addressed", "already_recalled"),
)
async def answer_personally(call: AppCall[PersonalBody, None]) -> Encoded:
    """Keeps a person's own answer."""
    house, body = call.services.house, call.body
    posts = {grant.unit_id for grant in call.principal.grants}
    unit_id = body.unit_id
    if unit_id is None and body.unit_code is None and len(posts) == 1:
        (unit_id,) = posts
    unit_id = unit_of(await house.organisation(), unit_id, body.unit_code, "unit")
    document_id = call.path.number("document_id")
    return encoded(
        await flows.answer_personally(house, act_of(call), document_id, unit_id, body.answer, body.reason)
    )


@routes.at(
    "POST",
    "/api/v1/meetings/{document_id:int}/check-ins",
    name="meeting.check_in",
    access="meeting.check_in",
    body=CheckInBody,
    answer=CheckedIn,
    zh="会议签到，以第一次为准",
    en="Presence on the day, once for each name",
    example=CheckInBody(name="张敏", unit_code="X02"),
    errors=("field_missing", "scope_unknown_unit", "not_addressed"),
)
async def check_in(call: AppCall[CheckInBody, None]) -> Encoded:
    """Somebody has come."""
    house, body = call.services.house, call.body
    unit_id = unit_of(await house.organisation(), body.unit_id, body.unit_code, "unit")
    document_id, name = call.path.number("document_id"), body.name.strip()
    return encoded(await flows.check_in(house, act_of(call), document_id, unit_id, name))


@routes.at(
    "PUT",
    "/api/v1/meetings/{document_id:int}/seats",
    name="meeting.seats",
    access="meeting.roster",
    body=SeatsBody,
    answer=Seated,
    zh="排座：一次全部排定，或一个不排",
    en="Seats for names on the roster, all of them or none",
    example=SeatsBody(seats=(SeatBody(name="张敏", seat="3排12座", unit_code="X02"),)),
    errors=("field_missing", "scope_unknown_unit", "not_addressed"),
)
async def assign_seats(call: AppCall[SeatsBody, None]) -> Encoded:
    """Gives names their seats."""
    house = call.services.house
    organisation = await house.organisation()
    places = tuple(_place(one, place, organisation) for place, one in enumerate(call.body.seats))
    document_id = call.path.number("document_id")
    return encoded(await flows.assign_seats(house, act_of(call), document_id, places))


def _place(told: SeatBody, place: int, organisation: Organisation) -> Place:
    try:
        unit_id = unit_of(organisation, told.unit_id, told.unit_code, "unit")
    except Refused as refused:
        why = "没有这个单位，或没有写明单位"
        raise faulty(refused.code, (f"/seats/{place}", why), field=f"seats[{place}].unit_id") from None
    return Place(unit_id=unit_id, name=told.name.strip(), seat=told.seat)


async def _roster(call: AppCall[None, RosterQuery], how: str) -> tuple[Roster, bool]:
    """The roster, and whether its numbers leave in full. Raises Refused("not_found")."""
    house = call.services.house
    told = await flows.roster(house, call.path.number("document_id"), call.principal)
    if call.query.masked:
        return told, False
    return told, await flows.phones_leave(house, call.principal, told, how, call.origin)


@routes.at(
    "GET",
    "/api/v1/meetings/{document_id:int}/roster",
    name="meeting.roster",
    access="meeting.roster",
    query=RosterQuery,
    answer=RosterAnswer,
    zh="参会人员名单、未报单位和合计",
    en="The roster, who is missing, and the counts",
)
async def roster(call: AppCall[None, RosterQuery]) -> RosterAnswer:
    """The roster for the organiser."""
    told, full = await _roster(call, "json")
    organisation = await call.services.house.organisation()
    meeting, seats = told.meeting, {(unit, name): seat for unit, name, seat in told.seats}
    return RosterAnswer(
        document_id=meeting.document_id,
        title=meeting.title,
        sender=unit_ref(organisation, meeting.sender_unit_id),
        meeting=meeting_of(meeting),
        phones="full" if full else "masked",
        summary=told.summary,
        rows=tuple(_line(row, seats.get((row.unit_id, row.attendee.name)), full=full) for row in told.rows),
        missing=tuple(unit_ref(organisation, one.unit_id) for one in told.missing),
        personal=tuple(_personal(one, organisation) for one in told.personal),
    )


def _line(row: RosterRow, seat: str | None, *, full: bool) -> RosterLine:
    one = row.attendee
    return RosterLine(
        unit=UnitRef(id=row.unit_id, code=row.unit_code, name=row.unit_name),
        name=one.name,
        post=one.post,
        phone=phone_shown(one.phone, full=full),
        mode=one.mode,
        mode_zh=MODE_ZH[one.mode],
        for_person=one.for_person,
        reason=one.reason,
        extra=one.extra,
        answered_at=shown(row.answered_at),
        late=row.late,
        checked_in_at=when(row.checked_in_at),
        seat=seat,
    )


def _personal(told: tuple[int, str, str, str, int], organisation: Organisation) -> PersonalLine:
    unit_id, name, said, reason, at = told
    word = cast("PersonalAnswer", said)
    return PersonalLine(
        unit=unit_ref(organisation, unit_id),
        name=name,
        answer=word,
        answer_zh=PERSONAL_ZH[word],
        reason=reason,
        at=shown(at),
    )


@routes.at(
    "GET",
    "/api/v1/meetings/{document_id:int}/roster.xlsx",
    name="meeting.roster_xlsx",
    access="meeting.roster",
    query=RosterQuery,
    answer=Raw((XLSX,)),
    zh="参会人员名单和未报单位，Excel 文件",
    en="The roster and the missing list as XLSX",
    errors=("export_too_large",),
)
async def roster_xlsx(call: AppCall[None, RosterQuery]) -> web.Response:
    """The roster as a workbook."""
    return await _export(call, "xlsx")


@routes.at(
    "GET",
    "/api/v1/meetings/{document_id:int}/roster.csv",
    name="meeting.roster_csv",
    access="meeting.roster",
    query=RosterQuery,
    answer=Raw((CSV,)),
    zh="参会人员名单，CSV 文件",
    en="The roster as CSV",
    errors=("export_too_large",),
)
async def roster_csv(call: AppCall[None, RosterQuery]) -> web.Response:
    """The roster as CSV."""
    return await _export(call, "csv")


async def _export(call: AppCall[None, RosterQuery], kind: str) -> web.Response:
    told, full = await _roster(call, kind)
    body = await asyncio.to_thread(flows.export, told, kind, call.now, full_phones=full)
    return made(body, clean_name(f"{told.meeting.title[:60]} 参会人员名单.{kind}"))
