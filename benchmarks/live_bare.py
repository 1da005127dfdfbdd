"""The limit of acked round trips: a bare Protocol on uvloop that does the same traffic and nothing else.

It answers any request with the upgrade and a welcome, writes one ready frame to the next socket, and takes whatever
comes back for the ack. Its clients are those of the product (benchmarks.live_reader).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import Final, cast

import uvloop

from benchmarks.live_city import ITEM
from realtime.fanout import delivery
from realtime.frames import Welcome, pack
from realtime.housekeeping import raise_descriptor_limit

WELCOME: Final = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + pack(
    Welcome(session="1", position=1, epoch="bench", heartbeat_s=30, resumed=False)
)
FRAME: Final = delivery(((1_000_000, ITEM),)).frame


class Echo:
    """All sockets, and how many round trips are still to be made."""

    def __init__(self) -> None:
        self.transports: list[asyncio.Transport] = []
        self.to_send = 0
        self.to_come = 0
        self.done = asyncio.Event()
        self._next = 0

    def send(self) -> None:
        """One frame to the next socket in turn."""
        self.to_send -= 1
        self.transports[self._next].write(FRAME)
        self._next += 1
        if self._next == len(self.transports):
            self._next = 0

    def came(self, acks: int) -> None:
        """So many acks came back."""
        self.to_come -= acks
        for _ in range(min(acks, self.to_send)):
            self.send()
        if not self.to_come:
            self.done.set()

    async def trips(self, count: int, window: int) -> None:
        """So many round trips, ``window`` of them under way."""
        self.to_send = self.to_come = count
        self.done.clear()
        for _ in range(window):
            self.send()
        await self.done.wait()


class Socket(asyncio.Protocol):
    """One socket."""

    __slots__ = ("_echo", "_entered", "_transport")

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._entered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """The request with the hello behind it, then an ack each."""
        if self._entered:
            self._echo.came(data.count(b'"ack"'))
        elif b'"hello"' in data:
            self._entered = True
            self._echo.transports.append(self._transport)
            self._transport.write(WELCOME)


async def serve() -> None:
    """Obey ``port`` and ``trips COUNT WINDOW`` until standard input ends; answer with CPU and wall-clock seconds."""
    echo, loop = Echo(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Socket(echo), "127.0.0.1", 0, backlog=4096)
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order, *words = line.decode().split()
        answer = str(server.sockets[0].getsockname()[1])
        if order == "trips":
            began, cpu = time.monotonic(), time.process_time()
            await echo.trips(int(words[0]), int(words[1]))
            answer = f"{time.process_time() - cpu:.6f} {time.monotonic() - began:.6f}"
        sys.stdout.write(f"{order} {answer}\n")
        sys.stdout.flush()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1_000, help="how many there will be")
    raise_descriptor_limit(parser.parse_args().sockets + 100)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve())


if __name__ == "__main__":
    main()
