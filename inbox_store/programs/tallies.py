"""Tallies: counts of what happened, by unit, kind and days; they move in the transaction of the fact (I8).

``Outcome`` is what happened to one thing: a copy was ``sent``, signed ``on_time`` or ``late`` (and ``signed_unread``),
``returned``, ``recalled``; taken into handling (``handled``) and ``archived``; a unit was ``asked`` for a meeting receipt
and ``answered``. The day of the thing is the day it was sent, or the day its handling began; the outcome has a day of its
own, so that figures as of an earlier day leave out what happened since.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, get_args

from inbox_store.engine import Many, Program, Sql
from inbox_store.times import day_at

Outcome = Literal[
    "sent",
    "on_time",
    "late",
    "signed_unread",
    "returned",
    "recalled",
    "handled",
    "archived",
    "asked",
    "answered",
    "answered_late",
]

OUTCOMES: tuple[str, ...] = get_args(Outcome)

Moves = Counter[tuple[int, str, Outcome, int, int]]
"""How far tallies move, by unit, kind, outcome, and the days (yyyymmdd) of the thing and of the outcome."""

Sums = dict[int, dict[str, int]]
"""Each unit's count of each outcome; what did not happen is not there."""


def quarter_of(day: int) -> int:
    """The quarter (yyyyq) in which a day (yyyymmdd) lies."""
    return day // 10_000 * 10 + (day // 100 % 100 + 2) // 3


def quarter_start(quarter: int) -> int:
    """The first day (yyyymmdd) of a quarter (yyyyq)."""
    year, number = divmod(quarter, 10)
    return year * 10_000 + (3 * number - 2) * 100 + 1


def quarters_between(from_day: int, to_day: int) -> list[int] | None:
    """The quarters that the days from ``from_day`` to ``to_day`` (yyyymmdd, both included) are made of; None for other days."""
    begins = from_day % 10_000 in (101, 401, 701, 1001)
    ends = to_day % 10_000 in (331, 630, 930, 1231)
    if not begins or not ends:
        return None
    found, last = [quarter_of(from_day)], quarter_of(to_day)
    while found[-1] < last:
        year, number = divmod(found[-1], 10)
        found.append(found[-1] + 1 if number < 4 else (year + 1) * 10 + 1)
    return found


def count(
    moves: Moves, thing: tuple[int, str, int], outcome: Outcome, at: int | None = None, n: int = 1
) -> None:
    """One thing (unit, kind, instant) has this outcome at ``at``; on its own day where none is told."""
    unit_id, kind, began = thing
    day = day_at(began)
    moves[unit_id, kind, outcome, day, day if at is None else day_at(at)] += n


def move(moves: Moves) -> Program[None]:
    """Add the moves to the tallies and to the sums of their quarters."""
    yield Many(
        "tally_move",
        [
            {
                "unit_id": unit_id,
                "kind": kind,
                "outcome": outcome,
                "day": day,
                "outcome_day": outcome_day,
                "n": n,
            }
            for (unit_id, kind, outcome, day, outcome_day), n in moves.items()
        ],
    )
    quarters = Counter[tuple[int, int, str]]()
    for (unit_id, _, outcome, day, _), n in moves.items():
        quarters[quarter_of(day), unit_id, outcome] += n
    yield Many(
        "tally_quarter_move",
        [
            {"quarter": quarter, "unit_id": unit_id, "outcome": outcome, "n": n}
            for (quarter, unit_id, outcome), n in quarters.items()
        ],
    )


def happened(
    thing: tuple[int, str, int], outcome: Outcome, at: int | None = None, n: int = 1
) -> Program[None]:
    """``count`` and ``move`` for one thing."""
    moves: Moves = Counter()
    count(moves, thing, outcome, at, n)
    yield from move(moves)


def sums(from_day: int, to_day: int, last_day: int) -> Program[Sums]:
    """What happened up to ``last_day`` to the things of the days ``from_day`` to ``to_day`` (yyyymmdd, all included)."""
    quarters = quarters_between(from_day, to_day)
    if quarters is None or last_day < to_day:
        window = {"from_day": from_day, "to_day": to_day, "last_day": last_day}
        return _by_unit((yield Sql("tally_sums", window)))
    found: Sums = {}
    for quarter in quarters:
        for statement in ("tally_quarter_sums", "tally_quarter_after"):
            rows = yield Sql(statement, {"quarter": quarter, "last_day": last_day})
            _by_unit(rows, found)
    return found


def _by_unit(rows: list[tuple[int, str, int]], found: Sums | None = None) -> Sums:
    found = {} if found is None else found
    for unit_id, outcome, n in rows:
        unit = found.get(unit_id)
        if unit is None:
            unit = found[unit_id] = {}
        unit[outcome] = unit.get(outcome, 0) + n
    return found
