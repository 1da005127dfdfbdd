"""Mail to a relay: what each of its words means, what a lost line means, and that a connection is kept and mended."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from push.mail.relay import MailSender, stuffed
from push.mail.sender import Accepted, Deferred, InDoubt, Mail, Outcome, Refused, Relay
from push.sms.backoff import Backoff
from tests.doors.smtp_world import certificate, server_tls
from tests.push.mail_world import FarRelay, Server, Step, far_relay

QUICK = Backoff(first_s=0.01, max_s=0.02, alarm_s=0.01)


def mail(number: int = 1) -> Mail:
    """A mail to somebody."""
    return Mail(
        mark=number,
        sender="bounce-1-00@songda.test",
        to="zhang@office.example",
        content=b"Subject: x\r\n\r\nbody\r\n.dot\r\n",
    )


async def rested(sender: MailSender) -> None:
    """Wait until the relay may be asked again."""
    while pause_s := sender.rests_s:  # noqa: ASYNC110 - its own pause is the condition
        await asyncio.sleep(pause_s)


class Ways:
    """A relay and a sender to it."""

    def __init__(self, far: FarRelay, sender: MailSender) -> None:
        self.far = far
        self.sender = sender

    async def send(self, number: int = 1) -> Outcome:
        """One mail."""
        (told,) = await self.sender.send([mail(number)])
        return told


@pytest.fixture
async def ways() -> AsyncIterator[Ways]:
    """Without TLS."""
    far = FarRelay()
    async with far_relay(far) as relay:
        sender = MailSender(relay, backoff=QUICK, chance=lambda: 0.0)
        yield Ways(far, sender)
        await sender.stop()


async def test_a_mail_arrives_as_it_is(ways: Ways) -> None:
    """The content arrives byte for byte, under our envelope, asked to be reported on; the relay's word is the receipt."""
    assert await ways.send(7) == Accepted(receipt="2.0.0 queued as 1")
    (taken,) = ways.far.taken
    assert (taken.mail_from, taken.rcpt_tos) == ("bounce-1-00@songda.test", ["zhang@office.example"])
    assert ways.far.contents == [mail().content]
    assert {"RET=HDRS", "ENVID=7", "NOTIFY=SUCCESS,FAILURE,DELAY"} <= set(ways.far.options)


async def test_one_connection_for_many(ways: Ways) -> None:
    """Mails in a row go over one connection, also after one of them was refused."""
    ways.far.replies["RCPT"] = ["550 5.1.1 no such user"]
    told = await ways.sender.send([mail(number) for number in range(1, 6)])
    assert [type(one).__name__ for one in told] == ["Refused", *["Accepted"] * 4]
    assert ways.far.sessions == 1


@pytest.mark.parametrize(
    ("step", "reply", "outcome"),
    [
        ("MAIL", "550 5.7.1 sender not allowed", Refused(code="mail:550 5.7.1")),
        ("MAIL", "451 4.3.0 later", Deferred(code="mail:451 4.3.0")),
        ("RCPT", "550 5.1.1 no such user", Refused(code="rcpt:550 5.1.1", dead=True)),
        ("RCPT", "550 no such user", Refused(code="rcpt:550", dead=True)),
        ("RCPT", "550 5.7.1 blocked", Refused(code="rcpt:550 5.7.1")),
        ("RCPT", "450 4.7.1 greylisted", Deferred(code="rcpt:450 4.7.1")),
        ("RCPT", "552 5.2.2 mailbox full", Deferred(code="rcpt:552 5.2.2")),
        ("DATA", "452 4.3.1 full", Deferred(code="data:452 4.3.1")),
        ("DATA", "554 5.7.1 no", Refused(code="data:554 5.7.1")),
        ("CONTENT", "554 5.6.0 not liked", Refused(code="content:554 5.6.0")),
        ("CONTENT", "451 4.3.0 disk", Deferred(code="content:451 4.3.0")),
        ("CONTENT", "421 4.3.2 closing", Deferred(code="content:421 4.3.2", down=True)),
    ],
)
async def test_what_a_reply_means(ways: Ways, step: str, reply: str, outcome: Outcome) -> None:
    """5xx refuses (and tells whether the address is dead), 4xx puts off, 421 rests the relay; the next mail passes."""
    ways.far.replies[step] = [reply]
    assert await ways.send() == outcome
    await rested(ways.sender)
    assert isinstance(await ways.send(), Accepted)


async def _lost(server: Server, _step: str) -> str | None:
    server.hang_up()
    return "250 never heard"


async def _silent(_server: Server, _step: str) -> str | None:
    await asyncio.Event().wait()
    return None


@pytest.mark.parametrize(
    ("step", "in_doubt"), [("MAIL", False), ("RCPT", False), ("DATA", False), ("CONTENT", True)]
)
@pytest.mark.parametrize("fault", [_lost, _silent])
async def test_a_line_that_breaks(step: str, fault: Step, in_doubt: bool) -> None:  # noqa: FBT001 - the case
    """Before the content a lost or silent line puts off; after it the relay may have the mail, and we say so."""
    far = FarRelay(replies={step: [fault]})
    async with far_relay(far) as relay:
        sender = MailSender(replace(relay, command_s=0.3, content_s=0.3), backoff=QUICK)
        (told,) = await sender.send([mail()])
        assert isinstance(told, InDoubt if in_doubt else Deferred), told
        await rested(sender)
        assert isinstance((await sender.send([mail()]))[0], Accepted)
        assert len(far.taken) == 1 + in_doubt
        await sender.stop()


async def test_a_kept_connection_that_died_is_mended(ways: Ways) -> None:
    """A connection the relay dropped meanwhile costs no mail: a new one is made at once."""
    assert isinstance(await ways.send(), Accepted)
    ways.far.replies["MAIL"] = [_lost]
    assert isinstance(await ways.send(), Accepted)
    assert (ways.far.sessions, len(ways.far.taken)) == (2, 2)


async def test_nobody_there(unused_tcp_port: int) -> None:
    """Nobody listening puts off and rests longer each time; while it rests nothing is tried."""
    far = FarRelay()
    async with far_relay(far, port=unused_tcp_port) as relay:
        pass
    sender = MailSender(relay, backoff=Backoff(first_s=40, max_s=60), chance=lambda: 0.0)
    (told,) = await sender.send([mail()])
    assert isinstance(told, Deferred)
    assert told.down
    assert 0 < sender.rests_s <= 20
    async with far_relay(far, port=unused_tcp_port):
        assert await sender.send([mail()]) == [told]
    assert far.sessions == 0


async def test_tls_and_a_password(tmp_path: Path) -> None:
    """Over STARTTLS with the office's own authority the password is given and mails pass."""
    cert, key = certificate(tmp_path)
    far = FarRelay()
    async with far_relay(far, server_tls(cert, key), user="songda", password="secret") as relay:
        sender = MailSender(replace(relay, ca_file=str(cert)), backoff=QUICK)
        assert isinstance((await sender.send([mail()]))[0], Accepted)
        await sender.stop()
        for changed, code in (
            (replace(relay, ca_file=str(cert), password="wrong"), "auth:535 5.7.8"),
            (relay, "tls:certificate"),
        ):
            strict = MailSender(changed, backoff=QUICK)
            assert await strict.send([mail()]) == [Deferred(code=code, alarm=True, down=True)]
            await strict.stop()
    assert len(far.taken) == 1


async def test_no_password_without_tls() -> None:
    """A relay that no longer offers STARTTLS is told nothing, and somebody is alarmed."""
    far = FarRelay()
    async with far_relay(far) as relay:
        sender = MailSender(
            replace(relay, security="starttls", user="songda", password="secret"), backoff=QUICK
        )
        (told,) = await sender.send([mail()])
    assert told == Deferred(code="tls:not_offered", alarm=True, down=True)


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"\r\n.\r\n"])).map(b"".join)
)
def test_no_content_ends_early(content: bytes) -> None:
    """Whatever a content holds, it has one end on the wire, and no CR or LF stands alone."""
    wire = stuffed(content)
    assert (b"\r\n" + wire).find(b"\r\n.\r\n") == len(wire) - 3
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", wire) is None


def test_the_purpose_of_ssl() -> None:
    """TLS towards the relay checks names and certificates."""
    context = MailSender(relay_with_tls())._made().tls_context
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def relay_with_tls() -> Relay:
    """A relay with TLS."""
    return Relay(host="relay.example", port=465, security="tls")
