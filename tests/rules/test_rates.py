"""The rates of the bulletin from tallies."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules import workcal
from gateway.rules.rate_tables import By, Row, ranked, table
from gateway.rules.rates import (
    Figures,
    Measure,
    Outcome,
    Period,
    Rate,
    Tally,
    as_of,
    backlog,
    figures,
    period,
)
from inbox_store.nouns import Kind
from tests.rules import small_city as town

CALENDAR = workcal.load(Path(workcal.__file__).with_name("workdays.toml").read_text(encoding="utf-8"))
Q1 = period(date(2018, 1, 1), date(2018, 4, 1), CALENDAR)
DAY = date(2018, 2, 1)
CITY = town.city()

OUTCOMES: dict[Measure, list[Outcome]] = {
    "sign": ["unsigned", "on_time", "late", "returned", "recalled"],
    "unread": ["signed_unread"],
    "handling": ["open", "archived"],
    "meeting": ["asked", "answered", "answered_late"],
}
OPEN = {"unsigned", "open", "asked"}


def signs(unit_id: int, **outcomes: int) -> list[Tally]:
    """Copies of one unit sent on one day, signed or sent back the day after."""
    return [
        Tally(
            measure="sign",
            unit_id=unit_id,
            kind="notice",
            day=DAY,
            outcome=outcome,
            outcome_day=None if outcome == "unsigned" else DAY + timedelta(days=1),
            n=outcomes[outcome],
        )
        for outcome in OUTCOMES["sign"]
        if outcome in outcomes
    ]


def told(tallies: list[Tally], last_day: date = Q1.cutoff) -> Figures:
    """The one unit's figures."""
    by_unit = figures(tallies, Q1, last_day)
    return by_unit.get(20, Figures())


def test_the_check_of_the_bulletin() -> None:
    """100 copies: 2 recalled unsigned, 1 after signing, 3 returned, 90 others signed (5 late), 4 unsigned (3.2)."""
    # The one recalled after signing stays as signed: with the 90 others it makes 86 on time and 5 late.
    one = told(signs(20, on_time=86, late=5, unsigned=4, returned=3, recalled=2))
    assert (one.copies, one.signed, one.unsigned) == (95, 91, 4)
    assert (one.sign_rate.percent, one.on_time_sign_rate.percent) == ("95.8%", "90.5%")
    assert (one.returned, one.recalled) == (3, 2)


def test_return_three_sign_the_rest() -> None:
    """Copies returned with a reason leave the rate at 100 % (F10)."""
    assert told(signs(20, on_time=97, returned=3)).sign_rate.percent == "100.0%"


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


@pytest.mark.parametrize(
    ("measure", "outcome", "before", "after"),
    [
        ("sign", "on_time", {"copies": 1}, {"copies": 1, "on_time": 1}),
        ("sign", "late", {"copies": 1}, {"copies": 1, "late": 1}),
        ("sign", "returned", {"copies": 1}, {"returned": 1}),
        ("sign", "recalled", {"copies": 1}, {"recalled": 1}),
        ("unread", "signed_unread", {}, {"signed_unread": 1}),
        ("handling", "archived", {"handled": 1}, {"handled": 1, "archived": 1}),
        ("meeting", "answered", {"asked": 1}, {"asked": 1, "answered": 1}),
        ("meeting", "answered_late", {"asked": 1}, {"asked": 1, "answered_late": 1}),
    ],
)
def test_what_comes_after_has_not_happened(
    measure: Measure, outcome: Outcome, before: dict[str, int], after: dict[str, int]
) -> None:
    """As of a day, an outcome counts from its day on and was open before (bulletin 3.2: 补签 shows in the next one)."""
    happened = date(2018, 4, 9)
    tally = Tally(measure=measure, unit_id=20, kind="notice", day=DAY, outcome=outcome, outcome_day=happened)
    assert told([tally], happened - timedelta(days=1)) == Figures(**before)
    assert told([tally], happened) == Figures(**after)


def test_only_the_days_of_the_period() -> None:
    """What was sent before the period, on the day after it, or after the day of asking, does not count."""
    days = [date(2017, 12, 31), date(2018, 1, 1), date(2018, 3, 31), date(2018, 4, 1)]
    tallies = [Tally(measure="sign", unit_id=20, kind="notice", day=day, outcome="unsigned") for day in days]
    assert told(tallies).copies == 2
    assert told(tallies, date(2018, 1, 1)).copies == 1


@pytest.mark.parametrize("kind", ["announcement", "alert"])
def test_kinds_that_nobody_signs_for(kind: Kind) -> None:
    """Announcements and alerts never enter the sign-for rate (F36)."""
    tally = Tally(measure="sign", unit_id=20, kind=kind, day=DAY, outcome="unsigned")
    assert told([tally]) == Figures()


def test_archive_and_receipt_rates() -> None:
    """Archived by the cut-off over transferred; answered by the deadline over asked."""
    after = DAY + timedelta(days=3)
    rows: list[tuple[Measure, Outcome, int]] = [
        ("handling", "archived", 738),
        ("handling", "open", 262),
        ("meeting", "answered", 85),
        ("meeting", "answered_late", 5),
        ("meeting", "asked", 10),
    ]
    one = told(
        [
            Tally(
                measure=measure,
                unit_id=20,
                kind="notice",
                day=DAY,
                outcome=outcome,
                outcome_day=None if outcome in OPEN else after,
                n=n,
            )
            for measure, outcome, n in rows
        ]
    )
    assert (one.archive_rate.percent, one.receipt_rate.percent) == ("73.8%", "85.0%")
    assert (one.asked, one.answered_late, one.handled) == (100, 5, 1000)


def test_backlog_counts_every_quarter() -> None:
    """未办结归档: everything ever taken into handling and not archived by the day (P14)."""
    tallies = [
        Tally(measure="handling", unit_id=20, kind="notice", day=date(2017, 1, 1), outcome="open", n=7),
        Tally(
            measure="handling",
            unit_id=20,
            kind="notice",
            day=DAY,
            outcome="archived",
            outcome_day=date(2018, 4, 10),
            n=2,
        ),
        Tally(measure="handling", unit_id=20, kind="notice", day=date(2018, 4, 10), outcome="open", n=5),
        *signs(20, unsigned=3),
    ]
    assert backlog(tallies, date(2018, 4, 9)) == {20: 9}
    assert backlog(tallies, date(2018, 4, 10)) == {20: 12}


def test_a_row_of_no_such_state_is_a_bug() -> None:
    """A tally whose outcome does not belong to its measure is refused, not dropped."""
    with pytest.raises(ValueError, match="tally of sign: no outcome archived"):
        told([Tally(measure="sign", unit_id=20, kind="notice", day=DAY, outcome="archived")])


def names(by: By, **by_unit: int) -> list[tuple[str, str]]:
    """Names and sign-for rates of a table; each unit has ten copies of which so many are signed."""
    tallies = [
        tally
        for unit, signed in by_unit.items()
        for tally in signs(int(unit.removeprefix("u")), on_time=signed, unsigned=10 - signed)
    ]
    rows = table(figures(tallies, Q1, Q1.cutoff), CITY, by)
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
    return Row(key=code, code=code, name=code, figures=Figures(copies=copies, on_time=on_time, late=late))


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


def tallies() -> st.SearchStrategy[Tally]:
    """Any tally of any measure in and around the quarter."""
    days = st.dates(date(2017, 12, 1), date(2018, 5, 1))

    def of(measure: Measure) -> st.SearchStrategy[Tally]:
        return st.builds(
            lambda outcome, day, wait, unit_id, n: Tally(
                measure=measure,
                unit_id=unit_id,
                kind="notice",
                day=day,
                outcome=outcome,
                outcome_day=None if outcome in OPEN else day + timedelta(days=wait),
                n=n,
            ),
            st.sampled_from(OUTCOMES[measure]),
            days,
            st.integers(0, 40),
            st.sampled_from([*(unit.id for unit in town.UNITS), 99]),
            st.integers(0, 50),
        )

    measures: list[Measure] = ["sign", "unread", "handling", "meeting"]
    return st.one_of(*map(of, measures))


@given(st.lists(tallies(), max_size=30), st.dates(date(2017, 12, 1), date(2018, 5, 1)))
def test_every_partition_sums_to_the_total(rows: list[Tally], last_day: date) -> None:
    """Whatever the figures are grouped by, the groups together are the whole (P1-P13 must agree with each other)."""
    by_unit = figures(rows, Q1, last_day)
    (total,) = table(by_unit, CITY, "total")
    kinds: list[By] = ["unit", "county", "group", "line"]
    for by in kinds:
        assert sum((one.figures for one in table(by_unit, CITY, by)), Figures()) == total.figures


@given(
    st.lists(tallies(), max_size=30),
    st.lists(tallies(), max_size=30),
    st.dates(date(2018, 1, 1), date(2018, 5, 1)),
)
def test_figures_add_up(one: list[Tally], other: list[Tally], last_day: date) -> None:
    """The figures of two lots of tallies are the sums of their figures, and no rate leaves 0 to 100 %."""
    (both,) = table(figures([*one, *other], Q1, last_day), CITY, "total")
    (first,) = table(figures(one, Q1, last_day), CITY, "total")
    (second,) = table(figures(other, Q1, last_day), CITY, "total")
    assert both.figures == first.figures + second.figures
    for rate in (both.figures.sign_rate, both.figures.on_time_sign_rate, both.figures.archive_rate):
        assert 0 <= rate.numerator <= rate.denominator
        assert rate.tenths is None or 0 <= rate.tenths <= 1000
    assert both.figures.on_time_sign_rate.numerator <= both.figures.sign_rate.numerator


@given(st.lists(tallies(), max_size=30), st.dates(date(2018, 4, 10), date(2019, 1, 1)))
def test_a_published_figure_never_moves(rows: list[Tally], today: date) -> None:
    """After the cut-off the figures of a period are the same on whatever day they are asked."""
    assert figures(rows, Q1, as_of(Q1, today)) == figures(rows, Q1, Q1.cutoff)
