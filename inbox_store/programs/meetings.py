"""Facts of a meeting notice: the unit's list of names, personal answers, check-in, seats (P56, P60, X19)."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from inbox_store.engine import Audit, Changed, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.keys import PhoneVault
from inbox_store.nouns import Attendee, Noun
from inbox_store.programs.copies import Actor, copy_row, posts_now
from inbox_store.programs.entries import find_entry, write_entry
from inbox_store.programs.tallies import happened


class MeetingRow(Noun, frozen=True, kw_only=True):
    """A meeting as asked; times in UTC microseconds."""

    document_id: int
    place: str
    starts_at: int
    ends_at: int | None
    reply_due_at: int
    seats: int
    fields: tuple[str, ...]
    personal: bool
    title: str
    sender_unit_id: int
    recalled_at: int | None
    is_test: bool


class SealedAttendee(msgspec.Struct, frozen=True, kw_only=True):
    """An attendee as stored: the phone number sealed."""

    name: str
    mode: str
    post: str
    for_person: str
    reason: str
    extra: dict[str, str]
    phone_key: int | None = None
    phone_sealed: bytes | None = None


class UnitAnswer(Noun, frozen=True, kw_only=True):
    """A unit's receipt as it stands, with its first answer's time (the receipt rate counts the first)."""

    unit_id: int
    version: int
    first_at: int
    answered_at: int
    answered_by: str
    attendees: tuple[Attendee, ...]
    note: str


class RosterFacts(Noun, frozen=True, kw_only=True):
    """All that a roster is made of; the roster itself is a pure function over it."""

    meeting: MeetingRow
    asked: tuple[int, ...]
    answers: tuple[UnitAnswer, ...]
    personal: tuple[tuple[int, str, str, str, int], ...]
    check_ins: tuple[tuple[int, str, int], ...]
    seats: tuple[tuple[int, str, str], ...]


def meeting_row(document_id: int) -> Program[MeetingRow]:
    """The meeting. Raises Refused("not_found") where the document is none."""
    rows = yield Sql("meeting_row", {"document_id": document_id})
    if not rows:
        raise Refused("not_found", what="meeting", id=document_id)
    told = dict(zip(MeetingRow.__struct_fields__, rows[0], strict=True))
    plain = {"fields": tuple(json.loads(told["fields"])), "personal": bool(told["personal"])}
    return MeetingRow(**{**told, **plain, "is_test": bool(told["is_test"])})


def _seal(attendee: Attendee, vault: PhoneVault) -> SealedAttendee:
    return SealedAttendee(
        name=attendee.name,
        mode=attendee.mode,
        post=attendee.post,
        for_person=attendee.for_person,
        reason=attendee.reason,
        extra=attendee.extra,
        phone_key=vault.current if attendee.phone else None,
        phone_sealed=vault.seal(attendee.phone) if attendee.phone else None,
    )


def _unseal(told: SealedAttendee, vault: PhoneVault) -> Attendee:
    number = vault.open(told.phone_sealed, told.phone_key) if told.phone_sealed and told.phone_key else ""
    return Attendee(
        name=told.name,
        mode=told.mode,  # type: ignore[arg-type]  # was checked against MeetingMode when it came in
        post=told.post,
        phone=number,
        for_person=told.for_person,
        reason=told.reason,
        extra=told.extra,
    )


def answer(
    document_id: int,
    unit_id: int,
    attendees: Sequence[Attendee],
    note: str,
    vault: PhoneVault,
    actor: Actor,
    now: int,
) -> Program[int]:
    """The unit's receipt: its list of names, given or changed until the reply deadline. Returns the version.

    A first answer after the deadline is still taken and counted as late; a change after it is refused.
    """
    meeting = yield from meeting_row(document_id)
    copy = yield from copy_row(document_id, unit_id)
    if "clerk" not in (yield from posts_now(actor.person_id, unit_id, now)):
        raise Refused("not_clerk", unit=unit_id)
    if meeting.recalled_at is not None:
        raise Refused("already_recalled", id=document_id)
    if copy.state == "returned":
        raise Refused("already_returned", id=document_id)
    key = {"document_id": document_id, "unit_id": unit_id}
    last = yield Sql("meeting_receipt_last", key)
    if last and now > meeting.reply_due_at:
        raise Refused("deadline_passed", due_at=meeting.reply_due_at)
    version = last[0][0] + 1 if last else 1
    told = msgspec.json.encode([_seal(attendee, vault) for attendee in attendees]).decode()
    who = {"answered_at": now, "answered_by": actor.person_id}
    yield Sql("meeting_receipt_add", {**key, **who, "version": version, "attendees": told, "note": note})
    if version == 1 and copy.counted and copy.role == "to":
        on_time = now <= meeting.reply_due_at
        thing = (unit_id, "meeting_notice", copy.sent_at)
        yield from happened(thing, "answered" if on_time else "answered_late", now)
    yield Audit(
        action="meeting.answer",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail={"unit": unit_id, "version": version, "names": len(attendees)},
        origin=actor.origin,
    )
    return version


def answer_personally(
    document_id: int, unit_id: int, said: str, reason: str, actor: Actor, now: int
) -> Program[None]:
    """A person's own yes, no or leave inside a unit (F17); changes until the reply deadline."""
    meeting = yield from meeting_row(document_id)
    yield from copy_row(document_id, unit_id)
    if not meeting.personal or not (yield from posts_now(actor.person_id, unit_id, now)):
        raise Refused("not_addressed", document=document_id, unit=unit_id)
    if meeting.recalled_at is not None:
        raise Refused("already_recalled", id=document_id)
    if now > meeting.reply_due_at:
        raise Refused("deadline_passed", due_at=meeting.reply_due_at)
    key = {"document_id": document_id, "person_id": actor.person_id, "unit_id": unit_id}
    yield Sql("meeting_personal_set", {**key, "answer": said, "reason": reason, "at": now})
    detail = {"unit": unit_id, "answer": said}
    yield Audit(
        action="meeting.personal",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail=detail,
        origin=actor.origin,
    )
    entry = yield from find_entry(actor.person_id, document_id)
    if (
        entry is not None and entry.state == "to_read"
    ):  # a clerk's duty to sign is not done by an answer of one's own
        yield from write_entry(actor.person_id, entry, "read", opened_at=None, done_at=now)
        yield Changed(actor.person_id, entry.send_no)


def check_in(document_id: int, unit_id: int, name: str, actor: Actor, now: int) -> Program[bool]:
    """Presence on the day (签到), once per name. Returns False where it stood already."""
    yield from meeting_row(document_id)
    yield from copy_row(document_id, unit_id)
    key = {"document_id": document_id, "unit_id": unit_id, "name": name}
    ((added,),) = yield Sql("check_in_add", {**key, "at": now, "by_person": actor.person_id})
    detail = {"unit": unit_id, "name": name}
    yield Audit(
        action="meeting.check_in",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail=detail,
        origin=actor.origin,
    )
    return bool(added)


def assign_seat(document_id: int, unit_id: int, name: str, seat: str, actor: Actor) -> Program[None]:
    """Give a name on the roster its seat."""
    yield from copy_row(document_id, unit_id)
    yield Sql("seat_set", {"document_id": document_id, "unit_id": unit_id, "name": name, "seat": seat})
    detail = {"unit": unit_id, "name": name, "seat": seat}
    yield Audit(
        action="meeting.seat",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail=detail,
        origin=actor.origin,
    )


def last_answer(document_id: int, unit_id: int, vault: PhoneVault) -> Program[UnitAnswer]:
    """The unit's receipt as it stands: what a change begins from. Raises Refused("not_found") before the first."""
    rows = yield Sql("meeting_receipts", {"document_id": document_id})
    for row in rows:
        if row[0] == unit_id:
            return _unit_answer(row, vault)
    raise Refused("not_found", what="meeting_receipt", id=document_id)


def _unit_answer(row: Row, vault: PhoneVault) -> UnitAnswer:
    unit_id, version, first_at, answered_at, name, attendees, note = row
    people = msgspec.json.decode(attendees, type=list[SealedAttendee])
    return UnitAnswer(
        unit_id=unit_id,
        version=version,
        first_at=first_at,
        answered_at=answered_at,
        answered_by=name,
        attendees=tuple(_unseal(person, vault) for person in people),
        note=note,
    )


def roster_facts(document_id: int, vault: PhoneVault) -> Program[RosterFacts]:
    """Everything the roster and the missing list are made of."""
    meeting = yield from meeting_row(document_id)
    key = {"document_id": document_id}
    asked = yield Sql("meeting_asked", key)
    answers = [_unit_answer(row, vault) for row in (yield Sql("meeting_receipts", key))]
    return RosterFacts(
        meeting=meeting,
        asked=tuple(row[0] for row in asked),
        answers=tuple(answers),
        personal=tuple((yield Sql("meeting_personal_all", key))),
        check_ins=tuple((yield Sql("check_ins", key))),
        seats=tuple((yield Sql("seats_all", key))),
    )
