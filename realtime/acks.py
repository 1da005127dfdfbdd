"""Acks on their way to the store: joined per device, written in batches, tried again until they are durable."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from realtime.ports import Acks, Delivered

log = structlog.get_logger("realtime")

RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 5.0


class Waiting:
    """Acks that wait, joined where one continues the other: a client that acks every frame costs one line. Pure."""

    def __init__(self) -> None:
        self._lines: list[Delivered] = []
        self._last: dict[tuple[int, str], int] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, one: Delivered) -> int:
        """Add ``one``; returns how many lines wait. Ranges that do not touch stay apart: what lies between them was never acked."""
        key = (one.person_id, one.device)
        place = self._last.get(key)
        if place is not None:
            before = self._lines[place]
            if one.from_position <= before.to_position and before.from_position <= one.to_position:
                low = min(before.from_position, one.from_position)
                high = max(before.to_position, one.to_position)
                self._lines[place] = Delivered(one.person_id, low, high, one.device)
                return len(self._lines)
        self._last[key] = len(self._lines)
        self._lines.append(one)
        return len(self._lines)

    def take(self) -> list[Delivered]:
        """All that waits; nothing waits afterwards."""
        lines, self._lines, self._last = self._lines, [], {}
        return lines


class AckPump:
    """Hands acks to the port in batches, one at a time; what fails is tried again with growing pauses.

    ``size_max`` bounds the lines that wait. A handler that finds the pump ``full`` waits for ``room`` before it reads
    on: a store that stalls holds the clients' acks back in their sockets instead of in our memory.
    """

    def __init__(self, port: Acks, *, size_max: int, linger_s: float, timeout_s: float) -> None:
        self._port = port
        self._size_max = size_max
        self._linger_s = linger_s
        self._timeout_s = timeout_s
        self._waiting = Waiting()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        self._room.set()
        self._idle.set()
        self.full = False
        """Whether a handler should wait for ``room``."""

    async def room(self) -> None:
        """Wait until there is room again."""
        await self._room.wait()

    def put(self, one: Delivered) -> None:
        """Take one ack along with the next batch."""
        lines = self._waiting.add(one)
        if lines == 1:
            self._idle.clear()
            self._wake.set()
        if lines >= self._size_max:
            self.full = True
            self._room.clear()

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._linger_s)  # a few ms of acks share one commit
            self._wake.clear()
            batch = self._waiting.take()
            self.full = False
            self._room.set()
            await self._write(batch)
            if not self._waiting:
                self._idle.set()

    async def settled(self) -> None:
        """Wait until all that was put is durable."""
        await self._idle.wait()

    async def _write(self, batch: list[Delivered]) -> None:
        pause_s = RETRY_FIRST_S
        while not await self._written(batch):
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_MAX_S)

    async def _written(self, batch: list[Delivered]) -> bool:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._port.delivered(batch)
        except Exception as why:  # noqa: BLE001 - whatever the store says: the acks are not durable yet
            log.warning("acks.not_written", lines=len(batch), why=repr(why))
            return False
        return True
