"""Working days and hours of the mainland."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules import workcal
from gateway.rules.workcal import HOUR_US, MINUTE_US, load, work_hours
from inbox_store.times import parse_iso

SHIPPED = Path(workcal.__file__).with_name("workdays.toml").read_text(encoding="utf-8")
CALENDAR = load(SHIPPED)
PACKAGED = load("")

TABLE_2027 = """
[years.2027]
source = "国务院办公厅关于2027年部分节假日安排的通知"
days_off = ["2027-01-01/2027-01-03", "2027-02-05/2027-02-11"]
makeup_work = ["2027-02-20"]

[[changes]]
day = "2027-07-20"
work = false
source = "市防汛指挥部停工通知"
"""

known_moments = st.integers(parse_iso("2017-01-01T00:00:00"), parse_iso("2025-12-01T00:00:00"))


@pytest.mark.parametrize(
    ("start", "count", "reached"),
    [
        (date(2018, 9, 28), 3, date(2018, 10, 8)),  # 29 and 30 September are worked
        (date(2018, 2, 14), 3, date(2018, 2, 24)),  # a Saturday that is worked
        (date(2026, 2, 13), 3, date(2026, 2, 25)),
        (date(2026, 9, 18), 3, date(2026, 9, 22)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2018, 3, 31), 9, date(2018, 4, 13)),  # the day the source's bulletin was dated
        (date(2026, 2, 13), 0, date(2026, 2, 13)),
    ],
)
def test_add_work_days(start: date, count: int, reached: date) -> None:
    """Make-up days count and holidays do not (F13)."""
    told = CALENDAR.add_work_days(start, count)
    assert (reached, False) == (told.day, told.provisional)


def test_count_work_days() -> None:
    """A quarter and a year have the working days the notices give them."""
    assert CALENDAR.count_work_days(date(2018, 1, 1), date(2018, 4, 1)) == 61
    assert CALENDAR.count_work_days(date(2026, 1, 1), date(2027, 1, 1)) == 248


@pytest.mark.parametrize("year", [2004, 2018, 2020, 2025, 2026])
def test_tables_agree_with_the_package(year: int) -> None:
    """Every day of the package's years is told as the package tells it, by its data and by the shipped table."""
    for n in range(365):
        day = date(year, 1, 1) + timedelta(days=n)
        assert chinese_calendar.is_workday(day) == PACKAGED.is_work_day(day) == CALENDAR.is_work_day(day), day


def test_beyond_the_tables_is_provisional() -> None:
    """A year without a table runs Monday to Friday and says that it is provisional; it never raises."""
    told = PACKAGED.add_work_days(date(2026, 12, 31), 1)
    assert (date(2027, 1, 1), True) == (told.day, told.provisional)
    assert PACKAGED.add_work_hours(parse_iso("2026-12-31T17:30:00"), 1).provisional
    assert not PACKAGED.add_work_hours(parse_iso("2026-12-31T16:30:00"), 1).provisional


def test_the_office_table_adds_and_overrides() -> None:
    """A year of the office's own table is known, and single days may be changed on top of it."""
    calendar = load(TABLE_2027)
    assert not calendar.is_provisional(date(2027, 1, 1))
    assert [
        calendar.is_work_day(day) for day in (date(2027, 2, 5), date(2027, 2, 20), date(2027, 7, 20))
    ] == [False, True, False]
    replaced = load('[years.2026]\nsource = "本地安排"\ndays_off = ["2026-01-01"]')
    assert replaced.is_work_day(date(2026, 2, 16))
    assert not replaced.is_work_day(date(2026, 2, 14))


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("[years.2027", "working-day table"),
        ('[years.2027]\nsource = " "', "years.2027: name the notice"),
        ('[years.2027]\ndays_off = ["2027-01-01"]', "source"),
        ('[years.2027]\nsource = "x"\nholidays = []', "holidays"),
        ('[years.2027]\nsource = "x"\ndays_off = ["2026-01-01"]', "years.2027.days_off: '2026-01-01'"),
        ('[years.2027]\nsource = "x"\ndays_off = ["2027-01-03/2027-01-01"]', "years.2027.days_off"),
        ('[years.2027]\nsource = "x"\ndays_off = ["2027-02-30"]', "is no day"),
        ('[years.2027]\nsource = "x"\nmakeup_work = ["2027-01-01"]', "no Saturday or Sunday"),
        (
            '[years.2027]\nsource = "x"\ndays_off = ["2027-01-02"]\nmakeup_work = ["2027-01-02"]',
            "2027-01-02 is both",
        ),
        ('[[changes]]\nday = "2027-07-20"\nwork = false\nsource = ""', "changes, 2027-07-20"),
    ],
)
def test_a_wrong_table_tells_its_place(table: str, place: str) -> None:
    """A fault in the table names the year and the entry."""
    with pytest.raises(ValueError, match=r".+") as told:
        load(table)
    assert place in str(told.value)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2018-03-02T08:30:00", 4, "2018-03-02T15:00:00"),  # over the lunch break
        ("2018-03-02T17:00:00", 2, "2018-03-05T09:30:00"),  # Friday to Monday
        ("2018-03-02T16:00:00", 2, "2018-03-02T18:00:00"),  # closing time, not next morning
        ("2018-03-02T20:00:00", 2, "2018-03-05T10:30:00"),  # after hours
        ("2018-03-03T10:00:00", 2, "2018-03-05T10:30:00"),  # Saturday
        ("2026-02-13T17:00:00", 2, "2026-02-14T09:30:00"),  # Saturday, worked
        ("2026-02-14T17:00:00", 2, "2026-02-24T09:30:00"),  # over the Spring Festival
        ("2018-03-02T13:00:00", 0, "2018-03-02T13:00:00"),
    ],
)
def test_add_work_hours(start: str, hours: int, due: str) -> None:
    """Working hours pass only in working hours of working days."""
    assert parse_iso(due) == CALENDAR.add_work_hours(parse_iso(start), hours).at


@given(known_moments, st.integers(1, 60 * HOUR_US))
def test_adding_and_measuring_agree(at: int, span_us: int) -> None:
    """Between a moment and the moment a span of working time later lies that span."""
    due = CALENDAR.add_work_us(at, span_us)
    assert span_us == CALENDAR.work_us_between(at, due.at)
    assert not due.provisional


@given(known_moments, st.integers(0, 20 * HOUR_US), st.integers(0, 20 * HOUR_US))
def test_working_time_adds_up(at: int, first: int, second: int) -> None:
    """Working time over a road is the sum over its pieces, and nothing runs backwards."""
    middle, end = at + first, at + first + second
    whole = CALENDAR.work_us_between(at, end)
    assert whole == CALENDAR.work_us_between(at, middle) + CALENDAR.work_us_between(middle, end)
    assert CALENDAR.work_us_between(end, at) == 0


def test_work_hours_between_is_exact() -> None:
    """From Friday 17:30 to Monday 09:00 one hour is worked."""
    start, end = parse_iso("2018-03-02T17:30:00"), parse_iso("2018-03-05T09:00:00")
    assert CALENDAR.work_hours_between(start, end) == 1


@pytest.mark.parametrize(
    "text", ["", "8-12", "08:30-12:00,11:00-18:00", "12:00-08:30", "08:30-25:00", "08:60-09:00", "a:b-c:d"]
)
def test_wrong_hours_are_named(text: str) -> None:
    """Working hours that are none are refused with their text."""
    with pytest.raises(ValueError, match="working hours") as told:
        work_hours(text)
    assert repr(text) in str(told.value)


def test_hours_are_a_setting() -> None:
    """Other hours move the close of the day."""
    calendar = load("", work_hours("09:00-12:00,13:00-17:30"))
    assert parse_iso("2018-03-02T17:30:00") == calendar.close_of(date(2018, 3, 2))
    assert calendar.hours.closes // MINUTE_US == 17 * 60 + 30


def test_negative_spans_are_bugs() -> None:
    """Counting backwards is nobody's wish."""
    with pytest.raises(ValueError, match="below 0"):
        CALENDAR.add_work_days(date(2018, 3, 2), -1)
    with pytest.raises(ValueError, match="below 0"):
        CALENDAR.add_work_us(0, -1)


@pytest.mark.parametrize(
    ("today", "year"),
    [
        (date(2026, 9, 30), None),
        (date(2026, 10, 1), 2027),
        (date(2027, 1, 1), 2027),
        (date(2025, 12, 31), None),
    ],
)
def test_the_missing_year_is_told_in_time(today: date, year: int | None) -> None:
    """From 1 October on the administrator hears which table is wanting."""
    assert year == CALENDAR.missing_year(today)
