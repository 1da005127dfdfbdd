"""The state tables: status only moves forward, and each refusal says why."""

from __future__ import annotations

from typing import get_args

import pytest

from inbox_store.errors import Refused
from inbox_store.nouns import DispatchState, DistributionState
from inbox_store.states import DISPATCH, DISTRIBUTION, PENDING, dispatch_step, distribution_step

EVENTS = sorted({event for _, event in DISTRIBUTION})
STATES = get_args(DistributionState)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_step_is_in_the_table_or_refused(state: str, event: str) -> None:
    """Every pair of state and event either leads to a known state or is refused with state and step told."""
    after = DISTRIBUTION.get((state, event))
    if after is not None:
        assert after in STATES
        assert distribution_step(state, event) == after
        return
    with pytest.raises(Refused) as caught:
        distribution_step(state, event)
    assert caught.value.params == {"state": state, "step": event}


def reachable(state: str) -> set[str]:
    """Every state that may still follow."""
    found: set[str] = set()
    waiting = [state]
    while waiting:
        here = waiting.pop()
        for (before, _), after in DISTRIBUTION.items():
            if before == here and after not in found:
                found.add(after)
                waiting.append(after)
    return found


def test_what_was_signed_stays_signed() -> None:
    """From no state behind signing does a way lead back before it, and a recalled copy is at its end (I6)."""
    before_signing = {"unsigned", "returned", "recalled"}
    for state in ("signed", "handling", "finished", "archived"):
        assert not reachable(state) & before_signing
    assert reachable("recalled") == set()
    assert "unsigned" not in {after for (before, _), after in DISTRIBUTION.items() if before != "returned"}


@pytest.mark.parametrize(
    ("state", "event", "code"),
    [
        ("signed", "sign", "already_signed"),
        ("archived", "return", "already_signed"),
        ("returned", "sign", "already_returned"),
        ("recalled", "sign", "already_recalled"),
        ("unsigned", "transfer", "not_signed"),
        ("unsigned", "archive", "not_signed"),
        ("recalled", "finish", "step_not_possible"),
    ],
)
def test_refusals_say_why(state: str, event: str, code: str) -> None:
    """The code names the reason, not only that it was refused."""
    with pytest.raises(Refused) as caught:
        distribution_step(state, event)
    assert caught.value.code == code


@pytest.mark.parametrize("state", get_args(DispatchState))
@pytest.mark.parametrize("event", ["approve", "reject"])
def test_a_dispatch_is_decided_once(state: str, event: str) -> None:
    """Only what is held can be decided; a second decision is refused."""
    if state == "held":
        assert dispatch_step(state, event) in {"sending", "rejected"}
        return
    with pytest.raises(Refused, match="not_held"):
        dispatch_step(state, event)


def test_the_tables_name_known_states_only() -> None:
    """No state stands in a table that the nouns do not know."""
    assert {state for state, _ in DISPATCH} | set(DISPATCH.values()) <= set(get_args(DispatchState))
    assert {"to_do", "to_read"} == PENDING
