"""Meetings: units answer with their list of names, persons say yes or no, organisers read and export the roster."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from gateway.flows.proposals import field_fault
from gateway.flows.words import PERSONAL_ZH, PersonalAnswer
from gateway.house import Act, House
from gateway.roster_sheets import missing_sheet, roster_sheet
from gateway.rules import roster as rules
from gateway.rules.access import Principal, permit
from gateway.rules.roster import MissingUnit, Receipt, ReceiptFault, RosterRow, Summary
from gateway.sheets import to_csv, to_xlsx
from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.keys import mask
from inbox_store.nouns import Attendee, MeetingForm, Noun
from inbox_store.programs import meetings as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.meetings import MeetingRow, RosterFacts, UnitAnswer
from inbox_store.times import moment


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """已收到的会议回执：version 为第几次填报，late 为是否在报名截止之后才首次填报"""

    document_id: int
    unit_id: int
    version: int
    names: int
    answered_at: datetime
    late: bool


class AnsweredPersonally(msgspec.Struct, frozen=True, kw_only=True):
    """已记录的本人答复"""

    document_id: int
    unit_id: int
    answer: PersonalAnswer
    answer_zh: str
    at: datetime


class CheckedIn(msgspec.Struct, frozen=True, kw_only=True):
    """签到结果；first 为 false 表示先前已经签到，以第一次为准"""

    document_id: int
    unit_id: int
    name: str
    first: bool


class Seated(msgspec.Struct, frozen=True, kw_only=True):
    """已排定的座位数"""

    document_id: int
    seats: int


class Place(Noun, frozen=True, kw_only=True):
    """The seat of one name of a unit's answer."""

    unit_id: int
    name: str
    seat: str


class Roster(Noun, frozen=True, kw_only=True):
    """A meeting's roster, who is missing, the counts, personal answers and seats."""

    meeting: MeetingRow
    rows: tuple[RosterRow, ...]
    missing: tuple[MissingUnit, ...]
    summary: Summary
    personal: tuple[tuple[int, str, str, str, int], ...]
    seats: tuple[tuple[int, str, str], ...]


def form_of(meeting: MeetingRow) -> MeetingForm:
    """The meeting as the rules see it."""
    return MeetingForm(
        place=meeting.place,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        reply_due_at=meeting.reply_due_at,
        seats=meeting.seats,
        fields=meeting.fields,
        personal=meeting.personal,
    )


def _before_answer(document_id: int, unit_id: int) -> Program[tuple[MeetingRow, bool]]:
    meeting = yield from programs.meeting_row(document_id)
    last = yield Sql("meeting_receipt_last", {"document_id": document_id, "unit_id": unit_id})
    return meeting, bool(last)


async def answer(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    attendees: tuple[Attendee, ...],
    note: str,
) -> Answer:
    """The unit's receipt (会议回执); every fault of the list is told at once."""
    await house.require(act.principal, "meeting.answer", unit_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    meeting, changes = await house.store.engine.read(_before_answer(document_id, unit_id))
    faults = rules.validate(form_of(meeting), attendees, act.now, changes=changes)
    if faults:
        raise _refused(meeting, faults)
    fact = programs.answer(document_id, unit_id, attendees, note, house.store.keys.phones, act.actor, act.now)

    def told(version: int) -> Answered:
        return Answered(
            document_id=document_id,
            unit_id=unit_id,
            version=version,
            names=len(attendees),
            answered_at=moment(act.now),
            late=act.now > meeting.reply_due_at,
        )

    return await house.once(act, fact, told)


def _refused(meeting: MeetingRow, faults: tuple[ReceiptFault, ...]) -> Refused:
    """Every fault of an answer in one refusal, named after the first."""
    code = {"receipt_closed": "deadline_passed", "seats_exceeded": "seats_exceeded"}.get(faults[0].code)
    errors = [{"field": found.field, "reason": found.reason} for found in faults]
    due = {"due_at": meeting.reply_due_at} if code == "deadline_passed" else {}
    return Refused(code or "receipt_invalid", errors=errors, **due)


async def answer_personally(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    said: PersonalAnswer,
    reason: str,
) -> Answer:
    """A person's own yes, no or leave (F17)."""
    if said != "yes" and not reason.strip():
        raise field_fault("field_missing", "reason", "不参加或请假的，请写明原因")
    fact = programs.answer_personally(document_id, unit_id, said, reason, act.actor, act.now)
    told = AnsweredPersonally(
        document_id=document_id,
        unit_id=unit_id,
        answer=said,
        answer_zh=PERSONAL_ZH[said],
        at=moment(act.now),
    )
    return await house.once(act, fact, lambda _: told)


async def check_in(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    name: str,
) -> Answer:
    """Presence on the day (签到), entered by the organiser."""
    meeting = await house.store.engine.read(programs.meeting_row(document_id))
    await house.require(act.principal, "meeting.check_in", meeting.sender_unit_id)
    fact = programs.check_in(document_id, unit_id, name, act.actor, act.now)
    return await house.once(
        act,
        fact,
        lambda added: CheckedIn(document_id=document_id, unit_id=unit_id, name=name, first=added),
    )


async def assign_seats(house: House, act: Act, document_id: int, places: tuple[Place, ...]) -> Answer:
    """Give names on the roster their seats, all of them or none."""
    meeting = await house.store.engine.read(programs.meeting_row(document_id))
    await house.require(act.principal, "meeting.roster", meeting.sender_unit_id)
    fact = _assign(document_id, places, act)
    return await house.once(act, fact, lambda _: Seated(document_id=document_id, seats=len(places)))


def _assign(document_id: int, places: Iterable[Place], act: Act) -> Program[None]:
    for place in places:
        yield from programs.assign_seat(document_id, place.unit_id, place.name, place.seat, act.actor)


async def roster(house: House, document_id: int, principal: Principal | None) -> Roster:
    """The roster for the organiser; with no principal, for the operator on the machine itself."""
    facts = await house.store.engine.read(programs.roster_facts(document_id, house.store.keys.phones))
    if principal is not None:
        target = await house.target(facts.meeting.sender_unit_id)
        if not permit(principal, "meeting.roster", target):
            raise Refused("not_found", what="meeting", id=document_id)
    organisation = await house.organisation()
    receipts = _receipts(facts)
    form = form_of(facts.meeting)
    return Roster(
        meeting=facts.meeting,
        rows=rules.roster(form, receipts, organisation),
        missing=rules.missing(facts.asked, receipts, organisation),
        summary=rules.summary(form, facts.asked, receipts),
        personal=facts.personal,
        seats=facts.seats,
    )


async def phones_leave(house: House, principal: Principal, told: Roster, how: str, origin: str) -> bool:
    """Whether the reader gets the numbers in full: by right to the roster and to phones; then an audit line stays.

    ``how`` names the form in which they leave; ``origin`` is the reader's address.
    """
    target = await house.target(told.meeting.sender_unit_id)
    if not permit(principal, "org.phones", target):
        return False
    numbers = sum(bool(row.attendee.phone) for row in told.rows)
    if numbers:
        subject = f"document:{told.meeting.document_id}"
        detail = {"form": how, "numbers": numbers}
        line = Audit(
            action="meeting.phones",
            actor=principal.person_id,
            subject=subject,
            detail=detail,
            origin=origin,
        )
        await house.store.engine.write(_line(line))
    return True


def _line(line: Audit) -> Program[None]:
    yield line


def _receipts(facts: RosterFacts) -> tuple[Receipt, ...]:
    came = {(unit_id, name): at for unit_id, name, at in facts.check_ins}
    return tuple(
        Receipt(
            unit_id=told.unit_id,
            attendees=told.attendees,
            first_answered_at=told.first_at,
            answered_at=told.answered_at,
            checked_in={
                place: came[told.unit_id, one.name]
                for place, one in enumerate(told.attendees)
                if (told.unit_id, one.name) in came
            },
        )
        for told in facts.answers
    )


async def own_answer(house: House, principal: Principal, document_id: int, unit_id: int) -> UnitAnswer:
    """What the unit has answered so far, for its own clerks: a change begins from it."""
    await house.require(principal, "meeting.answer", unit_id)
    return await house.store.engine.read(programs.last_answer(document_id, unit_id, house.store.keys.phones))


def export(told: Roster, kind: str, now: int, *, full_phones: bool) -> bytes:
    """The roster and the missing list as XLSX, or the roster as CSV; numbers masked without the right to them."""
    form = form_of(told.meeting)
    seats = {(unit_id, name): seat for unit_id, name, seat in told.seats}
    sheet = roster_sheet(
        told.meeting.title, form, told.rows, lambda number: phone_shown(number, full=full_phones), seats
    )
    if kind == "csv":
        return to_csv(sheet)
    return to_xlsx([sheet, missing_sheet(told.meeting.title, told.missing)], now)


def phone_shown(number: str, *, full: bool) -> str:
    """A number as the reader gets it: in full by right, else masked."""
    return number if full or not number else mask(number)
