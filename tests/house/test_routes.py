"""What every route of the product must declare."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from gateway.doors.call import Encoded
from gateway.doors.describe import whole_table
from gateway.doors.openapi import document
from gateway.doors.problems import CATALOGUE
from gateway.doors.routes import PUBLIC, SIGNED_IN, Raw, Route
from gateway.rules.access import ACTIONS
from gateway.rules.screening import FindingCode
from inbox_store import states

ROOT = Path(__file__).parents[2]
ROOMS = ("gateway", "push", "realtime", "sms_billing", "inbox_store", "config")

every_route = pytest.mark.parametrize("route", whole_table(), ids=lambda route: route.name)


@every_route
def test_route_has_an_access_rule(route: Route) -> None:
    """A route is public, for everybody signed in, or names an action of the one policy place."""
    assert route.access in {PUBLIC, SIGNED_IN} or route.access in ACTIONS


@every_route
def test_write_asks_for_a_key(route: Route) -> None:
    """A write asks for an Idempotency-Key, or says why it needs none; a read asks for none."""
    if route.writes:
        assert route.asks_key or len(route.keyless) > 10
    else:
        assert not route.asks_key


@every_route
def test_route_is_described_in_both_languages(route: Route) -> None:
    """Each route has a Chinese and an English summary and stands in the OpenAPI document."""
    assert any("\u4e00" <= char <= "\u9fff" for char in route.zh)
    assert route.en.isascii()
    operation = document(whole_table())["paths"][route.pattern][route.method.lower()]
    assert operation["operationId"] == route.name


@every_route
def test_handler_takes_and_gives_what_its_route_says(route: Route) -> None:
    """The handler's own annotations name the body, the query and the answer of the declaration."""
    hints = get_type_hints(route.handler)
    answer = hints.pop("return")
    (call,) = hints.values()
    _, body, query = get_args(call)
    assert body == (route.body or type(None))
    assert query == (route.query or type(None))
    if route.answer is not None and not isinstance(route.answer, Raw):
        assert answer is Encoded or answer == route.answer or route.answer in get_args(answer)


def refused_codes() -> Iterator[tuple[str, str]]:
    """Every literal code with which some room refuses, and where."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == "Refused"
                ):
                    for first in node.args[:1]:
                        if isinstance(first, ast.Constant):
                            yield str(first.value), f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_refusal_is_in_the_catalogue() -> None:
    """A code that is raised anywhere has a status, two titles and a mend."""
    missing = {code: where for code, where in refused_codes() if code not in CATALOGUE}
    assert missing == {}


def test_codes_chosen_by_tables_are_in_the_catalogue() -> None:
    """Findings of the screening and refusals of the state table are raised by name and have their lines too."""
    assert set(get_args(FindingCode)) | set(states._REFUSALS.values()) <= set(CATALOGUE)
