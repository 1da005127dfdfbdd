"""The circuit breaker and the pauses between attempts to connect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.backoff import Backoff
from push.sms.breaker import WEIGHTS, Breaker, BreakerRules
from push.sms.carrier import Verdict

S = 1_000_000
RULES = BreakerRules(failures_max=3, logins_max=2, open_s=5, open_max_s=60)


def opened(now: int = 0) -> Breaker:
    """A circuit that three failures opened."""
    breaker = Breaker(RULES)
    for _ in range(3):
        breaker.answered("retry", now)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """Three, whether told or never answered; one success in between begins anew."""
    breaker = Breaker(RULES)
    for verdict in ("retry", "retry", "accepted", "retry"):
        breaker.answered(verdict, 0)
    breaker.failed("timeout", 0)
    assert breaker.circuit(0) == "closed"
    breaker.failed("timeout", 0)
    assert breaker.circuit(0) == "open"
    assert breaker.reason == "timeout"
    assert not breaker.admits(0)


def test_a_number_is_no_fault_of_the_channel() -> None:
    """Wrong numbers, throttling and final refusals do not open it, however many."""
    breaker = Breaker(RULES)
    for verdict in ("bad_number", "throttled", "unserved", "failed", "repeated"):
        for _ in range(10):
            breaker.answered(verdict, 0)
    assert breaker.circuit(0) == "closed"


def test_a_wrong_account_opens_it_at_once() -> None:
    """With an alarm, for an operator has to mend it."""
    breaker = Breaker(RULES)
    breaker.answered("misconfigured", 0)
    assert (breaker.circuit(0), breaker.alarm, breaker.reason) == ("open", True, "misconfigured")


def test_half_open_tries_one() -> None:
    """After the pause one segment is tried; its success closes the circuit."""
    breaker = opened()
    assert breaker.due() == 5 * S
    assert not breaker.admits(5 * S - 1)
    assert breaker.admits(5 * S)
    breaker.began(5 * S)
    assert breaker.circuit(5 * S) == "half_open"
    assert not breaker.admits(6 * S)
    breaker.answered("accepted", 6 * S)
    assert breaker.circuit(6 * S) == "closed"
    assert breaker.reason == ""


def test_a_failed_trial_doubles_the_pause() -> None:
    """Up to the highest; a success brings the first one back."""
    breaker, now, pauses = opened(), 0, []
    for _ in range(6):
        until = breaker.due()
        assert until is not None
        pauses.append((until - now) // S)
        now = until
        breaker.began(now)
        breaker.answered("retry", now)
    assert pauses == [5, 10, 20, 40, 60, 60]
    now = breaker.due() or 0
    breaker.began(now)
    breaker.answered("accepted", now)
    for _ in range(3):
        breaker.answered("retry", now)
    assert breaker.due() == now + 5 * S


@pytest.mark.parametrize("verdict", ["throttled", "failed", "repeated"])
def test_a_trial_that_proves_nothing_is_made_again(verdict: Verdict) -> None:
    """Such an answer leaves the circuit half open for the next."""
    breaker = opened()
    breaker.began(5 * S)
    breaker.answered(verdict, 5 * S)
    assert breaker.circuit(5 * S) == "half_open"
    assert breaker.admits(5 * S)


def test_answers_from_before_do_not_lengthen_the_pause() -> None:
    """A window of failures opens it once."""
    breaker = opened()
    for _ in range(16):
        breaker.answered("retry", S)
    assert breaker.due() == 5 * S


def test_failed_log_ins() -> None:
    """Two in a row open it, one with an alarm does; a log-in closes what log-ins opened, not what submits did."""
    breaker = Breaker(RULES)
    breaker.login_failed(0)
    assert breaker.circuit(0) == "closed"
    breaker.login_failed(0)
    assert (breaker.circuit(0), breaker.alarm) == ("open", False)
    breaker.logged_in()
    assert breaker.circuit(0) == "closed"
    breaker.login_failed(0, alarm=True)
    assert (breaker.circuit(0), breaker.alarm) == ("open", True)
    other = opened()
    other.logged_in()
    assert other.circuit(0) == "open"


def test_every_verdict_has_its_weight() -> None:
    """None is forgotten; acceptance alone is what closes after failures of the channel."""
    assert WEIGHTS["accepted"] == "success"
    assert {verdict for verdict, weight in WEIGHTS.items() if weight in {"failure", "trip"}} == {
        "retry",
        "misconfigured",
    }


@pytest.mark.parametrize("field", ["failures_max", "logins_max", "open_s"])
def test_rules_name_what_is_wrong(field: str) -> None:
    """A limit of nothing is refused by name."""
    with pytest.raises(ValueError, match=field):
        BreakerRules(**{field: 0})


def test_pauses_double_to_a_minute() -> None:
    """CMPP §10: 1 s doubling to 60 s, half of each by chance."""
    backoff = Backoff()
    assert [backoff.pause_s(attempt, 0.999999) for attempt in range(8)] == pytest.approx(
        [1, 2, 4, 8, 16, 32, 60, 60], rel=1e-3
    )
    assert backoff.pause_s(0, 0) == 0.5
    assert backoff.pause_s(10**9, 0) == 30


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_are_bounded(attempt: int, chance: float) -> None:
    """Never above a minute; after an alarm never below one."""
    backoff = Backoff()
    assert 0.5 <= backoff.pause_s(attempt, chance) <= 60
    assert 60 <= backoff.pause_s(attempt, chance, alarm=True) <= 90


@pytest.mark.parametrize("fields", [{"first_s": 0}, {"first_s": 61}, {"alarm_s": -1}])
def test_a_backoff_names_what_is_wrong(fields: dict[str, float]) -> None:
    """Pauses of nothing would be a storm."""
    with pytest.raises(ValueError, match=next(iter(fields))):
        Backoff(**fields)
