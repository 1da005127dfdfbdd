"""Statements: each sum equals the sum of its rows (sms-charges 4.5)."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.ledger import Purpose
from inbox_store.programs.ledger import Sum
from sms_billing.apportion import by_lines
from sms_billing.payers import Payers
from sms_billing.periods import month_span, year_months
from sms_billing.statement import ELSEWHERE, Figures, Label, Outcomes, Row, Statement, statements
from sms_billing.tables import Table, period_zh, settlement_table, statement_tables, written
from tests.sms_billing.facts import CITY, NORTH, REGIONS, SOUTH, UNITS

PAYERS = Payers(CITY)
MONTHS = year_months(2018)
PURPOSES: tuple[Purpose, ...] = ("document", "code", "drill", "operator", "duplicate")

regions = st.sampled_from([CITY, NORTH, SOUTH])
months = st.sampled_from([201803, 201804, 201811, 201901])
kinds = st.sampled_from(["arrival", "urge", "strange"])
sums = st.lists(
    st.builds(
        Sum,
        month=months,
        payer_id=regions,
        unit_id=st.sampled_from([10, 20, 30, 99]),
        region_id=regions,
        to_region_id=regions,
        alert_kind=kinds,
        purpose=st.sampled_from(PURPOSES),
        kind=st.sampled_from(["charge", "adjustment"]),
        price_li=st.just(50),
        messages=st.integers(-9, 9),
        segments=st.integers(-9, 9),
        amount_li=st.integers(-999, 999),
    ),
    max_size=20,
)
few = st.integers(0, 9)
outcomes = st.lists(
    st.builds(
        Outcomes,
        month=months,
        payer_id=regions,
        unit_id=st.sampled_from([10, 20]),
        alert_kind=kinds,
        purpose=st.sampled_from(PURPOSES),
        delivered=few,
        failed=few,
        unreported=few,
        unreported_li=few,
        in_doubt=few,
        in_doubt_li=few,
        suppressed=few,
        suppressed_segments=few,
    ),
    max_size=10,
)


def other(told: Sum) -> int:
    """The payer under the other policy."""
    return PAYERS.compared(told.unit_id, told.region_id, told.to_region_id, month_span(told.month)[0])


def made(listed: list[Sum], met: list[Outcomes]) -> tuple[Statement, ...]:
    """The statements of 2018."""
    return statements(MONTHS, listed, met, regions=REGIONS, units=UNITS, city_id=CITY, other=other)


def summed(rows: tuple[Row, ...]) -> Figures:
    """The rows added up."""
    return sum((row.figures for row in rows), Figures())


@given(sums, outcomes)
def test_every_sum_is_the_sum_of_its_rows(listed: list[Sum], met: list[Outcomes]) -> None:
    """By month, unit and kind each come to the total, and all payers together to the ledger."""
    told = made(listed, met)
    for one in told:
        assert summed(one.by_month) == summed(one.by_unit) == summed(one.by_kind) == one.total
        assert summed(one.own) == one.own_total
    whole = sum((one.whole for one in told), Figures())
    within = [row for row in listed if row.month in MONTHS]
    assert whole.amount_li == whole.other_li == sum(row.amount_li for row in within)
    assert whole.segments == sum(row.segments for row in within)
    assert whole.messages == sum(row.messages for row in within)
    assert whole.adjusted_li == sum(row.amount_li for row in within if row.kind == "adjustment")
    seen = [row for row in met if row.month in MONTHS]
    for place, name in enumerate(Outcomes._fields[5:], start=5):
        assert getattr(whole, name) == sum(int(row[place]) for row in seen)


@given(sums, outcomes, st.randoms(use_true_random=False))
def test_statements_do_not_depend_on_the_order(
    listed: list[Sum], met: list[Outcomes], random: Random
) -> None:
    """Rows read in another order give the same bytes."""
    mixed = random.sample(listed, len(listed))
    assert msgspec.json.encode(made(mixed, met)) == msgspec.json.encode(made(listed, met))


def row(**changed: Any) -> Sum:  # noqa: ANN401 - any column
    """A charged segment of north county for south county in May 2018."""
    plain = Sum(201805, NORTH, 20, NORTH, SOUTH, "arrival", "document", "charge", 50, 1, 1, 50)
    return msgspec.structs.replace(plain, **changed)


def test_every_county_gets_one() -> None:
    """The city first, then by code; a county without a message hears that it owes nothing; all months stand there."""
    told = made([row()], [])
    assert [one.payer_id for one in told] == [CITY, NORTH, SOUTH]
    assert [row.key for row in told[2].by_month] == list(MONTHS)
    assert told[2].whole == Figures(other_li=50)


def test_the_comparison_column() -> None:
    """What would fall to south county as recipient stands in its column, its units elsewhere as one row."""
    told = {one.payer_id: one for one in made([row()], [])}
    assert (told[NORTH].total.amount_li, told[NORTH].total.other_li) == (50, 0)
    assert [(one.key, one.figures.other_li) for one in told[SOUTH].by_unit] == [(ELSEWHERE, 50)]
    assert told[SOUTH].by_unit[0].label.name == "其他地区单位（仅比较）"


def test_the_citys_own_part() -> None:
    """What is not apportioned stands apart by purpose, and stays the city's in the comparison."""
    code = row(payer_id=CITY, alert_kind="code", purpose="code")
    double = row(payer_id=CITY, purpose="duplicate", amount_li=70)
    city = made([code, double, row(payer_id=CITY, unit_id=10, region_id=CITY)], [])[0]
    assert [(one.label.name, one.figures.amount_li, one.figures.other_li) for one in city.own] == [
        ("登录验证码", 50, 50),
        ("换通道重发", 70, 70),
    ]
    assert (city.total.amount_li, city.own_total.amount_li, city.whole.amount_li) == (50, 120, 170)


def test_what_is_gone_keeps_its_figures() -> None:
    """A unit and a region no longer known stand under their numbers."""
    told = made([row(payer_id=8, unit_id=99)], [])
    gone = next(one for one in told if one.payer_id == 8)
    assert gone.payer == Label(code="", name="地区8")
    assert gone.by_unit[0].label.name == "单位99"


def cells(table: Table, last: str) -> dict[str, object]:
    """The row whose second cell is ``last``, by heading."""
    found = next(one for one in written(table) if one[1] == last)
    return {heading.title: cell for heading, cell in zip(table.headings, found, strict=True)}


def test_the_tables_of_an_office() -> None:
    """Titles, headings and yuan as finance reads them; the last row is the total."""
    met = [Outcomes(201805, NORTH, 20, "arrival", "document", delivered=1, in_doubt=2, in_doubt_li=100)]
    county = made([row(), row(kind="adjustment", amount_li=-5, segments=-1, messages=0)], met)[1]
    tables = statement_tables(county, "originator")
    assert [table.name for table in tables] == ["按月份", "按单位", "按类别"]
    assert tables[0].title == "北山县2018年4—12月政务短信费用结算单（按发送单位承担）·按月份"
    may = cells(tables[0], "2018年5月")
    assert (may["金额（元）"], may["其中补记红冲（元）"], may["存疑未计费（元）"]) == (
        "0.045",
        "-0.005",
        "0.10",
    )
    assert (may["送达"], may["存疑"], may["计费条数"]) == (1, 2, 0)
    assert tables[0].headings[-1].title == "对照：按接收单位承担（元）"
    for table in tables:
        assert written(table)[-1][:2] == ("", "合计")
        assert cells(table, "合计")["金额（元）"] == "0.045"


def test_the_page_of_all_payers() -> None:
    """The shares and the difference to the invoice sum up on the last row, whole numbers of li."""
    told = made([row(amount_li=500), row(payer_id=CITY, purpose="code", amount_li=50)], [])
    table = settlement_table(told, by_lines({one.payer_id: one.whole.amount_li for one in told}, 600))
    assert table.title == "2018年4—12月政务短信费用分摊汇总表（按台账计费）"
    assert cells(table, "与运营商账单差额（由市承担）")["应承担（元）"] == "0.05"
    assert cells(table, "合计")["应承担（元）"] == "0.60"
    assert cells(table, "示范市")["其中不分摊（元）"] == "0.05"


def test_periods_in_words() -> None:
    """A month, some months, a year, and months of two years."""
    assert period_zh((201804,)) == "2018年4月"
    assert period_zh(year_months(2019)) == "2019年度"
    assert period_zh((201812, 201901)) == "2018年12月—2019年1月"
