"""Values published with RFC 8291 and RFC 8292, devices to encrypt for, and a push service that does as it is told."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from push.app.endpoints import EndpointRules
from push.app.sender import Push
from push.app.webpush import VapidKey
from push.app.webpush.encryption import decrypt
from push.app.webpush.subscription import CURVE, base64url, unbase64url

PLAINTEXT: Final = b"When I grow up, I want to be a watermelon"
AS_PRIVATE: Final = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PRIVATE: Final = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
UA_PUBLIC: Final = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SALT: Final = "DGv6ra1nlYgDCS1FRnbzlw"
AUTH: Final = "BTBZMqHH6r4Tts7J_aSIgg"
BODY: Final = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
    "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
"""RFC 8291 §5 and appendix A."""

RFC8292_KEY: Final = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
RFC8292_TOKEN: Final = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1Yi"
    "I6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9"
    "OkSSHzvoD1oA"
)
"""RFC 8292 §2.4."""

RFC6979_KEY: Final = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC6979_TOKEN: Final = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE3MDAwNDMyMDAsInN1Yi"
    "I6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.H7wscux21v0WLEZ1ypAv6Tv0rcs1t2wZU-ImEc6tt9b6btZVVvPSKAgy64_JnLYFJOMWcmvR2m"
    "ieOlAlmAE16A"
)
"""Deterministic by RFC 6979: the key of its appendix A.2.5."""

CONTACT: Final = "mailto:push@example.com"


def private_of(raw: str) -> ec.EllipticCurvePrivateKey:
    """A private key as its number in base64url."""
    return ec.derive_private_key(int.from_bytes(unbase64url(raw), "big"), CURVE)


def vapid_key() -> VapidKey:
    """A key of one's own."""
    return VapidKey(ec.generate_private_key(CURVE), CONTACT)


class Device:
    """A browser's side: keys, and what they open."""

    def __init__(self, endpoint: str) -> None:
        self._private = ec.generate_private_key(CURVE)
        self._auth = os.urandom(16)
        point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": base64url(point), "auth": base64url(self._auth)}
        self.token = msgspec.json.encode(
            {"endpoint": endpoint, "expirationTime": None, "keys": keys}
        ).decode()

    def reads(self, body: bytes) -> bytes:
        """The payload of a message."""
        return decrypt(self._private, self._auth, body)


def alert(token: str, **told: object) -> Push:
    """An alert to one device."""
    given = {
        "id": "1",
        "title": "关于防汛工作的通知",
        "body": "请于今日17时前签收",
        "url": "/inbox/1",
        **told,
    }
    return msgspec.convert({"token": token, **given}, Push)


class Posted(NamedTuple):
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Posted], bytes | None]
"""The bytes of an answer; None: none at all; empty: the connection is closed without one."""


def answer(status: int, *lines: str, body: bytes = b"") -> bytes:
    """An answer of HTTP/1.1."""
    head = "".join(
        f"{line}\r\n" for line in (f"HTTP/1.1 {status} Told", *lines, f"Content-Length: {len(body)}")
    )
    return f"{head}\r\n".encode() + body


CREATED: Final = answer(201, "Location: /m/1", "TTL: 60")


class PushHost:
    """A push service's doors, to the byte."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.posted: list[Posted] = []
        self.came = asyncio.Event()
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self, tls: ssl.SSLContext | None) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.rules = EndpointRules(hosts=("127.0.0.1",), http=True)

    async def stop(self) -> None:
        """Close all."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while told := await self._next(reader):
                writer.write(told)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        posted = Posted(first.split()[1], headers, await reader.readexactly(int(headers["Content-Length"])))
        self.posted.append(posted)
        self.came.set()
        if (told := self.answering(posted)) is None:
            await reader.read()
            return b""
        return told


@asynccontextmanager
async def push_host(
    answering: Answering = lambda _posted: CREATED, tls: ssl.SSLContext | None = None
) -> AsyncIterator[PushHost]:
    """A push service, closed at the end."""
    host = PushHost(answering)
    await host.start(tls)
    try:
        yield host
    finally:
        await host.stop()
