"""What one address may ask and be refused in a minute; nobody else waits for it, and the memory is bounded."""

from __future__ import annotations

import pytest

from gateway.doors import turns
from gateway.doors.turns import Turns
from inbox_store.errors import Refused
from inbox_store.times import US

NOW = 1_770_000_000 * US


def _answer(refused: str) -> None:
    if refused:
        raise Refused(refused)


def ask(at: Turns, origin: str, now: int = NOW, refused: str = "") -> str:
    """One call; the code of its refusal."""
    try:
        with at.turn(origin, now):
            _answer(refused)
    except Refused as told:
        return told.code
    return ""


def test_calls_are_counted_each_minute_anew() -> None:
    """The one above the limit waits until the minute of its first is over; another address does not."""
    at = Turns(calls_max=2, failures_max=0)
    assert [ask(at, "10.0.0.1") for _ in range(3)] == ["", "", "throttled"]
    assert ask(at, "10.0.0.2") == ""
    assert ask(at, "10.0.0.1", NOW + 59 * US) == "throttled"
    assert ask(at, "10.0.0.1", NOW + 60 * US) == ""


def test_only_guesses_count_as_failures() -> None:
    """Wrong links and signatures do; what befalls the holder of a good one does not. An IPv6 network is one address."""
    at = Turns(calls_max=0, failures_max=2)
    assert [ask(at, "::1", refused="already_signed") for _ in range(5)] == ["already_signed"] * 5
    assert [ask(at, f"2001:db8::{n}", refused="not_found") for n in range(3)] == [
        "not_found",
        "not_found",
        "throttled",
    ]
    assert ask(at, "2001:db8:0:1::1") == ""


def test_a_clock_set_back_locks_nobody_out() -> None:
    """Before the minute began is outside it too."""
    at = Turns(calls_max=1, failures_max=0)
    assert [ask(at, "10.0.0.1"), ask(at, "10.0.0.1", NOW - 3_600 * US)] == ["", ""]


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more addresses than it holds the one that came first is forgotten."""
    monkeypatch.setattr(turns, "ADDRESSES_MAX", 3)
    at = Turns(calls_max=1, failures_max=0)
    assert [ask(at, f"10.0.0.{n}") for n in range(4)] == [""] * 4
    assert ask(at, "10.0.0.3") == "throttled"
    assert ask(at, "10.0.0.0") == ""
