"""One connection to the mail door: ``aiosmtpd`` speaks the protocol, and what it leaves open is closed here.

A bare CR or LF ends the session; recipients, memory and time have limits; credentials are asked of the house, and 250 means
that the mail is on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from gateway.doors.smtp_ports import Incoming
from gateway.doors.smtp_replies import fit, reply_of
from gateway.doors.smtp_stream import Content, Lines
from gateway.rules.access import Principal
from gateway.rules.mail_recipients import To
from inbox_store.errors import Refused, StoreBroken, StoreFull

if TYPE_CHECKING:  # the door makes its sessions
    from gateway.doors.smtp import SmtpDoor

log = structlog.get_logger("smtp")
# Every command of every session at "info", addresses and all: our own lines say what matters.
logging.getLogger("mail.log").setLevel(logging.ERROR)

BLOCK_BYTES: Final = 1 << 20


class SmtpSession(SMTP):
    """One connection."""

    line_length_limit = 64 * 1024

    def __init__(self, door: SmtpDoor, loop: asyncio.AbstractEventLoop) -> None:
        limits = door.limits
        per_session = limits.mails_per_session_max
        super().__init__(
            _Hooks(door),
            data_size_limit=limits.size_max_bytes,
            enable_SMTPUTF8=True,
            hostname=door.hostname,
            ident="Songda",
            tls_context=None if door.implicit else door.tls,
            require_starttls=not door.implicit,
            timeout=limits.command_s,
            auth_required=True,
            authenticator=_said,
            command_call_limit={
                "*": 20,
                "MAIL": per_session,
                "DATA": per_session,
                "RSET": 2 * per_session,
                "NOOP": per_session,
                "RCPT": per_session * (limits.recipients_max + limits.overruns_max),
                "AUTH": 3,
            },
            loop=loop,
        )
        if door.implicit:
            self._auth_require_tls = (
                False  # the line has TLS from its first byte, which aiosmtpd does not see
            )
        self.door = door
        self.gone: asyncio.Future[None] = loop.create_future()
        self.principal: Principal | None = None
        self.to: list[To] = []
        self.overruns = 0
        self._address = ""
        self._admitted = False
        self._busy = False
        self._lines = Lines()
        self._ends: asyncio.TimerHandle | None = None

    # -- the line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A new line, or the same one under TLS from now on (then everything said before is forgotten, RFC 3207 §4.2)."""
        self._lines = Lines()
        if self._original_transport is None:
            peer = transport.get_extra_info("peername")
            self._address = str(peer[0]) if peer else ""
            if not self.door.admit(self._address):
                out = cast("asyncio.Transport", transport)
                out.write(b"421 4.7.0 too many connections, try again later\r\n")
                out.close()
                return
            self._admitted = True
            self.door.sessions.add(self)
            self._ends = self.loop.call_later(self.door.limits.session_s, self.abort)
        self._renew()
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The line is gone."""
        if not self._admitted:
            return
        self._admitted = False
        self.door.sessions.discard(self)
        self.door.leave(self._address)
        if self._ends is not None:
            self._ends.cancel()
        if not self.gone.done():
            self.gone.set_result(None)
        super().connection_lost(error)

    def eof_received(self) -> bool | None:
        """The client says no more: what is not whole is nothing."""
        return super().eof_received() if self._admitted else False

    def data_received(self, data: bytes) -> None:
        """What comes is looked at before anything reads it: a bare CR or LF ends the session."""
        reader = self._reader_of()
        if not self._admitted or reader is None or reader.exception() is not None:
            return
        if self._lines.sound(data):
            super().data_received(data)
        else:
            reader.set_exception(_BareLine())

    def _reader_of(self) -> asyncio.StreamReader | None:
        return cast("asyncio.StreamReader | None", getattr(self, "_reader", None))

    def _renew(self) -> None:
        self.principal = None
        self.to = []
        self.overruns = 0

    def _set_rset_state(self) -> None:
        super()._set_rset_state()  # type: ignore[no-untyped-call]  # aiosmtpd's own
        self.to = []

    def _set_post_data_state(self) -> None:
        super()._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd's own
        self.to = []

    async def _handle_client(self) -> None:
        with contextlib.suppress(_BareLine, ConnectionError):
            await super()._handle_client()

    async def handle_exception(self, error: Exception) -> str:
        """What went wrong outside of a hook. aiosmtpd would tell the client the exception's own words."""
        if isinstance(error, _BareLine):
            log.warning("smtp.bare_line", origin=self._address)
            self.door.outcomes["refused"] += 1
            self.hang_up(self.door.limits.linger_s)
            return "554 5.5.2 lines must end with CRLF: bare CR or LF refused, session closed"
        log.error("smtp.failed", origin=self._address, exc_info=error)
        return "451 4.3.0 something went wrong here, try again later"

    def farewell(self) -> None:
        """The door closes: a session that stores nothing ends now, another after its answer."""
        if not self._busy:
            self._say("421 4.3.2 closing down, try again later")
            self.hang_up(0)

    def hang_up(self, after_s: float) -> None:
        """Cut the line in a moment."""
        self.loop.call_later(after_s, self._cut)

    def _cut(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Cut the line at once."""
        transport = self._original_transport or self.transport
        if transport is not None:
            cast("asyncio.Transport", transport).abort()

    def _say(self, line: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            cast("asyncio.Transport", self.transport).write(line.encode() + b"\r\n")

    # -- who

    async def auth_PLAIN(self, server: Any, args: list[str]) -> AuthResult:  # noqa: ANN401, N802 - as aiosmtpd calls it
        """AUTH PLAIN (RFC 4616)."""
        return await self._recognised(await super().auth_PLAIN(server, args))

    async def auth_LOGIN(self, server: Any, args: list[str]) -> AuthResult:  # noqa: ANN401, N802 - as aiosmtpd calls it
        """AUTH LOGIN, which every scanner speaks."""
        return await self._recognised(await super().auth_LOGIN(server, args))

    async def _recognised(self, told: AuthResult) -> AuthResult:
        """Whether the key is one of ours; aiosmtpd only read it."""
        if not told.success or not isinstance(told.auth_data, LoginPassword):
            return told
        login, key = (part.decode("utf-8", "replace") for part in told.auth_data)
        try:
            async with asyncio.timeout(self.door.limits.command_s):
                self.principal = await self.door.desk.recognise(login, key, self._address)
        except Refused as why:
            log.info("smtp.login_refused", origin=self._address, code=why.code)
            return AuthResult(success=False, handled=False)
        except TimeoutError:
            return AuthResult(success=False, handled=False, message="454 4.7.0 try again later")
        return AuthResult(success=True)

    # -- the content

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - as aiosmtpd calls it
        """Read the content up to its one true end, have it stored, and only then say 250."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if arg or not self.to:
            await self.push("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 need RCPT command")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self._reset_timeout(self.door.limits.content_s)
        content = Content(self.door.limits.size_max_bytes)
        try:
            put_off = await self._received(content)
            reply = await self._answered(content, put_off=put_off)
        finally:
            self.door.receiving_bytes -= content.held
        self._set_post_data_state()
        await self.push(reply)
        if self.door.closing:
            self.farewell()

    async def _received(self, content: Content) -> bool:
        """Read to the end; returns whether there was no room for it. What is cut raises, and nothing is kept of it."""
        reader = self._reader_of()
        assert reader is not None  # noqa: S101 - there is one as long as there is a line
        door, put_off, ended = self.door, False, False
        door.receiving_bytes += content.held
        while not ended:
            block = await reader.read(BLOCK_BYTES)
            if not block:
                raise ConnectionResetError
            before = content.held
            ended = content.feed(block)
            door.receiving_bytes += content.held - before
            if door.receiving_bytes > door.limits.memory_max_bytes and not content.too_large:
                put_off, before = True, content.held
                content.give_up()
                door.receiving_bytes += content.held - before
        if content.rest:
            # The buffer was emptied by the read: what came behind the end is the next command.
            reader.feed_data(content.rest)
        return put_off

    async def _answered(self, content: Content, *, put_off: bool) -> str:
        if put_off:
            self.door.outcomes["put_off"] += 1
            return "452 4.3.1 no room just now, try again later"
        if content.too_large:
            self.door.outcomes["refused"] += 1
            return f"552 5.3.4 larger than {self.door.limits.size_max_bytes} bytes"
        assert self.principal is not None and self.envelope is not None  # noqa: S101, PT018 - AUTH and MAIL came before
        mail = Incoming(
            principal=self.principal,
            mail_from=str(self.envelope.mail_from),
            recipients=tuple(self.to),
            content=content.whole(),
            origin=self._address,
        )
        self._busy = True
        self._reset_timeout(self.door.limits.storing_s)
        try:
            return await self._stored(mail, utf8=bool(self.envelope.smtp_utf8))
        finally:
            self._busy = False

    async def _stored(self, mail: Incoming, *, utf8: bool) -> str:
        outcomes = self.door.outcomes
        try:
            word = await self.door.store(mail)
        except Refused as why:
            reply = reply_of(why, utf8=utf8)
            outcomes["refused" if reply.startswith("5") else "put_off"] += 1
            log.info("smtp.refused", origin=mail.origin, code=why.code, reason=why.params.get("reason"))
            return reply
        except (StoreFull, StoreBroken, OSError) as why:
            outcomes["put_off"] += 1
            log.warning("smtp.not_stored", origin=mail.origin, why=str(why))
            broken = isinstance(why, StoreBroken)
            return "451 4.3.0 storage failed" if broken else "452 4.3.1 storage is full, try again later"
        except Exception:
            outcomes["put_off"] += 1
            log.exception("smtp.not_stored", origin=mail.origin)
            return "451 4.3.0 something went wrong here, try again later"
        outcomes["taken"] += 1
        return fit(f"250 2.0.0 {word}")


class _BareLine(Exception):
    """A CR or LF that stands alone."""


class _Hooks:
    """What aiosmtpd asks at EHLO, MAIL and RCPT."""

    def __init__(self, door: SmtpDoor) -> None:
        self._door = door

    async def handle_EHLO(  # noqa: N802 - as aiosmtpd calls it
        self, _server: SmtpSession, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """What the door can, beside what aiosmtpd says of itself."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, server: SmtpSession, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """One recipient more, while there is room and the address means something."""
        if len(server.to) >= self._door.limits.recipients_max:
            return self._overrun(server)
        assert server.principal is not None  # noqa: S101 - RCPT comes behind AUTH
        try:
            to = await self._door.desk.recipient(server.principal, address)
        except Refused as why:
            return reply_of(why, utf8=bool(envelope.smtp_utf8))
        if to not in server.to:
            server.to.append(to)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    def _overrun(self, server: SmtpSession) -> str:
        server.overruns += 1
        if server.overruns > self._door.limits.overruns_max:
            log.warning("smtp.overrun", origin=server._address)  # noqa: SLF001 - of this module
            server.hang_up(0)
            return "421 4.7.0 too many recipients, session closed"
        return f"452 4.5.3 at most {self._door.limits.recipients_max} recipients a mail"


def _said(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, auth_data: object
) -> AuthResult:
    """Take down what was said: whether it is true is asked of the house."""
    return AuthResult(success=True, auth_data=auth_data)
