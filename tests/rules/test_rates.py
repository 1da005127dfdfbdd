"""The rates of the bulletin from tallies."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules import workcal
from gateway.rules.rate_tables import By, Row, ranked, table
from gateway.rules.rates import Figures, Period, Rate, as_of, figures, period
from inbox_store.programs.tallies import OUTCOMES, Sums
from tests.rules import small_city as town

CALENDAR = workcal.load(Path(workcal.__file__).with_name("workdays.toml").read_text(encoding="utf-8"))
Q1 = period(date(2018, 1, 1), date(2018, 4, 1), CALENDAR)
DAY = date(2018, 2, 1)
CITY = town.city()


def test_every_outcome_is_a_figure() -> None:
    """What is tallied can be told, each under its own name."""
    assert set(OUTCOMES) == set(Figures.__struct_fields__)


def test_the_check_of_the_bulletin() -> None:
    """100 copies: 2 recalled unsigned, 1 after signing, 3 returned, 90 others signed (5 late), 4 unsigned (3.2)."""
    # The one recalled after signing stays as signed: with the 90 others it makes 86 on time and 5 late.
    one = Figures(sent=100, on_time=86, late=5, returned=3, recalled=2)
    assert (one.copies, one.signed, one.unsigned) == (95, 91, 4)
    assert (one.sign_rate.percent, one.on_time_sign_rate.percent) == ("95.8%", "90.5%")


def test_return_three_sign_the_rest() -> None:
    """Copies returned with a reason leave the rate at 100 % (F10)."""
    assert Figures(sent=100, on_time=97, returned=3).sign_rate.percent == "100.0%"


def test_archive_and_receipt_rates() -> None:
    """Archived by the cut-off over transferred; answered by the deadline over asked; the rest is backlog (P14)."""
    one = Figures(handled=1000, archived=738, asked=100, answered=85, answered_late=5)
    assert (one.archive_rate.percent, one.receipt_rate.percent, one.backlog) == ("73.8%", "85.0%", 262)


def test_units_beyond_reach_are_not_counted() -> None:
    """Only the units asked for have figures, and of those the ones to which anything happened."""
    assert figures({20: {"sent": 2}, 21: {"sent": 1}}, [20, 22]) == {20: Figures(sent=2)}


@pytest.mark.parametrize(
    ("numerator", "denominator", "percent"),
    [
        (0, 0, "—"),
        (0, 5, "0.0%"),
        (5, 5, "100.0%"),
        (97, 100, "97.0%"),
        (738, 1000, "73.8%"),
        (1, 2000, "0.1%"),  # 0.05 % rounds half up
        (1, 2001, "0.0%"),
        (2, 3, "66.7%"),
        (1999, 2000, "100.0%"),
    ],
)
def test_percentages(numerator: int, denominator: int, percent: str) -> None:
    """One decimal, half up; a dash where nothing is to be divided by."""
    assert Rate(numerator=numerator, denominator=denominator).percent == percent


def test_cut_off() -> None:
    """The cut-off is five working days after the last day; the source's bulletin came on the ninth."""
    assert Q1.cutoff == date(2018, 4, 9)  # the 5th to the 7th are off, the 8th is a worked Sunday
    assert period(date(2018, 1, 1), date(2018, 4, 1), CALENDAR, 9).cutoff == date(2018, 4, 13)
    assert (as_of(Q1, date(2018, 2, 3)), as_of(Q1, date(2020, 1, 1))) == (date(2018, 2, 3), Q1.cutoff)
    with pytest.raises(ValueError, match="not in this order"):
        Period(start=DAY, end=DAY, cutoff=DAY)


def names(by: By, **by_unit: int) -> list[tuple[str, str]]:
    """Names and sign-for rates of a table; each unit has ten copies of which so many are signed."""
    sums = {int(unit.removeprefix("u")): {"sent": 10, "on_time": signed} for unit, signed in by_unit.items()}
    rows = table(figures(sums, sums), CITY, by)
    return [(row.name, row.figures.sign_rate.percent) for row in rows]


def test_tables() -> None:
    """Groups are sums over sums, in the order of their codes; what belongs to none comes last."""
    units = {"u10": 10, "u20": 10, "u21": 5, "u24": 0, "u30": 4, "u99": 1}
    assert names("county", **units) == [
        ("云水市", "100.0%"),
        ("东川县", "50.0%"),
        ("西岭县", "40.0%"),
        ("现有组织以外的单位", "10.0%"),
    ]
    assert names("group", **units) == [
        ("市直", "100.0%"),
        ("县直", "63.3%"),
        ("学校", "0.0%"),
        ("现有组织以外的单位", "10.0%"),
    ]
    assert names("line", **units) == [("教育", "25.0%"), ("未列入条线", "62.5%")]
    assert names("total", **units) == [("合计", "50.0%")]
    assert [name for name, _ in names("unit", **units)][-1] == "西岭县政府办"
    assert ("单位99", "10.0%") in names("unit", **units)


def test_units_without_a_copy_show_a_dash() -> None:
    """Listed units appear also when nothing was sent to them; an empty city has a total."""
    rows = table({}, CITY, "unit", listed=[20, 21])
    assert [(row.name, row.figures.sign_rate.percent) for row in rows] == [
        ("东川县政府办", "—"),
        ("东川县教育局", "—"),
    ]
    (total,) = table({}, CITY, "total")
    assert (total.name, total.figures) == ("合计", Figures())


def row(code: str, copies: int, on_time: int, late: int = 0) -> Row:
    """One line of a table."""
    return Row(key=code, code=code, name=code, figures=Figures(sent=copies, on_time=on_time, late=late))


def test_competition_ranks() -> None:
    """Ranks are 1, 2, 2, 4: by rate, then on-time rate; equal rows go by copies and code; few copies have no rank."""
    rows = [
        row("a", 9, 9),
        row("b", 20, 10, 10),
        row("c", 10, 9),
        row("d", 100, 90),
        row("e", 10, 10),
        row("f", 10, 0),
        row("g", 0, 0),
        row("h", 20, 10, 8),
        row("i", 10, 9),
    ]
    ranks = [(one.code, one.rank) for one in ranked(reversed(rows))]
    assert ranks == [
        ("e", 1),
        ("b", 2),
        ("d", 3),
        ("c", 3),
        ("i", 3),
        ("h", 6),
        ("f", 7),
        ("a", None),
        ("g", None),
    ]


def sums() -> st.SearchStrategy[Sums]:
    """Figures of any units: what happened to copies never exceeds what was sent."""

    def unit(shares: list[int], rest: dict[str, int]) -> dict[str, int]:
        on_time, late, returned, recalled, waiting = shares
        signed = {"sent": sum(shares), "on_time": on_time, "late": late}
        assert waiting >= 0
        return {**rest, **signed, "returned": returned, "recalled": recalled}

    few = st.integers(0, 50)
    rest = st.fixed_dictionaries(
        {"handled": few.map(lambda n: n + 50), "archived": few, "signed_unread": few}
    )
    units = st.sampled_from([*(unit.id for unit in town.UNITS), 99])
    return st.dictionaries(units, st.builds(unit, st.lists(few, min_size=5, max_size=5), rest), max_size=10)


@given(sums())
def test_every_partition_sums_to_the_total(rows: Sums) -> None:
    """Whatever the figures are grouped by, the groups together are the whole (P1-P13 must agree with each other)."""
    by_unit = figures(rows, rows)
    (total,) = table(by_unit, CITY, "total")
    kinds: list[By] = ["unit", "county", "group", "line"]
    for by in kinds:
        assert sum((one.figures for one in table(by_unit, CITY, by)), Figures()) == total.figures


@given(sums(), sums())
def test_figures_add_up(one: Sums, other: Sums) -> None:
    """The figures of two periods together are their sums, and no rate leaves 0 to 100 %."""
    (first,) = table(figures(one, one), CITY, "total")
    (second,) = table(figures(other, other), CITY, "total")
    both = first.figures + second.figures
    for rate in (both.sign_rate, both.on_time_sign_rate, both.archive_rate):
        assert 0 <= rate.numerator <= rate.denominator
        assert rate.tenths is None or 0 <= rate.tenths <= 1000
    assert both.on_time_sign_rate.numerator <= both.sign_rate.numerator
    assert both.copies == both.signed + both.unsigned
