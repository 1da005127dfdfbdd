"""Deadlines by urgency, and the lights."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.deadlines import (
    DeadlineRules,
    Light,
    handle_due,
    light,
    reply_due,
    sign_amber_us,
    sign_due,
)
from gateway.rules.workcal import MINUTE_US, load
from inbox_store.nouns import Urgency
from inbox_store.times import iso, parse_iso

CALENDAR = load("")
RULES = DeadlineRules()
AFTERNOON = parse_iso("2018-03-02T17:00:00")  # a Friday
FAR = parse_iso("2019-01-01T09:00:00")


def clock(at: int) -> str:
    """A moment as read on the wall in Shanghai."""
    return iso(at)[:16]


@pytest.mark.parametrize(
    ("urgency", "sign", "handle", "reply"),
    [
        ("flash", "2018-03-02T17:30", "2018-03-05T18:00", "2018-03-02T19:00"),
        ("extra_urgent", "2018-03-02T17:30", "2018-03-05T18:00", "2018-03-02T19:00"),
        ("urgent", "2018-03-05T09:30", "2018-03-06T18:00", "2018-03-05T11:30"),
        ("routine_urgent", "2018-03-05T11:30", "2018-03-13T18:00", "2018-03-05T18:00"),
        ("ordinary", "2018-03-05T11:30", "2018-03-13T18:00", "2018-03-05T18:00"),
    ],
)
def test_deadlines_by_urgency(urgency: Urgency, sign: str, handle: str, reply: str) -> None:
    """Each urgency has its own time to sign for, to handle and to answer."""
    assert sign == clock(sign_due(AFTERNOON, urgency, CALENDAR, RULES).at)
    assert handle == clock(handle_due(AFTERNOON, urgency, CALENDAR, RULES).at)
    assert reply == clock(reply_due(AFTERNOON, urgency, FAR, CALENDAR, RULES).at)


def test_extra_urgent_runs_at_night() -> None:
    """特急 has half an hour, also at two in the morning of a Sunday."""
    night = parse_iso("2018-03-04T02:00:00")
    assert clock(sign_due(night, "extra_urgent", CALENDAR, RULES).at) == "2018-03-04T02:30"


def test_a_three_day_limit_over_the_holiday() -> None:
    """L25's three days end at the close of the third working day (F13)."""
    rules = msgspec.structs.replace(RULES, handle_ordinary_work_days=3)
    assert (
        clock(handle_due(parse_iso("2026-02-13T10:00:00"), "ordinary", CALENDAR, rules).at)
        == "2026-02-25T18:00"
    )


def test_beyond_the_tables_deadlines_are_provisional() -> None:
    """A deadline that rests on an unknown year says so; one on the clock never does."""
    eve = parse_iso("2026-12-31T17:50:00")
    assert sign_due(eve, "ordinary", CALENDAR, RULES).provisional
    assert handle_due(eve, "ordinary", CALENDAR, RULES).provisional
    assert not sign_due(eve, "flash", CALENDAR, RULES).provisional


def test_no_reply_is_due_after_the_meeting_began() -> None:
    """The default reply deadline never lies behind the start of the meeting."""
    starts_at = parse_iso("2018-03-05T09:00:00")
    assert starts_at == reply_due(AFTERNOON, "ordinary", starts_at, CALENDAR, RULES).at


@pytest.mark.parametrize(
    ("now", "done", "shown"),
    [
        (899, None, Light.off),
        (900, None, Light.amber),
        (999, None, Light.amber),
        (1000, None, Light.red),
        (1500, 1000, Light.off),
        (1500, 1001, Light.red),
        (950, 940, Light.off),
    ],
)
def test_lights(now: int, done: int | None, shown: Light) -> None:
    """Amber before, red from due + 0 s; done at the last moment is in time, done later stays red."""
    assert shown is light(now, 1000, 100, done)


def test_amber_comes_earlier_for_slower_papers() -> None:
    """Half an hour's deadline warns ten minutes before, the others an hour before."""
    assert (
        sign_amber_us("flash", RULES),
        sign_amber_us("ordinary", RULES),
    ) == (10 * MINUTE_US, 60 * MINUTE_US)


@given(st.integers(0, 2**50), st.integers(0, 2**50), st.integers(0, 2**40), st.integers(0, 2**40))
def test_lights_never_go_back(now: int, due: int, amber: int, later: int) -> None:
    """An open item's light only ever moves from off over amber to red."""
    order = [Light.off, Light.amber, Light.red]
    assert order.index(light(now, due, amber)) <= order.index(light(now + later, due, amber))
