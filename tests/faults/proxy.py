"""A bad line between two ends: a TCP proxy whose faults are switched while connections stand.

    async with Proxy(server_port) as line:
        line.down.rate_bytes_s = 1_000      # what the server says arrives at 1 kB/s
        line.up.slice_bytes = 1             # what the client says arrives byte by byte
        ... connect to 127.0.0.1:line.port ...
        line.down.hole = line.up.hole = True  # from here on the line is dead and nobody is told

It knows nothing about what it carries, so it serves in front of anything: our own doors, a carrier, a vendor. Both
directions have their own ``Toxics``; what is set holds for the connections that stand and for those to come.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final, Self

HOST: Final = "127.0.0.1"
CHUNK_BYTES: Final = 16_384
UNDER_WAY_MAX: Final = 64
"""Chunks that may be on a slow line in one direction; beyond that the sender feels it, as on any line."""

STEPS_A_SECOND: Final = 20
"""A limited line carries its bytes in so many steps a second, so that a change of the rate is felt at once."""

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends RST and throws away what waits (tcp(7), socket(7))."""


@dataclass(kw_only=True)
class Toxics:
    """The faults of one direction. All are off at first, may be combined, and may be changed at any moment."""

    latency_s: float = 0.0
    """Each byte arrives so many seconds after it was sent; the line is no narrower for it."""

    slice_bytes: int = 0
    """At most so many bytes in a segment (1: byte by byte); 0 leaves them as they come."""

    rate_bytes_s: float = 0.0
    """So many bytes a second; the sender's buffers fill as on a real line. 0: no limit."""

    hole: bool = False
    """Everything is swallowed, the end of the stream too; the connection stands. What was swallowed never comes."""

    reset_after_bytes: int | None = None
    """Both ends get RST as soon as so many bytes of a connection have passed this way; 0: when the first comes."""

    @property
    def chunk_bytes(self) -> int:
        """How much to take from the sender at once."""
        step = max(1, int(self.rate_bytes_s / STEPS_A_SECOND)) if self.rate_bytes_s else CHUNK_BYTES
        return min(self.slice_bytes or CHUNK_BYTES, step, CHUNK_BYTES)


class _ResetError(Exception):
    """It is time for RST."""


class _Direction:
    """The bytes of one connection that go one way."""

    def __init__(self, source: socket.socket, sink: socket.socket, toxics: Callable[[], Toxics]) -> None:
        self.carried = 0
        self._source = source
        self._sink = sink
        self._toxics = toxics
        self._under_way: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(UNDER_WAY_MAX)

    async def run(self) -> None:
        """Carry to the end of the stream, or until the sink takes nothing more. Raises _ResetError."""
        taking = asyncio.create_task(self._take())
        try:
            await self._give()
        finally:
            taking.cancel()

    async def _take(self) -> None:
        """Read; an empty chunk stands for the end of the stream, None for a line that broke."""
        loop = asyncio.get_running_loop()
        data: bytes | None = b"-"
        while data:
            try:
                data = await loop.sock_recv(self._source, self._toxics().chunk_bytes)
            except OSError:
                data = None
            if not self._toxics().hole:
                await self._under_way.put((loop.time() + self._toxics().latency_s, data))

    async def _give(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self._under_way.get()
            await asyncio.sleep(due - loop.time())
            if data is None:
                raise _ResetError
            try:
                if not data:
                    self._sink.shutdown(socket.SHUT_WR)
                    return
                await self._pass_on(data)
            except OSError:
                return  # it hears nothing any more; what it said before may still be on its way to the other end

    async def _pass_on(self, data: bytes) -> None:
        """Write a chunk, as far as the connection may go. Raises OSError, _ResetError."""
        toxics = self._toxics()
        if toxics.hole:
            return
        limit = toxics.reset_after_bytes
        allowed = len(data) if limit is None else max(0, limit - self.carried)
        size = toxics.chunk_bytes
        for start in range(0, min(len(data), allowed), size):
            piece = data[start : min(start + size, allowed)]
            await asyncio.get_running_loop().sock_sendall(self._sink, piece)
            self.carried += len(piece)
            await asyncio.sleep(len(piece) / toxics.rate_bytes_s if toxics.rate_bytes_s else 0)
        if limit is not None and len(data) >= allowed:
            raise _ResetError


class Proxy:
    """Listens on ``port`` and joins each connection to ``target_port``; ``up`` is from client to server, ``down`` back.

    ``buffer_bytes`` makes the proxy's own buffers in the kernel small (0: as they are), so that a slow line is felt by
    the sender after few bytes. A client whose server cannot be reached gets RST.
    """

    def __init__(self, target_port: int, *, target_host: str = HOST, buffer_bytes: int = 0) -> None:
        self.target = (target_host, target_port)
        self.up = Toxics()
        self.down = Toxics()
        self.port = 0
        self._standing: list[tuple[_Direction, _Direction]] = []
        self._carried = [0, 0]
        self._buffer_bytes = buffer_bytes
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        listener = self._socket()
        listener.bind((HOST, 0))
        listener.listen(1_024)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._spawn(self._accept(listener))
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()

    @property
    def standing(self) -> int:
        """How many connections stand."""
        return len(self._standing)

    @property
    def carried_up(self) -> int:
        """Bytes passed on from clients to the server, by all connections so far."""
        return self._carried[0] + sum(up.carried for up, _ in self._standing)

    @property
    def carried_down(self) -> int:
        """Bytes passed on from the server to clients."""
        return self._carried[1] + sum(down.carried for _, down in self._standing)

    def heal(self) -> None:
        """Take every fault away; what a hole has swallowed stays lost."""
        self.up, self.down = Toxics(), Toxics()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _socket(self) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        if self._buffer_bytes:
            # Before connect and listen: the window that is offered first follows from it.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer_bytes)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._buffer_bytes)
        return made

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            self._spawn(self._carry(client))

    async def _carry(self, client: socket.socket) -> None:
        """One connection from beginning to end; whatever ends it oddly ends both ends with RST."""
        loop = asyncio.get_running_loop()
        server = self._socket()
        ways = _Direction(client, server, lambda: self.up), _Direction(server, client, lambda: self.down)
        self._standing.append(ways)
        try:
            await loop.sock_connect(server, self.target)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.TaskGroup() as both:
                for way in ways:
                    both.create_task(way.run())
        except* (OSError, _ResetError):
            for end in (client, server):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        finally:
            self._standing.remove(ways)
            for index, way in enumerate(ways):
                self._carried[index] += way.carried
            client.close()
            server.close()
