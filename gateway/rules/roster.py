"""Meeting receipts (会议回执): is an answer complete, who comes, who has not answered (P36, P56, X19, F16).

The answer of a unit is its list of names. It may be changed until the reply deadline; a first answer is taken, and
marked late, until the meeting begins.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, get_args

import msgspec

from inbox_store.nouns import MODE_ZH, Attendee, MeetingForm, MeetingMode
from inbox_store.org import Organisation, Unit

FaultCode = Literal[
    "receipt_closed",
    "receipt_empty",
    "mode_not_offered",
    "name_missing",
    "name_twice",
    "post_missing",
    "phone_invalid",
    "for_person_missing",
    "for_person_unexpected",
    "reason_missing",
    "field_missing",
    "field_unknown",
    "text_too_long",
    "seats_exceeded",
]
AnswerOutcome = Literal["answered", "answered_late"]

ALL_MODES: Final = frozenset[MeetingMode](get_args(MeetingMode))
SEATED: Final = frozenset[MeetingMode]({"attend", "substitute", "sit_in"})
"""Modes that take one of the unit's seats; observers and guests are invited beside them."""
ATTENDING: Final = frozenset[MeetingMode]({"attend", "substitute"})

ATTENDEES_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 200

_PHONE: Final = re.compile(r"\+?\d[\d -]{3,18}\d")


class ReceiptFault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with an answer: where (``attendees[2].reason``) and why, in Chinese."""

    code: FaultCode
    field: str
    reason: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's answer as it stands. ``checked_in`` maps the place in ``attendees`` to the moment of check-in (签到)."""

    unit_id: int
    attendees: tuple[Attendee, ...]
    first_answered_at: int
    answered_at: int
    checked_in: Mapping[int, int] = {}


class RosterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One person of the roster (参会人员名单)."""

    unit_id: int
    unit_code: str
    unit_name: str
    attendee: Attendee
    answered_at: int
    late: bool
    checked_in_at: int | None


class MissingUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that was asked and has not answered."""

    unit_id: int
    unit_code: str
    unit_name: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a meeting.

    Units: ``asked`` = ``answered`` + ``missing``, ``late`` among the answered. The rest are persons; ``attending`` are
    those who attend themselves and the ``substitutes``.
    """

    asked: int
    answered: int
    late: int
    missing: int
    attending: int
    substitutes: int
    sitting_in: int
    on_leave: int
    observers: int
    guests: int
    checked_in: int


def validate(
    form: MeetingForm,
    attendees: tuple[Attendee, ...],
    now: int,
    *,
    changes: bool,
    modes: frozenset[MeetingMode] = ALL_MODES,
) -> tuple[ReceiptFault, ...]:
    """Everything wrong with an answer at ``now``; empty when it may be stored.

    ``changes`` says that the unit has answered before; ``modes`` are those the organiser offers. ``form.seats`` are the
    unit's own, where the organiser gave it another number than the rest.
    """
    return (
        *_times(form, now, changes=changes),
        *_list(form, attendees),
        *(fault for place, one in enumerate(attendees) for fault in _person(form, one, place, modes)),
    )


def outcome(form: MeetingForm, first_answered_at: int) -> AnswerOutcome:
    """Whether the first answer came by the reply deadline: what the receipt rate counts."""
    return "answered" if first_answered_at <= form.reply_due_at else "answered_late"


def roster(
    form: MeetingForm, receipts: Iterable[Receipt], organisation: Organisation
) -> tuple[RosterRow, ...]:
    """Every person of every answer, by unit code and in the order the unit gave."""
    rows = []
    for receipt in receipts:
        code, name = _told(receipt.unit_id, organisation)
        rows += [
            RosterRow(
                unit_id=receipt.unit_id,
                unit_code=code,
                unit_name=name,
                attendee=one,
                answered_at=receipt.answered_at,
                late=outcome(form, receipt.first_answered_at) == "answered_late",
                checked_in_at=receipt.checked_in.get(place),
            )
            for place, one in enumerate(receipt.attendees)
        ]
    return tuple(sorted(rows, key=lambda row: (row.unit_code, row.unit_id)))


def missing(
    asked: Iterable[int], receipts: Iterable[Receipt], organisation: Organisation
) -> tuple[MissingUnit, ...]:
    """The units that were asked and have not answered, by code: the list to be urged."""
    silent = set(asked) - {receipt.unit_id for receipt in receipts}
    rows = []
    for unit_id in silent:
        code, name = _told(unit_id, organisation)
        rows.append(MissingUnit(unit_id=unit_id, unit_code=code, unit_name=name))
    return tuple(sorted(rows, key=lambda row: (row.unit_code, row.unit_id)))


def summary(form: MeetingForm, asked: Iterable[int], receipts: Iterable[Receipt]) -> Summary:
    """The counts; answers of units that were not asked add persons, but no unit."""
    told = tuple(receipts)
    units = set(asked)
    answers = {receipt.unit_id: outcome(form, receipt.first_answered_at) for receipt in told}
    by_mode = Counter(one.mode for receipt in told for one in receipt.attendees)
    answered = units & answers.keys()
    return Summary(
        asked=len(units),
        answered=len(answered),
        late=sum(answers[unit_id] == "answered_late" for unit_id in answered),
        missing=len(units - answered),
        attending=sum(by_mode[mode] for mode in ATTENDING),
        substitutes=by_mode["substitute"],
        sitting_in=by_mode["sit_in"],
        on_leave=by_mode["leave"],
        observers=by_mode["observer"],
        guests=by_mode["guest"],
        checked_in=sum(len(receipt.checked_in) for receipt in told),
    )


def _told(unit_id: int, organisation: Organisation) -> tuple[str, str]:
    unit: Unit | None = organisation.units.get(unit_id)
    return (unit.code, unit.name) if unit else ("", f"单位{unit_id}")


def _times(form: MeetingForm, now: int, *, changes: bool) -> Iterator[ReceiptFault]:
    if changes and now > form.reply_due_at:
        reason = "报名已截止，回执不能再改，如有变化请直接联系会议承办人"
        yield ReceiptFault(code="receipt_closed", field="", reason=reason)
    elif now >= form.starts_at:
        reason = "会议已经开始，不再接收回执"
        yield ReceiptFault(code="receipt_closed", field="", reason=reason)


def _list(form: MeetingForm, attendees: tuple[Attendee, ...]) -> Iterator[ReceiptFault]:
    """What is wrong with the list as a whole."""
    if not attendees:
        reason = "请填写参会人员；不能参会的，也请填写请假人和原因"
        yield ReceiptFault(code="receipt_empty", field="attendees", reason=reason)
    if len(attendees) > ATTENDEES_MAX:
        reason = f"一份回执最多{ATTENDEES_MAX}人"
        yield ReceiptFault(code="text_too_long", field="attendees", reason=reason)
    seated = sum(one.mode in SEATED for one in attendees)
    if seated > form.seats:
        reason = f"本单位名额{form.seats}个，填报了{seated}人"
        yield ReceiptFault(code="seats_exceeded", field="attendees", reason=reason)
    seen: set[tuple[str, str]] = set()
    for place, one in enumerate(attendees):
        key = (one.name.strip(), one.phone.strip())
        if key in seen:
            yield ReceiptFault(
                code="name_twice", field=f"attendees[{place}].name", reason=f"{one.name}填报了两次"
            )
        seen.add(key)


def _person(
    form: MeetingForm, one: Attendee, place: int, modes: frozenset[MeetingMode]
) -> Iterator[ReceiptFault]:
    """What is wrong with one line of the list."""
    coming = one.mode != "leave"
    asks: tuple[tuple[bool, FaultCode, str, str], ...] = (
        (one.mode not in modes, "mode_not_offered", "mode", f"本次会议不设{MODE_ZH[one.mode]}"),
        (not one.name.strip(), "name_missing", "name", "请填写姓名"),
        (coming and not one.post.strip(), "post_missing", "post", "请填写职务"),
        (coming and not _PHONE.fullmatch(one.phone.strip()), "phone_invalid", "phone", "请填写联系电话"),
        (
            one.mode == "substitute" and not one.for_person.strip(),
            "for_person_missing",
            "for_person",
            "替会请写明替谁参会",
        ),
        (
            one.mode != "substitute" and bool(one.for_person.strip()),
            "for_person_unexpected",
            "for_person",
            "只有替会才填写被替人",
        ),
        (not coming and not one.reason.strip(), "reason_missing", "reason", "请假请写明原因"),
    )
    for wrong, code, field, reason in asks:
        if wrong:
            yield ReceiptFault(code=code, field=f"attendees[{place}].{field}", reason=reason)
    yield from _fields(form, one, f"attendees[{place}]")


def _fields(form: MeetingForm, one: Attendee, place: str) -> Iterator[ReceiptFault]:
    """The organiser's own fields, all asked of those who come, and the length of every text."""
    for name in form.fields:
        if one.mode != "leave" and not one.extra.get(name, "").strip():
            yield ReceiptFault(code="field_missing", field=f"{place}.extra.{name}", reason=f"请填写{name}")
    for name in sorted(one.extra.keys() - set(form.fields)):
        yield ReceiptFault(
            code="field_unknown", field=f"{place}.extra.{name}", reason=f"本次会议没有“{name}”一项"
        )
    texts = {"name": one.name, "post": one.post, "phone": one.phone, "for_person": one.for_person}
    for field, text in {
        **texts,
        "reason": one.reason,
        **{f"extra.{k}": v for k, v in one.extra.items()},
    }.items():
        if len(text) > TEXT_CHARACTERS_MAX:
            reason = f"最多{TEXT_CHARACTERS_MAX}字"
            yield ReceiptFault(code="text_too_long", field=f"{place}.{field}", reason=reason)
