"""Lines of the ledger and their adjustments (sms-charges 4.2, 4.5)."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.errors import Refused
from inbox_store.ledger import ChargeLine
from inbox_store.times import parse_iso
from sms_billing.lines import (
    BillOn,
    Charging,
    LinePlace,
    Outcome,
    billed,
    messages,
    once_key,
    recharge,
    reversal,
)
from sms_billing.payers import Payers
from sms_billing.periods import Books
from sms_billing.tariff import Tariff, cost_li
from tests.sms_billing.facts import BEGUN, CITY, NORTH, SOUTH, accepted, charging, lined

AT = LinePlace(77, 3)
CLOSED = Books(begin=201801, months=frozenset(range(201801, 201813)))


def test_a_line_is_frozen_with_what_decided_it() -> None:
    """Price, payer, both regions, month and the words for them stand in the line."""
    fact = accepted()
    line = lined(fact)
    assert (line.kind, line.month, line.segments, line.price_li, line.amount_li) == (
        "charge",
        201804,
        1,
        50,
        50,
    )
    assert (line.payer_id, line.region_id, line.to_region_id) == (NORTH, NORTH, SOUTH)
    assert line.policy == "o2018/county 2018-04-01/1970-01-01"
    assert (line.alert_kind, line.phone) == (fact.kind, "138****0000")
    kept = [
        name for name in line.__struct_fields__ if hasattr(fact, name) and name not in ("kind", "segments")
    ]
    assert len(kept) == 13
    assert [getattr(line, name) for name in kept] == [getattr(fact, name) for name in kept]


def test_the_price_of_the_acceptance() -> None:
    """A line costs what the tariff of its acceptance says, and without one there is no line."""
    tariffs = [
        Tariff(price_li=45, from_at=parse_iso("2018-04-01")),
        Tariff(price_li=50, from_at=parse_iso("2018-05-01")),
    ]
    charge = Charging(tariffs, Payers(CITY))
    days = ("2018-04-30T23:59:59.999999", "2018-05-01")
    assert [lined(accepted(day), charge).amount_li for day in days] == [45, 50]
    with pytest.raises(Refused, match="no_tariff"):
        lined(accepted("2018-03-31"), charge)


@pytest.mark.parametrize("per", ["segment", "message"])
def test_long_messages(per: str) -> None:
    """The lines of a message sum up to what the preview said, by segment and by message."""
    tariff = Tariff(price_li=50, from_at=0, per="message" if per == "message" else "segment")
    lines = [lined(accepted(segment_no=no), charging(tariff=tariff)) for no in (1, 2, 3)]
    assert sum(line.amount_li for line in lines) == cost_li(3, 1, tariff)
    assert sum(map(messages, lines)) == 1


@pytest.mark.parametrize(
    ("when", "month"),
    [
        ("2018-04-30T23:59:59.999999", 201804),
        ("2018-05-01T00:00:00", 201805),
        ("2018-12-31T23:59:59", 201812),
    ],
)
def test_the_month_of_a_line(when: str, month: int) -> None:
    """Months end at midnight in Beijing."""
    assert lined(accepted(when)).month == month


def test_late_charges() -> None:
    """What is known after the close is an adjustment of the open month, at the price and payer of its own day."""
    line = lined(accepted("2018-03-15"), books=CLOSED)
    assert (line.kind, line.month, line.payer_id, line.of_commit) == ("adjustment", 201901, CITY, None)
    assert line.accepted_at == parse_iso("2018-03-15")


def test_a_reversal_takes_back_its_line() -> None:
    """A line and its reversal sum to nothing, and the reversal names the line."""
    line = lined(accepted())
    back = reversal(line, AT, [], CLOSED)
    assert (back.kind, back.of_commit, back.of_no, back.month) == ("adjustment", 77, 3, 201901)
    assert [line.segments + back.segments, line.amount_li + back.amount_li] == [0, 0]
    assert messages(line) + messages(back) == 0
    assert reversal(line, AT, [], BEGUN).month == line.month


def test_adjusting_twice_is_refused() -> None:
    """A line is taken back once and charged again once, in that order; another line's adjustments do not count."""
    line = lined(accepted())
    with pytest.raises(Refused, match="not_reversed"):
        recharge(line, AT, SOUTH, [], CLOSED)
    back = reversal(line, AT, [reversal(line, LinePlace(77, 4), [], CLOSED)], CLOSED)
    with pytest.raises(Refused, match="already_reversed"):
        reversal(line, AT, [back], CLOSED)
    with pytest.raises(Refused, match="reversal_of_reversal"):
        reversal(back, LinePlace(90, 0), [], CLOSED)
    again = recharge(line, AT, SOUTH, [back], CLOSED)
    assert (again.payer_id, again.amount_li, again.of_commit, again.month) == (SOUTH, 50, 77, 201901)
    with pytest.raises(Refused, match="already_recharged"):
        recharge(line, AT, NORTH, [back, again], CLOSED)
    assert reversal(again, LinePlace(91, 0), [back, again], CLOSED).payer_id == SOUTH


@given(st.lists(st.sampled_from(["reverse", "recharge"]), max_size=6))
def test_any_corrections_leave_one_charge_or_none(steps: list[str]) -> None:
    """Whatever is tried in whatever order, a segment is charged once or not at all."""
    line = lined(accepted())
    earlier: list[ChargeLine] = []
    for step in steps:
        try:
            earlier.append(
                reversal(line, AT, earlier, CLOSED)
                if step == "reverse"
                else recharge(line, AT, SOUTH, earlier, CLOSED)
            )
        except Refused:
            continue
    assert line.segments + sum(told.segments for told in earlier) in (0, 1)
    assert line.amount_li + sum(told.amount_li for told in earlier) in (0, 50)


@pytest.mark.parametrize(
    ("outcomes", "charged_on"),
    [
        ((), set()),
        (("accepted",), {"accepted"}),
        (("accepted", "delivered"), {"accepted", "delivered"}),
        (("accepted", "failed"), {"accepted"}),
        (("accepted", "unreported"), {"accepted"}),
        (("accepted", "unreported", "delivered"), {"accepted", "delivered"}),
        (("delivered",), {"accepted", "delivered"}),
        (("accepted", "failed", "delivered", "delivered"), {"accepted", "delivered"}),
    ],
)
def test_the_order_of_reports_changes_no_charge(
    outcomes: tuple[Outcome, ...], charged_on: set[BillOn]
) -> None:
    """In every order a contract by acceptance or by delivery charges the same (4.2); unreported only by acceptance."""
    both: tuple[BillOn, ...] = ("accepted", "delivered")
    for bill_on in both:
        assert {billed(bill_on, order) for order in permutations(outcomes)} == {bill_on in charged_on}


@given(st.permutations(range(6)), st.lists(st.integers(1, 3), min_size=6, max_size=6))
def test_the_order_of_settling_changes_no_line(order: list[int], numbers: list[int]) -> None:
    """Segments settled in any order, some of them twice, give the same lines under their keys."""
    facts = [
        accepted(segment_no=no, alert_id=place // 2, person_id=place) for place, no in enumerate(numbers)
    ]
    charge = charging()
    plain = {once_key(line): line for line in (lined(fact, charge) for fact in facts)}
    settled = [lined(facts[place], charge) for place in [*order, *order[:2]]]
    mixed = {once_key(line): line for line in settled}
    assert mixed == plain
