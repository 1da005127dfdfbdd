"""Which carrier a mainland mobile number belongs to by its prefix, and whom to ask next where that is no longer true.

The prefix tells who was given the number; since numbers may be carried along (携号转网) only the gateways know who serves
it. So a prefix is a first guess, and ``next_route`` leads on where a gateway says it does not serve a number. Pure: the
table (``prefixes.toml``, shipped and dated) is passed in as text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Final, Literal, Self, get_args

import msgspec

from config.toml_text import parse

Route = Literal["mobile", "unicom", "telecom", "broadnet"]
"""China Mobile, Unicom, Telecom and Broadnet (移动, 联通, 电信, 广电), in the order they are asked."""

ROUTES: Final[tuple[Route, ...]] = get_args(Route)

_NUMBER: Final = re.compile(r"1[0-9]{10}")
_PREFIX: Final = re.compile(r"1[0-9]{2,4}")
_LENGTHS: Final = (5, 4, 3)
"""The longest first: 1349 is a satellite's, 134 is not."""


class _Block(msgspec.Struct, forbid_unknown_fields=True):
    route: str
    as_of: date
    source: str
    prefixes: list[str]


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    blocks: list[_Block]


class Prefixes(msgspec.Struct, frozen=True, kw_only=True):
    """The table as it is asked."""

    routes: Mapping[str, Route]
    """Prefix to carrier."""
    as_of: date
    """The oldest day of its blocks: up to it everything was checked."""

    @classmethod
    def load(cls, text: str) -> Self:
        """Read a table (format: head of ``prefixes.toml``).

        Raises ValueError with the block and the row: no TOML, an unknown key or carrier, no prefix of three to five
        digits, a prefix told twice, a block without prefixes or source.
        """
        try:
            table = msgspec.convert(parse(text), _Table)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as fault:
            raise ValueError(f"prefix table: {fault}") from fault
        if not table.blocks:
            raise ValueError("prefix table: no blocks")
        routes: dict[str, Route] = {}
        for number, block in enumerate(table.blocks, 1):
            place = f"prefix table, block {number}"
            route = _route(block, place)
            for prefix in _rows(block, place):
                if prefix in routes:
                    raise ValueError(f"{place}: {prefix!r} is told twice, for {routes[prefix]} before")
                routes[prefix] = route
        return cls(routes=routes, as_of=min(block.as_of for block in table.blocks))

    def route_of(self, number: str) -> Route | Literal[""]:
        """The carrier of an 11-digit number, the longest prefix wins; "" for what is no mainland mobile number."""
        if _NUMBER.fullmatch(number):
            for length in _LENGTHS:
                if route := self.routes.get(number[:length]):
                    return route
        return ""


def next_route(route: str, tried: Collection[str]) -> Route | Literal[""]:
    """Whom to ask after ``route`` said that it does not serve the number: the first not asked yet; "" when none is left."""
    return next((one for one in ROUTES if one != route and one not in tried), "")


def _route(block: _Block, place: str) -> Route:
    if not block.source.strip():
        raise ValueError(f"{place}: name in `source` what it rests on")
    for route in ROUTES:
        if block.route == route:
            return route
    raise ValueError(f"{place}: unknown carrier {block.route!r}; write one of {', '.join(ROUTES)}")


def _rows(block: _Block, place: str) -> Iterator[str]:
    if not block.prefixes:
        raise ValueError(f"{place}: no prefixes")
    for row, prefix in enumerate(block.prefixes, 1):
        if not _PREFIX.fullmatch(prefix):
            raise ValueError(f"{place}, row {row}: {prefix!r} is no prefix of three to five digits from 1 on")
        yield prefix
