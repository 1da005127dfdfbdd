"""The reach report (F20): who cannot be alerted and why, and the units where nobody can sign."""

from __future__ import annotations

import json
from typing import Literal

from inbox_store.engine import Program, Sql
from inbox_store.nouns import Noun

Gap = Literal["no_number", "bad_number", "no_device", "never_logged_in"]
"""Why a person is not reached: no number, one that failed for good, no phone or browser to push to, no log-in ever."""

GAPS: tuple[Gap, ...] = ("no_number", "bad_number", "no_device", "never_logged_in")


class Unreached(Noun, frozen=True, kw_only=True):
    """A person with what is missing; ``units`` are those of the person among the units asked about."""

    person_id: int
    code: str
    name: str
    gaps: tuple[Gap, ...]
    units: tuple[int, ...]
    is_clerk: bool


class ReachSum(Noun, frozen=True, kw_only=True):
    """How many people there are, how many have each gap, and how many no way at all but the inbox."""

    persons: int
    gaps: dict[str, int]
    unreachable: int


def page(units: tuple[int, ...], gap: str, after: int, limit: int) -> Program[tuple[Unreached, ...]]:
    """People of the units with a gap (any, where ``gap`` is empty), by id above ``after``."""
    told = {"units": json.dumps(units), "gap": gap, "after": after, "limit": limit}
    rows = yield Sql("reach_page", told)
    people = json.dumps([row[0] for row in rows])
    places: dict[int, list[int]] = {}
    for person_id, unit_id in (yield Sql("phones_units", {"people": people, "units": told["units"]})):
        places.setdefault(person_id, []).append(unit_id)
    return tuple(
        Unreached(
            person_id=row[0],
            code=row[1],
            name=row[2],
            gaps=tuple(gap for gap, there in zip(GAPS, row[3:7], strict=True) if there),
            units=tuple(places.get(row[0], ())),
            is_clerk=bool(row[7]),
        )
        for row in rows
    )


def sums(units: tuple[int, ...]) -> Program[ReachSum]:
    """The figures of the same people."""
    ((persons, *gaps, unreachable),) = yield Sql("reach_sums", {"units": json.dumps(units)})
    counted: dict[str, int] = {gap: int(n or 0) for gap, n in zip(GAPS, gaps, strict=True)}
    return ReachSum(persons=persons, gaps=counted, unreachable=int(unreachable or 0))
