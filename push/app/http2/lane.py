"""One of a pool's places for a connection: made when wanted, left to drain when the peer leaves, made again."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, Generic, Protocol, TypeVar

from push.app.http2.happenings import Answered, Closed, Happening, Http2Rules, Up
from push.app.http2.machine import Machine
from push.app.http2.ports import Address, PoolLimits
from push.app.http2.wire import Wire
from push.sms.wire import ticks

T = TypeVar("T")

SETTLED_US: Final = 5_000_000
"""A connection that lived so long and answered something was well: its end calls for no pause."""

IN_ORDER: Final = frozenset({"goaway", "left"})
"""A server may end each connection after a number of requests; where it answered, we may come back at once."""


class Owner(Protocol[T]):
    """The pool, as its connections see it."""

    def made(self, wire: Wire[T]) -> None:
        """``wire`` begins to connect."""
        ...

    def heed(self, wire: Wire[T], told: list[Happening[T]]) -> None:
        """Something happened on ``wire``; an empty list says that it can send again."""
        ...

    def pause_s(self, attempt: int) -> float:
        """Seconds until the next connection, after ``attempt`` that ended badly."""
        ...

    def pump(self) -> None:
        """A connection can be made again."""
        ...


class Lane(Generic[T]):
    """A connection's place; ``wire`` is the one that new requests may leave by."""

    def __init__(self, owner: Owner[T], name: str, address: Address, limits: PoolLimits) -> None:
        self.name = name
        self.wanted = asyncio.Event()
        """Set until a connection is up, however many attempts that takes."""
        self.wire: Wire[T] | None = None
        self._owner = owner
        self._address = address
        self._limits = limits
        self._attempt = 0
        self._answered = False
        self._count = 0

    @property
    def up(self) -> bool:
        """Whether requests can leave by it, as far as there is room."""
        return self.wire is not None and self.wire.machine.state == "up"

    @property
    def coming(self) -> bool:
        """Whether it will be up in a moment, if all goes well."""
        return self.wanted.is_set()

    async def run(self) -> None:
        """Wait until wanted, connect, serve, pause; for ever."""
        while True:
            await self.wanted.wait()
            await self._once()
            await asyncio.sleep(self._owner.pause_s(self._attempt) if self._attempt else 0)
            self._owner.pump()

    async def _once(self) -> None:
        """One connection, from its making until nothing new can leave by it."""
        rules: Http2Rules = self._limits.rules
        wire: Wire[T] = Wire(Machine(rules), self._heed)
        self.wire, self._answered, began_at = wire, False, ticks()
        self._owner.made(wire)
        try:
            await self._connect(wire)
            over = await wire.over
        except asyncio.CancelledError:
            wire.cut()
            raise
        finally:
            self.wire = None
        well = self._answered and (ticks() - began_at >= SETTLED_US or over.why in IN_ORDER)
        self._attempt = 0 if well else self._attempt + 1

    async def _connect(self, wire: Wire[T]) -> None:
        host, port, tls = self._address
        try:
            async with asyncio.timeout(self._limits.connect_timeout_s):
                await asyncio.get_running_loop().create_connection(lambda: wire, host, port, ssl=tls)
        except (OSError, TimeoutError) as why:
            wire.fail(Closed("unreachable", repr(why)))
        else:
            wire.option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._limits.user_timeout_s * 1000))

    def _heed(self, wire: Wire[T], told: list[Happening[T]]) -> None:
        """Something happened on a connection of this place, maybe on one that drains."""
        if wire is self.wire and told:
            if isinstance(told[0], Up):
                self.wanted.clear()
            elif isinstance(told[0], Answered):
                self._answered = True
        self._owner.heed(wire, told)
