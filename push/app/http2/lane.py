"""One of a pool's places for a connection: made when wanted, left to drain when the peer leaves, made again."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from push.app.http2.happenings import Answered, Closed, Happening
from push.sms.wire import ticks

if TYPE_CHECKING:
    from push.app.http2.pool import Job, Pool
    from push.app.http2.wire import Wire

SETTLED_US = 5_000_000
"""A connection that lived so long and answered something was well: its end calls for no pause."""


class Lane:
    """A connection's place; ``wire`` is the one that new requests may leave by."""

    def __init__(self, pool: Pool, name: str) -> None:
        self.name = name
        self.wanted = asyncio.Event()
        self.wire: Wire[Job] | None = None
        self.attempt = 0
        """Connections in a row that ended badly or soon; 0 after one that was well."""
        self.failures = 0
        """Those in a row over which nothing could be asked at all."""
        self._pool = pool
        self._answered = False

    @property
    def up(self) -> bool:
        """Whether requests can leave by it, as far as there is room."""
        return self.wire is not None and self.wire.machine.state == "up"

    @property
    def coming(self) -> bool:
        """Whether it will be up in a moment, if all goes well."""
        return self.wanted.is_set() or (self.wire is not None and not self.up)

    async def run(self) -> None:
        """Wait until wanted, connect, serve, pause; for ever, until the pool stops."""
        while True:
            await self.wanted.wait()
            await self._once()
            self.wire = None
            pause_s = self._pool.pause_s(self)
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)
            if not self.failures:
                self.wanted.clear()
            self._pool.pump()

    async def _once(self) -> None:
        """One connection, from its making until nothing new can leave by it."""
        limits, address = self._pool.limits, self._pool.address
        wire = self.wire = self._pool.connect(self)
        self._answered, began_at = False, ticks()
        try:
            async with asyncio.timeout(limits.connect_timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: wire, address.host, address.port, ssl=address.tls
                )
        except (OSError, TimeoutError) as why:
            wire.fail(Closed("unreachable", repr(why)))
        except asyncio.CancelledError:
            wire.cut()
            raise
        else:
            wire.option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.user_timeout_s * 1000))
            self.wanted.clear()
        was_up = wire.machine.state == "up"
        await wire.over
        well = self._answered and ticks() - began_at >= SETTLED_US
        self.attempt = 0 if well else self.attempt + 1
        del was_up

    def heed(self, wire: Wire[Job], told: list[Happening[Job]]) -> None:
        """Something happened on a connection of this place, maybe one that drains."""
        if told and isinstance(told[0], Answered):
            self._answered = True
        self._pool.heed(wire, told)
