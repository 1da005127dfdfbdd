"""A vendor's far end apart from its socket: what it checks, what it answers. How a new one joins stands in office.py."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol
from urllib.parse import parse_qsl

import msgspec

from push.app.calls import table
from push.app.simulator.player import Play

TOKEN_LIFE_S: Final = 3600


class Call(NamedTuple):
    """One HTTP request; ``path`` begins behind the vendor's name, header names are in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: int
    """UTC microseconds."""


class Reply(NamedTuple):
    """What is answered."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert to one device, as the vendor understands it: a line of the record."""

    token: str
    title: str
    body: str
    url: str = ""
    ttl_s: int = 0
    replaces: str = ""
    """What makes a later alert take this one's place."""
    key: str = ""
    """The vendor's key by which a repetition is dropped."""
    badge: int | None = None
    level: str = ""
    """Importance and category, in the vendor's words."""
    callback: str = ""
    """Our mark for receipts; empty where none are asked for."""


class Keys(NamedTuple):
    """One id and one secret, alike for all vendors; ``public`` is the PEM of a service account (Huawei v3)."""

    id: str
    secret: str
    public: str = ""


class Notice(NamedTuple):
    """What a callback is about: devices of one request, the id it was given, and UTC microseconds."""

    taken: Sequence[Taken]
    given: str
    now: int


class Far(Protocol):
    """One vendor."""

    name: str
    counts: Counter[str]

    def is_login(self, call: Call) -> bool:
        """Whether it asks for a token."""
        ...

    def login(self, call: Call) -> Reply:
        """The token, or why not."""
        ...

    def read(self, call: Call) -> list[Taken] | Reply:
        """What is asked for; or the answer of a vendor that found a fault: the script is not asked then."""
        ...

    def answer(self, asked: Sequence[Taken], play: Play, given: str) -> Reply:
        """For a request that was taken, refused, throttled, over the day's number or brought an old token."""
        ...

    def receipt(self, told_of: Notice) -> tuple[dict[str, str], bytes]:
        """Headers and body of a callback that reports all of them delivered."""
        ...


class Doorkeeper:
    """Tokens given out, until they are declared old."""

    def __init__(self) -> None:
        self._good: set[str] = set()

    def give(self) -> str:
        """A new one."""
        token = secrets.token_urlsafe(24)
        self._good.add(token)
        return token

    def holds(self, token: str) -> bool:
        """Whether it was given out here and is not old."""
        return token in self._good

    def expire(self) -> None:
        """All are old now."""
        self._good.clear()


def told(body: object, status: int = 200) -> Reply:
    """JSON."""
    return Reply(msgspec.json.encode(body), status)


def form(call: Call) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))


def at(value: object, *path: str) -> object:
    """Down into nested JSON objects; None where it ends."""
    for name in path:
        value = table(value).get(name)
    return value


def text(value: object) -> str:
    """A string, or empty."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int | None:
    """A whole number, written as one or as text; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal()
    return int(value) if isinstance(value, str) and is_digits else None


def bearer(call: Call) -> str:
    """The token of an Authorization header."""
    return call.headers.get("authorization", "").removeprefix("Bearer ")
