"""Instants and days: microseconds in UTC, days in Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import (
    DAY_US,
    SHANGHAI,
    US,
    day_int,
    day_of,
    day_start,
    int_day,
    iso,
    moment,
    parse_iso,
    system_now,
)

INSTANTS = st.integers(0, 4_102_444_800 * US)
DAYS = st.dates(date(1970, 1, 2), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01T15:59:59.999999+00:00", date(2026, 3, 1)),
        ("2026-03-01T16:00:00+00:00", date(2026, 3, 2)),
        ("2026-03-02T00:00:00+08:00", date(2026, 3, 2)),
        ("2026-12-31T23:59:59", date(2026, 12, 31)),
    ],
)
def test_the_day_changes_at_midnight_in_shanghai(text: str, day: date) -> None:
    """The calendar day of an instant is the one in Shanghai; a text without an offset is Shanghai time."""
    assert day_of(parse_iso(text)) == day


@given(INSTANTS)
def test_days_agree_with_datetime(at: int) -> None:
    """The quick sum and the library's calendar give the same day."""
    told = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    assert day_of(at) == told.astimezone(SHANGHAI).date() == moment(at).date()


@given(DAYS)
def test_a_day_begins_with_its_first_instant(day: date) -> None:
    """The first instant belongs to the day, the one before to the day before, and the integer leads back."""
    assert day_of(day_start(day)) == day
    assert day_of(day_start(day) - 1) == day - timedelta(days=1)
    assert day_of(day_start(day) + DAY_US - 1) == day
    assert int_day(day_int(day)) == day


@given(INSTANTS)
def test_iso_leads_back(at: int) -> None:
    """An instant told as text is read back to the millisecond."""
    assert parse_iso(iso(at)) == at // 1000 * 1000
    assert iso(at).endswith("+08:00")


@pytest.mark.parametrize("value", [20260230, 20261301, 0, 99_999_999])
def test_what_is_no_day_is_refused(value: int) -> None:
    """An integer that names no day raises."""
    with pytest.raises(ValueError, match=r"\w"):
        int_day(value)


def test_the_clock_tells_microseconds() -> None:
    """The wall clock agrees with the library's to the second."""
    assert abs(system_now() - datetime.now(UTC).timestamp() * US) < 2 * US
