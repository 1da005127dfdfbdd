"""Working days and working hours of the mainland, with make-up days (国务院放假调休).

A year is *known* when the State Council's notice for it stands in a table: the package chinesecalendar (2004-2026)
or the office's own ``workdays.toml``, which also overrides it. Beyond, Monday to Friday is worked and every answer
that rests on such a year is ``provisional``: never a guess without saying so, never an error in a worker (faults.md 9).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cache
from itertools import pairwise

import chinese_calendar
import msgspec

from config.toml_text import parse
from inbox_store.times import US, day_of, day_start

MINUTE_US = 60 * US
HOUR_US = 60 * MINUTE_US

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class DayKind(StrEnum):
    """How a day leaves the rule Monday to Friday; ordinary days stand in no table."""

    day_off = "day_off"
    makeup_work = "makeup_work"


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A moment something is due (UTC microseconds); ``provisional`` when it rests on a year without a table."""

    at: int
    provisional: bool = False


class DueDay(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar day in Asia/Shanghai reached by counting; ``provisional`` as in ``Due``."""

    day: date
    provisional: bool = False


class WorkHours(msgspec.Struct, frozen=True, kw_only=True):
    """The hours of a working day: spans as microseconds after midnight, in order, half-open."""

    spans: tuple[tuple[int, int], ...]

    @property
    def closes(self) -> int:
        """The end of the working day, in microseconds after midnight."""
        return self.spans[-1][1]


def _clock(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    told = int(hours) * 60 + int(minutes)
    if not (0 <= int(minutes) < 60 and 0 <= told <= 24 * 60):
        raise ValueError(text)
    return told * MINUTE_US


def work_hours(text: str) -> WorkHours:
    """Read hours such as ``08:30-12:00,14:30-18:00``. Raises ValueError naming the text where it is none."""
    try:
        spans = tuple(
            (_clock(start), _clock(end)) for start, end in (span.split("-") for span in text.split(","))
        )
    except ValueError as fault:
        raise ValueError(f'working hours {text!r}: write spans such as "08:30-12:00,14:30-18:00"') from fault
    edges = [edge for span in spans for edge in span]
    if any(later <= earlier for earlier, later in pairwise(edges)):
        raise ValueError(f"working hours {text!r}: spans must follow one another and must not overlap")
    return WorkHours(spans=spans)


DEFAULT_HOURS = work_hours("08:30-12:00,14:30-18:00")


class WorkCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """Which days are worked, and in which hours. Pure: every method answers from the tables it was built with."""

    days: Mapping[date, DayKind]
    known_years: frozenset[int]
    hours: WorkHours = DEFAULT_HOURS

    def is_work_day(self, day: date) -> bool:
        """Whether ``day`` is worked: the table first, else Monday to Friday."""
        kind = self.days.get(day)
        return kind is DayKind.makeup_work if kind else day.weekday() < _SATURDAY

    def is_provisional(self, day: date) -> bool:
        """Whether no table is known for the year of ``day``."""
        return day.year not in self.known_years

    def add_work_days(self, day: date, count: int) -> DueDay:
        """The ``count``-th working day after ``day``; the day itself is never counted (count 0 is the day itself).

        2026-02-13 and 3 give 2026-02-25, 2018-09-28 and 3 give 2018-10-08 (F13). Raises ValueError below 0.
        """
        if count < 0:
            raise ValueError(f"working days to add: {count} is below 0")
        provisional = False
        while count:
            day += _ONE_DAY
            provisional = provisional or self.is_provisional(day)
            count -= self.is_work_day(day)
        return DueDay(day=day, provisional=provisional)

    def count_work_days(self, start: date, end: date) -> int:
        """How many working days lie in [start, end)."""
        return sum(self.is_work_day(start + timedelta(days=n)) for n in range((end - start).days))

    def close_of(self, day: date) -> int:
        """The end of working hours on ``day``, UTC microseconds, whether or not the day is worked."""
        return day_start(day) + self.hours.closes

    def _spans_from(self, day: date) -> Iterator[tuple[int, int, bool]]:
        """Working spans as (start, end, provisional) from ``day`` on, without end; days off pass empty."""
        provisional = False
        while True:
            provisional = provisional or self.is_provisional(day)
            if self.is_work_day(day):
                midnight = day_start(day)
                yield from (
                    (midnight + start, midnight + end, provisional) for start, end in self.hours.spans
                )
            day += _ONE_DAY

    def add_work_us(self, at: int, span_us: int) -> Due:
        """The moment at which ``span_us`` microseconds of working time have passed since ``at``.

        A span that ends with the day is due at closing time, not at next morning's opening. Raises ValueError below 0.
        """
        if span_us < 0:
            raise ValueError(f"working time to add: {span_us} us is below 0")
        if not span_us:
            return Due(at=at)
        left = span_us
        for start, end, provisional in self._spans_from(day_of(at)):
            open_us = max(0, end - max(start, at))
            if left <= open_us:
                return Due(at=max(start, at) + left, provisional=provisional)
            left -= open_us
        raise AssertionError("working spans never end")  # pragma: no cover

    def take_work_us(self, at: int, span_us: int) -> int:
        """The latest moment from which ``span_us`` microseconds of working time are left until ``at``; 0 gives ``at``.

        A span that begins with the day begins at its opening. Raises ValueError below 0.
        """
        if span_us < 0:
            raise ValueError(f"working time to take: {span_us} us is below 0")
        day, left = day_of(at), span_us
        while left:
            midnight = day_start(day)
            for start, end in reversed(self.hours.spans) if self.is_work_day(day) else ():
                open_us = max(0, min(midnight + end, at) - (midnight + start))
                if left <= open_us:
                    return midnight + start + open_us - left
                left -= open_us
            day -= _ONE_DAY
        return at

    def add_work_hours(self, at: int, hours: int | Fraction) -> Due:
        """``add_work_us`` in hours: 2 working hours from Friday 17:00 end on Monday 09:30."""
        return self.add_work_us(at, int(hours * HOUR_US))

    def work_us_between(self, start_at: int, end_at: int) -> int:
        """Working time in [start_at, end_at), in microseconds; 0 where the end is not after the start."""
        if end_at <= start_at:
            return 0
        total = 0
        for start, end, _ in self._spans_from(day_of(start_at)):
            if start >= end_at:
                break
            total += max(0, min(end, end_at) - max(start, start_at))
        return total

    def work_hours_between(self, start_at: int, end_at: int) -> Fraction:
        """``work_us_between`` in hours, exact."""
        return Fraction(self.work_us_between(start_at, end_at), HOUR_US)

    def missing_year(self, today: date) -> int | None:
        """The year whose table an administrator should add: this one, or from 1 October on the next; else None."""
        asked = (today.year, today.year + 1) if today.month >= 10 else (today.year,)
        return next((year for year in asked if year not in self.known_years), None)


class _Year(msgspec.Struct, forbid_unknown_fields=True):
    """One year of the office's table."""

    source: str
    days_off: list[str] = []
    makeup_work: list[str] = []


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    """One day changed on top of the year's table."""

    day: date
    work: bool
    source: str


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    years: dict[int, _Year] = {}
    changes: list[_Change] = []


def load(table_text: str, hours: WorkHours = DEFAULT_HOURS) -> WorkCalendar:
    """The calendar of chinesecalendar's years overridden by the TOML table (format: head of ``workdays.toml``).

    Raises ValueError with the place in the table: no TOML, an unknown key, a day outside its year, a make-up day
    that is no Saturday or Sunday, a day both off and worked, a missing source.
    """
    try:
        table = msgspec.convert(parse(table_text), _Table, strict=False)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as fault:
        raise ValueError(f"working-day table: {fault}") from fault
    days = {day: kind for day, kind in _packaged().items() if day.year not in table.years}
    for number, year in table.years.items():
        days.update(_year_days(number, year))
    for change in table.changes:
        _sourced(change.source, f"changes, {change.day}")
        days[change.day] = DayKind.makeup_work if change.work else DayKind.day_off
    known = {day.year for day in _packaged()} | set(table.years)
    return WorkCalendar(days=days, known_years=frozenset(known), hours=hours)


@cache
def _packaged() -> dict[date, DayKind]:
    """The exceptions the package knows, in the form of our table."""
    days = dict.fromkeys(chinese_calendar.holidays, DayKind.day_off)
    return days | dict.fromkeys(chinese_calendar.workdays, DayKind.makeup_work)


def _year_days(number: int, year: _Year) -> dict[date, DayKind]:
    place = f"years.{number}"
    _sourced(year.source, place)
    off = _listed(number, f"{place}.days_off", year.days_off)
    made_up = _listed(number, f"{place}.makeup_work", year.makeup_work)
    if weekdays := sorted(day for day in made_up if day.weekday() < _SATURDAY):
        raise ValueError(f"{place}.makeup_work: {weekdays[0]} is no Saturday or Sunday")
    if both := sorted(off & made_up):
        raise ValueError(f"{place}: {both[0]} is both off and worked")
    return dict.fromkeys(off, DayKind.day_off) | dict.fromkeys(made_up, DayKind.makeup_work)


def _listed(number: int, place: str, texts: list[str]) -> set[date]:
    """The days of ISO texts, each a day or ``first/last``."""
    days: set[date] = set()
    for text in texts:
        first, _, last = text.partition("/")
        try:
            start, end = date.fromisoformat(first), date.fromisoformat(last or first)
        except ValueError as fault:
            raise ValueError(f'{place}: {text!r} is no day; write "2027-01-01" or "first/last"') from fault
        if not (start <= end and start.year == end.year == number):
            raise ValueError(f"{place}: {text!r} is no span of days of {number}")
        days.update(start + timedelta(days=n) for n in range((end - start).days + 1))
    return days


def _sourced(source: str, place: str) -> None:
    """A table without the notice it rests on cannot be checked by the next person."""
    if not source.strip():
        raise ValueError(f"{place}: name the notice in `source`")
