"""Declarations are checked when they are made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.doors.routes import PUBLIC, Method, RouteFault, Routes, loose_structs, table
from gateway.doors.wire import Answer, Body
from tests.doors import sample


class Open(msgspec.Struct):
    """Takes unknown fields."""

    a: int = 0


class Outer(Body, frozen=True, kw_only=True):
    """Strict outside, loose inside."""

    inner: dict[str, list[Open]] = {}


class Reply(Answer, frozen=True, kw_only=True):
    """Any answer."""


async def handler(_call: sample.SampleCall[None, None]) -> None:
    """Does nothing."""


@pytest.mark.parametrize(
    ("method", "path", "terms", "told"),
    [
        ("GET", "/a", {"name": "plain"}, "dotted words"),
        ("GET", "a", {}, "the path"),
        ("GET", "/a/{b:float}", {}, "the path"),
        ("GET", "/a/", {}, "the path"),
        ("GET", "/a/{b}/{b:int}", {}, "share a name"),
        ("GET", "/a", {"zh": ""}, "both languages"),
        ("GET", "/a", {"errors": ("no_such_code",)}, "problem_table"),
        ("GET", "/a", {"body": sample.NewNote}, "no body"),
        ("GET", "/a", {"keyless": "why"}, "no key"),
        ("POST", "/a", {"body": sample.NewNote}, "example"),
        ("POST", "/a", {"body": sample.NewNote, "example": sample.NewTarget(unit_id=1)}, "example"),
        (
            "POST",
            "/a",
            {"body": sample.NewNote, "example": sample.NewNote(title="x"), "stream": True},
            "stream",
        ),
        ("POST", "/a", {"body": Outer, "example": Outer()}, "Open accepts unknown fields"),
        ("GET", "/a", {"answer": None}, "204"),
        ("POST", "/a", {"status": 204}, "204"),
    ],
)
def test_faulty_declaration_stops_the_start(
    method: Method, path: str, terms: dict[str, Any], told: str
) -> None:
    """Each fault names the route and the mend."""
    whole: dict[str, Any] = {"name": "a.b", "access": PUBLIC, "zh": "甲", "en": "A", "answer": Reply, **terms}
    with pytest.raises(RouteFault, match=told):
        Routes("t").at(method, path, **whole)(handler)


@pytest.mark.parametrize(
    ("path", "name", "told"), [("/a/{c}", "c.d", "method and path"), ("/b", "a.b", "name")]
)
def test_two_routes_share_neither_name_nor_place(path: str, name: str, told: str) -> None:
    """A table refuses what aiohttp would serve by accident of order."""
    first, second = Routes("t"), Routes("t")
    first.at("GET", "/a/{b:int}", name="a.b", access=PUBLIC, zh="甲", en="A", answer=Reply)(handler)
    second.at("GET", path, name=name, access=PUBLIC, zh="乙", en="B", answer=Reply)(handler)
    with pytest.raises(RouteFault, match=told):
        table(first, second)


def test_loose_structs_are_found_at_any_depth() -> None:
    """Unknown fields are found inside lists, maps and options."""
    assert loose_structs(Outer) == ["Open"]
    assert loose_structs(sample.NewNote) == []
