"""Reports and replies on their way to the store: in batches, answered only when they are durable."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog

from push.sms.carrier import Inbound
from push.sms.wire import Wire, ticks

log = structlog.get_logger("sms")

FEW: Final = 16
GATHER_S: Final = 0.01
"""So long the first of few reports waits for others; nobody counts a report's milliseconds."""


class Intake:
    """One line for all connections of a channel. While ``store`` runs more is queued, and stored together next."""

    def __init__(
        self, store: Callable[[Sequence[Inbound]], Awaitable[None]], *, waiting_max: int, batch_max: int
    ) -> None:
        self._store = store
        self._waiting_max = waiting_max
        self._batch_max = batch_max
        self._line: deque[tuple[Wire[Any], Inbound]] = deque()
        self._arrived = asyncio.Event()
        self._paused: set[Wire[Any]] = set()

    def put(self, wire: Wire[Any], inbound: Inbound) -> None:
        """Something came. Where too much waits nothing more is read from that connection."""
        self._line.append((wire, inbound))
        self._arrived.set()
        if len(self._line) >= self._waiting_max:
            self._paused.add(wire)
            wire.read(on=False)

    async def run(self) -> None:
        """Store and answer, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if len(self._line) < FEW:
                # Those that come with it are stored with it: a transaction for each would be most of the work.
                await asyncio.sleep(GATHER_S)
            while self._line:
                batch = [self._line.popleft() for _ in range(min(len(self._line), self._batch_max))]
                await self._take(batch)
                self._resume()

    async def _take(self, batch: Sequence[tuple[Wire[Any], Inbound]]) -> None:
        """Store a batch; where it cannot be stored, only what cannot be stored alone stays without an answer."""
        try:
            await self._store([inbound for _, inbound in batch])
        except Exception as why:  # noqa: BLE001 - whatever the store says: nothing is answered that is not durable
            if len(batch) > 1:
                for one in batch:
                    await self._take([one])
                return
            wire, inbound = batch[0]
            log.warning("sms.not_stored", sequence=inbound.sequence, why=repr(why))
            wire.tell(wire.machine.given_up(inbound, ticks()))
            return
        now = ticks()
        for wire, inbound in batch:
            wire.tell(wire.machine.stored(inbound, now))
            wire.soon()

    def _resume(self) -> None:
        if self._paused and len(self._line) * 2 < self._waiting_max:
            for wire in self._paused:
                wire.read(on=True)
            self._paused.clear()
