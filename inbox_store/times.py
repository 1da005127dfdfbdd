"""Instants are integer UTC microseconds; calendar days are taken in Asia/Shanghai, here and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

US = 1_000_000
"""Microseconds in a second."""

DAY_US = 86_400 * US

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China keeps one offset without summer time since 1991, so that a fixed offset is exact for every fact we hold."""

Clock = Callable[[], int]
"""A source of ``now`` in UTC microseconds; passed in, so that tests and replays own the time."""

_EPOCH = date(1970, 1, 1).toordinal()
_OFFSET_US = 8 * 3600 * US


def system_now() -> int:
    """The wall clock in UTC microseconds: the only place that reads it."""
    return time.time_ns() // 1000


def day_of(at: int) -> date:
    """The calendar day in Asia/Shanghai on which the instant ``at`` (UTC microseconds) falls."""
    return date.fromordinal(_EPOCH + (at + _OFFSET_US) // DAY_US)


def day_start(day: date) -> int:
    """The first instant (UTC microseconds) of ``day`` in Asia/Shanghai."""
    return (day.toordinal() - _EPOCH) * DAY_US - _OFFSET_US


def day_int(day: date) -> int:
    """``day`` as the integer yyyymmdd which the tables hold."""
    return day.year * 10_000 + day.month * 100 + day.day


def day_at(at: int) -> int:
    """The calendar day in Asia/Shanghai on which the instant ``at`` falls, as the integer yyyymmdd."""
    return _int_of((at + _OFFSET_US) // DAY_US)


@lru_cache(4096)
def _int_of(days: int) -> int:
    return day_int(date.fromordinal(_EPOCH + days))


def int_day(value: int) -> date:
    """The day behind an integer yyyymmdd. Raises ValueError where it is no day."""
    return date(value // 10_000, value // 100 % 100, value % 100)


def moment(at: int) -> datetime:
    """The instant as an aware datetime in Asia/Shanghai."""
    return datetime.fromtimestamp(0, SHANGHAI) + timedelta(microseconds=at)


def iso(at: int) -> str:
    """The instant as ISO 8601 with the offset +08:00, cut to milliseconds for reading."""
    return moment(at).isoformat(timespec="milliseconds")


def parse_iso(text: str) -> int:
    """UTC microseconds of an ISO 8601 text; without an offset it is read as Asia/Shanghai. Raises ValueError."""
    told = datetime.fromisoformat(text)
    aware = told if told.tzinfo else told.replace(tzinfo=SHANGHAI)
    return (aware.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
