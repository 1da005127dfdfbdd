"""Meetings: units answer with their list of names, persons say yes or no, organisers read and export the roster."""

from __future__ import annotations

from gateway.house import Act, House
from gateway.roster_sheets import missing_sheet, roster_sheet
from gateway.rules import roster as rules
from gateway.rules.access import Principal, permit
from gateway.rules.roster import MissingUnit, Receipt, RosterRow, Summary
from gateway.sheets import to_csv, to_xlsx
from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.keys import mask
from inbox_store.nouns import Attendee, MeetingForm, Noun
from inbox_store.programs import meetings as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.meetings import MeetingRow, RosterFacts


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
        code = {"receipt_closed": "deadline_passed", "seats_exceeded": "seats_exceeded"}.get(faults[0].code)
        errors = [{"field": found.field, "reason": found.reason} for found in faults]
        raise Refused(code or "receipt_invalid", errors=errors)
    fact = programs.answer(document_id, unit_id, attendees, note, house.store.keys.phones, act.actor, act.now)
    told = {"document_id": document_id, "unit_id": unit_id, "names": len(attendees)}
    return await house.once(act, fact, lambda version: {**told, "version": version})


async def answer_personally(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    said: str,
    reason: str,
) -> Answer:
    """A person's own yes, no or leave (F17)."""
    if said != "yes" and not reason.strip():
        raise Refused("field_missing", field="reason")
    fact = programs.answer_personally(document_id, unit_id, said, reason, act.actor, act.now)
    return await house.once(act, fact, lambda _: {"document_id": document_id, "answer": said})


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
    return await house.once(act, fact, lambda added: {"name": name, "first": added})


async def assign_seat(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    name: str,
    seat: str,
) -> Answer:
    """Give a name on the roster its seat."""
    meeting = await house.store.engine.read(programs.meeting_row(document_id))
    await house.require(act.principal, "meeting.roster", meeting.sender_unit_id)
    fact = programs.assign_seat(document_id, unit_id, name, seat, act.actor)
    return await house.once(act, fact, lambda _: {"name": name, "seat": seat})


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


def export(told: Roster, kind: str, now: int, *, full_phones: bool) -> bytes:
    """The roster and the missing list as XLSX, or the roster as CSV; numbers masked without the right to them."""
    form = form_of(told.meeting)
    show = (lambda number: number) if full_phones else (lambda number: mask(number) if number else "")
    sheet = roster_sheet(told.meeting.title, form, told.rows, show)
    if kind == "csv":
        return to_csv(sheet)
    return to_xlsx([sheet, missing_sheet(told.meeting.title, told.missing)], now)
