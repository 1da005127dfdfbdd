"""The rate of a channel: within 2 % over ten seconds, bursts bounded, slower when throttled, slowly back."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.bucket import Bucket, Pace

S = 1_000_000


def sent_times(bucket: Bucket, until: int, seed: int, now: int = 0) -> list[int]:
    """When segments leave where a sender takes all it gets, and wakes up to 20 ms late."""
    chance, times = random.Random(seed), []
    while now < until:
        while bucket.take(now):
            times.append(now)
        now += max(1, bucket.wait_us(now)) + chance.randrange(20_000)
    return times


def most_within(times: list[int], span: int) -> int:
    """The most segments within any stretch of ``span``."""
    first, most = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - span:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.parametrize("rate", [20, 100, 1000, 3000])
def test_the_rate_over_ten_seconds(rate: int) -> None:
    """A late sender reaches it within 2 %, and no ten seconds hold more than 2 % above it."""
    times = sent_times(Bucket(Pace(rate_per_s=rate), 0), 30 * S, seed=rate)
    steady = [at for at in times if 10 * S <= at < 20 * S]
    assert abs(len(steady) - 10 * rate) <= 0.02 * 10 * rate
    assert most_within(times, 10 * S) <= 1.02 * 10 * rate


@given(st.lists(st.integers(0, 3 * S), max_size=60), st.floats(0.5, 5000))
def test_no_burst_is_larger_than_allowed(gaps: list[int], rate: float) -> None:
    """Whatever the pauses: in any stretch at most the burst, and the rate times its length."""
    bucket, now, taken = Bucket(Pace(rate_per_s=rate), 0), 0, 0
    for gap in gaps:
        now += gap
        while bucket.take(now):
            taken += 1
        assert taken <= max(1.0, rate * 0.1) + rate * now / S + 1e-3


@given(st.floats(0.2, 5000), st.integers(0, 10 * S))
def test_the_wait_is_enough(rate: float, at: int) -> None:
    """After the wait that was told there is a token, and not long before."""
    bucket = Bucket(Pace(rate_per_s=rate), 0)
    while bucket.take(at):
        pass
    wait = bucket.wait_us(at)
    assert 0 < wait <= S / rate + 1
    assert not bucket.take(at + wait - 2) or wait <= 2
    assert bucket.take(at + wait)


def test_a_window_of_throttle_answers_is_one_slow_down() -> None:
    """Sixteen answers within a second slow down once; a second later again; a sixteenth is the least."""
    bucket = Bucket(Pace(rate_per_s=1000), 0)
    for now in range(16):
        bucket.throttled(now)
    assert bucket.rate_per_s == 800
    assert not bucket.take(100)
    for second in range(1, 31):
        bucket.throttled(second * S)
    assert bucket.rate_per_s == pytest.approx(62.5)
    assert bucket.throttles == 46


def test_the_rate_comes_back_slowly() -> None:
    """Half the rate is back after 25 s without another throttle answer, at once after none of it."""
    bucket = Bucket(Pace(rate_per_s=1000, slowdown=0.5, recovery_per_s=0.02), 0)
    bucket.throttled(0)
    rates = {}
    for tenth in range(1, 400):
        while bucket.take(tenth * S // 10):
            pass
        rates[tenth] = bucket.rate_per_s
    assert rates[10] == 500
    assert rates[60] == pytest.approx(600, rel=0.01)
    assert rates[250] < 1000
    assert rates[270] == 1000


def test_one_long_pause_recovers_as_many_short_ones() -> None:
    """How often somebody looks makes no difference."""
    seldom, often = Bucket(Pace(rate_per_s=100), 0), Bucket(Pace(rate_per_s=100), 0)
    seldom.throttled(0)
    often.throttled(0)
    for now in range(0, 10 * S + 1, 1000):
        often.take(now)
    seldom.take(10 * S)
    assert seldom.rate_per_s == pytest.approx(often.rate_per_s)


def test_a_token_put_back_is_there_again() -> None:
    """What was not sent does not count."""
    bucket = Bucket(Pace(rate_per_s=1), 0)
    assert bucket.take(0)
    assert not bucket.take(0)
    bucket.put_back()
    assert bucket.take(0)


def test_a_clock_that_stands_still_gives_nothing() -> None:
    """The same instant again refills nothing, nor does an earlier one."""
    bucket = Bucket(Pace(rate_per_s=10), 5)
    assert bucket.take(5)
    assert not bucket.take(5)
    assert not bucket.take(0)


@pytest.mark.parametrize("field", ["rate_per_s", "burst_s", "slowdown", "slowest", "recovery_per_s"])
def test_a_pace_names_what_is_wrong(field: str) -> None:
    """Nothing of it may be nothing."""
    with pytest.raises(ValueError, match=field):
        Pace(**{field: 0})
