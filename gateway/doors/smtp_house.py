"""The mail door of a house, as its settings say."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from config.settings import Settings
from gateway.doors.smtp import SmtpDoor
from gateway.doors.smtp_files import MailFiles
from gateway.doors.smtp_ports import SmtpLimits
from gateway.doors.uploads import AttachmentFolder
from gateway.flows.access import Access
from gateway.flows.mail_in import MailTaker
from gateway.house import House

log = structlog.get_logger("smtp")


def limits_of(settings: Settings) -> SmtpLimits:
    """The settings of the door as its limits."""
    told = settings.smtp
    return SmtpLimits(
        size_max_bytes=told.size_max_bytes,
        recipients_max=told.recipients_max,
        connections_max=told.connections_max,
        per_address_max=told.per_address_max,
        memory_max_bytes=told.memory_max_bytes,
        drain_s=settings.server.drain_s,
    )


def smtp_door(house: House, access: Access, files: AttachmentFolder) -> SmtpDoor:
    """The door, not yet open. Raises OSError and ssl.SSLError for a certificate that cannot be read."""
    told = house.settings.smtp
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(told.tls_cert, told.tls_key or None)
    return SmtpDoor(
        MailTaker(house, access, MailFiles(files)),
        tls,
        limits_of(house.settings),
        hostname=(told.domains or ("localhost",))[0],
        implicit=told.tls == "implicit",
    )


@asynccontextmanager
async def mail_door(house: House, access: Access, files: AttachmentFolder) -> AsyncIterator[SmtpDoor | None]:
    """The door, open until the context is left; None where the settings name no port."""
    told = house.settings.smtp
    if not told.port:
        yield None
        return
    door = smtp_door(house, access, files)
    await door.start(told.host, told.port)
    log.info("smtp.serving", host=told.host, port=door.port)
    try:
        yield door
    finally:
        await door.stop()
