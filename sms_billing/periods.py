"""Months and years of the ledger: what may close, what a closed one refuses, where a late fact goes (sms-charges 4.5).

Months close in their order, so that every late fact has one place to go: the first open month after its own.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

from inbox_store.errors import Refused
from inbox_store.times import day_at, day_start

SETTLED_FROM: Final = 201804
"""The first month the counties pay for (P64): the first settlement is 2018-04-01 to 12-31."""


def month_at(at: int) -> int:
    """The month yyyymm in Asia/Shanghai in which the instant ``at`` (UTC microseconds) falls."""
    return day_at(at) // 100


def month_after(month: int, count: int = 1) -> int:
    """The month ``count`` months later."""
    told = month // 100 * 12 + month % 100 - 1 + count
    return told // 12 * 100 + told % 12 + 1


@lru_cache(1024)
def month_span(month: int) -> tuple[int, int]:
    """First instant of the month and of the next. Raises Refused("not_a_month") where there is no such month."""
    try:
        start, end = (date(told // 100, told % 100, 1) for told in (month, month_after(month)))
    except ValueError:
        raise Refused("not_a_month", month=month) from None
    return day_start(start), day_start(end)


def year_months(year: int, settled_from: int = SETTLED_FROM) -> tuple[int, ...]:
    """The months a settlement of the year covers. Raises Refused("year_not_settled") before the first."""
    months = tuple(month for month in range(year * 100 + 1, year * 100 + 13) if month >= settled_from)
    if not months:
        raise Refused("year_not_settled", year=year)
    return months


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """Which months and years take no line any more.

    ``begin`` is the first month there may be a line of; ``settled_from`` the first that the counties pay for.
    """

    begin: int = SETTLED_FROM
    months: frozenset[int] = frozenset()
    years: frozenset[int] = frozenset()
    settled_from: int = SETTLED_FROM

    def closed(self, month: int) -> bool:
        """Whether the month takes no line any more."""
        return month in self.months

    def open_month(self, month: int) -> int:
        """Where a fact of ``month`` is written: there while it is open, else in the first open month after it."""
        while month in self.months:
            month = month_after(month)
        return month


def check_open(books: Books, month: int) -> None:
    """Raises Refused("month_closed") where a line would change a closed month."""
    if books.closed(month):
        raise Refused("month_closed", month=month, open=books.open_month(month))


def close_month(
    books: Books,
    month: int,
    now: int,
    *,
    unmatched: Collection[str] = (),
    accepted_open: bool = False,
) -> Books:
    """The books with one more month closed.

    ``unmatched`` names the channels whose figures leave the tolerance, or were never compared; they stop the close
    unless whoever closes says (``accepted_open``) that they stay as open items. Raises Refused: month_closed,
    month_before_open, month_not_over, before_ledger, channels_unmatched.
    """
    check_open(books, month)
    if now < month_span(month)[1]:
        raise Refused("month_not_over", month=month)
    if month < books.begin:
        raise Refused("before_ledger", month=month, begin=books.begin)
    first_open = books.open_month(books.begin)
    if month != first_open:
        raise Refused("month_before_open", month=first_open)
    if unmatched and not accepted_open:
        raise Refused("channels_unmatched", month=month, channels=sorted(unmatched))
    return msgspec.structs.replace(books, months=books.months | {month})


def close_year(books: Books, year: int, now: int) -> Books:
    """The books with the year closed, after all its months.

    Raises Refused: year_not_settled, year_closed, year_not_over, month_open.
    """
    months = year_months(year, books.settled_from)
    if year in books.years:
        raise Refused("year_closed", year=year)
    if now < month_span(months[-1])[1]:
        raise Refused("year_not_over", year=year)
    still_open = [month for month in months if not books.closed(month)]
    if still_open:
        raise Refused("month_open", year=year, months=still_open)
    return msgspec.structs.replace(books, years=books.years | {year})
