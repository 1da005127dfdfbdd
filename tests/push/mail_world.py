"""The far end of our mail: a relay that does what a script says, over aiosmtpd, with or without TLS and a password."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from push.mail.sender import Relay, Security

Step = Callable[["Server", str], Awaitable[str | None]]


class Server(SMTP):
    """One connection of the relay."""

    def ours(self) -> asyncio.StreamWriter:
        """The way back."""
        return self._writer

    def hang_up(self) -> None:
        """Break the line without a word."""
        self.ours().transport.abort()


@dataclass
class FarRelay:
    """What the relay took, and what it says: ``replies`` by step (MAIL, RCPT, DATA, CONTENT), one after the other."""

    replies: dict[str, list[str | Step]] = field(default_factory=dict)
    taken: list[Envelope] = field(default_factory=list)
    sessions: int = 0
    options: list[str] = field(default_factory=list)

    async def _said(self, step: str, server: Server) -> str | None:
        left = self.replies.get(step)
        if not left:
            return None
        told = left.pop(0)
        return told if isinstance(told, str) else await told(server, step)

    async def handle_EHLO(  # noqa: N802 - as aiosmtpd calls it
        self, _server: Server, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """With DSN."""
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: Server, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """The sender."""
        self.options += options
        told = await self._said("MAIL", server)
        if told is None:
            envelope.mail_from = address
        return told or "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Server, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """The recipient."""
        told = await self._said("RCPT", server)
        if told is None:
            envelope.rcpt_tos.append(address)
        return told or "250 2.1.5 OK"

    async def handle_DATA(self, server: Server, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The content."""
        self.taken.append(envelope)
        told = await self._said("CONTENT", server)
        return told or f"250 2.0.0 queued as {len(self.taken)}"

    @property
    def contents(self) -> list[bytes]:
        """The mails."""
        return [
            bytes(envelope.content or b"") for envelope in self.taken if not isinstance(envelope.content, str)
        ]


class _Speaking(Server):
    """aiosmtpd knows no DSN: its parameters are taken off before it looks."""

    far: FarRelay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._original_transport is None:
            self.far.sessions += 1
        super().connection_made(transport)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        words = (arg or "").split()
        self.far.options += words[1:]
        await super().smtp_MAIL(" ".join(word for word in words if not word.startswith(("RET=", "ENVID="))))

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        words = (arg or "").split()
        self.far.options += words[1:]
        await super().smtp_RCPT(" ".join(word for word in words if not word.startswith("NOTIFY=")))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        told = await self.far._said("DATA", self)
        if told:
            await self.push(told)
            return
        await super().smtp_DATA(arg)


def _checked(user: str, password: str) -> Callable[..., AuthResult]:
    def check(_server: object, _session: object, _envelope: object, _mechanism: str, told: Any) -> AuthResult:  # noqa: ANN401
        right = (told.login, told.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=right)

    return check


@asynccontextmanager
async def far_relay(
    far: FarRelay, tls: ssl.SSLContext | None = None, *, user: str = "", password: str = "", port: int = 0
) -> AsyncIterator[Relay]:
    """The relay, listening; how to reach it."""
    loop = asyncio.get_running_loop()

    def session() -> Server:
        told = _Speaking(
            far,
            hostname="relay.example",
            tls_context=tls,
            timeout=20,
            auth_required=bool(user),
            authenticator=_checked(user, password) if user else None,
            loop=loop,
        )
        told.far = far
        return told

    server = await loop.create_server(session, "127.0.0.1", port)
    number = server.sockets[0].getsockname()[1]
    security: Security = "starttls" if tls else "none"
    try:
        yield Relay(
            host="localhost" if tls else "127.0.0.1",
            port=number,
            security=security,
            user=user,
            password=password,
            hello="songda.test",
            connect_s=5,
            command_s=5,
            content_s=5,
        )
    finally:
        server.close()
        await server.wait_closed()
