"""What the mail door takes at once, what it hands over, and to whom."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from gateway.rules.access import Principal
from gateway.rules.mail_recipients import To

MIB: Final = 1024 * 1024


class SmtpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much the door takes. Seconds and bytes; every wait is bounded (I10)."""

    size_max_bytes: int = 35 * MIB
    recipients_max: int = 100
    overruns_max: int = 20
    """Recipients refused for number, after which the session is cut (faults.md 25)."""
    connections_max: int = 100
    per_address_max: int = 10
    mails_per_session_max: int = 1_000
    command_s: float = 60.0
    content_s: float = 300.0
    """For the whole content, however slowly it drips."""
    session_s: float = 3_600.0
    storing_s: float = 120.0
    memory_max_bytes: int = 256 * MIB
    """Contents of all sessions that are being received; what comes above is put off (452)."""
    linger_s: float = 2.0
    """After a refusal that ends the session, for the client to read it before the line is cut."""
    drain_s: float = 8.0


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One mail as it was handed over: under whose key, from which address of the net, for whom."""

    principal: Principal
    mail_from: str
    recipients: tuple[To, ...]
    content: bytes
    origin: str


class MailDesk(Protocol):
    """Who takes the mail behind the door. All raise Refused; ``take`` also StoreFull and StoreBroken."""

    async def recognise(self, login: str, key: str, origin: str) -> Principal:
        """Whose key it is."""
        ...

    async def recipient(self, principal: Principal, address: str) -> To:
        """What an address means for that sender."""
        ...

    async def take(self, mail: Incoming) -> str:
        """Keep the mail; durable when it returns. Returns the word that stands behind 250."""
        ...
