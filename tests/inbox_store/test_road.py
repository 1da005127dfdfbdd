"""Any history of the road leaves a sound store: the state machine of machine.py, run over every variant."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.inbox_store.machine import Road
from tests.inbox_store.world import VARIANTS


def histories(variant: str, count: int, steps: int) -> None:
    """So many histories of so many steps; hypothesis prints the shortest that fails, and how to repeat it."""
    machine = type("Road", (Road,), {"variant": variant})
    told = settings(
        max_examples=count,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    run_state_machine_as_test(machine, settings=told)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_any_history_leaves_a_sound_store(variant: str) -> None:
    """Short histories, with every commit of the code."""
    histories(variant, 15, 25)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_long_histories_leave_a_sound_store(variant: str) -> None:
    """Many and long ones."""
    histories(variant, 300, 60)
