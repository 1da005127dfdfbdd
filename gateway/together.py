"""Reads that are asked for together are made in one go: a storm of returning clients costs few hops to the readers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from inbox_store.engine import Each, Engine, Program

T = TypeVar("T")
Order = TypeVar("Order")

BATCH_MAX: Final = 32
"""Reads in one go: a few milliseconds of one reader."""

UNDER_WAY_MAX: Final = 2
"""Goes at once, so that other readers stay free for everybody else."""

Waiting = tuple[Program[Any], asyncio.Future[Any]]


@dataclass(slots=True)
class Together:
    """An engine whose reads share snapshots: what is asked for while others are under way waits and goes together.

    A read alone goes at once. Each program has its own outcome; all of one go see the same commit, which is not older
    than the moment in which any of them was asked for.
    """

    engine: Engine
    _waiting: list[Waiting] = field(default_factory=list)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def write(self, program: Program[T], *, bulk: bool = False) -> T:
        """As the engine writes."""
        return await self.engine.write(program, bulk=bulk)

    async def write_each(self, each: Each[Order, T], order: Order) -> T:
        """As the engine writes."""
        return await self.engine.write_each(each, order)

    async def read(self, program: Program[T]) -> T:
        """The program's result, of a snapshot taken after this was asked for."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((program, answer))
        if len(self._under_way) < UNDER_WAY_MAX:
            self._go()
        return await answer

    def _go(self) -> None:
        task = asyncio.create_task(self._read_on())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _read_on(self) -> None:
        while self._waiting:
            batch = self._waiting[:BATCH_MAX]
            del self._waiting[:BATCH_MAX]
            try:
                outcomes = await self.engine.read(_each([program for program, _ in batch]))
            except Exception as fault:  # noqa: BLE001 - whatever the store says, all who wait hear it
                outcomes = [fault] * len(batch)
            for (_, answer), outcome in zip(batch, outcomes, strict=True):
                if answer.done():
                    continue  # whoever asked has left
                if isinstance(outcome, Exception):
                    answer.set_exception(outcome)
                else:
                    answer.set_result(outcome)


def _each(programs: Sequence[Program[Any]]) -> Program[list[Any]]:
    outcomes: list[Any] = []
    for program in programs:
        try:
            outcomes.append((yield from program))
        except Exception as fault:  # noqa: BLE001 - a refusal is one program's own outcome
            outcomes.append(fault)
    return outcomes
