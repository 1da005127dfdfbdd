"""The rates of the bulletin from tallies: sums of integers, never a recount of the history (bulletin 3.1-3.3).

A tally says how many things of a unit had an outcome, by the day of the thing and the day of the outcome; it moves in the
transaction of each fact. The figures *as of* a day are the sums up to that day: what happened after it has not happened
yet, and a copy without an outcome is one that waits. Drills, a unit's own copies and kinds that nobody signs for are
never counted as sent. Recalled *after* signing stays as signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

import msgspec

from gateway.rules.workcal import WorkCalendar

CUTOFF_WORK_DAYS: Final = 5

NO_FIGURE: Final = "—"


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
    """What happened, by outcome; two of them add up field by field."""

    sent: int = 0
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
    def copies(self) -> int:
        """Copies due to be signed, the base S: those sent, but not sent back or taken back before they were signed."""
        return self.sent - self.returned - self.recalled

    @property
    def signed(self) -> int:
        """Copies signed for, in time or late."""
        return self.on_time + self.late

    @property
    def unsigned(self) -> int:
        """Copies still waiting for a signature."""
        return self.copies - self.signed

    @property
    def backlog(self) -> int:
        """未办结归档: taken into handling and not archived (P14); of every day up to the cut-off, not of the period alone."""
        return self.handled - self.archived

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


def period(start: date, end: date, calendar: WorkCalendar, work_days: int = CUTOFF_WORK_DAYS) -> Period:
    """The days [start, end) with the default cut-off: the fifth working day after their last day.

    2018 Q1 and 9 working days give 13 April, the day its bulletin was dated.
    """
    cutoff = calendar.add_work_days(end - timedelta(days=1), work_days).day
    return Period(start=start, end=end, cutoff=max(cutoff, end))


def as_of(told: Period, today: date) -> date:
    """The last day whose facts count when the period is told on ``today``: a published figure never moves again."""
    return min(today, told.cutoff)


def figures(sums: Mapping[int, Mapping[str, int]], units: Iterable[int]) -> dict[int, Figures]:
    """The figures of those of ``units`` to which anything happened. Raises TypeError at an outcome it does not know."""
    return {unit_id: Figures(**sums[unit_id]) for unit_id in units if unit_id in sums}
