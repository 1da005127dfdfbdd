"""Prices of short messages: dated, integer li (厘, 0.001 yuan), never finer (sms-charges 4.1; 0.05 yuan = 50 li, P16)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest
from typing import Final, Literal, NamedTuple

import msgspec

from inbox_store.errors import Refused
from inbox_store.times import iso

LI_PER_YUAN: Final = 1000

Per = Literal["segment", "message"]

_YUAN: Final = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?")


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """A price valid from ``from_at`` (UTC microseconds) until ``to_at``, or until the next one begins.

    ``per`` says what a price is for: each segment (条, what carriers bill) or each message however long.
    """

    price_li: int
    from_at: int
    to_at: int | None = None
    per: Per = "segment"

    def __post_init__(self) -> None:
        if self.price_li < 0:
            raise ValueError(f"price {self.price_li} li is below 0")
        if self.to_at is not None and self.to_at <= self.from_at:
            raise ValueError(f"tariff from {iso(self.from_at)} ends before it begins")


class TariffFault(msgspec.Struct, frozen=True, kw_only=True):
    """A time for which there is no price (``gap``) or more than one (``overlap``); ``to_at`` None is for ever."""

    code: Literal["gap", "overlap"]
    from_at: int
    to_at: int | None


def price(tariffs: Iterable[Tariff], at: int) -> Tariff:
    """The tariff valid at ``at``, the moment of the carrier's acceptance; of several the one begun last.

    Raises Refused("no_tariff") where none is valid: nothing is sent whose price nobody knows.
    """
    valid = [span for span in _spans(tariffs) if span.covers(at)]
    if not valid:
        raise Refused("no_tariff", at=iso(at))
    return max(valid, key=lambda span: span.tariff.from_at).tariff


def faults(tariffs: Iterable[Tariff], from_at: int) -> tuple[TariffFault, ...]:
    """Every gap and overlap from ``from_at`` on, in order of time; an empty answer means one price at every moment."""
    spans = _spans(tariffs)
    edges = {
        from_at,
        *(edge for span in spans for edge in (span.tariff.from_at, span.end) if edge is not None),
    }
    told: list[TariffFault] = []
    ordered = sorted(edge for edge in edges if edge >= from_at)
    for start, end in zip_longest(ordered, ordered[1:]):
        valid = sum(span.covers(start) for span in spans)
        if valid != 1:
            told.append(TariffFault(code="overlap" if valid else "gap", from_at=start, to_at=end))
    return tuple(_merged(told))


class _Span(NamedTuple):
    """A tariff with the moment it really ends, None for never."""

    tariff: Tariff
    end: int | None

    def covers(self, at: int) -> bool:
        return self.tariff.from_at <= at and (self.end is None or at < self.end)


def _spans(tariffs: Iterable[Tariff]) -> list[_Span]:
    """Tariffs without an end of their own end where the next one begins."""
    listed = tuple(tariffs)
    starts = sorted({tariff.from_at for tariff in listed})
    following = dict(pairwise(starts))
    return [
        _Span(tariff, following.get(tariff.from_at) if tariff.to_at is None else tariff.to_at)
        for tariff in listed
    ]


def _merged(told: Iterable[TariffFault]) -> Iterator[TariffFault]:
    """Neighbouring faults of one code as one."""
    last: TariffFault | None = None
    for fault in told:
        if last and last.code == fault.code and last.to_at == fault.from_at:
            last = msgspec.structs.replace(last, to_at=fault.to_at)
            continue
        if last:
            yield last
        last = fault
    if last:
        yield last


def cost_li(segments: int, messages: int, tariff: Tariff) -> int:
    """What that many segments in that many messages cost, in li."""
    return (segments if tariff.per == "segment" else messages) * tariff.price_li


def yuan(li: int) -> str:
    """An amount in yuan for a statement: two decimals, three where it is not whole fen; no grouping, sign in front."""
    whole, rest = divmod(abs(li), LI_PER_YUAN)
    told = f"{whole}.{rest:03d}"
    return ("-" if li < 0 else "") + (told[:-1] if rest % 10 == 0 else told)


def li(text: str) -> int:
    """Yuan as written in the settings, in li: "0.05" is 50. Raises ValueError below 0, or finer than a li."""
    told = _YUAN.fullmatch(text.strip())
    fraction = (told[2] or "").ljust(3, "0") if told else ""
    if not told or fraction[3:].strip("0"):
        raise ValueError(f'{text!r} is no price: write yuan with at most three decimals, such as "0.045"')
    return int(told[1]) * LI_PER_YUAN + int(fraction[:3])
