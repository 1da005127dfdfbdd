"""Tallies and the sums of quarters: whichever is read, the figures as of a day are the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inbox_store.embedded import open_store
from inbox_store.engine import CommitNo, Program
from inbox_store.programs.tallies import (
    OUTCOMES,
    Moves,
    Sums,
    move,
    quarter_of,
    quarter_start,
    quarters_between,
    sums,
)
from inbox_store.times import day_int
from tests.inbox_store.world import KEYS, Clock

DAYS = st.dates(date(2017, 11, 1), date(2018, 8, 31))


@pytest.mark.parametrize(
    ("from_day", "to_day", "quarters"),
    [
        (20180101, 20180331, [20181]),
        (20170701, 20180630, [20173, 20174, 20181, 20182]),
        (20180101, 20181231, [20181, 20182, 20183, 20184]),
        (20180101, 20180330, None),
        (20180102, 20180331, None),
        (20180201, 20180430, None),
    ],
)
def test_periods_made_of_quarters(from_day: int, to_day: int, quarters: list[int] | None) -> None:
    """Whole quarters are read from their sums; any other period is summed up by days."""
    assert quarters_between(from_day, to_day) == quarters


@given(DAYS)
def test_a_day_lies_in_its_quarter(day: date) -> None:
    """The first day of a day's quarter is in the same quarter and not after it."""
    first = quarter_start(quarter_of(day_int(day)))
    assert quarter_of(first) == quarter_of(day_int(day))
    assert 0 <= (day - date(first // 10_000, first // 100 % 100, 1)).days < 92


def moves() -> st.SearchStrategy[Moves]:
    """Anything that may have happened in and around the first quarter of 2018, also what was undone later."""
    one = st.tuples(st.integers(1, 3), st.sampled_from(("notice", "letter")), st.sampled_from(OUTCOMES), DAYS)
    rows = st.lists(st.tuples(one, st.integers(0, 150), st.integers(1, 3)), max_size=25)

    def told(
        found: list[tuple[tuple[int, str, str, date], int, int]],
    ) -> Moves:
        made: Moves = Counter()
        for (unit, kind, outcome, day), wait, n in found:
            made[unit, kind, outcome, day_int(day), day_int(day + timedelta(days=wait))] += n  # type: ignore[index]
        return made

    return rows.map(told)


def expected(made: Moves, from_day: int, to_day: int, last_day: int) -> Sums:
    """The same by hand."""
    found: Sums = {}
    for (unit, _, outcome, day, outcome_day), n in made.items():
        if from_day <= day <= to_day and outcome_day <= last_day:
            found.setdefault(unit, {}).setdefault(outcome, 0)
            found[unit][outcome] += n
    return found


def nonzero(found: Sums) -> Sums:
    """Without what came to nothing."""
    told = {unit: {name: n for name, n in row.items() if n} for unit, row in found.items()}
    return {unit: row for unit, row in told.items() if row}


async def both(made: Moves, from_day: int, to_day: int, last_day: int) -> Sums:
    """What a store tells after the moves, made in two facts."""

    def fact(some: Moves) -> Program[None]:
        yield CommitNo()
        yield from move(some)

    halves = [Counter(dict(list(made.items())[at::2])) for at in (0, 1)]
    with TemporaryDirectory() as folder:
        async with open_store(Path(folder), clock=Clock(), keys=KEYS, readers=1) as store:
            for half in halves:
                await store.engine.write(fact(half))
            return await store.engine.read(sums(from_day, to_day, last_day))


PERIODS = [(20180101, 20180331), (20171001, 20180630), (20180110, 20180331), (20180101, 20180228)]


@settings(max_examples=40)
@given(moves(), st.sampled_from(PERIODS), DAYS)
def test_sums_as_of_a_day(made: Moves, period: tuple[int, int], last_day: date) -> None:
    """Read by days or by quarters, before and after the cut-off: what happened later has not happened yet (补签)."""
    told = asyncio.run(both(made, *period, day_int(last_day)))
    assert nonzero(told) == nonzero(expected(made, *period, day_int(last_day)))
