"""Clients of the whole server in one cheap process: raw sockets and epoll, no library.

Started by benchmarks.whole; orders are lines of JSON on standard input, answers lines on standard output.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

WAIT_S: Final = 60
HELLO: Final = (
    b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
POSITION: Final = re.compile(rb'"changes","position":(\d+)')
DOCUMENT: Final = re.compile(rb'"document_id":(\d+)')


def masked(payload: bytes) -> bytes:
    """A client's text frame; a mask of zeros leaves the payload as it is."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def whole(data: bytes) -> bool:
    """Whether ``data`` is a whole answer."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = LENGTH.search(data, 0, head)
    return len(data) >= head + 4 + (int(length[1]) if length else 0)


class Wire:
    """One keep-alive connection; ``began`` is when the request under way was due."""

    __slots__ = ("began", "data", "sock")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""
        self.began = 0.0


class Caller:
    """Requests over some connections; ``rate`` 0: each connection sends its next when the last is answered."""

    def __init__(self, port: int, connections: int, requests: list[bytes], rate: float) -> None:
        self.epoll = select.epoll()
        self.wires = {wire.sock.fileno(): wire for wire in (Wire(port) for _ in range(connections))}
        for one in self.wires:
            self.epoll.register(one, select.EPOLLIN)
        self.free = deque(self.wires.values())
        self.requests = requests
        self.rate = rate
        self.sent = 0
        self.took: list[float] = []
        self.statuses: dict[str, int] = {}
        self.body = ""
        self.start = time.perf_counter()

    def run(self) -> dict[str, Any]:
        """Send all, wait for all answers."""
        ends = time.monotonic() + WAIT_S
        self.start = time.perf_counter()
        while len(self.took) < len(self.requests):
            if time.monotonic() > ends:
                raise TimeoutError(f"{len(self.took)} answers of {len(self.requests)}")
            self._send()
            for fd, _ in self.epoll.poll(self._pause(), 256):
                self._read(self.wires[fd])
        took = time.perf_counter() - self.start
        for wire in self.wires.values():
            wire.sock.close()
        ordered = sorted(self.took)
        middle, late = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        return {
            "seconds": took,
            "p50": middle,
            "p99": late,
            "max": ordered[-1],
            "statuses": self.statuses,
            "body": self.body,
        }

    def _pause(self) -> float:
        if not self.rate or self.sent >= len(self.requests) or not self.free:
            return 1.0
        return max(0.0, self.start + self.sent / self.rate - time.perf_counter())

    def _send(self) -> None:
        now = time.perf_counter()
        while self.free and self.sent < len(self.requests):
            due = self.start + self.sent / self.rate if self.rate else now
            if due > now:
                return
            wire = self.free.popleft()
            wire.began = due
            wire.sock.sendall(self.requests[self.sent])
            self.sent += 1

    def _read(self, wire: Wire) -> None:
        data = wire.sock.recv(65_536)
        if not data:
            raise ConnectionError("the server hung up")
        wire.data += data
        if not whole(wire.data):
            return
        status = wire.data[9:12].decode()
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.took.append(time.perf_counter() - wire.began)
        if not self.body:
            self.body = wire.data.partition(b"\r\n\r\n")[2].decode()
        wire.data = b""
        if self.rate or self.sent >= len(self.requests):
            self.free.append(wire)
            return
        wire.began = time.perf_counter()
        wire.sock.sendall(self.requests[self.sent])
        self.sent += 1


class Guest:
    """One live session: what it should be told, and what it was told."""

    __slots__ = ("data", "hello", "sock", "told", "wanted", "welcomed")

    def __init__(self, sock: socket.socket, hello: bytes, wanted: list[int]) -> None:
        self.sock = sock
        self.hello = hello
        self.wanted = wanted
        self.told: list[int] = []
        self.data = b""
        self.welcomed = False


class Crowd:
    """Live sessions that come with a token and a position, each checking that it gets exactly what it missed."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.guests: dict[int, Guest] = {}
        self.frames = 0

    def enter(self, port: int, path: str, plan: list[Any], window: int) -> dict[str, Any]:
        """Let all in, ``window`` of them under way at once. Each of ``plan``: hello, documents missed."""
        began = time.perf_counter()
        waiting, inside, done = deque(plan), 0, 0
        took: list[float] = []
        ends = time.monotonic() + WAIT_S
        starts: dict[int, float] = {}
        while done < len(plan):
            while waiting and inside < window:
                guest = self._knock(port, path, *waiting.popleft())
                starts[guest.sock.fileno()] = time.perf_counter()
                inside += 1
            if time.monotonic() > ends:
                raise TimeoutError(f"{done} of {len(plan)} entered")
            for fd, _ in self.epoll.poll(1, 512):
                guest = self.guests[fd]
                if fd in starts and self._hear(guest):
                    took.append(time.perf_counter() - starts.pop(fd))
                    inside, done = inside - 1, done + 1
        took.sort()
        wrong = sum(sorted(one.told) != sorted(one.wanted) for one in self.guests.values())
        return {
            "seconds": time.perf_counter() - began,
            "p99": took[int(len(took) * 0.99)],
            "wrong": wrong,
            "entries": sum(len(one.told) for one in self.guests.values()),
        }

    def _knock(self, port: int, path: str, hello: str, wanted: list[int]) -> Guest:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        guest = Guest(sock, masked(hello.encode()), wanted)
        sock.sendall(HELLO % path.encode() + guest.hello)
        self.guests[sock.fileno()] = guest
        self.epoll.register(sock.fileno(), select.EPOLLIN)
        return guest

    def _hear(self, guest: Guest) -> bool:
        """Read; whether this session has now caught up, which it acknowledges."""
        data = guest.sock.recv(262_144)
        if not data:
            raise ConnectionError(f"a session was closed: {guest.data[-200:]!r}")
        guest.data += data
        guest.welcomed = guest.welcomed or b'"welcome"' in guest.data
        if not guest.welcomed:
            return False
        found = DOCUMENT.findall(guest.data)
        if len(found) < len(guest.wanted):
            return False
        guest.told = [int(one) for one in found]
        positions = POSITION.findall(guest.data)
        guest.data = b""
        if positions:
            guest.sock.sendall(masked(b'{"type":"ack","position":%s}' % positions[-1]))
        return True

    def watch(self, seconds: float) -> dict[str, Any]:
        """Read whatever comes for so long, and acknowledge every frame of changes."""
        ends = time.monotonic() + seconds
        frames = size = 0
        while (left := ends - time.monotonic()) > 0:
            for fd, _ in self.epoll.poll(left, 512):
                guest = self.guests[fd]
                data = guest.sock.recv(262_144)
                if not data:
                    raise ConnectionError("a session was closed")
                size += len(data)
                found = POSITION.findall(data)
                frames += len(found)
                if found:
                    guest.sock.sendall(masked(b'{"type":"ack","position":%s}' % found[-1]))
        return {"frames": frames, "bytes": size}

    def leave(self) -> dict[str, Any]:
        """Close all."""
        for one in self.guests.values():
            one.sock.close()
        self.guests.clear()
        self.epoll.close()
        self.epoll = select.epoll()
        return {}


_PLANS: dict[str, Any] = {}


def _plan(path: str) -> Any:  # noqa: ANN401 - whatever JSON the order asks for
    if path not in _PLANS:
        _PLANS[path] = json.loads(Path(path).read_bytes())
    return _PLANS[path]


def call(order: dict[str, Any]) -> dict[str, Any]:
    """Send a part of a plan's requests."""
    told = _plan(order["plan"])[order["first"] : order["first"] + order["count"]]
    requests = [one.encode() for one in told]
    return Caller(order["port"], order["connections"], requests, order.get("rate", 0.0)).run()


def main() -> None:
    """Obey orders, one after another, until the input ends; each answer says what CPU it cost."""
    crowd = Crowd()
    os.nice(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    deeds: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "call": call,
        "enter": lambda o: crowd.enter(o["port"], o["path"], _plan(o["plan"]), o["window"]),
        "watch": lambda o: crowd.watch(o["seconds"]),
        "leave": lambda _: crowd.leave(),
        "ready": lambda o: {"plan": len(_plan(o["plan"]))},
    }
    for line in sys.stdin:
        order = json.loads(line)
        cpu = time.process_time()
        answer = deeds[order["do"]](order)
        print(json.dumps(answer | {"cpu": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main()
