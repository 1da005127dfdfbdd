"""The stop gate before dead tokens: its table, and what holds for any history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.app.pruning import HOUR_US, GateRules, PruneGate, Shut, Verdict

RULES = GateRules()


@pytest.mark.parametrize(
    ("devices", "most"),
    [(0, 20), (10, 20), (400, 20), (401, 20), (420, 21), (1_000, 50), (36_100, 1_805)],
)
def test_five_per_cent_and_at_least_twenty(devices: int, most: int) -> None:
    """The default rule."""
    assert RULES.most(devices) == most


@pytest.mark.parametrize(("devices", "allowed"), [(5, 20), (400, 20), (1_000, 50)])
def test_the_gate_shuts_at_the_limit(devices: int, allowed: int) -> None:
    """So many are struck off within the hour; the next shuts the gate, all further ones are kept."""
    gate, left = PruneGate(RULES), devices
    told: list[Verdict] = []
    for number in range(allowed + 5):
        told.append(gate.dead("huawei", left, number * US))
        left -= told[-1] == "prune"
    assert told == ["prune"] * allowed + ["shut"] + ["keep"] * 4
    assert gate.held["huawei"] == 5
    assert gate.shut("huawei") == Shut(allowed * US, allowed, devices - allowed)


def test_an_hour_later_there_is_room_again() -> None:
    """The limit is of any hour, not of a day; a shut gate stays shut whatever the time."""
    gate = PruneGate(RULES)
    assert {gate.dead("oppo", 100, number) for number in range(20)} == {"prune"}
    assert gate.dead("oppo", 100, HOUR_US + 20) == "prune"
    gate = PruneGate(RULES)
    assert [gate.dead("oppo", 100, 0) for _ in range(21)][-1] == "shut"
    assert gate.dead("oppo", 100, 100 * HOUR_US) == "keep"


def test_an_operator_releases_it() -> None:
    """The number that was kept is told, and the hour begins anew."""
    gate = PruneGate(RULES)
    for _ in range(25):
        gate.dead("vivo", 100, 0)
    assert gate.release("vivo") == 5
    assert gate.shut("vivo") is None
    assert [gate.dead("vivo", 100, 1) for _ in range(21)] == ["prune"] * 20 + ["shut"]
    assert gate.release("honor") == 0


def test_vendors_do_not_shut_each_other() -> None:
    """A wrong key at one vendor leaves the others' pruning alone."""
    gate = PruneGate(RULES)
    for _ in range(30):
        gate.dead("huawei", 100, 0)
    assert gate.dead("xiaomi", 100, 0) == "prune"
    assert gate.shut("xiaomi") is None


def test_it_outlives_a_restart() -> None:
    """What was struck off within the hour still counts, and a shut gate is shut."""
    gate = PruneGate(RULES)
    gate.restore("oppo", [number * US for number in range(20)], None)
    assert gate.dead("oppo", 100, 30 * US) == "shut"
    gate = PruneGate(RULES)
    gate.restore("oppo", [], Shut(1, 20, 100))
    assert gate.dead("oppo", 100, 2) == "keep"


@pytest.mark.parametrize("changed", [{"share": -0.1}, {"share": 1.1}, {"least": -1}])
def test_a_wrong_rule_names_its_field(changed: dict[str, float]) -> None:
    """A share outside 0 to 1, a negative number."""
    with pytest.raises(ValueError, match=next(iter(changed))):
        GateRules(**changed)  # type: ignore[arg-type]


@given(
    st.lists(st.tuples(st.integers(0, 2 * HOUR_US), st.booleans()), max_size=200),
    st.integers(1, 2_000),
    st.floats(0, 0.2),
    st.integers(0, 30),
)
def test_never_more_than_the_rule_within_any_hour(
    steps: list[tuple[int, bool]], devices: int, share: float, least: int
) -> None:
    """Whatever comes when, and however often an operator releases: between two releases no hour holds more."""
    rules = GateRules(share=share, least=least)
    gate, now, pruned, left = PruneGate(rules), 0, list[int](), devices
    for after, is_release in steps:
        now += after // 50
        if is_release and gate.shut("huawei") is not None:
            gate.release("huawei")
            pruned = []
        was_shut = gate.shut("huawei") is not None
        told = gate.dead("huawei", max(left, 1), now)
        assert (told == "keep") == was_shut
        if told == "prune":
            left -= 1
            pruned.append(now)
        within = [at for at in pruned if at > now - HOUR_US]
        assert len(within) <= rules.most(devices)


@given(st.lists(st.integers(-HOUR_US, HOUR_US), max_size=100))
def test_a_jumping_clock_opens_no_gate(jumps: list[int]) -> None:
    """However the clock jumps by less than an hour, a gate that shut stays shut until it is released."""
    gate, now, shut = PruneGate(GateRules(share=0, least=3)), 10 * HOUR_US, False
    for jump in jumps:
        now += jump
        told = gate.dead("vivo", 100, now)
        assert not shut or told == "keep"
        shut = shut or told == "shut"
