"""Meeting receipts: answers, roster, missing list, counts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.roster_sheets import missing_sheet, roster_sheet
from gateway.rules.roster import (
    ALL_MODES,
    TEXT_CHARACTERS_MAX,
    Receipt,
    missing,
    outcome,
    roster,
    summary,
    validate,
)
from inbox_store.nouns import Attendee, MeetingForm
from tests.rules import small_city as town

FORM = MeetingForm(place="市政府三楼会议室", starts_at=2_000, reply_due_at=1_000, seats=2, fields=("用餐",))
LI = Attendee(name="李某", mode="attend", post="局长", phone="0933-8210000", extra={"用餐": "是"})
WANG = Attendee(
    name="王某",
    mode="substitute",
    post="副局长",
    phone="13900000000",
    for_person="赵某",
    extra={"用餐": "否"},
)
ZHAO = Attendee(name="赵某", mode="leave", reason="外出培训")
CITY = town.city()


def codes(*attendees: Attendee, now: int = 500, changes: bool = False) -> list[tuple[str, str]]:
    """The faults of an answer without their reasons."""
    return [(fault.code, fault.field) for fault in validate(FORM, attendees, now, changes=changes)]


def changed(one: Attendee, **fields: object) -> Attendee:
    """The line with some fields replaced."""
    replaced: Attendee = msgspec.structs.replace(one, **fields)
    return replaced


def test_a_complete_answer() -> None:
    """Attending, a substitute with the name of the absent, and that one's leave make a complete answer."""
    assert codes(LI, WANG, ZHAO) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (changed(LI, name="　"), ("name_missing", "attendees[0].name")),
        (changed(LI, post=""), ("post_missing", "attendees[0].post")),
        (changed(LI, phone=""), ("phone_invalid", "attendees[0].phone")),
        (changed(LI, phone="李某"), ("phone_invalid", "attendees[0].phone")),
        (changed(LI, phone="=1+1"), ("phone_invalid", "attendees[0].phone")),
        (changed(LI, extra={}), ("field_missing", "attendees[0].extra.用餐")),
        (changed(LI, extra={"用餐": "是", "住宿": "否"}), ("field_unknown", "attendees[0].extra.住宿")),
        (changed(LI, for_person="赵某"), ("for_person_unexpected", "attendees[0].for_person")),
        (changed(WANG, for_person=" "), ("for_person_missing", "attendees[0].for_person")),
        (changed(ZHAO, reason=""), ("reason_missing", "attendees[0].reason")),
        (changed(LI, post="长" * (TEXT_CHARACTERS_MAX + 1)), ("text_too_long", "attendees[0].post")),
        (
            changed(LI, extra={"用餐": "是" * (TEXT_CHARACTERS_MAX + 1)}),
            ("text_too_long", "attendees[0].extra.用餐"),
        ),
    ],
)
def test_each_thing_missing_is_named(line: Attendee, fault: tuple[str, str]) -> None:
    """A line that lacks something is named with its place."""
    assert codes(line) == [fault]


def test_all_faults_at_once() -> None:
    """The unit hears everything that is wrong in one answer."""
    assert codes(Attendee(name="", mode="substitute"), LI, LI, changed(LI, name="孙某"), now=2_000) == [
        ("receipt_closed", ""),
        ("seats_exceeded", "attendees"),
        ("name_twice", "attendees[2].name"),
        ("name_missing", "attendees[0].name"),
        ("post_missing", "attendees[0].post"),
        ("phone_invalid", "attendees[0].phone"),
        ("for_person_missing", "attendees[0].for_person"),
        ("field_missing", "attendees[0].extra.用餐"),
    ]


def test_an_empty_answer_is_none() -> None:
    """A unit that nobody comes from says who is on leave and why."""
    assert codes() == [("receipt_empty", "attendees")]
    assert codes(ZHAO) == []


def test_seats() -> None:
    """Seats are taken by those who attend, substitute and sit in; leave, observers and guests take none."""
    third = changed(LI, name="孙某", mode="sit_in")
    assert codes(LI, WANG, third) == [("seats_exceeded", "attendees")]
    for mode in ("observer", "guest"):
        assert codes(LI, WANG, changed(third, mode=mode)) == []


def test_modes_are_the_organisers() -> None:
    """A mode that the organiser does not offer is refused."""
    faults = validate(FORM, (LI, WANG), 500, changes=False, modes=ALL_MODES - {"substitute"})
    assert [(fault.code, fault.field) for fault in faults] == [("mode_not_offered", "attendees[1].mode")]


@pytest.mark.parametrize(
    ("now", "changes", "closed"),
    [
        (1_000, True, []),
        (1_001, True, [("receipt_closed", "")]),
        (1_001, False, []),
        (1_999, False, []),
        (2_000, False, [("receipt_closed", "")]),
    ],
)
def test_until_when(now: int, changes: bool, closed: list[tuple[str, str]]) -> None:  # noqa: FBT001  a table
    """Changes until the reply deadline, a late first answer until the meeting begins."""
    assert codes(LI, now=now, changes=changes) == closed


def test_the_first_answer_decides_what_is_late() -> None:
    """The receipt rate counts answers by the deadline, that moment included."""
    assert (outcome(FORM, 1_000), outcome(FORM, 1_001)) == ("answered", "answered_late")


EAST = Receipt(
    unit_id=20, attendees=(LI, WANG, ZHAO), first_answered_at=400, answered_at=900, checked_in={0: 1_990}
)
LATE = Receipt(
    unit_id=11,
    attendees=(changed(LI, name="孙某", mode="sit_in"),),
    first_answered_at=1_500,
    answered_at=1_500,
)
STRAY = Receipt(unit_id=99, attendees=(changed(LI, mode="guest"),), first_answered_at=1, answered_at=1)


def test_roster_missing_and_counts() -> None:
    """The roster goes by unit code, who has not answered is listed, the counts add up."""
    rows = roster(FORM, [EAST, LATE], CITY)
    assert [(one.unit_code, one.attendee.name, one.late, one.checked_in_at) for one in rows] == [
        ("S02", "孙某", True, None),
        ("X01", "李某", False, 1_990),
        ("X01", "王某", False, None),
        ("X01", "赵某", False, None),
    ]
    silent = missing([20, 11, 30, 22, 98], [EAST, LATE], CITY)
    assert [(unit.unit_code, unit.unit_name) for unit in silent] == [
        ("", "单位98"),
        ("X03", "东川县税务局"),
        ("Y01", "西岭县政府办"),
    ]
    told = summary(FORM, [20, 11, 30, 22], [EAST, LATE, STRAY])
    assert (told.asked, told.answered, told.late, told.missing) == (4, 2, 1, 2)
    assert (told.attending, told.substitutes, told.sitting_in, told.on_leave) == (2, 1, 1, 1)
    assert (told.observers, told.guests, told.checked_in) == (0, 1, 1)


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)))
def test_asked_is_answered_and_missing(asked: set[int], answering: set[int]) -> None:
    """Every unit asked has answered or is missing."""
    receipts = [
        Receipt(unit_id=unit, attendees=(ZHAO,), first_answered_at=unit * 50, answered_at=unit * 50)
        for unit in answering
    ]
    told = summary(FORM, asked, receipts)
    assert told.asked == told.answered + told.missing
    assert told.missing == len(missing(asked, receipts, CITY))
    assert told.on_leave == len(roster(FORM, receipts, CITY))


def test_sheets_of_a_meeting() -> None:
    """The roster shows each name with the organiser's fields, phones as the reader may see them."""
    rows, seats = roster(FORM, [EAST], CITY), {(EAST.unit_id, "王某"): "3排5座"}
    sheet = roster_sheet("防汛会议", FORM, rows, lambda phone: phone[:3] + "****", seats)
    assert sheet.title == "防汛会议 参会人员名单"
    assert [column.title for column in sheet.columns][-3:] == ["签到时间", "座位", "用餐"]
    assert list(sheet.rows[1]) == [
        2,
        "X01",
        "东川县政府办",
        "王某",
        "副局长",
        "139****",
        "替会",
        "赵某",
        "",
        900,
        "",
        None,
        "3排5座",
        "否",
    ]
    silent = missing_sheet("防汛会议", missing([30], [], CITY))
    assert [list(one) for one in silent.rows] == [[1, "Y01", "西岭县政府办"]]
