"""The urging ladder as a table and as properties: who is urged when, what is taken once, what waits (F14)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.rules.urging import (
    RUNGS,
    STALE_US,
    UrgingRules,
    again_at,
    asks_sms,
    ladder,
    move,
    whom,
)
from gateway.rules.workcal import HOUR_US, MINUTE_US, load
from inbox_store.times import iso, parse_iso
from inbox_store.urging import Matter, Rung, UnitPerson

CALENDAR = load("")
RULES = UrgingRules()
MONDAY = parse_iso("2026-06-01T09:00:00+08:00")
SPRING = parse_iso("2026-02-13T17:00:00+08:00")
"""The last working afternoon before the holidays of 2026; work begins again on Saturday, 14 February (made up)."""


def matter(**told: object) -> Matter:
    """An ordinary copy to be signed for by half past three, sent on Monday at nine."""
    plain: dict[str, object] = {
        "duty": "sign",
        "document_id": 1,
        "unit_id": 2,
        "copy_round": 1,
        "due_at": parse_iso("2026-06-01T15:30:00+08:00"),
        "reached": 0,
        "sent_at": MONDAY,
        "state": "unsigned",
        "round": 1,
        "handler_id": None,
        "folder": "from_above",
        "urgency": "ordinary",
        "kind": "notice",
        "title": "关于防汛的通知",
        "sensitivity": "internal",
        "sender_unit_id": 9,
        "recalled": 0,
        "ticked": 0,
        "answered": 0,
    }
    return Matter(**{**plain, **told})  # type: ignore[arg-type]  # the fields of a matter by name


def told(what: Matter, rules: UrgingRules = RULES) -> list[str]:
    """The ladder as one reads it."""
    return [f"{iso(step.at)[5:16]} {step.rung or step.act}" for step in ladder(rules, what, CALENDAR)]


@pytest.mark.parametrize(
    ("what", "steps"),
    [
        (
            {},
            [
                "06-01T11:00 clerk_a",
                "06-01T12:00 clerk_b",
                "06-01T14:30 amber",
                "06-01T15:00 leader",
                "06-01T15:30 red",
            ],
        ),
        (
            {
                "urgency": "extra_urgent",
                "sent_at": MONDAY + 14 * HOUR_US,
                "due_at": MONDAY + 14 * HOUR_US + 30 * MINUTE_US,
            },
            [
                "06-01T23:10 clerk_a",
                "06-01T23:20 clerk_b",
                "06-01T23:20 amber",
                "06-01T23:25 leader",
                "06-01T23:30 red",
            ],
        ),
        (
            {
                "urgency": "urgent",
                "sent_at": MONDAY + 8 * HOUR_US,
                "due_at": parse_iso("2026-06-02T09:30:00+08:00"),
            },
            [
                "06-01T18:00 clerk_a",
                "06-02T08:30 amber",
                "06-02T09:00 clerk_b",
                "06-02T09:15 leader",
                "06-02T09:30 red",
            ],
        ),
        (
            {"duty": "handle", "state": "handling", "due_at": parse_iso("2026-06-03T18:00:00+08:00")},
            [
                "06-03T08:30 handler",
                "06-03T08:30 amber",
                "06-03T14:30 clerk_a",
                "06-03T17:00 leader",
                "06-03T18:00 red",
            ],
        ),
        (
            {"duty": "reply", "kind": "meeting_notice", "due_at": parse_iso("2026-06-02T12:00:00+08:00")},
            [
                "06-02T08:30 clerk_a",
                "06-02T10:00 clerk_b",
                "06-02T10:00 amber",
                "06-02T11:30 leader",
                "06-02T12:00 red",
            ],
        ),
    ],
    ids=["ordinary", "extra urgent at night", "urgent over the evening", "handling", "reply"],
)
def test_the_ladder_of_each_duty(what: dict[str, object], steps: list[str]) -> None:
    """Working time for what is ordinary and urgent, any hour for what is extra urgent; red at the deadline itself."""
    assert told(matter(**what)) == steps


def test_holidays_are_no_working_time() -> None:
    """An hour before the Spring Festival and three after it, made-up Saturday counted: nobody is urged on holidays."""
    what = matter(sent_at=SPRING, due_at=SPRING + 30 * 24 * HOUR_US)
    assert told(what)[:3] == ["02-14T09:30 clerk_a", "02-14T10:30 clerk_b", "02-14T11:00 leader"]


def test_a_ladder_that_does_not_grow_is_refused() -> None:
    """Rungs out of order are told with the setting's name."""
    with pytest.raises(ValueError, match="sign_urgent_work"):
        UrgingRules(sign_urgent_work=(60, 30))
    with pytest.raises(ValueError, match="handle_before_work"):
        UrgingRules(handle_before_work=(60, 120))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "signed"},
        {"state": "returned"},
        {"state": "recalled"},
        {"recalled": 1},
        {"round": 2},
        {"duty": "handle", "state": "finished"},
        {"duty": "handle", "state": "archived"},
        {"duty": "reply", "answered": 1},
        {"duty": "reply", "state": "returned"},
    ],
)
def test_what_is_done_is_not_urged(changes: dict[str, object]) -> None:
    """Signed, handled, answered, returned, taken back, or sent anew: nothing is due, and it is never looked at again."""
    what = matter(**changes)
    told = move(ladder(RULES, what, CALENDAR), what, what.due_at)
    assert (told.rungs, told.amber, told.red, told.next_at) == ((), False, False, None)


MINUTES = st.integers(-600, 6_000)


@given(st.lists(MINUTES, min_size=1, max_size=30), st.sampled_from(["ordinary", "urgent", "extra_urgent"]))
def test_each_step_is_taken_once_whatever_the_clock_does(looks: list[int], urgency: str) -> None:
    """Looked at at any moments, also backwards: no rung twice, no light twice, and what comes next lies ahead."""
    what = matter(urgency=urgency)
    steps = ladder(RULES, what, CALENDAR)
    rungs: list[Rung] = []
    reds = 0
    for minutes in looks:
        now = MONDAY + minutes * MINUTE_US
        found = move(steps, what, now)
        rungs += found.rungs
        reds += found.red
        assert found.next_at is None or found.next_at > max(now, what.reached)
        assert found.step >= what.reached
        what = replace(what, reached=found.step)
    assert len(rungs) == len(set(rungs))
    assert reds <= 1


@given(st.lists(MINUTES, min_size=1, max_size=12))
def test_often_or_seldom_the_same_steps_are_taken(looks: list[int]) -> None:
    """Going forward, the lights that are on depend on the last look only, not on how often one looked before."""
    steps = ladder(RULES, matter(), CALENDAR)
    forward = sorted(looks)
    what, amber, red = matter(), False, False
    for minutes in forward:
        found = move(steps, what, MONDAY + minutes * MINUTE_US)
        amber, red = amber or found.amber, red or found.red
        what = replace(what, reached=found.step)
    once = move(steps, matter(), MONDAY + forward[-1] * MINUTE_US)
    assert (amber, red, what.reached) == (once.amber, once.red, once.step)


def test_what_was_missed_is_one_urge_and_nothing_of_yesterday() -> None:
    """After an hour without a server all missed rungs are urged together; after two days only the light comes on."""
    what = matter()
    steps = ladder(RULES, what, CALENDAR)
    late = move(steps, what, what.due_at + HOUR_US)
    assert (late.rungs, late.red, late.next_at) == (RUNGS["sign"], True, None)
    later = move(steps, what, what.due_at + 2 * STALE_US)
    assert (later.rungs, later.red) == ((), True)


def person(number: int, *ranks: str, leads: str = "", stands_for: int = 0) -> UnitPerson:
    """Somebody of the unit."""
    return UnitPerson(
        person_id=number,
        ranks=frozenset(ranks),
        leads=frozenset({leads} - {""}),
        for_persons=frozenset({stands_for} - {0}),
    )


A, B, CHIEF, HEAD, OFFICER = (
    person(1, "A"),
    person(2, "B"),
    person(3, leads="responsible_leader"),
    person(4, leads="head"),
    person(5),
)


@pytest.mark.parametrize(
    ("rung", "people", "handler", "found"),
    [
        ("clerk_a", [A, B, CHIEF], None, (1,)),
        ("clerk_b", [A, B, CHIEF], None, (2,)),
        ("leader", [A, B, CHIEF, HEAD], None, (3,)),
        ("leader", [A, B, HEAD], None, (4,)),
        ("clerk_b", [A, CHIEF], None, (3,)),
        ("clerk_a", [B, CHIEF], None, (2,)),
        ("leader", [A, B], None, (2,)),
        ("leader", [A], None, (1,)),
        ("clerks", [A, B, CHIEF], None, (1, 2)),
        ("clerks", [CHIEF], None, (3,)),
        ("handler", [A, OFFICER], 5, (5,)),
        ("handler", [A, B], 5, (1,)),
        ("handler", [A, B], None, (1,)),
        ("clerk_a", [A, person(6, "A", stands_for=1)], None, (1, 6)),
        ("handler", [A, OFFICER, person(6, stands_for=5)], 5, (5, 6)),
        ("leader", [OFFICER], None, ()),
    ],
)
def test_whom_a_rung_finds(
    rung: Rung, people: list[UnitPerson], handler: int | None, found: tuple[int, ...]
) -> None:
    """The one named for the rung, with an agent beside; where nobody is, the next above, else the next below."""
    assert whom(rung, people, handler) == found


@pytest.mark.parametrize(
    ("setting", "urgency", "ticked", "asked"),
    [
        ("ticked", "ordinary", 0, False),
        ("ticked", "ordinary", 1, True),
        ("always", "ordinary", 0, True),
        ("never", "urgent", 1, False),
        ("never", "extra_urgent", 0, True),
        ("never", "flash", 0, True),
    ],
)
def test_when_the_ladder_asks_for_a_message(setting: str, urgency: str, ticked: int, *, asked: bool) -> None:
    """As the office set it; what is extra urgent always does."""
    rules = UrgingRules(sms=setting)  # type: ignore[arg-type]  # the three words of the setting
    assert asks_sms(rules, matter(urgency=urgency, ticked=ticked)) is asked


def test_twice_within_ten_minutes_is_too_often() -> None:
    """Told with when it may be done again; at that moment it may; a clock set back holds nobody up."""
    assert again_at(None, RULES, MONDAY) is None
    assert again_at(MONDAY, RULES, MONDAY + 9 * MINUTE_US) == MONDAY + 10 * MINUTE_US
    assert again_at(MONDAY, RULES, MONDAY + 10 * MINUTE_US) is None
    assert again_at(MONDAY, RULES, MONDAY - HOUR_US) is None


@given(st.integers(0, 40 * 24 * 60), st.integers(0, 3_000))
def test_working_time_back_and_forth(minute: int, minutes: int) -> None:
    """From the moment found so much working time before an instant, exactly that much is left until it."""
    at = MONDAY + minute * MINUTE_US
    start = CALENDAR.take_work_us(at, minutes * MINUTE_US)
    assert start <= at
    assert CALENDAR.work_hours_between(start, at) == Fraction(minutes, 60)
