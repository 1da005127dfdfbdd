"""Shares that sum up (sms-charges 4.5)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.errors import Refused
from sms_billing.apportion import Weight, by_invoice, by_lines, in_fen, shares


def weights(counts: list[int]) -> list[Weight]:
    """Payers 1, 2, ... with codes that run the other way."""
    return [
        Weight(region_id=place, code=f"{1000 - place}", count=count)
        for place, count in enumerate(counts, start=1)
    ]


counts = st.lists(st.integers(0, 10**7), min_size=1, max_size=12)
totals = st.integers(-(10**9), 10**9)


@given(totals, counts, st.sampled_from([1, 10]))
def test_shares_sum_up_and_are_near(total: int, listed: list[int], step: int) -> None:
    """The sum is the total, each is less than a step from its exact part, more weight never gets less."""
    total *= step
    if total and not any(listed):
        with pytest.raises(Refused, match="no_weights"):
            shares(total, weights(listed), step)
        return
    told = shares(total, weights(listed), step)
    assert sum(told.values()) == total
    assert set(told) == set(range(1, len(listed) + 1))
    for place, count in enumerate(listed, start=1):
        exact = Fraction(total * count, sum(listed)) if total else Fraction(0)
        assert told[place] % step == 0
        assert abs(told[place] - exact) < step
    ordered = sorted(range(1, len(listed) + 1), key=lambda place: listed[place - 1])
    sizes = [abs(told[place]) for place in ordered]
    assert all(
        low <= high or listed[a - 1] == listed[b - 1]
        for low, high, a, b in zip(sizes, sizes[1:], ordered, ordered[1:], strict=False)
    )


@given(totals, counts)
def test_shares_do_not_depend_on_the_order(total: int, listed: list[int]) -> None:
    """The same payers in another order get the same."""
    told = weights([*listed, 1])
    assert shares(total * 10, told) == shares(total * 10, reversed(told))


def test_ties_by_code() -> None:
    """Of equal remainders the lower code gets the fen that is left."""
    told = [Weight(region_id=7, code="B", count=1), Weight(region_id=8, code="A", count=1)]
    assert shares(30, told) == {8: 20, 7: 10}
    assert shares(-30, told) == {8: -20, 7: -10}
    assert shares(3, told, 1) == {8: 2, 7: 1}


def test_what_cannot_be_shared() -> None:
    """A total that is no whole fen and a payer below zero are refused; a payer told twice is a mistake of ours."""
    with pytest.raises(Refused, match="amount_not_whole"):
        shares(15, weights([1]))
    with pytest.raises(Refused, match="weight_below_zero"):
        shares(10, weights([2, -1]))
    with pytest.raises(ValueError, match="twice"):
        shares(10, weights([1]) * 2)
    assert shares(0, weights([0, 0])) == {1: 0, 2: 0}


@given(st.dictionaries(st.integers(1, 9), st.integers(0, 10**8), min_size=1), st.integers(0, 10**9))
def test_both_methods_balance(amounts: dict[int, int], fen: int) -> None:
    """Method 1 keeps the lines and shows the difference; method 2 sums up to the invoice."""
    plain = by_lines(amounts, fen * 10)
    assert plain.shares_li == amounts
    assert sum(plain.shares_li.values()) + plain.difference_li == fen * 10
    assert by_lines(amounts).difference_li == 0
    told = [Weight(region_id=key, code=str(key), count=li + 1) for key, li in amounts.items()]
    shared = by_invoice(fen * 10, told, plain.lines_li)
    assert sum(shared.shares_li.values()) == fen * 10
    assert shared.lines_li + shared.difference_li == fen * 10


@given(st.lists(st.integers(-(10**6), 10**6), max_size=12))
def test_whole_fen(amounts: list[int]) -> None:
    """Amounts in li become fen: the sum is the rounded sum, and nobody moves by a fen."""
    told = in_fen(weights(amounts))
    assert sum(told.values()) == (sum(amounts) + 5) // 10
    assert all(abs(told[place] * 10 - li) < 10 for place, li in enumerate(amounts, start=1))
    assert all(told[place] * 10 == li for place, li in enumerate(amounts, start=1) if li % 10 == 0)
