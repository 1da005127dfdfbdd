"""A websocket client in plain bytes, for what no decent library would send."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Self

from realtime.frames import ServerMessage, parse_server
from realtime.server import LIVE_PATH

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def masked(payload: bytes, first: int = 0x81) -> bytes:
    """A client's frame with a mask of zeros; ``first`` holds FIN, reserved bits and opcode."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65_536:
        head = bytes((first, 0xFE)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


class RawClient:
    """One socket. It answers nothing by itself: no pong, no close."""

    def __init__(self, port: int, receive_bytes: int = 0) -> None:
        self._port = port
        self._receive_bytes = receive_bytes

    async def __aenter__(self) -> Self:
        line = socket.socket()
        if self._receive_bytes:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_bytes)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", self._port))
        limit = self._receive_bytes or 65_536
        self.reader, self.writer = await asyncio.open_connection(sock=line, limit=limit)
        self.writer.write(UPGRADE.format(path=LIVE_PATH).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.transport.abort()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    def say(self, text: str) -> None:
        """Send a text frame."""
        self.send(masked(text.encode()))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2), "big")
        elif size == 127:
            size = int.from_bytes(await self.reader.readexactly(8), "big")
        return first & 0xF, await self.reader.readexactly(size)

    async def message(self) -> ServerMessage:
        """The next message; pings are passed over."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 1:
                return parse_server(payload)

    async def closed(self) -> int:
        """The code with which the server closes; whatever it says before is passed over."""
        while True:
            opcode, payload = await self.frame()
            if opcode == 8:
                return int.from_bytes(payload[:2], "big")
