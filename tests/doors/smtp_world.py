"""The mail door over a desk that only remembers, and a client that says exactly what a test wants it to say."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.doors.smtp import SmtpDoor
from gateway.doors.smtp_ports import Incoming, SmtpLimits
from gateway.rules.access import Principal
from gateway.rules.mail_recipients import To
from inbox_store.errors import Refused

WAIT_S = 20
LOGIN, KEY = "a1b2c3d4", "a key nobody else has"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-made certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    told = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=400))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "smtp.crt", folder / "smtp.key"
    cert_file.write_bytes(told.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return cert_file, key_file


def server_tls(cert: Path, key: Path) -> ssl.SSLContext:
    """The door's side."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


@dataclass
class Desk:
    """A desk that remembers what it took."""

    taken: list[Incoming] = field(default_factory=list)
    fault: Exception | None = None
    """What the next mails are refused with."""
    gate: asyncio.Event | None = None
    """Where it is set: a mail is kept when it opens."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def recognise(self, login: str, key: str, origin: str) -> Principal:
        """One key is known."""
        if (login, key) != (LOGIN, KEY):
            raise Refused("token_invalid", origin=origin)
        return Principal(person_id=1, account_id=-1, name="扫描仪", grants=frozenset(), kind="api_key")

    async def recipient(self, principal: Principal, address: str) -> To:
        """Everybody at songda.local but ``nobody``."""
        local, _, domain = address.partition("@")
        if domain != "songda.local" or principal.kind != "api_key":
            raise Refused("mail_relay")
        if local == "nobody":
            raise Refused("mail_no_such")
        return To(kind="unit", id=len(local), address=address)

    async def take(self, mail: Incoming) -> str:
        """Remember it."""
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.taken.append(mail)
        return f"draft {len(self.taken)}"


class Client:
    """A client over a bare socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, tls: ssl.SSLContext | None = None) -> Client:
        """Connect; the greeting is not read."""
        name = "localhost" if tls else None
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name))

    async def reply(self) -> str:
        """One whole reply, "" at the end of the session."""
        lines = []
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    line = (await self.reader.readline()).decode()
                except ConnectionError:
                    line = ""
                lines.append(line)
                if not line or line[3:4] == " ":
                    return "".join(lines).replace("\r\n", "\n").strip()

    async def say(self, line: str | bytes) -> str:
        """Say a line and hear the reply."""
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    def send(self, raw: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(raw)

    async def secure(self, tls: ssl.SSLContext) -> None:
        """STARTTLS."""
        assert (await self.say("STARTTLS"))[:3] == "220"
        await self.writer.start_tls(tls, server_hostname="localhost")

    async def log_in(self, tls: ssl.SSLContext, login: str = LOGIN, key: str = KEY) -> str:
        """From the greeting to the answer to AUTH PLAIN."""
        assert (await self.reply())[:3] == "220"
        await self.say("EHLO client")
        await self.secure(tls)
        await self.say("EHLO client")
        return await self.say(f"AUTH PLAIN {plain(login, key)}")

    async def envelope(self, *to: str) -> str:
        """From MAIL to the answer to DATA."""
        assert (await self.say("MAIL FROM:<scanner@office.example>"))[:3] == "250"
        for address in to or ("e01@songda.local",):
            assert (await self.say(f"RCPT TO:<{address}>"))[:3] == "250"
        return await self.say("DATA")

    def close(self) -> None:
        """Hang up."""
        self.writer.close()


def plain(login: str, key: str) -> str:
    """The word of AUTH PLAIN (RFC 4616)."""
    return base64.b64encode(f"\0{login}\0{key}".encode()).decode()


@dataclass
class World:
    """The open door, its desk, and a way in."""

    door: SmtpDoor
    desk: Desk
    tls: ssl.SSLContext
    clients: list[Client] = field(default_factory=list)

    async def connect(self) -> Client:
        """A connection; nothing is read yet."""
        client = await Client.connect(self.door.port, self.tls if self.door.implicit else None)
        self.clients.append(client)
        return client

    async def client(self) -> Client:
        """A client that has logged in."""
        client = await self.connect()
        assert (await client.log_in(self.tls))[:3] == "235"
        return client

    @property
    def contents(self) -> list[bytes]:
        """What was taken."""
        return [mail.content for mail in self.desk.taken]


@asynccontextmanager
async def opened(
    folder: Path, limits: SmtpLimits | None = None, *, implicit: bool = False
) -> AsyncIterator[World]:
    """A door on a port of its own."""
    cert, key = certificate(folder)
    desk = Desk()
    told = limits or SmtpLimits(drain_s=1, linger_s=0.05)
    door = SmtpDoor(desk, server_tls(cert, key), told, hostname="songda.local", implicit=implicit)
    await door.start("127.0.0.1", 0)
    world = World(door, desk, ssl.create_default_context(cafile=str(cert)))
    try:
        yield world
    finally:
        for client in world.clients:
            client.close()
        await door.stop()
