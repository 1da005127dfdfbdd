"""A running server over the small city with its mail door open, and scanners with keys of their own."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from pathlib import Path
from typing import Any

import aiohttp
from aiosmtplib import SMTP

from config.mail_settings import Mail, Smtp
from config.settings import Server, Settings
from config.settings import Store as StoreSettings
from gateway.assembly import attachment_folder, running
from gateway.doors.smtp import SmtpDoor
from gateway.doors.smtp_house import smtp_door
from gateway.flows.account_desk import KeyWish, Operator
from gateway.flows.organisation import store_rows
from push.mail.sender import Relay
from tests.api.city import ROWS
from tests.api.conftest import City, Clock
from tests.doors.smtp_world import certificate

DOMAIN = "songda.test"
PDF = b"%PDF-1.4\n%scan\n"


class MailCity(City):
    """The city with its mail door."""

    door: SmtpDoor
    tls: ssl.SSLContext

    async def key(
        self, unit: str = "S01", login: str = "s01a", actions: Sequence[str] = ("dispatch.submit",)
    ) -> str:
        """A new key for a unit's scanner."""
        wish = KeyWish(unit=unit, name="扫描仪", login=login, actions=frozenset(actions))
        return (await self.server.parts.access.create_api_key(Operator(name="test"), wish))[1]

    @asynccontextmanager
    async def scanner(self, key: str) -> AsyncIterator[SMTP]:
        """A client that has logged in with the key."""
        client = SMTP(hostname="127.0.0.1", port=self.door.port, start_tls=False, timeout=20)
        client.local_hostname = "scanner.example"
        await client.connect()
        await client.starttls(tls_context=self.tls, server_hostname="localhost")
        await client.login(key.split("_")[1], key)
        try:
            yield client
        finally:
            client.close()

    async def mail(self, key: str, mail: EmailMessage | bytes, *to: str, sender: str = "a@b.example") -> str:
        """Hand one mail in; the word of the reply."""
        content = mail if isinstance(mail, bytes) else mail.as_bytes(policy=WIRE)
        async with self.scanner(key) as client:
            people = [f"{one}@{DOMAIN}" if "@" not in one else one for one in to or ("E01",)]
            options = ["SMTPUTF8"] if not "".join(people).isascii() else []
            encoding = "utf-8" if options else "ascii"
            await client.mail(sender, options=options, encoding=encoding)
            for one in people:
                await client.rcpt(one, encoding=encoding)
            return (await client.data(content)).message

    def files(self) -> list[Path]:
        """The attachments on the disk, half received ones included."""
        return [path for path in (self.folder / "attachments").rglob("*") if path.is_file()]


def mail(
    subject: str = "关于报送防汛值班表的函",
    body: str = "请于本周五前报送。",
    files: Mapping[str, bytes] | None = None,
    **more: bytes,
) -> EmailMessage:
    """A mail as a modern program writes it; files by name, or with ``_`` for the dot."""
    told = EmailMessage()
    told["From"] = "scanner@office.example"
    told["Subject"] = subject
    told["Date"] = "Mon, 01 Jun 2026 09:00:00 +0800"
    told["Message-ID"] = "<one@office.example>"
    told.set_content(body)
    for name, content in {
        **(files or {}),
        **{name.replace("_", "."): one for name, one in more.items()},
    }.items():
        told.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return told


@asynccontextmanager
async def mail_city(
    folder: Path,
    relay: Relay | None = None,
    **smtp: Any,  # noqa: ANN401
) -> AsyncIterator[MailCity]:
    """A server over the small city, with a relay where one is told; only tests move its clock and fan out."""
    told = {"host": relay.host, "port": relay.port, "security": relay.security} if relay else {}
    clock, data = Clock(), folder / "data"
    cert, key = certificate(folder)
    settings = Settings(
        server=Server(port=0, drain_s=0.2),
        store=StoreSettings(path=str(data), readers=1),
        smtp=Smtp(tls_cert=str(cert), tls_key=str(key), domains=(DOMAIN,), **smtp),
        mail=Mail(sender=f"songda@{DOMAIN}", **told),  # type: ignore[arg-type]  # the keys of a relay
    )
    async with running(settings, clock) as server:
        house = server.parts.house
        await store_rows(house, ROWS)
        house.wake.clear()
        async with aiohttp.ClientSession() as session:
            units = {unit.code: unit.id for unit in (await house.organisation()).units.values()}
            city = MailCity(server, session, clock, data, units=units)
            city.door = smtp_door(house, server.parts.access, attachment_folder(server.parts))
            city.tls = ssl.create_default_context(cafile=str(cert))
            # A port of its own: in the settings 0 means that there is no door.
            await city.door.start("127.0.0.1", 0)
            try:
                yield city
            finally:
                await city.door.stop()
