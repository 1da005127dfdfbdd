"""Months and years of the ledger, and the settlement's steps (sms-charges 4.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.errors import Refused
from inbox_store.times import DAY_US, day_start, parse_iso
from sms_billing.periods import (
    Books,
    check_open,
    close_month,
    close_year,
    month_after,
    month_at,
    month_span,
    year_months,
)
from sms_billing.settlement import (
    Settlement,
    answer,
    confirm,
    draft,
    freeze,
    object_to,
    send_out,
)
from tests.sms_billing.facts import NORTH

LATER = parse_iso("2019-01-05")
SENT = parse_iso("2019-01-10T15:00:00")


def closed(books: Books, to: int) -> Books:
    """The books closed month by month, long after."""
    for _ in range(100):
        if books.closed(to):
            return books
        month = books.open_month(books.begin)
        books = close_month(books, month, parse_iso("2030-01-01"))
    raise AssertionError(to)


@given(st.integers(0, parse_iso("2060-01-01")))
def test_months_hold_their_moments(at: int) -> None:
    """Each moment lies in the span of its month, and the next month begins where it ends."""
    month = month_at(at)
    start, end = month_span(month)
    assert start <= at < end
    assert month_at(end) == month_after(month)
    assert month_after(month_after(month), -1) == month


def test_the_first_year_has_three_quarters() -> None:
    """The first settlement is April to December 2018, then whole years; before, there is none."""
    assert year_months(2018) == tuple(range(201804, 201813))
    assert year_months(2019) == tuple(range(201901, 201913))
    with pytest.raises(Refused, match="year_not_settled"):
        year_months(2017)
    with pytest.raises(Refused, match="not_a_month"):
        month_span(201813)


def test_months_close_in_order_after_their_end() -> None:
    """A month closes from its last midnight on, after the months before it, once."""
    end = month_span(201804)[1]
    with pytest.raises(Refused, match="month_not_over"):
        close_month(Books(), 201804, end - 1)
    books = close_month(Books(), 201804, end)
    assert books.closed(201804)
    assert not books.closed(201805)
    for month, code in ((201804, "month_closed"), (201806, "month_before_open"), (201803, "before_ledger")):
        with pytest.raises(Refused, match=code):
            close_month(books, month, LATER)
    with pytest.raises(Refused, match="before_ledger"):
        close_month(Books(), 201803, LATER)


def test_a_month_waits_for_the_carriers_figures() -> None:
    """A channel out of tolerance stops the close, unless its differences are taken over as open items."""
    with pytest.raises(Refused, match="channels_unmatched") as told:
        close_month(Books(), 201804, LATER, unmatched=["smgp", "cmpp"])
    assert told.value.params["channels"] == ["cmpp", "smgp"]
    assert close_month(Books(), 201804, LATER, unmatched=["cmpp"], accepted_open=True).months == {201804}


def test_a_year_closes_after_its_months() -> None:
    """Not while a month is open, not before its end, not twice."""
    with pytest.raises(Refused, match="month_open") as told:
        close_year(closed(Books(), 201811), 2018, LATER)
    assert told.value.params["months"] == [201812]
    books = closed(Books(), 201812)
    with pytest.raises(Refused, match="year_not_over"):
        close_year(books, 2018, month_span(201812)[1] - 1)
    done = close_year(books, 2018, LATER)
    assert done.years == {2018}
    with pytest.raises(Refused, match="year_closed"):
        close_year(done, 2018, LATER)


@given(st.integers(201801, 201812), st.none() | st.integers(201804, 201812))
def test_late_facts_go_to_the_open_month(month: int, closed_to: int | None) -> None:
    """A fact stays in its own month while that is open, else it goes to the first open one; never to a closed one."""
    books = Books(months=frozenset(range(201804, (closed_to or 0) + 1)))
    found = books.open_month(month)
    check_open(books, found)
    assert found == month or (books.closed(month) and books.closed(month_after(found, -1)))
    if books.closed(month):
        with pytest.raises(Refused, match="month_closed"):
            check_open(books, month)


def weekdays(day: date, count: int) -> date:
    """A calendar without holidays."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def drafted() -> Settlement:
    """The settlement of 2018."""
    return draft(close_year(closed(Books(), 201812), 2018, LATER), 2018, b"shown", 1, LATER)


def test_the_way_of_a_settlement() -> None:
    """Draft, ten working days of objections, confirmed, frozen; each with who and when."""
    sent = send_out(drafted(), weekdays, 2, SENT)
    assert sent.objections_until == day_start(date(2019, 1, 25))
    end = sent.objections_until
    assert end is not None
    told = object_to(sent, NORTH, " 我县5月已停用 ", 3, end - 1)
    told = answer(told, 0, "已核减", 1, end + DAY_US)
    done = freeze(confirm(told, 1, end + 2 * DAY_US), b"shown", 4, end + 3 * DAY_US)
    assert [(one.step, one.by) for one in done.taken] == [
        ("draft", 1),
        ("objections", 2),
        ("confirmed", 1),
        ("frozen", 4),
    ]
    assert (done.objections[0].text, done.objections[0].answer) == ("我县5月已停用", "已核减")


def test_what_a_settlement_refuses() -> None:
    """Nothing is skipped, late, empty, unanswered or changed."""
    begun = drafted()
    sent = send_out(begun, weekdays, 2, SENT)
    end = sent.objections_until
    assert end is not None
    held = object_to(sent, NORTH, "有异议", 3, SENT)
    done = confirm(sent, 1, end)
    refused: list[tuple[str, Callable[[], object]]] = [
        ("year_open", lambda: draft(Books(), 2018, b"", 1, LATER)),
        ("settlement_step", lambda: object_to(begun, NORTH, "有异议", 3, SENT)),
        ("settlement_step", lambda: send_out(sent, weekdays, 2, SENT)),
        ("settlement_step", lambda: confirm(begun, 1, end)),
        ("settlement_step", lambda: freeze(sent, b"shown", 1, end)),
        ("objections_over", lambda: object_to(sent, NORTH, "有异议", 3, end)),
        ("settlement_text_empty", lambda: object_to(sent, NORTH, "  ", 3, SENT)),
        ("no_objection", lambda: answer(sent, 0, "好", 1, SENT)),
        ("settlement_text_empty", lambda: answer(held, 0, " ", 1, SENT)),
        ("objection_answered", lambda: answer(answer(held, 0, "好", 1, SENT), 0, "好", 1, SENT)),
        ("objections_running", lambda: confirm(sent, 1, end - 1)),
        ("objections_unanswered", lambda: confirm(held, 1, end)),
        ("statements_changed", lambda: freeze(done, b"other", 1, end)),
        ("settlement_step", lambda: freeze(freeze(done, b"shown", 1, end), b"shown", 1, end)),
    ]
    for code, step in refused:
        with pytest.raises(Refused, match=code):
            step()
