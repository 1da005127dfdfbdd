"""Thousands of live clients in one cheap process: raw sockets and epoll, no library, no parsing beyond a search.

Started by benchmarks.live; talks to it in lines: orders on standard input, answers on standard output. Between orders
it answers the heartbeat, as clients do.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import socket
import sys
import time
from collections.abc import Callable
from typing import Final

from realtime.frames import PING
from realtime.housekeeping import raise_descriptor_limit

UPGRADE: Final = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PONG: Final = bytes((0x8A, 0x80)) + bytes(4)
POSITION: Final = re.compile(rb'"changes","position":(\d+)')
WAVE: Final = 200
WAIT_S: Final = 60
PER_ADDRESS: Final = 10_000
"""Sockets of one source address: far below the ports that it has for one destination."""
BIND_ADDRESS_NO_PORT: Final = 24
"""Linux' IP_BIND_ADDRESS_NO_PORT: the port is chosen at connect, where only this destination's are taken."""
ORDERS: Final = 0
"""Standard input."""

Take = Callable[[socket.socket, bytes], int]


def masked(payload: bytes) -> bytes:
    """A client's text frame; a mask of zeros leaves the payload as it is."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


class Crowd:
    """All sockets and one epoll."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.epoll.register(ORDERS, select.EPOLLIN)
        self.sockets: dict[int, socket.socket] = {}

    def connect(self, port: int) -> socket.socket:
        """One more socket."""
        one = socket.socket()
        one.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
        one.bind((f"127.0.0.{1 + len(self.sockets) // PER_ADDRESS}", 0))
        one.connect(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sockets[one.fileno()] = one
        self.epoll.register(one.fileno(), select.EPOLLIN)
        return one

    def read(self, until: int, take: Take) -> None:
        """Read whatever comes until ``take`` has counted ``until``. Raises TimeoutError."""
        counted, ends = 0, time.monotonic() + WAIT_S
        while counted < until:
            if time.monotonic() > ends:
                raise TimeoutError(f"{counted} of {until}")
            for fd, _ in self.epoll.poll(1, 1024):
                if fd != ORDERS:
                    counted += self._came(self.sockets[fd], take)

    def rest(self) -> None:
        """Only answer the heartbeat, until there is an order."""
        while True:
            for fd, _ in self.epoll.poll():
                if fd == ORDERS:
                    return
                self._came(self.sockets[fd], count_changes)

    def _came(self, one: socket.socket, take: Take) -> int:
        data = one.recv(65_536)
        if not data:
            raise ConnectionError("the server closed a socket")
        if PING in data:
            one.send(PONG)
        return take(one, data)


def enter(crowd: Crowd, port: int, path: str, first: int, count: int) -> None:
    """Open ``count`` live sessions for persons ``first`` and on, in waves, each to its welcome."""
    for start in range(first, first + count, WAVE):
        wave = range(start, min(start + WAVE, first + count))
        for person_id in wave:
            hello = masked(b'{"type":"hello","token":"person-%d"}' % person_id)
            crowd.connect(port).sendall(UPGRADE % path.encode() + hello)
        crowd.read(len(wave), lambda _one, data: int(b'"welcome"' in data))


def subscribe(crowd: Crowd, port: int, path: str, count: int) -> None:
    """Open ``count`` websockets that only listen."""
    for start in range(0, count, WAVE):
        wave = min(WAVE, count - start)
        for _ in range(wave):
            crowd.connect(port).sendall(UPGRADE % path.encode())
        crowd.read(wave, lambda _one, data: int(b" 101 " in data))


def count_changes(_one: socket.socket, data: bytes) -> int:
    """One frame of changes is one counted."""
    return data.count(b'"changes"')


def ack_changes(one: socket.socket, data: bytes) -> int:
    """Ack every frame of changes."""
    found = POSITION.findall(data)
    for position in found:
        one.send(masked(b'{"type":"ack","position":%s}' % position))
    return len(found)


def obey(crowd: Crowd, order: str, words: list[str]) -> None:
    """``enter PORT PATH FIRST COUNT``, ``subscribe PORT PATH COUNT``, ``count N``, ``ack N``."""
    if order == "enter":
        enter(crowd, int(words[0]), words[1], int(words[2]), int(words[3]))
    elif order == "subscribe":
        subscribe(crowd, int(words[0]), words[1], int(words[2]))
    elif order == "count":
        crowd.read(int(words[0]), count_changes)
    else:
        crowd.read(int(words[0]), ack_changes)


def main() -> None:
    """Obey until standard input ends; each answer is the order and when it was done, on the system's clock."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1_000, help="how many there will be")
    raise_descriptor_limit(parser.parse_args().sockets + 100)
    crowd = Crowd()
    while True:
        crowd.rest()
        line = os.read(ORDERS, 1024).decode()
        if not line:
            return
        order, *words = line.split()
        obey(crowd, order, words)
        sys.stdout.write(f"{order} {time.monotonic():.6f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
