"""What waits for the writer: two lanes, and how what waits together becomes the programs of one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from inbox_store.embedded.runner import Outcome
from inbox_store.engine import Each, Program
from inbox_store.errors import Refused, StoreBroken, StoreFull

GROUP_MAX = 256
"""Facts in one transaction at the most: bounds how long the first of them waits."""

WAITING_MAX = 20_000
"""Facts that may wait in a lane; above it the door answers that it is busy."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One caller who waits: for a program of its own (then that is the order), or for its order among those of ``each``."""

    future: asyncio.Future[Any]
    order: Any
    each: Each[Any, Any] | None = None
    alone: bool = False


@dataclass(slots=True)
class Batch:
    """One program of a transaction and all who wait for it."""

    program: Program[Any]
    waiting: list[Waiting]

    def settle(self, outcome: Outcome) -> list[Waiting]:
        """Give every caller its own result; returns those who are to be tried again, each alone.

        A fault that nobody foresaw undid the program for all its orders, though one of them brought it about.
        """
        first = self.waiting[0]
        if first.each is None:
            settle(first.future, outcome)
        elif outcome.fault is None:
            for one, told in zip(self.waiting, outcome.value, strict=True):
                refused = told if isinstance(told, Refused) else None
                settle(one.future, Outcome(None if refused else told, refused))
        elif len(self.waiting) == 1 or isinstance(outcome.fault, (StoreBroken, StoreFull)):
            self.fail(outcome.fault)
        else:
            for one in self.waiting:
                one.alone = True
            return self.waiting
        return []

    def fail(self, fault: BaseException) -> None:
        """Nothing of it was done: every caller is told."""
        for one in self.waiting:
            settle(one.future, Outcome(fault=fault))


class Lanes:
    """The interactive lane and the bulk lane. After each interactive group one bulk fact has its turn."""

    def __init__(self) -> None:
        self._lanes: tuple[deque[Waiting], ...] = (deque(), deque())
        self._bulk_turn = False

    def __len__(self) -> int:
        """Facts that wait, both lanes."""
        return sum(len(lane) for lane in self._lanes)

    def add(self, waiting: Waiting, *, bulk: bool) -> None:
        """Take a place at the end of a lane. Raises Refused("busy") when too many wait."""
        lane = self._lanes[bulk]
        if len(lane) >= WAITING_MAX:
            raise Refused("busy")
        lane.append(waiting)

    def again(self, waiting: Sequence[Waiting]) -> None:
        """Back to the head of the interactive lane, in their order."""
        self._lanes[0].extendleft(reversed(waiting))

    def group(self) -> list[Batch]:
        """What the next transaction does; empty when nothing waits."""
        interactive, bulk = self._lanes
        mine = self._bulk_turn and bool(bulk)
        self._bulk_turn = not self._bulk_turn
        if interactive and not mine:
            return list(_batches([interactive.popleft() for _ in range(min(GROUP_MAX, len(interactive)))]))
        return list(_batches([bulk.popleft()])) if bulk else []

    def everything(self) -> list[Batch]:
        """All that waits, taken off the lanes."""
        waiting = [one for lane in self._lanes for one in lane]
        for lane in self._lanes:
            lane.clear()
        return [Batch(one.order, [one]) for one in waiting]


def _batches(group: Sequence[Waiting]) -> Iterator[Batch]:
    """Programs in their order; orders of the same ``each`` become one program, where the first of them stands."""
    together: dict[Each[Any, Any], list[Waiting]] = {}
    for one in group:
        if one.each is not None and not one.alone:
            together.setdefault(one.each, []).append(one)
    for one in group:
        if one.each is None:
            yield Batch(one.order, [one])
        elif one.alone:
            yield Batch(one.each([one.order]), [one])
        elif one.each in together:
            mine = together.pop(one.each)
            yield Batch(one.each([each.order for each in mine]), mine)


def settle(future: asyncio.Future[Any], outcome: Outcome) -> None:
    """Give a waiting caller its result; a caller who left meanwhile gets nothing, the fact stands."""
    if future.done():
        return
    if outcome.fault is None:
        future.set_result(outcome.value)
    else:
        future.set_exception(outcome.fault)
