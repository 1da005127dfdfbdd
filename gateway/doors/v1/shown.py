"""Small things that answers of v1 share: a unit by id, code and name; instants; days of a query."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta

from gateway.doors.wire import INT_MAX, Answer, shown
from inbox_store.org import Organisation
from inbox_store.times import DAY_US, day_start

Position = Annotated[int, Meta(ge=0, le=INT_MAX)]
"""A place in a cursor, read as strictly as an id: somebody may have made the cursor up."""


class UnitRef(Answer, frozen=True, kw_only=True):
    """单位：编号、本单位编码和名称"""

    id: int
    code: str
    name: str


def unit_ref(organisation: Organisation, unit_id: int) -> UnitRef:
    """The unit as answers name it."""
    unit = organisation.units.get(unit_id)
    return UnitRef(id=unit_id, code=unit.code if unit else "", name=unit.name if unit else "")


def when(at: int | None) -> datetime | None:
    """An instant that may not have come."""
    return None if at is None else shown(at)


def from_of(day: date | None) -> int:
    """The first instant of a query's first day; 0 where none is given."""
    return day_start(day) if day else 0


def until_of(day: date) -> int:
    """The first instant after a query's last day, which counts in full."""
    return day_start(day) + DAY_US
