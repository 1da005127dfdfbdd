"""Weighted sharing of a route between its channels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.shares import Shares

BATCH = 16
weights = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 9), min_size=1)
batches = st.lists(st.integers(1, BATCH), min_size=1, max_size=120)


def takers(shares: Shares, able: Collection[str]) -> list[str]:
    """Who may take now; asking changes nothing."""
    return [name for name in "abcde" if name in able and shares.may(name, able)]


def run(shares: Shares, able: Collection[str], sizes: Iterable[int]) -> Counter[str]:
    """Segments taken by each while the same channels are able."""
    taken: Counter[str] = Counter()
    for size in sizes:
        (name,) = takers(shares, able)
        shares.took(name, size)
        taken[name] += size
    return taken


def level(taken: Counter[str]) -> bool:
    """Whether channels of equal weight took the same, but for one batch before and one after."""
    return max(taken.values()) - min(taken.values()) <= 20 and len(taken) > 1


@given(weights, batches)
def test_shares_follow_the_weights_within_a_batch(told: dict[str, int], sizes: list[int]) -> None:
    """Whatever the sizes of batches, segments by weight never differ by more than one batch by its weight."""
    shares = Shares(told)
    taken: Counter[str] = Counter()
    for size in sizes:
        taken += run(shares, told, [size])
        parts = [taken[name] / weight for name, weight in told.items() if weight]
        if parts:
            least = min(weight for weight in told.values() if weight)
            assert max(parts) - min(parts) <= BATCH / least + 1e-9


@given(weights, st.data())
def test_exactly_one_may_and_never_one_that_cannot(told: dict[str, int], data: st.DataObject) -> None:
    """Among any able channels one may take at once, asked in any order and twice: nothing is held up or taken double."""
    shares = Shares(told)
    for _ in range(20):
        able = data.draw(st.sets(st.sampled_from(sorted(told))))
        found = takers(shares, able)
        assert len(found) == (1 if able else 0)
        assert found == takers(shares, able)
        assert set(found) <= able
        if any(told[name] for name in able):
            assert all(told[name] for name in found)
        for name in found:
            shares.took(name, data.draw(st.integers(1, BATCH)))


@given(weights.filter(lambda told: any(told.values())), st.sets(st.sampled_from("abcde")), batches)
def test_nobody_starves(told: dict[str, int], first: set[str], sizes: list[int]) -> None:
    """After any past, every channel with weight gets a batch within what the weights allow."""
    shares = Shares(told)
    if first & set(told):
        run(shares, first & set(told), sizes)
    weighted = {name: weight for name, weight in told.items() if weight}
    least = min(weighted.values())
    # Full batches until the slowest is due: each other one a batch by its weight, beside the one it was ahead.
    rounds = sum(2 * weight // least + 2 for weight in weighted.values())
    taken = run(shares, told, [BATCH] * rounds)
    assert set(taken) == set(weighted)


def test_weights_over_a_long_run() -> None:
    """Three to one is three to one."""
    assert run(Shares({"a": 3, "b": 1}), "ab", [1] * 4000) == {"a": 3000, "b": 1000}
    assert run(Shares({"a": 5, "b": 3, "c": 2}), "abc", [16] * 1000) == {"a": 8000, "b": 4800, "c": 3200}


def test_failover_at_once() -> None:
    """The batch after a channel went away is the other's, and the one after it came back is shared again."""
    shares = Shares({"a": 9, "b": 1})
    run(shares, "ab", [16] * 100)
    assert run(shares, "b", [16] * 50) == {"b": 800}
    assert takers(shares, "a") == ["a"]


def test_who_comes_back_does_not_claim_what_it_missed() -> None:
    """After a long time away the shares are the weights' again from the first batch on: no flood to who was down."""
    shares = Shares({"a": 1, "b": 1})
    run(shares, "ab", [10] * 10)
    run(shares, "b", [10] * 10_000)
    assert level(run(shares, "ab", [10] * 20))


def test_who_was_alone_is_not_punished() -> None:
    """What a channel took while others could not is not held against it."""
    shares = Shares({"a": 1, "b": 1, "c": 1})
    run(shares, "c", [10] * 1000)
    assert level(run(shares, "abc", [10] * 30))


def test_a_short_hiccup_costs_little() -> None:
    """A channel without a free slot now and then loses those batches only."""
    shares = Shares({"a": 3, "b": 1})
    taken: Counter[str] = Counter()
    for turn in range(4000):
        taken += run(shares, "b" if turn % 10 == 0 else "ab", [1])
    assert sum(taken.values()) == 4000
    assert 2600 <= taken["a"] <= 3000


def test_a_reserve_waits_for_the_last() -> None:
    """Weight 0 takes only while no channel with weight is able, reserves among each other alike."""
    shares = Shares({"a": 1, "b": 0, "c": 0})
    assert run(shares, "abc", [10] * 100) == {"a": 1000}
    assert run(shares, "bc", [10] * 100) == {"b": 500, "c": 500}
    assert run(shares, "abc", [10]) == {"a": 10}
    assert not shares.may("b", "abc")


def test_reserves_do_not_move_the_others_on() -> None:
    """While only reserves could, what the others had earned of each other stays."""
    shares = Shares({"a": 1, "b": 1, "c": 0})
    shares.took("a", 10)
    run(shares, "c", [10] * 100)
    assert [next(iter(run(shares, "ab", [10]))) for _ in range(3)] == ["b", "a", "b"]


def test_equal_channels_take_turns() -> None:
    """Of equals none takes twice in a row."""
    shares = Shares({"a": 2, "b": 2})
    turns = [next(iter(run(shares, "ab", [7]))) for _ in range(10)]
    assert all(one != other for one, other in pairwise(turns))


def test_names_of_other_routes() -> None:
    """An able channel of another route is passed over; asking for it is a fault, as is a weight below 0."""
    shares = Shares({"a": 1})
    assert shares.may("a", {"a", "x"})
    with pytest.raises(KeyError):
        shares.may("x", {"a", "x"})
    with pytest.raises(ValueError, match="b: weight -1 is below 0"):
        Shares({"a": 1, "b": -1})
