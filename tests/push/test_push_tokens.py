"""The access token: renewed early, asked for once, barred after failures, let go when refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.app.sender import Deferred, Refused
from push.app.tokens import Grant, TokenKeeper, TokenRules

HOUR = Grant(value="tok", lifetime_s=3600)


def keeper(**changed: float) -> TokenKeeper:
    """With rules of Huawei's kind."""
    return TokenKeeper(TokenRules(**changed))


def test_it_is_renewed_five_minutes_early() -> None:
    """First nobody can send; then it serves; before its end it serves and is renewed; after it, nobody can send."""
    one = keeper()
    assert (one.need(0), one.value(0)) == ("now", "")
    one.granted(HOUR, 0)
    assert (one.need(3299 * US), one.value(3299 * US)) == ("none", "tok")
    assert (one.need(3300 * US), one.value(3300 * US)) == ("early", "tok")
    assert (one.need(3600 * US), one.value(3600 * US)) == ("now", "")


def test_one_asks_for_all() -> None:
    """While somebody asks, nobody else does."""
    one = keeper()
    one.asked()
    assert one.need(0) == "none"
    one.granted(HOUR, 0)
    assert not one.asking


def test_failures_bar_for_longer_and_longer() -> None:
    """2 s, 4 s, 8 s; a refusal of our keys for a minute at least; a vendor's word as long as it says."""
    one = keeper()
    for pause_s in (2, 4, 8):
        one.failed(Deferred(code="server:500"), 0)
        assert one.barred_s(0) == pause_s
        assert one.need(0) == "none"
    assert one.need(9 * US) == "now"
    one.granted(HOUR, 0)
    one.failed(Refused(code="1101", alarm=True), 0)
    assert one.barred_s(0) == 60
    one.failed(Deferred(code="flow:429", after_s=200), 0)
    assert one.told(0) == Deferred(code="flow:429", after_s=200)


def test_a_token_that_holds_outlives_a_failed_renewal() -> None:
    """The vendor's log-in may be down while its door is open."""
    one = keeper()
    one.granted(HOUR, 0)
    one.failed(Deferred(code="server:500"), 3301 * US)
    assert one.value(3302 * US) == "tok"


def test_an_old_refusal_does_not_cost_the_new_token() -> None:
    """Two requests under way with the old one: the second's answer finds the new one in place."""
    one = keeper()
    one.granted(HOUR, 0)
    one.refused("tok")
    assert one.need(1) == "now"
    one.granted(Grant(value="new", lifetime_s=3600), 1)
    one.refused("tok")
    assert one.value(2) == "new"


@given(st.floats(0.001, 10**6), st.floats(0, 3600))
def test_a_short_life_is_no_endless_asking(lifetime_s: float, early_s: float) -> None:
    """Whatever the vendor grants, it serves for half its life before it is renewed; never longer than our rule."""
    one = keeper(early_s=early_s, longest_s=7200)
    one.granted(Grant(value="t", lifetime_s=lifetime_s), 0)
    half = int(min(lifetime_s, 7200) / 2 * US)
    assert one.need(max(0, half - 1)) == "none" or half <= 1
    assert one.value(7200 * US) == ""
