"""Folder counts on their way to the screens: many changes of one person make one reading and one frame."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from realtime.desk import Desk
from realtime.ports import CountsRead
from realtime.register import sliced

log = structlog.get_logger("realtime")


class Badges:
    """Persons whose counts are to be told. New arrivals need none: a client adds what arrived by itself."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._register = desk.register
        self._limits = desk.limits
        self._dirty: dict[int, None] = {}
        self._wake = asyncio.Event()

    def soon(self, person_id: int) -> None:
        """Read and tell this person's counts with the next round."""
        self._dirty[person_id] = None
        self._wake.set()

    async def run(self) -> None:
        """Tell counts until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._limits.counts_linger_s)
            self._wake.clear()
            dirty = [person_id for person_id in self._dirty if person_id in self._register]
            self._dirty.clear()
            for persons in sliced(dirty, self._limits.slice_sends):
                await self._count(persons)

    async def _count(self, persons: Sequence[int]) -> None:
        try:
            async with asyncio.timeout(self._limits.read_timeout_s):
                self._tell(persons, await self._desk.feed.counts(persons))
        except Exception as why:  # noqa: BLE001 - a count that is late is no loss; the next change brings it
            log.warning("counts.unread", persons=len(persons), why=repr(why))

    def _tell(self, persons: Sequence[int], read: CountsRead) -> None:
        for link in [link for person_id in persons for link in self._register.of(person_id)]:
            frame = link.session.counts(read)
            if frame is not None:
                self._desk.write(link, frame)
