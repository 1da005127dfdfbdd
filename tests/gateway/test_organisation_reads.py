"""The organisation is read once for all who ask for it, and again after it changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from config.settings import Settings, Store
from gateway.assembly import open_parts
from gateway.demo.city import build_city
from gateway.flows.organisation import store_rows
from inbox_store.engine import OrgChanged, Program


def _change() -> Program[None]:
    yield OrgChanged()


async def test_a_crowd_costs_one_reading(tmp_path: Path) -> None:
    """Sixty callers after a change do not read the city sixty times."""
    async with open_parts(Settings(store=Store(path=str(tmp_path)))) as parts:
        await store_rows(parts.house, build_city(units=40, persons=300))
        read, reads = parts.store.engine.read, 0

        async def counted(program: Program[Any]) -> Any:  # noqa: ANN401 - as the program has it
            nonlocal reads
            reads += 1
            return await read(program)

        parts.store.engine.read = counted  # type: ignore[method-assign]
        await parts.store.engine.write(_change())
        told = await asyncio.gather(*(parts.house.organisation() for _ in range(60)))
        assert len({id(one) for one in told}) == 1
        assert reads == 2, "the snapshot and its version"


async def test_a_change_is_seen_by_whoever_asks_after_it(tmp_path: Path) -> None:
    """Also while a reading that began before it is under way; who left does not take the reading along."""
    async with open_parts(Settings(store=Store(path=str(tmp_path)))) as parts:
        early = asyncio.create_task(parts.house.organisation())
        await asyncio.sleep(0)
        await parts.store.engine.write(_change())
        assert (await parts.house.organisation()).version == parts.store.engine.position
        await early
        await parts.store.engine.write(_change())
        gone = asyncio.create_task(parts.house.organisation())
        await asyncio.sleep(0)
        stays = asyncio.create_task(parts.house.organisation())
        await asyncio.sleep(0)
        gone.cancel()
        assert (await stays).version == parts.store.engine.position
