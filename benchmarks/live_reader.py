"""Thousands of live clients in one cheap process: raw sockets and epoll, no library, no parsing beyond a search.

Started by benchmarks.live; talks to it in lines: orders on standard input, answers on standard output.
"""

from __future__ import annotations

import argparse
import re
import select
import socket
import sys
import time
from collections.abc import Callable

HELLO = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
POSITION = re.compile(rb'"changes","position":(\d+)')
WAVE = 200
WAIT_S = 60


def masked(payload: bytes) -> bytes:
    """A client's text frame; a mask of zeros leaves the payload as it is."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


class Crowd:
    """All sockets and one epoll."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}

    def connect(self, port: int) -> socket.socket:
        """One more socket."""
        one = socket.create_connection(("127.0.0.1", port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sockets[one.fileno()] = one
        self.epoll.register(one.fileno(), select.EPOLLIN)
        return one

    def read(self, until: int, take: Callable[[socket.socket, bytes], int]) -> None:
        """Read whatever comes until ``take`` has counted ``until``. Raises TimeoutError."""
        counted, ends = 0, time.monotonic() + WAIT_S
        while counted < until:
            if time.monotonic() > ends:
                raise TimeoutError(f"{counted} of {until}")
            for fd, _ in self.epoll.poll(1, 1024):
                one = self.sockets[fd]
                counted += take(one, one.recv(65_536))


def enter(crowd: Crowd, port: int, path: str, first: int, count: int) -> None:
    """Open ``count`` live sessions for persons ``first`` and on, in waves, each to its welcome."""
    for start in range(first, first + count, WAVE):
        wave = range(start, min(start + WAVE, first + count))
        for person_id in wave:
            one = crowd.connect(port)
            hello = b'{"type":"hello","token":"person-%d"}' % person_id
            one.sendall(HELLO % path.encode() + masked(hello))
        crowd.read(len(wave), lambda _one, data: int(b'"welcome"' in data))


def count_changes(_one: socket.socket, data: bytes) -> int:
    """One frame of changes is one counted."""
    return data.count(b'"changes"')


def ack_changes(one: socket.socket, data: bytes) -> int:
    """Ack every frame of changes."""
    found = POSITION.findall(data)
    for position in found:
        one.sendall(masked(b'{"type":"ack","position":%s}' % position))
    return len(found)


def main() -> None:
    """Obey orders: ``enter PORT PATH FIRST COUNT``, ``count N``, ``ack N``, ``leave``."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    crowd = Crowd()
    for line in sys.stdin:
        order, *words = line.split()
        if order == "enter":
            enter(crowd, int(words[0]), words[1], int(words[2]), int(words[3]))
        elif order == "count":
            crowd.read(int(words[0]), count_changes)
        elif order == "ack":
            crowd.read(int(words[0]), ack_changes)
        else:
            for one in crowd.sockets.values():
                one.close()
            crowd = Crowd()
        print(f"{order} {time.monotonic():.6f}", flush=True)


if __name__ == "__main__":
    main()
