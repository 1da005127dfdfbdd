"""A far end of the demo: one of the simulators that ship with the product, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

START_TIMEOUT_S: Final = 20
STOP_TIMEOUT_S: Final = 10


@asynccontextmanager
async def far_end(verb: str, options: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
    """Run a simulator; gives what it says when it listens. Raises RuntimeError where it says nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.cli",
        verb,
        *options,
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        yield await _said(verb, process)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _said(verb: str, process: asyncio.subprocess.Process) -> dict[str, Any]:
    if process.stdout is None:
        raise RuntimeError(f"the output of {verb} is not read")
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            told: dict[str, Any] = json.loads(await process.stdout.readline())
    except (TimeoutError, ValueError) as fault:
        raise RuntimeError(f"模拟器没有启动：songda {verb}") from fault
    return told
