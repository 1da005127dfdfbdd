"""The bodies and queries of every route, given to their parsers: a value of the type, or a refusal with a place."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgspec
import pytest

from gateway.doors.problems import problem_of
from gateway.doors.routes import Route
from gateway.doors.v1 import all_routes
from gateway.doors.wire import canonical, decode_body, decode_query, encode
from inbox_store.errors import Refused
from tests.fuzz.budget import cases, fuzz, shares
from tests.fuzz.mutations import spoilt_json, spoilt_text

ROUTES: Final = all_routes()
BODIES: Final[list[tuple[Any, bytes]]] = [
    (route.body, encode(route.example)) for route in ROUTES if route.body is not None
]
QUERIES: Final = [route.query for route in ROUTES if route.query is not None]
PLACES: Final = [route for route in ROUTES if route.places]
VALUES: Final = (
    "1",
    "20",
    "2026-01-01",
    "unit",
    "true",
    "中",
    "to_do",
    "all",
    "a.xlsx",
    "",
    "9007199254740993",
)


def answered(code: str, act: Callable[[], object]) -> bool:
    """Whether ``act`` returned; a refusal must bear ``code`` and be tellable to the client."""
    try:
        act()
    except Refused as fault:
        refused = fault
    else:
        return True
    assert refused.code == code
    encode(problem_of(refused, request_id="fuzz-0001"))
    return False


def read_body(kind: Any, raw: bytes) -> None:  # noqa: ANN401 - a body may be a union
    """The door's way with a body: typed, then in its one form, which is read again as the same."""
    if not answered("body_invalid", lambda: decode_body(raw, kind)):
        return
    body = decode_body(raw, kind)
    assert canonical(canonical(raw)) == canonical(raw)
    assert decode_body(canonical(raw), kind) == body
    encode(body)


@pytest.mark.parametrize("inputs", shares("bodies"))
def test_bodies(inputs: int) -> None:
    """Whatever stands in a body, it is read as its type says or refused as body_invalid, and nothing else happens."""

    def act(case: tuple[int, list[int]]) -> None:
        kind, example = BODIES[case[0]]
        read_body(kind, spoilt_json(example, case[1]))

    fuzz(inputs, cases(len(BODIES), 4), act)


def pairs_of(kind: type[msgspec.Struct], steps: list[int]) -> list[tuple[str, str]]:
    """A query string as the door sees it: names of the type and others, values likely and odd."""
    names = [part.encode_name for part in msgspec.structs.fields(kind)]
    pairs = []
    for step in steps:
        made = Random(step)
        name, value = made.choice(names), made.choice(VALUES)
        how = made.randrange(4)
        pairs.append(
            (spoilt_text(name, [step]) if how == 0 else name, spoilt_text(value, [step]) if how else value)
        )
    return pairs


@pytest.mark.parametrize("inputs", shares("queries"))
def test_queries(inputs: int) -> None:
    """Whatever a query string holds, it is read as its type says or refused as query_invalid."""

    def act(case: tuple[int, list[int]]) -> None:
        kind = QUERIES[case[0]]
        answered("query_invalid", lambda: decode_query(pairs_of(kind, case[1]), kind))

    fuzz(inputs, cases(len(QUERIES), 5), act)


@pytest.mark.parametrize("inputs", shares("paths"))
def test_paths(inputs: int) -> None:
    """What stands in a place of a path is an id within bounds, a printable text, or nothing that exists."""

    def act(case: tuple[int, list[int]]) -> None:
        route: Route = PLACES[case[0]]
        texts = [spoilt_text(VALUES[step % len(VALUES)], [step]) for step in case[1]]
        found = dict(zip(route.places, (*texts, *["1"] * len(route.places)), strict=False))
        answered("not_found", lambda: route.values(found.items()))

    fuzz(inputs, cases(len(PLACES)), act)
