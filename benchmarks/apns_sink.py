"""Where APNs-like requests go: TLS and HTTP/2 with next to no work, in a process of its own, so that the client is the limit.

No h2: frames are cut by hand, headers are decoded only to echo apns-id (as Apple does), every answer is 200 without a
body. Prints its port; ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Final, cast

import uvloop
from hpack import Decoder

from inbox_store.times import system_now
from push.app.simulator.certificate import make_certificate, server_tls

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS: Final = b"\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x03\xe8\x00\x04\x7f\xff\xff\xff"
"""1,000 streams (apns §1) and no limit of a stream's window."""
WIDE: Final = b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\x00\x00"
"""Nor of the connection's: aioapns gives up for a second where a window is full."""
ACK: Final = b"\x00\x00\x00\x04\x01\x00\x00\x00\x00"


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._decoder = Decoder()
        self._ids: dict[int, bytes] = {}
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(SETTINGS + WIDE)

    def data_received(self, data: bytes) -> None:
        """Frames came."""
        data, at, out = self._buffer + data, 0, []
        if not self._greeted:
            at, self._greeted = len(PREFACE), True
        while len(data) - at >= 9:
            length = int.from_bytes(data[at : at + 3], "big")
            if len(data) - at < 9 + length:
                break
            kind, flags = data[at + 3], data[at + 4]
            stream = int.from_bytes(data[at + 5 : at + 9], "big")
            payload = data[at + 9 : at + 9 + length]
            at += 9 + length
            if kind == 1:
                self._ids[stream] = self._id(payload)
            elif kind == 0 and flags & 1:
                out.append(_answer(stream, self._ids.pop(stream)))
            elif kind == 4 and not flags & 1:
                out.append(ACK)
            elif kind == 6 and not flags & 1:
                out.append(b"\x00\x00\x08\x06\x01\x00\x00\x00\x00" + payload)
        self._buffer = data[at:]
        if out:
            self._transport.write(b"".join(out))

    def _id(self, block: bytes) -> bytes:
        for name, value in self._decoder.decode(block, raw=True):
            if name == b"apns-id":
                return bytes(value)
        return b""


def _answer(stream: int, apns_id: bytes) -> bytes:
    """HEADERS: status 200 of the static table, apns-id as a literal that is not indexed."""
    block = b"\x88\x00\x07apns-id" + bytes([len(apns_id)]) + apns_id
    return len(block).to_bytes(3, "big") + b"\x01\x05" + stream.to_bytes(4, "big") + block


async def _serve(tls: ssl.SSLContext, ca_pem: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0, ssl=tls)
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "ca": ca_pem}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps({"cpu_s": round(time.process_time(), 3)}), flush=True)
    server.close()


def main() -> None:
    """Serve until standard input ends."""
    certificate = make_certificate(system_now())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(certificate.pem, encoding="ascii")
    uvloop.run(_serve(server_tls(certificate), certificate.pem))


if __name__ == "__main__":
    main()
