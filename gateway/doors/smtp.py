"""The mail door: scanners and older systems hand documents in by SMTP, under an API key and TLS (F40)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter

from gateway.doors.smtp_ports import Incoming, MailDesk, SmtpLimits
from gateway.doors.smtp_session import SmtpSession


class SmtpDoor:
    """The listening door. ``tls`` is needed: no credential travels in clear. ``implicit``: TLS from the first byte (465)."""

    def __init__(
        self,
        desk: MailDesk,
        tls: ssl.SSLContext,
        limits: SmtpLimits,
        *,
        hostname: str,
        implicit: bool = False,
    ) -> None:
        self.desk = desk
        self.tls = tls
        self.limits = limits
        self.hostname = hostname
        self.implicit = implicit
        self.sessions: set[SmtpSession] = set()
        self.receiving_bytes = 0
        self.closing = False
        self.outcomes: Counter[str] = Counter()
        """Mails since the start: taken, refused, put_off."""
        self._by_address: Counter[str] = Counter()
        self._storing: set[asyncio.Task[str]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the door is not open")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        tls = self.tls if self.implicit else None
        self._server = await loop.create_server(lambda: SmtpSession(self, loop), host, port, ssl=tls)

    async def stop(self) -> None:
        """Take nothing new; what is being stored is stored and answered, within the drain."""
        self.closing = True
        if self._server is not None:
            self._server.close()
        for session in tuple(self.sessions):
            session.farewell()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.drain_s):
                while self.sessions:
                    await asyncio.wait([session.gone for session in self.sessions])
        for session in tuple(self.sessions):
            session.abort()
        if self._storing:
            await asyncio.gather(*self._storing, return_exceptions=True)

    def admit(self, address: str) -> bool:
        """Whether one more connection from there is taken; each that is comes back with ``leave``."""
        full = len(self.sessions) >= self.limits.connections_max
        if self.closing or full or self._by_address[address] >= self.limits.per_address_max:
            return False
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection is gone."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    async def store(self, mail: Incoming) -> str:
        """Keep a mail; once begun it goes on, also when the client has gone meanwhile."""
        task = asyncio.create_task(self.desk.take(mail))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        return await asyncio.shield(task)
