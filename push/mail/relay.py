"""The office's mail relay over SMTP: one connection that is kept, one mail at a time, an outcome for each.

``aiosmtplib`` speaks the protocol; the content is handed over here, in two steps, so that what was never sent and what was
sent without an answer are told apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPTimeoutError,
)
from aiosmtplib.response import SMTPResponse

from push.mail.replies import SHUTTING_DOWN, refusal, shown, status_of
from push.mail.sender import Accepted, Deferred, InDoubt, Mail, Outcome, Relay
from push.sms.backoff import Backoff

QUIT_S: Final = 2.0
_LINES: Final = re.compile(rb"\r\n|\r|\n")

log = structlog.get_logger("mail")


class Unreachable(Exception):
    """No connection stands; ``outcome`` says why."""

    def __init__(self, outcome: Deferred) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome


class MailSender:
    """One relay. ``send`` never raises for what a relay does, and always ends."""

    def __init__(
        self,
        relay: Relay,
        *,
        backoff: Backoff | None = None,
        chance: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._relay = relay
        self._backoff = backoff or Backoff(first_s=1, max_s=120)
        self._chance = chance
        self._monotonic = monotonic
        self._client: SMTP | None = None
        self._turn = asyncio.Lock()
        self._failures = 0
        self._not_before = 0.0
        self._last = Deferred(code="connect", down=True)
        self._used_at = 0.0

    @property
    def rests_s(self) -> float:
        """Seconds until the relay is asked again; 0 while it is well."""
        return max(0.0, self._not_before - self._monotonic())

    async def start(self) -> None:
        """Make ready; connects when there is a mail."""

    async def stop(self) -> None:
        """Wait for the mail under way, say goodbye."""
        async with self._turn:
            client, self._client = self._client, None
            if client is not None and client.is_connected:
                with contextlib.suppress(SMTPException, OSError):
                    await client.quit(timeout=QUIT_S)
                client.close()

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Send, and tell an outcome for each, in their order."""
        return [await self._send_one(mail) for mail in mails]

    async def _send_one(self, mail: Mail) -> Outcome:
        async with self._turn:
            kept = self._usable()
            outcome = await self._tried(mail)
            # A kept connection may have died unseen: that is no fault of the relay, and nothing of the mail went out.
            if kept and isinstance(outcome, Deferred) and outcome.code.startswith("lost:"):
                outcome = await self._tried(mail)
            return outcome

    async def _tried(self, mail: Mail) -> Outcome:
        try:
            client = await self._connected()
        except Unreachable as why:
            return why.outcome
        outcome = await self._talked(client, mail)
        self._used_at = self._monotonic()
        if isinstance(outcome, InDoubt) or (isinstance(outcome, Deferred) and outcome.down):
            await self._close()
        if isinstance(outcome, Deferred) and outcome.down and not outcome.code.startswith("lost:"):
            self._rest(outcome)
        return outcome

    # -- the connection

    def _usable(self) -> bool:
        client = self._client
        fresh = self._monotonic() - self._used_at < self._relay.idle_s
        return client is not None and client.is_connected and fresh

    async def _connected(self) -> SMTP:
        if self._usable() and self._client is not None:
            return self._client
        await self._close()
        if self.rests_s:
            raise Unreachable(self._last)
        client = self._made()
        try:
            async with asyncio.timeout(self._relay.connect_s * 2):
                await client.connect()
                await _greeted(client)
        except (SMTPException, OSError, ssl.SSLError, ValueError) as fault:
            client.close()
            self._rest(_connect_fault(fault))
            raise Unreachable(self._last) from fault
        self._failures, self._not_before = 0, 0.0
        self._client, self._used_at = client, self._monotonic()
        return client

    def _made(self) -> SMTP:
        relay = self._relay
        secured = relay.security != "none"
        return SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user or None,
            password=relay.password or None,
            local_hostname=relay.hello,
            timeout=relay.connect_s,
            use_tls=relay.security == "tls",
            # True and not None: a relay that no longer offers STARTTLS must not get the password in clear.
            start_tls=relay.security == "starttls",
            tls_context=ssl.create_default_context(cafile=relay.ca_file or None) if secured else None,
        )

    def _rest(self, why: Deferred) -> None:
        """Ask the relay again after a pause that grows while it fails."""
        pause_s = self._backoff.pause_s(self._failures, self._chance(), alarm=why.alarm)
        self._failures += 1
        self._not_before = self._monotonic() + pause_s
        self._last = why
        log.warning("mail.relay_down", why=why.code, alarm=why.alarm, again_s=round(pause_s, 1))

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    # -- one mail

    async def _talked(self, client: SMTP, mail: Mail) -> Outcome:
        step, wait_s = "mail", self._relay.command_s
        status = ["RET=HDRS", f"ENVID={mail.mark}"] if client.supports_extension("dsn") else []
        notify = ["NOTIFY=SUCCESS,FAILURE,DELAY"] if status else []
        try:
            await client.mail(mail.sender, options=status, timeout=wait_s)
            step = "rcpt"
            await client.rcpt(mail.to, options=notify, timeout=wait_s)
            step = "data"
            answer = await client.execute_command(b"DATA", timeout=wait_s)
        except SMTPResponseException as fault:
            return await self._refused(client, fault.code, fault.message, step)
        except UnicodeEncodeError:
            return refusal(553, "5.1.3", step="rcpt")
        except (SMTPException, OSError) as fault:
            return Deferred(code=f"lost:{step} {type(fault).__name__}", down=True)
        if answer.code != 354:
            return await self._refused(client, answer.code, answer.message, step)
        return await self._handed_over(client, mail)

    async def _handed_over(self, client: SMTP, mail: Mail) -> Outcome:
        """The content; from its first byte on a lost connection leaves us in doubt."""
        protocol = client.protocol
        if protocol is None:
            return Deferred(code="lost:content", down=True)
        try:
            protocol.write(stuffed(mail.content))
            answer: SMTPResponse = await protocol.read_response(timeout=self._relay.content_s)
        except SMTPResponseException as fault:
            return InDoubt(why=f"content:{fault.code} {shown(fault.message)}")
        except SMTPTimeoutError:
            return InDoubt(why="content:timeout")
        except (SMTPException, OSError) as fault:
            return InDoubt(why=f"content:{type(fault).__name__}")
        if 200 <= answer.code < 300:
            return Accepted(receipt=shown(answer.message))
        return await self._refused(client, answer.code, answer.message, "content")

    async def _refused(self, client: SMTP, code: int, text: str, step: str) -> Outcome:
        """The relay said no: the next mail begins anew on the same connection."""
        outcome = refusal(code, text, step=step)
        if code != SHUTTING_DOWN:
            try:
                await client.rset(timeout=self._relay.command_s)
            except (SMTPException, OSError):
                await self._close()
        log.info("mail.not_taken", step=step, code=code, words=shown(text))
        return outcome


def stuffed(content: bytes) -> bytes:
    """The content as it goes over the wire: lines end with CRLF, a leading dot is doubled (RFC 5321 §4.5.2), then the end.

    A bare CR or LF never leaves us: it is where smuggling begins.
    """
    lines = _LINES.split(content)
    if lines[-1] == b"":
        lines.pop()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


async def _greeted(client: SMTP) -> None:
    """EHLO, which the library leaves to the first mail; a relay from before 1995 gets HELO."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()


def _connect_fault(fault: Exception) -> Deferred:
    """Why no connection stands; ``alarm`` where only somebody can mend it."""
    match fault:
        case SMTPAuthenticationError():
            return Deferred(
                code=f"auth:{fault.code} {status_of(fault.message)}".strip(), alarm=True, down=True
            )
        case SMTPException() if type(fault) is SMTPException and "STARTTLS" in str(fault):
            return Deferred(code="tls:not_offered", alarm=True, down=True)
        case SMTPResponseException():
            return Deferred(code=f"connect:{fault.code}", alarm=500 <= fault.code < 600, down=True)
        case SMTPTimeoutError() | TimeoutError():
            return Deferred(code="connect:timeout", down=True)
        case _ if _certificate(fault):
            return Deferred(code="tls:certificate", alarm=True, down=True)
        case _:
            return Deferred(code=f"connect:{type(fault).__name__}", down=True)


def _certificate(fault: BaseException | None) -> bool:
    """Whether a certificate that does not hold stands behind the fault."""
    while fault is not None:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return True
        fault = fault.__cause__ or fault.__context__
    return False
