"""A bounded number inside, a bounded line before it, and a bounded wait in the line (I10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inbox_store.errors import Refused


class Turnstile:
    """Lets ``running_max`` in at once; ``waiting_max`` may wait, each at most ``wait_timeout_s``; the rest is refused."""

    def __init__(self, *, running_max: int, waiting_max: int, wait_timeout_s: float) -> None:
        self._free = asyncio.Semaphore(running_max)
        self._waiting_max = waiting_max
        self._wait_timeout_s = wait_timeout_s
        self.waiting = 0

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """Holds one place for the time of the block. Raises Refused("busy") when the line is full or too slow."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    async def _wait(self) -> None:
        if self.waiting >= self._waiting_max:
            raise Refused("busy")
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_timeout_s):
                await self._free.acquire()
        except TimeoutError:
            raise Refused("busy") from None
        finally:
            self.waiting -= 1
