"""Prices of short messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.errors import Refused
from inbox_store.times import parse_iso
from sms_billing.tariff import Tariff, cost_li, faults, li, price, yuan

Q2 = parse_iso("2018-04-01T00:00:00")
OLD, NEW = Tariff(price_li=45, from_at=0), Tariff(price_li=50, from_at=Q2)

tariffs = st.lists(
    st.builds(
        lambda start, length, price_li: Tariff(
            price_li=price_li, from_at=start, to_at=None if length is None else start + length
        ),
        st.integers(0, 30),
        st.none() | st.integers(1, 30),
        st.integers(0, 100),
    ),
    max_size=5,
)


def test_the_price_of_the_moment() -> None:
    """A new price holds from its first microsecond, in whatever order the prices are listed."""
    for listed in ((OLD, NEW), (NEW, OLD)):
        assert (price(listed, Q2 - 1).price_li, price(listed, Q2).price_li) == (45, 50)


def test_no_price_no_sending() -> None:
    """Before the first price and after the end of the last nothing can be charged."""
    closed = Tariff(price_li=50, from_at=10, to_at=20)
    for at in (9, 20):
        with pytest.raises(Refused, match="no_tariff"):
            price([closed], at)
    assert price([closed], 19) is closed


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], [("gap", 5, None)]),
        ([Tariff(price_li=50, from_at=0)], []),
        ([Tariff(price_li=50, from_at=5)], []),
        ([Tariff(price_li=50, from_at=9)], [("gap", 5, 9)]),
        ([Tariff(price_li=50, from_at=0, to_at=9)], [("gap", 9, None)]),
        ([Tariff(price_li=50, from_at=0, to_at=9), Tariff(price_li=45, from_at=9)], []),
        ([Tariff(price_li=50, from_at=0, to_at=9), Tariff(price_li=45, from_at=12)], [("gap", 9, 12)]),
        ([Tariff(price_li=50, from_at=0, to_at=2), Tariff(price_li=45, from_at=4)], []),
        ([Tariff(price_li=50, from_at=0, to_at=9), Tariff(price_li=45, from_at=7)], [("overlap", 7, 9)]),
        ([Tariff(price_li=50, from_at=0), Tariff(price_li=45, from_at=0)], [("overlap", 5, None)]),
    ],
)
def test_gaps_and_overlaps(listed: list[Tariff], found: list[tuple[str, int, int | None]]) -> None:
    """Times without a price and times with two are told from the asked moment on."""
    told = [(fault.code, fault.from_at, fault.to_at) for fault in faults(listed, 5)]
    assert told == found


@given(tariffs, st.integers(0, 30))
def test_faults_are_where_the_price_is_not_one(listed: list[Tariff], from_at: int) -> None:
    """Moments without a price are exactly the gaps; where nothing is told, the order of the list changes no price."""
    found = faults(listed, from_at)
    for at in range(from_at, 65):
        codes = [
            fault.code for fault in found if fault.from_at <= at and (fault.to_at is None or at < fault.to_at)
        ]
        if "gap" in codes:
            with pytest.raises(Refused):
                price(listed, at)
        elif not codes:
            assert price(listed, at) == price(reversed(listed), at)
        assert len(codes) <= 1


@pytest.mark.parametrize(
    ("segments", "messages", "tariff", "cost"),
    [
        (1_650_000, 1_650_000, NEW, 82_500_000),
        (10_000, 10_000, NEW, 500_000),
        (20_000, 10_000, NEW, 1_000_000),
        (20_000, 10_000, Tariff(price_li=50, from_at=0, per="message"), 500_000),
        (3, 1, OLD, 135),
    ],
)
def test_costs(segments: int, messages: int, tariff: Tariff, cost: int) -> None:
    """Charging is by segment, or by message where the tariff says so (sms-charges 4.6)."""
    assert cost_li(segments, messages, tariff) == cost


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (82_500_000, "82500.00"),
        (50, "0.05"),
        (45, "0.045"),
        (0, "0.00"),
        (-50, "-0.05"),
        (-1, "-0.001"),
        (1000, "1.00"),
    ],
)
def test_amounts_in_yuan(amount: int, text: str) -> None:
    """Whole fen show two decimals, a finer sum three."""
    assert yuan(amount) == text


@given(st.integers(0, 10**12 - 1))
def test_yuan_and_li_mirror(amount: int) -> None:
    """An amount written and read again is the same."""
    assert li(yuan(amount)) == amount


@pytest.mark.parametrize("text", ["", "0.0455", "-0.05", "五分", "0,05", ".05", "1e3", "0.05元"])
def test_prices_finer_than_a_li_are_refused(text: str) -> None:
    """A price that is none, or finer than a li, is refused with its text."""
    with pytest.raises(ValueError, match="is no price") as told:
        li(text)
    assert repr(text) in str(told.value)


def test_wrong_tariffs() -> None:
    """A price below zero and an end before the beginning cannot be."""
    with pytest.raises(ValueError, match="below 0"):
        Tariff(price_li=-1, from_at=0)
    with pytest.raises(ValueError, match="ends before it begins"):
        Tariff(price_li=50, from_at=5, to_at=5)
