"""One of a channel's connections: made, kept, and made again for ever until the channel stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

import structlog

from inbox_store.times import Clock
from push.sms.carrier import ClientDialect, Segment
from push.sms.happenings import Closed, Happening
from push.sms.orders import Order
from push.sms.ports import Address, LinkLimits
from push.sms.session import ClientSession
from push.sms.wire import Wire, ticks

log = structlog.get_logger("sms")

Place = tuple[Order, int]
"""A message and the number of its segment: the token of every request."""


class Owner(Protocol):
    """The channel, as its connections see it."""

    def heed(self, lane: Lane, told: list[Happening[Place]]) -> None:
        """Something happened on ``lane``; an empty list says that it can send again."""
        ...

    def pause_s(self, lane: Lane) -> float | None:
        """The connection of ``lane`` is over: seconds until the next attempt; None where there is to be none."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait before the next attempt."""
        ...


class Lane:
    """A connection's place in the channel; ``wire`` is the connection there is now."""

    def __init__(
        self,
        owner: Owner,
        name: str,
        dialect: Callable[[], ClientDialect],
        address: Address,
        limits: LinkLimits,
        clock: Clock,
    ) -> None:
        self.name = name
        self.order: Order | None = None
        """The message whose segments are leaving."""
        self.attempt = 0
        self.was_up = False
        """Whether the connection there is, or was last, has been logged in."""
        self.last = Closed("unreachable")
        """How the last connection ended."""
        self.resting = False
        """Ended in order for want of anything to send, until it is up again; ``wanted`` brings it back."""
        self.wanted = asyncio.Event()
        self.wire: Wire[Place] | None = None
        self.session: ClientSession[Place] | None = None
        self._owner = owner
        self._dialect = dialect
        self._address = address
        self._limits = limits
        self._clock = clock

    @property
    def up(self) -> bool:
        """Whether it is logged in."""
        return self.session is not None and self.session.state == "up"

    @property
    def usable(self) -> bool:
        """Whether what is handed in now will leave, if all goes well."""
        return self.up or self.resting or (self.session is not None and self.session.rests)

    @property
    def coming(self) -> bool:
        """Whether it will be up in a moment, if all goes well."""
        return self.wanted.is_set() or (
            self.session is not None and self.session.state in {"new", "greeting"}
        )

    @property
    def free(self) -> int:
        """Segments that may leave now."""
        if self.session is None or self.wire is None or self.wire.congested:
            return 0
        return self.session.free

    def send(self, order: Order, now: int) -> bool:
        """Send the next segment of ``order``. Raises ValueError for what the protocol cannot carry."""
        session, wire, number = self.session, self.wire, order.next
        if session is None or wire is None:
            return False
        thing, place = order.things[number], (order, number)
        if isinstance(thing, Segment):
            sequence = order.sequences[number] if order.sequences else None
            sent = session.submit(thing, place, now, sequence)
        else:
            build = thing
            sent = session.request(lambda sequence: build(session.client, sequence), place, now)
        if sent:
            order.next = number + 1
            self.order = order if order.waiting else None
            wire.soon()
        return sent

    async def run(self) -> None:
        """Connect, serve, wait, again."""
        while True:
            await self._once()
            self.wire = self.session = None
            pause_s = self._owner.pause_s(self)
            if pause_s is None:
                return
            if self.resting:
                await self.wanted.wait()
                self.wanted.clear()
            else:
                await self._owner.pause(pause_s)

    async def _once(self) -> None:
        """One connection, from its making to its end."""
        limits, address = self._limits, self._address
        session: ClientSession[Place] = ClientSession(self._dialect(), self._clock, limits.session)
        self.was_up = False
        wire = self.wire = Wire(session, self._heed)
        self.session = session
        try:
            async with asyncio.timeout(limits.connect_timeout_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: wire, address.host, address.port, ssl=address.tls
                )
        except (OSError, TimeoutError) as why:
            self._owner.heed(self, [Closed("unreachable", repr(why))])
            return
        wire.option(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.user_timeout_s * 1000))
        try:
            await wire.ended
        except asyncio.CancelledError:
            self.cut()
            raise

    def _heed(self, _wire: Wire[Place], told: list[Happening[Place]]) -> None:
        self._owner.heed(self, told)

    def leave(self) -> None:
        """End in order."""
        if self.wire is not None:
            self.wire.leave()

    def cut(self) -> None:
        """End at once: what is open becomes in doubt now, not when the loop comes to it."""
        if self.wire is not None:
            self.wire.tell(self.wire.machine.lost(ticks(), "cut"))
            self.wire.cut()
