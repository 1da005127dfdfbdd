"""One connected socket: the machine and the transport its frames are written to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from operator import attrgetter, methodcaller
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from realtime.fanout import Delivery
from realtime.session import Session

CONGESTED_BYTES: Final = 64 * 1024
"""The transport's own high-water mark: above it ``drained`` waits, below it it returns at once."""

_transport = attrgetter("transport")
_waiting = methodcaller("get_write_buffer_size")


class Link:
    """Joins a session to its socket. Kept small: a city has tens of thousands of them.

    Made by the handler's own task, the one that listens: the closing handshake must be done there, because whoever
    closes reads on until the other end has closed too, and two cannot read at once.
    """

    __slots__ = ("_task", "_writer", "closing", "queue_max_bytes", "session", "socket", "transport")

    def __init__(
        self,
        session: Session,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        writer: AbstractStreamWriter,
        queue_max_bytes: int,
    ) -> None:
        self.session = session
        self.socket = socket
        self.transport = transport
        self.closing: tuple[int, str] | None = None
        self._writer = writer
        self._task = asyncio.current_task()
        self.queue_max_bytes = queue_max_bytes

    @property
    def congested(self) -> bool:
        """Whether so much waits that a page more should wait too."""
        return self.transport.get_write_buffer_size() >= CONGESTED_BYTES

    def write(self, frame: bytes) -> bool:
        """Write a whole frame. False: too much waited already, nothing was written, the reader is to be cut.

        The limit is looked at before the write, so that one frame of any size passes through an empty queue: memory
        is bounded by the limit and one frame.
        """
        transport = self.transport
        if transport.get_write_buffer_size() > self.queue_max_bytes:
            return False
        if not transport.is_closing():
            transport.write(frame)
        return True

    async def drained(self, timeout_s: float) -> bool:
        """Wait until the socket takes more; False when it did not in time. A line that breaks is waited for no more."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._writer.drain()
        except TimeoutError:
            return False
        except ConnectionError:
            return True  # nobody is there to be slow; the handler learns of it by itself
        return True

    def end(self, code: int, reason: str) -> None:
        """Have the handler close the socket: it is called away from listening if it listens."""
        self.closing = (code, reason)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def called_away(self) -> bool:
        """Whether a cancellation of the handler was ours, by ``end``, and nobody else's."""
        return self.closing is not None and self._task is not None and self._task.uncancel() == 0

    async def close(self, code: int, reason: str) -> None:
        """The closing handshake within the socket's own time limit; a peer that takes nothing is cut off."""
        try:
            await self.socket.close(code=code, message=reason.encode(), drain=False)
        finally:
            # Closing politely waits until all is sent, which a stalled reader never lets happen.
            self.transport.abort()


def push(links: Sequence[Link], delivery: Delivery) -> list[Link]:
    """Tell ``delivery`` to each of ``links``; returns those for whom too much waited already.

    The innermost loop of a broadcast, paid once per socket: what a faster one in another language would replace.
    """
    first, last, frame = delivery.first, delivery.last, delivery.frame
    slow: list[Link] = []
    # What the loop looks at is fetched before its first system call: thousands of cold objects come in side by side.
    transports = list(map(_transport, links))
    waiting = list(map(_waiting, transports))
    for link, transport, waits in zip(links, transports, waiting, strict=True):
        session = link.session
        if session.position < first and session.state == "live":
            session.position = last  # what `Session.nudged` says nearly always, without the call
            told: bytes | None = frame
        else:
            told = session.nudged(delivery)
        if told is None or transport.is_closing():
            continue
        if waits <= link.queue_max_bytes:
            transport.write(told)
        else:
            slow.append(link)
    return slow
