"""Dated facts in order of time: which one holds at a moment, found by bisection. The rules of ``tariff.price``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """A fact valid from ``from_at`` (UTC microseconds) until ``to_at``, or until the next one begins."""

    @property
    def from_at(self) -> int:
        """The first moment."""

    @property
    def to_at(self) -> int | None:
        """The first moment after it; None where the next one ends it, or nothing."""


T = TypeVar("T", bound=Dated)


class Timeline(Generic[T]):
    """Facts of one thing, looked up many thousand times: the answer for every moment is worked out once."""

    def __init__(self, facts: Iterable[T]) -> None:
        listed = tuple(facts)
        starts = sorted({fact.from_at for fact in listed})
        following = dict(pairwise(starts))
        ends = [following.get(fact.from_at) if fact.to_at is None else fact.to_at for fact in listed]
        self._edges = sorted({*starts, *(end for end in ends if end is not None)})
        self._held = [_holding(listed, ends, edge) for edge in self._edges]

    def at(self, at: int) -> T | None:
        """The fact that holds at ``at``, of several the one begun last; None where there is none."""
        place = bisect_right(self._edges, at)
        return self._held[place - 1] if place else None


def _holding(listed: tuple[T, ...], ends: list[int | None], at: int) -> T | None:
    valid = [
        fact
        for fact, end in zip(listed, ends, strict=True)
        if fact.from_at <= at and (end is None or at < end)
    ]
    return max(valid, key=lambda fact: fact.from_at, default=None)


def timelines(facts: Iterable[tuple[int, T]]) -> Mapping[int, Timeline[T]]:
    """A timeline for each id."""
    grouped: dict[int, list[T]] = {}
    for key, fact in facts:
        grouped.setdefault(key, []).append(fact)
    return {key: Timeline(listed) for key, listed in grouped.items()}
