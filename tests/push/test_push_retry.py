"""Pauses per host and class, when one push comes again, and the numbers of a minute and a day."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US, day_start, int_day
from push.app.quota import Daily, Window
from push.app.retry import PAUSES, Retry, again_at, class_of
from push.app.sender import Accepted, Deferred, Outcome, Push, Refused
from push.app.suspects import Suspects

FLOW = Deferred(code="flow:429")
NOON = day_start(int_day(20261122)) + 12 * 3600 * US


def test_the_class_is_read_from_the_code() -> None:
    """What stands before the colon, and the server's fault where nothing known stands there."""
    told = {
        code: class_of(Deferred(code=code)) for code in ("flow:1", "quota:x", "network:lost", "odd", "odd:1")
    }
    assert list(told.values()) == ["flow", "quota", "network", "server", "server"]


def test_pauses_grow_by_host_and_class() -> None:
    """Each failure after a pause doubles the next; another host and another class begin at their first."""
    retry, now, pauses = Retry(), 0, []
    for _ in range(4):
        until = retry.put_off("a", FLOW, now, 0.0)
        pauses.append((until - now) / US)
        now = until
    assert pauses == [0.5, 1, 2, 4]
    assert retry.put_off("b", FLOW, now, 0.0) - now == 0.5 * US
    assert retry.put_off("a", Deferred(code="server:500"), now, 0.0) - now == US


def test_a_batch_of_failures_is_one() -> None:
    """What was under way together comes home together: within the pause it counts once."""
    retry = Retry()
    first = retry.put_off("a", FLOW, 0, 0.5)
    assert {retry.put_off("a", FLOW, 10, 0.5) for _ in range(50)} == {first}


def test_success_forgets_all_but_the_day() -> None:
    """A host that takes something is well; a full day stays full."""
    retry = Retry()
    retry.put_off("a", FLOW, 0, 0.0)
    retry.put_off("a", Deferred(code="quota:1", after_s=600), 0, 0.0)
    retry.succeeded("a")
    told = retry.blocked("a", 0)
    assert told is not None
    assert told[0] == "quota"
    assert retry.blocked("a", 6 * 3600 * US) is None


def test_one_device_closes_no_host() -> None:
    """Failed tokens and silenced robots are no reason to leave the others alone."""
    retry = Retry()
    retry.put_off("a", Deferred(code="device:1", after_s=600), 0, 0.0)
    assert retry.blocked("a", 0) is None
    assert retry.opens_at("a", 7) == 7


@given(st.floats(0, 0.999), st.floats(0, 86_400), st.integers(0, 100))
def test_the_vendors_word_is_the_least(chance: float, after_s: float, attempt: int) -> None:
    """Nobody comes before Retry-After, nor more than a minute after it for it."""
    told = Deferred(code="flow:1", after_s=after_s)
    at = again_at(told, 0, 15 * 86_400, attempt, 0, chance)
    assert at is not None
    assert int(after_s * US) <= at <= int((after_s + 60) * US) + 1


@given(
    st.sampled_from(sorted(PAUSES)),
    st.integers(0, 60),
    st.floats(0, 0.999),
    st.integers(0, 10**12),
    st.integers(1, 100_000),
    st.one_of(st.none(), st.floats(0, 200_000)),
)
def test_never_after_its_life(
    name: str, attempt: int, chance: float, age: int, ttl_s: int, after_s: float | None
) -> None:
    """A push comes again within its life or not at all, and always later than now."""
    at = again_at(Deferred(code=f"{name}:x", after_s=after_s), 0, ttl_s, attempt, age, chance)
    assert at is None or age <= at < ttl_s * US


@given(st.lists(st.integers(0, 10 * US), max_size=200))
def test_a_window_never_holds_more(steps: list[int]) -> None:
    """Within any minute at most twenty; who is told to wait gets one when the wait is over."""
    window, now, taken = Window(20, 60), 0, list[int]()
    for step in steps:
        now += step
        wait_s = window.take(now)
        assert 0 <= wait_s <= 60
        if wait_s:
            now += round(wait_s * US)
            assert window.take(now) == 0
        taken.append(now)
        assert len([at for at in taken if at > now - 60 * US]) <= 20


def test_a_clock_set_back_silences_no_robot() -> None:
    """Messages of a future that did not come are forgotten."""
    window = Window(1, 60)
    assert window.take(NOON) == 0
    assert window.take(NOON - 3600 * US) == 0


def test_a_day_begins_at_midnight_in_china() -> None:
    """Used up at noon, free at midnight; what did not leave is given back."""
    daily = Daily(500)
    assert (daily.take(400, NOON), daily.take(200, NOON)) == (400, 100)
    assert (daily.take(1, NOON), daily.opens_s(NOON)) == (0, 12 * 3600)
    daily.put_back(1)
    assert daily.take(5, NOON) == 1
    assert daily.take(200, NOON + 12 * 3600 * US) == 200
    assert Daily(0).take(10**6, NOON) == 10**6


def judged(suspects: Suspects, token: str, outcome: Outcome) -> Outcome:
    """One push judged."""
    push = Push(id="n", token=token, title="t", body="b")
    (told,) = suspects.judged([push], [outcome])
    return told


def test_a_suspect_is_dead_when_others_get_through() -> None:
    """The same code again proves nothing while nobody gets anything (a wrong app id); after a success it does."""
    suspects, odd = Suspects(frozenset({"80300007"})), Refused(code="80300007")
    assert judged(suspects, "a", odd) == odd
    assert judged(suspects, "a", odd) == odd
    judged(suspects, "b", Accepted())
    assert judged(suspects, "a", odd) == Refused(code="80300007", gone=True)
    judged(suspects, "a", Accepted())
    assert judged(suspects, "a", odd) == odd
    assert judged(suspects, "c", Refused(code="1")) == Refused(code="1")
