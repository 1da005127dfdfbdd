"""A bounded number inside, a bounded line before it, and a bounded wait in the line (I10)."""

from __future__ import annotations

import asyncio
from collections import deque

from inbox_store.errors import Refused


class Turnstile:
    """Lets ``running_max`` in at once; ``waiting_max`` may wait, each at most ``wait_timeout_s``; the rest is refused.

    A place that becomes free goes straight to the first in the line: whoever comes later never overtakes. Written out
    because asyncio's semaphore looks through its whole line at every entry.
    """

    def __init__(self, *, running_max: int, waiting_max: int, wait_timeout_s: float) -> None:
        self._free = running_max
        self._waiting_max = waiting_max
        self._wait_timeout_s = wait_timeout_s
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many stand in the line."""
        return len(self._line)

    async def enter(self) -> None:
        """Take a place, to be given back by ``leave``. Raises Refused("busy") when the line is full or too slow."""
        if self._free > 0:
            self._free -= 1
            return
        if len(self._line) >= self._waiting_max:
            raise Refused("busy")
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            async with asyncio.timeout(self._wait_timeout_s):
                await place
        except BaseException as fault:
            self._left(place)
            if isinstance(fault, TimeoutError):
                raise Refused("busy") from None
            raise

    def _left(self, place: asyncio.Future[None]) -> None:
        """Somebody left the line; the place may have been given to them at that very moment."""
        if place in self._line:
            self._line.remove(place)
        elif place.done() and not place.cancelled():
            self.leave()

    def leave(self) -> None:
        """Give the place back."""
        while self._line:
            place = self._line.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
