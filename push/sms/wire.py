"""A session and its transport: big chunks in, one write for all that a turn of the loop has queued, one timer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar, cast

from push.sms.happenings import Closed, Happening
from push.sms.machine import Machine
from push.sms.window import NEVER

T = TypeVar("T")

CLOSING_S: Final = 2
"""How long a peer may take to read our last words; then the connection is cut."""

TICK_MIN_S: Final = 0.001
"""Timers of the loop count milliseconds and may fire a little early."""


def ticks() -> int:
    """Microseconds on a clock that never jumps."""
    return time.monotonic_ns() // 1000


class Wire(asyncio.Protocol, Generic[T]):
    """One connection. ``heed`` is given what the machine tells, in order; after its Closed nothing more."""

    def __init__(self, machine: Machine[T], heed: Callable[[Wire[T], list[Happening[T]]], None]) -> None:
        self.machine = machine
        self.peer = ""
        """The address of the other end."""
        self.congested = False
        """Whether the peer reads so slowly that new requests should wait."""
        self._heed = heed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._is_flush_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._is_reading = True
        self.ended: asyncio.Future[Closed] = self._loop.create_future()

    # -- the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there."""
        self._transport = cast("asyncio.Transport", transport)
        named = transport.get_extra_info("peername")
        self.peer = named[0] if isinstance(named, tuple) else ""
        self.machine.start(ticks())
        self.soon()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.tell(self.machine.received(data, ticks()))
        self.soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport ended."""
        self._transport = None
        self._stop_timer()
        self.tell(self.machine.lost(ticks(), repr(exc) if exc else ""))

    def pause_writing(self) -> None:
        """The peer reads slowly."""
        self.congested = True

    def resume_writing(self) -> None:
        """The peer has read."""
        self.congested = False
        self._heed(self, [])

    # -- the owner calls

    def soon(self) -> None:
        """Something may be to be written: it is, once, at the end of this turn."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def tell(self, told: list[Happening[T]]) -> None:
        """Hand on what the machine told."""
        if not told:
            return
        self._heed(self, told)
        last = told[-1]
        if isinstance(last, Closed):
            self.soon()
            if not self.ended.done():
                self.ended.set_result(last)

    def leave(self) -> None:
        """End in order, within the machine's limits."""
        self.tell(self.machine.leave(ticks()))
        self.soon()

    def cut(self) -> None:
        """End at once: nothing more is written, and ``connection_lost`` follows."""
        if self._transport is not None:
            self._transport.abort()

    def option(self, level: int, name: int, value: int) -> None:
        """Set an option of the socket, where there is one."""
        if self._transport is not None:
            self._transport.get_extra_info("socket").setsockopt(level, name, value)

    def read(self, *, on: bool) -> None:
        """Go on reading, or leave what comes to the peer's window and to TCP."""
        if self._transport is None or on == self._is_reading or self._transport.is_closing():
            return
        self._is_reading = on
        (self._transport.resume_reading if on else self._transport.pause_reading)()

    # -- what is due

    def _flush(self) -> None:
        self._is_flush_due = False
        transport = self._transport
        if transport is None:
            return
        if data := self.machine.take():
            transport.write(data)
        if self.machine.state == "closed":
            self._hang_up(transport)
        else:
            self._set_timer()

    def _hang_up(self, transport: asyncio.Transport) -> None:
        if transport.is_closing():
            return
        self._stop_timer()
        transport.close()
        # A peer that takes nothing would keep a polite close waiting for ever.
        self._timer = self._loop.call_later(CLOSING_S, transport.abort)

    def _set_timer(self) -> None:
        due = self.machine.due
        if due >= self._timer_at:
            return  # the timer that is set fires before, and looks again
        self._stop_timer()
        if due < NEVER:
            self._timer_at = due
            self._timer = self._loop.call_later(max(TICK_MIN_S, (due - ticks()) / 1e6), self._tick)

    def _stop_timer(self) -> None:
        self._timer_at = NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer, self._timer_at = None, NEVER
        self.tell(self.machine.tick(ticks()))
        self.soon()
