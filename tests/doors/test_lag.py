"""The gauge of the loop's lag."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from gateway.doors.lag import EVERY_S, LagMeter
from tests.doors.conftest import OpenDoor

STALL_S = 5 * EVERY_S


async def test_a_stall_counts_for_every_look_that_fell_into_it() -> None:
    """A loop that stood still is not one late look among many good ones."""
    seen: list[float] = []
    meter = LagMeter(seen.append)
    time.sleep(STALL_S)  # noqa: ASYNC251 - the fault itself
    async with asyncio.timeout(5):
        while len(seen) < 3:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0)
    meter.stop()
    assert seen[0] >= STALL_S - EVERY_S
    told = [round(one - other, 3) for one, other in pairwise(seen[:3])]
    assert told == [EVERY_S, EVERY_S]


async def test_metrics_tell_it(open_door: OpenDoor) -> None:
    """An operator's graph has it without further settings."""
    client = await open_door()
    text = await (await client.get("/metrics")).text()
    assert "songda_loop_lag_seconds_bucket" in text
