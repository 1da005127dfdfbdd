"""Thousands of live clients in one cheap process: raw sockets, one epoll, and only as much parsing as is judged.

``Crowd`` starts it and gives it orders, one JSON object a line on its standard input, one a line back:

    enter PORT   everybody connects at once, with position and epoch if known, and comes again after a 503
    until N      read until everybody has at least N documents
    stall        nobody reads any more
    read         everybody reads again
    gone         read until every socket is closed
    tell         what each has seen: documents in order, close code, the hint of the bye
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import select
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.realtime.raw_client import UPGRADE, masked

ROOT: Final = Path(__file__).resolve().parents[2]
PATH: Final = "/api/v1/live"
WAIT_S: Final = 100.0
HEAD_END: Final = b"\r\n\r\n"
RETRY_AFTER: Final = re.compile(rb"retry-after: (\d+)", re.IGNORECASE)
AGAIN_S: Final = 0.2
RECEIVE_BYTES: Final = 8_192
"""The receive buffer: small, so that a reader that stalls is felt by the server."""


@dataclass(slots=True)
class Member:
    """One device of one person, over all its connections."""

    token: str
    socket: socket.socket | None = None
    buffer: bytes = b""
    asked: bool = False
    upgraded: bool = False
    welcomed: bool = False
    resumed: bool = False
    position: int | None = None
    epoch: str = ""
    documents: list[int] = field(default_factory=list)
    code: int = 0
    hint_ms: int | None = None
    refused: int = 0
    again_at: float = 0.0

    def hello(self) -> bytes:
        """The upgrade and the hello behind it, in one segment."""
        told: dict[str, object] = {"type": "hello", "token": self.token}
        if self.position is not None:
            told |= {"position": self.position, "epoch": self.epoch}
        return UPGRADE.format(path=PATH).encode() + masked(json.dumps(told).encode())

    def take(self, data: bytes) -> None:
        """Bytes of the server."""
        self.buffer += data
        if not self.upgraded:
            head, end, rest = self.buffer.partition(HEAD_END)
            if not end:
                return
            self.upgraded = head.startswith(b"HTTP/1.1 101 ")
            if not self.upgraded:
                retry = RETRY_AFTER.search(head)
                self.refused += 1
                self.again_at = time.monotonic() + (int(retry[1]) if retry else 1)
                return
            self.buffer = rest
        self._frames()

    def _frames(self) -> None:
        data, at = self.buffer, 0
        while len(data) - at >= 4:
            size, head = data[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            elif size == 127:
                size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
            if len(data) < at + head + size:
                break
            self._frame(data[at] & 0xF, data[at + head : at + head + size])
            at += head + size
        self.buffer = data[at:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == 8:
            self.code = int.from_bytes(payload[:2], "big")
            self.say(masked(payload, 0x88))
        elif opcode == 9:
            self.say(masked(payload, 0x8A))
        elif opcode == 1:
            self._word(msgspec.json.decode(payload))

    def _word(self, told: dict[str, Any]) -> None:
        if told["type"] == "changes":
            self.position = told["position"]
            arrived = (item for item in told.get("items", ()) if item["kind"] == "arrived")
            self.documents += [item["document_id"] for item in arrived]
        elif told["type"] == "welcome":
            self.welcomed, self.resumed = True, told.get("resumed", False)
            self.position, self.epoch = told["position"], told["epoch"]
        elif told["type"] == "bye":
            self.hint_ms = told["reconnect_ms"]

    def say(self, data: bytes) -> None:
        """Send; a line that is gone is found by reading."""
        try:
            if self.socket is not None:
                self.socket.send(data)
        except OSError:
            pass


class Members:
    """All of them and one epoll."""

    def __init__(self, tokens: list[str], receive_bytes: int) -> None:
        self.members = [Member(token) for token in tokens]
        self._receive_bytes = receive_bytes
        self._epoll = select.epoll()
        self._by_fd: dict[int, Member] = {}

    def enter(self, port: int) -> dict[str, object]:
        """Everybody connects at once. Raises TimeoutError when somebody is not welcomed in time."""
        began = time.monotonic()
        for one in self.members:
            one.welcomed, one.refused, one.code, one.hint_ms = False, 0, 0, None
            self._connect(one, port)
        self._read(lambda: all(one.welcomed for one in self.members), "welcomed", port)
        return {
            "seconds": time.monotonic() - began,
            "resumed": sum(one.resumed for one in self.members),
            "refused": sum(one.refused for one in self.members),
        }

    def _connect(self, one: Member, port: int) -> None:
        self._drop(one)
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
        made.setblocking(False)
        made.connect_ex(("127.0.0.1", port))
        one.socket, one.buffer, one.again_at = made, b"", 0.0
        one.asked = one.upgraded = False
        self._by_fd[made.fileno()] = one
        self._epoll.register(made.fileno(), select.EPOLLOUT)

    def _drop(self, one: Member) -> None:
        if one.socket is not None:
            del self._by_fd[one.socket.fileno()]
            one.socket.close()
            one.socket = None

    def _read(self, done: Callable[[], bool], what: str, port: int = 0) -> None:
        ends = time.monotonic() + WAIT_S
        while not done():
            if time.monotonic() > ends:
                raise TimeoutError(what)
            for fd, _ in self._epoll.poll(0.05, 1_024):
                self._ready(self._by_fd[fd], fd)
            if port:
                self._come_again(port)

    def _ready(self, one: Member, fd: int) -> None:
        assert one.socket is not None
        if not one.asked:
            self._ask(one, one.socket, fd)
            return
        try:
            data = one.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            one.take(data)
        if one.again_at or not data:
            self._drop(one)
            if not one.welcomed:
                one.again_at = one.again_at or time.monotonic() + AGAIN_S

    def _ask(self, one: Member, line: socket.socket, fd: int) -> None:
        """Connected, or not: then it comes again."""
        if line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._drop(one)
            one.again_at = time.monotonic() + AGAIN_S
            return
        self._epoll.modify(fd, select.EPOLLIN)
        one.asked = True
        one.say(one.hello())

    def _come_again(self, port: int) -> None:
        now = time.monotonic()
        for one in self.members:
            if one.socket is None and 0 < one.again_at <= now:
                self._connect(one, port)

    def until(self, count: int) -> dict[str, object]:
        """Everybody has so many documents. Raises TimeoutError."""
        began = time.monotonic()
        self._read(lambda: all(len(one.documents) >= count for one in self.members), f"{count} documents")
        return {"seconds": time.monotonic() - began}

    def stall(self, *, stalled: bool) -> dict[str, object]:
        """Nobody reads, or everybody again."""
        for fd in self._by_fd:
            self._epoll.modify(fd, 0 if stalled else select.EPOLLIN)
        return {}

    def gone(self) -> dict[str, object]:
        """Every socket is closed. Raises TimeoutError."""
        self._read(lambda: not self._by_fd, "closed")
        return {}

    def tell(self) -> dict[str, object]:
        """What everybody has seen."""
        seen = [
            {"documents": one.documents, "code": one.code, "hint_ms": one.hint_ms} for one in self.members
        ]
        return {"members": seen}


def main() -> None:
    """Obey orders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokens", type=Path, help="a JSON list of tokens, one a member")
    parser.add_argument("--receive-bytes", type=int, default=RECEIVE_BYTES)
    told = parser.parse_args()
    members = Members(json.loads(told.tokens.read_text("utf-8")), told.receive_bytes)
    orders: dict[str, Callable[..., dict[str, object]]] = {
        "enter": members.enter,
        "until": members.until,
        "stall": lambda: members.stall(stalled=True),
        "read": lambda: members.stall(stalled=False),
        "gone": members.gone,
        "tell": members.tell,
    }
    for line in sys.stdin:
        order, *words = json.loads(line)
        sys.stdout.write(json.dumps(orders[order](*words)) + "\n")
        sys.stdout.flush()


class Crowd:
    """The process from outside."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def order(self, order: str, *words: int) -> dict[str, Any]:
        """Give an order and wait for its answer. Raises AssertionError when the process has failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([order, *words]).encode() + b"\n")
        line = await self._process.stdout.readline()
        assert line, f"the crowd ended at {order!r}"
        told: dict[str, Any] = json.loads(line)
        return told

    async def seen(self) -> list[dict[str, Any]]:
        """What each member has seen."""
        told: list[dict[str, Any]] = (await self.order("tell"))["members"]
        return told


@asynccontextmanager
async def crowd(
    folder: Path, tokens: list[str], *, receive_bytes: int = RECEIVE_BYTES
) -> AsyncIterator[Crowd]:
    """A process with one member for each token (a token may come several times: devices); ended with the block."""
    file = folder / "crowd.json"
    file.write_text(json.dumps(tokens), "utf-8")
    words = ["-m", "tests.faults.live_crowd", str(file), "--receive-bytes", str(receive_bytes)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, stdin=PIPE, stdout=PIPE, limit=2**28
    )
    try:
        yield Crowd(process)
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    main()
