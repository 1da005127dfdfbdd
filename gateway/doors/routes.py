"""The table of routes: what a door takes, gives and asks for, said once and used for serving, checking and describing.

A module of routes holds one ``Routes`` and decorates its handlers::

    routes = Routes("notes")

    @routes.at("POST", "/api/v1/notes", name="note.add", access="note.write", body=NewNote, answer=Note, status=201,
               zh="新增便笺", en="Add a note", example=NewNote(title="值班安排"), errors=("scope_empty",))
    async def add_note(call: AppCall[NewNote, None]) -> Note | Encoded: ...

A fault in a declaration stops the start (RouteFault), so that none is met in service.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, Required, TypedDict, TypeVar, Unpack

import msgspec
from aiohttp import web
from msgspec import inspect

from gateway.doors.problems import CATALOGUE
from gateway.doors.wire import INT_MAX, decode_body, encode
from inbox_store.errors import Refused

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

PUBLIC: Final = "public"
"""Access for everybody, known or not: log-in, health, descriptions of problems."""

SIGNED_IN: Final = "signed_in"
"""Access for everybody whom the door recognises; what they see is decided in the flow."""

_NAME = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")
_PATH = re.compile(r"(/([A-Za-z0-9._-]+|\{[a-z_]+(:int)?\}))+")
_PLACE = re.compile(r"\{([a-z_]+)(:int)?\}")
_INT = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
_TEXT_LENGTH_MAX: Final = 200

Handler = Callable[[Any], Awaitable[object]]
Page = Callable[[Refused], web.Response]
H = TypeVar("H", bound=Handler)


class RouteFault(ValueError):
    """A declaration that cannot be served or described; the text names the route and the mend."""


class Raw(msgspec.Struct, frozen=True):
    """An answer that is no JSON: the handler returns a ``web.StreamResponse`` of one of these media types."""

    media_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    ``path``: ``{name}`` takes text, ``{name:int}`` an id; junk there is answered 404. ``access``: an action of
    ``gateway.rules.access.ACTIONS``, PUBLIC or SIGNED_IN; the action must be within the caller's reach somewhere, the
    flow decides about the very thing. ``local``: callers on the same machine need no credentials. ``keyless``: why a
    write asks for no Idempotency-Key. ``stream``: takes application/octet-stream as ``call.content``. ``errors``:
    codes of the catalogue which this route may answer, besides those every route may. ``also``: further successes, each
    a status and its type, which the handler returns as ``Encoded``. ``raw``: the media type of a body that the handler
    reads itself, whole and bounded, as ``call.raw`` beside ``call.headers``. ``page``: a page for people, with how it
    shows a refusal; what a browser or a chat adds behind ``?`` is passed over there. ``calls_per_minute`` and
    ``failures_per_minute``: what one address may ask, and may be refused, before it has to wait; 0 is no limit.
    """

    method: Method
    path: str
    name: str
    access: str
    zh: str
    en: str
    handler: Handler
    tags: tuple[str, ...] = ()
    body: Any = None
    query: type[msgspec.Struct] | None = None
    answer: Any = None
    status: int = 200
    stream: bool = False
    local: bool = False
    keyless: str = ""
    errors: tuple[str, ...] = ()
    example: object = None
    answer_example: object = None
    body_max_bytes: int | None = None
    also: tuple[tuple[int, Any], ...] = ()
    raw: str = ""
    page: Page | None = None
    calls_per_minute: int = 0
    failures_per_minute: int = 0

    @property
    def writes(self) -> bool:
        """Whether the route changes something."""
        return self.method != "GET"

    @property
    def asks_key(self) -> bool:
        """Whether the route refuses a call without Idempotency-Key."""
        return self.writes and not self.keyless

    @property
    def places(self) -> dict[str, bool]:
        """The places in the path: name -> whether it is an id."""
        return {name: bool(kind) for name, kind in _PLACE.findall(self.path)}

    @property
    def pattern(self) -> str:
        """The path without types: as aiohttp and OpenAPI write it."""
        return _PLACE.sub(r"{\1}", self.path)

    def values(self, found: Iterable[tuple[str, str]]) -> dict[str, int | str]:
        """The values of the places. Raises Refused("not_found") for what can name nothing."""
        places = self.places
        return {name: _id(text) if places[name] else _text(text) for name, text in found}


def _id(text: str) -> int:
    if not _INT.fullmatch(text) or int(text) > INT_MAX:
        raise Refused("not_found")
    return int(text)


def _text(text: str) -> str:
    if len(text) > _TEXT_LENGTH_MAX or not text.isprintable():
        raise Refused("not_found")
    return text


class _Terms(TypedDict, total=False):
    """The keywords of ``Routes.at``, as in :class:`Route`."""

    name: Required[str]
    access: Required[str]
    zh: Required[str]
    en: Required[str]
    body: Any
    query: type[msgspec.Struct] | None
    answer: Any
    status: int
    stream: bool
    local: bool
    keyless: str
    errors: tuple[str, ...]
    example: object
    answer_example: object
    body_max_bytes: int | None
    also: tuple[tuple[int, Any], ...]
    raw: str
    page: Page | None
    calls_per_minute: int
    failures_per_minute: int


class Routes:
    """The routes of one subject, in the order of their declaration."""

    def __init__(self, *tags: str) -> None:
        self._tags = tags
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def at(self, method: Method, path: str, **terms: Unpack[_Terms]) -> Callable[[H], H]:
        """Declares the decorated handler at ``method path``. Raises RouteFault."""

        def declare(handler: H) -> H:
            route = Route(method=method, path=path, handler=handler, tags=self._tags, **terms)
            for fault in faults_of(route):
                raise RouteFault(f"{method} {path} ({route.name}): {fault}")
            self._routes.append(route)
            return handler

        return declare


def table(*parts: Iterable[Route]) -> tuple[Route, ...]:
    """All routes of ``parts``, sorted by path and method. Raises RouteFault where two share a name or a place."""
    routes = sorted(
        (route for part in parts for route in part), key=lambda route: (route.pattern, route.method)
    )
    for label, keys in (
        ("name", [route.name for route in routes]),
        ("method and path", [f"{route.method} {_PLACE.sub('{}', route.path)}" for route in routes]),
    ):
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise RouteFault(f"two routes share a {label}: {', '.join(twice)}")
    return tuple(routes)


def faults_of(route: Route) -> Iterator[str]:
    """What is wrong with a declaration, with the mend."""
    if not _NAME.fullmatch(route.name):
        yield "the name must be dotted words, such as note.add"
    if not _PATH.fullmatch(route.path):
        yield "the path must be /words and {places} or {places:int}"
    if len(route.places) != len(_PLACE.findall(route.path)):
        yield "two places of the path share a name"
    if not (route.zh and route.en):
        yield "a summary in both languages is needed: zh=, en="
    for code in route.errors:
        if code not in CATALOGUE:
            yield f"errors: {code} is not in gateway/doors/problem_table.py"
    yield from _content_faults(route)


def _content_faults(route: Route) -> Iterator[str]:
    if not route.writes and (route.body is not None or route.stream or route.raw or route.keyless):
        yield "a GET has no body, no stream and no key"
    if (route.stream or route.raw) and route.body is not None:
        yield "a stream or a raw body has no typed body; put its options into the query"
    if route.body is not None and not _fits(route.example, route.body):
        yield "a body needs an example of its type: example="
    for part in (route.body, route.query):
        if part is not None:
            for loose in loose_structs(part):
                yield f"{loose} accepts unknown fields; derive it from gateway.doors.wire.Body"
    if (route.status == 204) != (route.answer is None):
        yield "status 204 goes with no answer, and no answer with 204"


def _fits(example: object, kind: Any) -> bool:  # noqa: ANN401 - a body may be a union, which no class stands for
    try:
        decode_body(encode(example), kind)
    except Refused:
        return False
    return True


def loose_structs(kind: object) -> list[str]:
    """The names of the structs in ``kind`` which would let an unknown field pass."""
    found: dict[str, bool] = {}
    _gather(inspect.type_info(kind), found)
    return sorted(name for name, strict in found.items() if not strict)


def _gather(kind: object, found: dict[str, bool]) -> None:
    if isinstance(kind, inspect.StructType):
        if kind.cls.__name__ in found:
            return
        found[kind.cls.__name__] = kind.forbid_unknown_fields
        for part in kind.fields:
            _gather(part.type, found)
    elif isinstance(kind, inspect.Type):
        for name in kind.__struct_fields__:
            _gather_part(getattr(kind, name), found)


def _gather_part(part: object, found: dict[str, bool]) -> None:
    for item in part if isinstance(part, tuple) else (part,):
        if isinstance(item, inspect.Type):
            _gather(item, found)
