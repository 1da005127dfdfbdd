"""A machine and its transport: big chunks in, one write for all that a turn of the loop has queued, one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from push.app.http2.happenings import Closed, Happening, Leaving
from push.app.http2.machine import Machine
from push.app.http2.ports import PROTOCOL
from push.sms.window import NEVER
from push.sms.wire import CLOSING_S, TICK_MIN_S, ticks

T = TypeVar("T")


class Wire(asyncio.Protocol, Generic[T]):
    """One connection. ``heed`` is given what the machine tells, in order; after its Closed nothing more."""

    def __init__(self, machine: Machine[T], heed: Callable[[Wire[T], list[Happening[T]]], None]) -> None:
        self.machine = machine
        self.number = 0
        """Its owner's name for it."""
        self.was_up = False
        """Whether the peer ever greeted, as its owner heard it."""
        self.congested = False
        """Whether the peer reads so slowly that new requests should wait."""
        self._heed = heed
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._is_flush_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._is_dead = False
        self.over: asyncio.Future[Leaving | Closed] = self._loop.create_future()
        """Done when nothing new can be sent here any more."""
        self.ended: asyncio.Future[object] = self._loop.create_future()
        """Done when everything that was open here has ended."""
        self.gone: asyncio.Future[object] = self._loop.create_future()
        """Done when there is no transport, or none any more."""

    @property
    def free(self) -> int:
        """Requests that may be sent now."""
        return 0 if self.congested or self._transport is None else self.machine.free

    # -- the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is there, TLS is agreed."""
        self._transport = cast("asyncio.Transport", transport)
        tls = transport.get_extra_info("ssl_object")
        if self.over.done():
            self._transport.abort()
        elif tls is None or tls.selected_alpn_protocol() != PROTOCOL:
            self._transport.abort()
            self.fail(Closed("not_h2", "ALPN"))
        else:
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
        self.tell(self.machine.lost(repr(exc) if exc else ""))
        self._is_gone()

    def pause_writing(self) -> None:
        """The peer reads slowly: nor do we, since each of its frames may ask for one of ours."""
        self.congested = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer has read."""
        self.congested = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
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
        if isinstance(last, Leaving | Closed) and not self.over.done():
            self.over.set_result(last)
        if isinstance(last, Closed):
            self._is_dead = last.why == "silent"
            self.soon()
            if not self.ended.done():
                self.ended.set_result(last)

    def fail(self, why: Closed) -> None:
        """It never came to be; nothing was ever open on it."""
        self.machine.lost()
        if not self.over.done():
            self.tell([why])
        if self._transport is None:
            self._is_gone()

    def leave(self) -> None:
        """End in order, within the machine's limits."""
        self.tell(self.machine.leave(ticks()))
        self.soon()

    def cut(self) -> None:
        """End at once: what is open becomes in doubt now, not when the loop comes to it."""
        self.tell(self.machine.lost("cut"))
        if self._transport is not None:
            self._transport.abort()
        else:
            self._is_gone()

    def option(self, level: int, name: int, value: int) -> None:
        """Set an option of the socket, where there is one."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(level, name, value)

    def _is_gone(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)

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
        if self._is_dead:
            transport.abort()  # nobody reads our last words
            return
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
