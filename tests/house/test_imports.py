"""Imports go down only; the middle rooms never see each other; inside the gateway the rules stand lowest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOMS, dotted, imports_of, modules, name_of

LEVEL = {"config": 0, "inbox_store": 1, "push": 2, "realtime": 2, "sms_billing": 2, "gateway": 3}

GATEWAY_LEVEL = {"rules": 0, "flows": 2, "doors": 3, "assembly": 4, "demo": 5, "cli": 6}
PARTS_LEVEL = 1
"""Any other module of the gateway: a part that flows and doors use, over the rules."""


def wrong_imports(path: Path) -> Iterator[str]:
    """What a file imports against the order of the house, each with its line."""
    for line, target in dict.fromkeys(imports_of(path)):
        here, there = dotted(path).split("."), target.split(".")
        if there[0] in ("tests", "benchmarks") or not _allowed(here, there):
            yield f"{name_of(path)}:{line} imports {target}"


def _allowed(here: list[str], there: list[str]) -> bool:
    if there[0] not in LEVEL:
        return True
    if here[0] != there[0]:
        return LEVEL[there[0]] < LEVEL[here[0]]
    return here[0] != "gateway" or _gateway_level(there) <= _gateway_level(here)


def _gateway_level(parts: list[str]) -> int:
    # The package itself holds nothing but the version.
    return GATEWAY_LEVEL.get(parts[1], PARTS_LEVEL) if len(parts) > 1 else 0


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below(room: str) -> None:
    """No import goes up or sideways, in any file of the room."""
    assert [wrong for path in modules(room) for wrong in wrong_imports(path)] == []


@pytest.mark.parametrize(
    ("here", "there", "allowed"),
    [
        ("push.sms.text", "inbox_store.nouns", True),
        ("push.sms.text", "realtime.session", False),
        ("inbox_store.engine", "gateway.rules.access", False),
        ("gateway.flows.dispatch", "gateway.rules.audience", True),
        ("gateway.rules.audience", "gateway.flows.dispatch", False),
        ("gateway.flows.dispatch", "gateway.doors.problems", False),
        ("gateway.doors.documents", "gateway.tokens", True),
        ("gateway.cli.version", "gateway", True),
        ("config.settings", "aiohttp", True),
    ],
)
def test_the_rule_tells_up_from_down(here: str, there: str, allowed: bool) -> None:  # noqa: FBT001 - the expectation
    """The rule itself refuses what the plan of the house forbids and lets the rest pass."""
    assert _allowed(here.split("."), there.split(".")) is allowed
