"""Reads made together: each has its own outcome, and none sees less than was committed when it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.together import BATCH_MAX, Together
from inbox_store.embedded import open_store
from inbox_store.engine import OrgChanged, Program
from inbox_store.errors import Refused
from inbox_store.keys import Keys
from inbox_store.programs import inbox


class Counted:
    """Counts the hops."""

    def __init__(self, engine: Any) -> None:  # noqa: ANN401 - any engine
        self._engine = engine
        self.hops = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._engine, name)

    async def read(self, program: Program[Any]) -> Any:  # noqa: ANN401
        """Count and pass on."""
        self.hops += 1
        return await self._engine.read(program)


def _refused() -> Program[int]:
    yield from inbox.position()
    raise Refused("not_found")


def _change() -> Program[None]:
    yield OrgChanged()


@pytest.fixture
async def counted(tmp_path: Path) -> AsyncIterator[Counted]:
    """An open store whose hops are counted."""
    async with open_store(tmp_path, keys=Keys.of(b"tests")) as store:
        yield Counted(store.engine)


async def test_a_crowd_costs_few_hops_and_each_hears_its_own(counted: Counted) -> None:
    """A refusal is one program's own; all others get their results."""
    together = Together(counted)
    wanted = [_refused() if number % 5 == 0 else inbox.position() for number in range(200)]
    told = await asyncio.gather(*map(together.read, wanted), return_exceptions=True)
    assert [isinstance(one, Refused) for one in told] == [number % 5 == 0 for number in range(200)]
    assert counted.hops <= 200 // BATCH_MAX + 2


async def test_a_read_sees_what_was_committed_before_it_was_asked_for(counted: Counted) -> None:
    """Also when it waited for others that began earlier."""
    together = Together(counted)
    early = [asyncio.create_task(together.read(inbox.position())) for _ in range(5)]
    for _ in range(20):
        await together.write(_change())
        assert await together.read(inbox.position()) == counted.position
    await asyncio.gather(*early)


async def test_who_leaves_keeps_nobody_waiting(counted: Counted) -> None:
    """A caller that is cancelled takes only its own answer along."""
    together = Together(counted)
    tasks = [asyncio.create_task(together.read(inbox.position())) for _ in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert [one for one in told if isinstance(one, int)] == [counted.position] * 5


async def test_a_failing_store_is_told_to_all(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever for a snapshot that cannot be taken; afterwards reads go on."""
    together = Together(counted)
    with monkeypatch.context() as broken:
        broken.setattr(counted, "read", _fails)
        told = await asyncio.gather(
            *(together.read(inbox.position()) for _ in range(4)), return_exceptions=True
        )
    assert [type(one) for one in told] == [OSError] * 4
    assert await together.read(inbox.position()) == counted.position


async def _fails(program: Program[Any]) -> Any:  # noqa: ANN401
    program.close()
    raise OSError("the disk is gone")
