"""The rates of the bulletin from tallies: sums of integers, never a recount of the history (bulletin 3.1-3.3).

A tally row says how many things of one measure, unit, kind and day stand in one state. It is kept up to date in the
transaction of each fact, and it knows the day of the outcome, so that the figures *as of* an earlier day can still be
told: what happened after that day has not happened yet.

======== ============================================== =========================================================
measure  one thing counted                              outcome (an open one has no day)
======== ============================================== =========================================================
sign     a copy (document x unit), on the day it was    unsigned (open), on_time, late, returned, recalled
         sent; drills and a unit's own copies never
unread   a copy signed without being opened             signed_unread
handling a copy transferred to handling, on that day    open, archived
meeting  a unit asked for a meeting receipt, on the     asked (open), answered, answered_late
         day the notice was sent
======== ============================================== =========================================================

Recalled *after* signing stays as signed, and so does a supplement to a unit that already has the copy: neither makes
a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final, Literal

import msgspec

from gateway.rules.workcal import WorkCalendar
from inbox_store.nouns import NO_SIGNING_DUTY, Kind

Measure = Literal["sign", "unread", "handling", "meeting"]
Outcome = Literal[
    "unsigned",
    "on_time",
    "late",
    "returned",
    "recalled",
    "signed_unread",
    "open",
    "archived",
    "asked",
    "answered",
    "answered_late",
]

CUTOFF_WORK_DAYS: Final = 5

NO_FIGURE: Final = "—"


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """``n`` things in one state; ``day`` and ``outcome_day`` are calendar days in Asia/Shanghai."""

    measure: Measure
    unit_id: int
    kind: Kind
    day: date
    outcome: Outcome
    outcome_day: date | None = None
    n: int = 1


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share as two integers; group rates are sums over sums, never means."""

    numerator: int
    denominator: int

    @property
    def tenths(self) -> int | None:
        """Tenths of a percent, rounded half up; None where there is nothing to divide by."""
        if not self.denominator:
            return None
        return (2000 * self.numerator + self.denominator) // (2 * self.denominator)

    @property
    def percent(self) -> str:
        """With one decimal, such as "95.8%"; "—" where the denominator is 0, never 0 % or 100 %."""
        tenths = self.tenths
        return NO_FIGURE if tenths is None else f"{tenths // 10}.{tenths % 10}%"


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Whole days [start, end), and the last day whose facts count for it."""

    start: date
    end: date
    cutoff: date

    def __post_init__(self) -> None:
        if not self.start < self.end <= self.cutoff:
            raise ValueError(f"period {self.start} - {self.end}, cut-off {self.cutoff}: not in this order")


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted; two of them add up field by field. ``copies`` are those due to be signed: the base S."""

    copies: int = 0
    on_time: int = 0
    late: int = 0
    returned: int = 0
    recalled: int = 0
    signed_unread: int = 0
    handled: int = 0
    archived: int = 0
    asked: int = 0
    answered: int = 0
    answered_late: int = 0

    def __add__(self, other: Figures) -> Figures:
        """Sums, field by field."""
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Figures(**dict(zip(self.__struct_fields__, map(sum, pairs), strict=True)))

    @property
    def signed(self) -> int:
        """Copies signed for, in time or late."""
        return self.on_time + self.late

    @property
    def unsigned(self) -> int:
        """Copies still waiting for a signature."""
        return self.copies - self.signed

    @property
    def sign_rate(self) -> Rate:
        """签收率: signed by the cut-off / copies due to be signed."""
        return Rate(numerator=self.signed, denominator=self.copies)

    @property
    def on_time_sign_rate(self) -> Rate:
        """及时签收率: signed by the deadline / the same base; late signing never raises it."""
        return Rate(numerator=self.on_time, denominator=self.copies)

    @property
    def archive_rate(self) -> Rate:
        """归档率: archived by the cut-off / transferred to handling in the period."""
        return Rate(numerator=self.archived, denominator=self.handled)

    @property
    def receipt_rate(self) -> Rate:
        """回执率: units that answered by the reply deadline / units asked."""
        return Rate(numerator=self.answered, denominator=self.asked)


_COUNTED: Final[Mapping[tuple[Measure, Outcome], tuple[str, ...]]] = {
    ("sign", "unsigned"): ("copies",),
    ("sign", "on_time"): ("copies", "on_time"),
    ("sign", "late"): ("copies", "late"),
    ("sign", "returned"): ("returned",),
    ("sign", "recalled"): ("recalled",),
    ("unread", "signed_unread"): ("signed_unread",),
    ("handling", "open"): ("handled",),
    ("handling", "archived"): ("handled", "archived"),
    ("meeting", "asked"): ("asked",),
    ("meeting", "answered"): ("asked", "answered"),
    ("meeting", "answered_late"): ("asked", "answered_late"),
}
"""Which figures one thing in a state adds to."""

_STILL_OPEN: Final[Mapping[Measure, Outcome | None]] = {
    "sign": "unsigned",
    "unread": None,
    "handling": "open",
    "meeting": "asked",
}
"""What an outcome is before its day: open again, or nothing at all."""


def period(start: date, end: date, calendar: WorkCalendar, work_days: int = CUTOFF_WORK_DAYS) -> Period:
    """The days [start, end) with the default cut-off: the fifth working day after their last day.

    2018 Q1 and 9 working days give 13 April, the day its bulletin was dated.
    """
    cutoff = calendar.add_work_days(end - timedelta(days=1), work_days).day
    return Period(start=start, end=end, cutoff=max(cutoff, end))


def as_of(told: Period, today: date) -> date:
    """The last day whose facts count when the period is told on ``today``: a published figure never moves again."""
    return min(today, told.cutoff)


def figures(tallies: Iterable[Tally], told: Period, last_day: date) -> dict[int, Figures]:
    """Each unit's figures of the period as of the end of ``last_day``. Raises ValueError at a row of no such state."""
    sums: dict[int, dict[str, int]] = {}
    for tally in tallies:
        if not told.start <= tally.day < told.end or tally.day > last_day:
            continue
        for name in _adds_to(tally, last_day):
            unit = sums.setdefault(tally.unit_id, {})
            unit[name] = unit.get(name, 0) + tally.n
    return {unit_id: Figures(**unit) for unit_id, unit in sums.items()}


def backlog(tallies: Iterable[Tally], last_day: date) -> dict[int, int]:
    """未办结归档: each unit's copies ever taken into handling by ``last_day`` and not archived by then (P14)."""
    open_: dict[int, int] = {}
    for tally in tallies:
        if (
            tally.measure == "handling"
            and tally.day <= last_day
            and "archived" not in _adds_to(tally, last_day)
        ):
            open_[tally.unit_id] = open_.get(tally.unit_id, 0) + tally.n
    return open_


def _adds_to(tally: Tally, last_day: date) -> tuple[str, ...]:
    """The names of the figures a row adds to, as of the end of ``last_day``."""
    if tally.measure == "sign" and tally.kind in NO_SIGNING_DUTY:
        return ()
    counted = _COUNTED.get((tally.measure, tally.outcome))
    if counted is None:
        raise ValueError(f"tally of {tally.measure}: no outcome {tally.outcome}")
    if tally.outcome_day is None or tally.outcome_day <= last_day:
        return counted
    before = _STILL_OPEN[tally.measure]
    return _COUNTED[tally.measure, before] if before else ()
