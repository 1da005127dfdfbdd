"""The mail door over bare sockets: TLS before any key, one message or none, limits that hold (faults.md 25)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inbox_store.errors import Refused, StoreFull
from tests.doors.smtp_world import KEY, LOGIN, WAIT_S, World, opened, plain

MAIL = b"Subject: one\r\n\r\nbody\r\n"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A door with its ordinary limits."""
    async with opened(tmp_path) as told:
        yield told


async def test_a_mail_is_taken_as_it_was_sent(world: World) -> None:
    """What the desk gets is byte for byte what was sent, dots undoubled, and 250 names what became of it."""
    client = await world.client()
    assert (await client.envelope())[:3] == "354"
    assert await client.say(b"Subject: x\r\n\r\n..one\r\n...two\r\n\xe4\xb8\xad\r\n.") == "250 2.0.0 draft 1"
    (mail,) = world.desk.taken
    assert mail.content == b"Subject: x\r\n\r\n.one\r\n..two\r\n\xe4\xb8\xad\r\n"
    assert (mail.mail_from, [to.address for to in mail.recipients]) == (
        "scanner@office.example",
        ["e01@songda.local"],
    )
    assert (mail.origin, mail.principal.name) == ("127.0.0.1", "扫描仪")


async def test_no_key_travels_in_clear(world: World) -> None:
    """Before STARTTLS neither AUTH is offered nor taken, and no mail begins."""
    client = await world.connect()
    await client.reply()
    hello = await client.say("EHLO client")
    assert "STARTTLS" in hello
    assert "AUTH" not in hello
    for line in (f"AUTH PLAIN {plain(LOGIN, KEY)}", "MAIL FROM:<a@b.example>"):
        assert (await client.say(line))[:3] in ("530", "538")


async def test_what_was_said_before_tls_is_forgotten(world: World) -> None:
    """Commands slipped in behind STARTTLS are never heard (RFC 3207 §4.2)."""
    client = await world.connect()
    await client.reply()
    await client.say("EHLO client")
    client.send(b"STARTTLS\r\nEHLO evil\r\nNOOP\r\n")
    assert (await client.reply())[:3] == "220"
    await client.writer.start_tls(world.tls, server_hostname="localhost")
    assert (await client.say("MAIL FROM:<a@b.example>"))[:3] == "503"


@pytest.mark.parametrize("way", ["plain", "plain_later", "login"])
async def test_every_way_of_logging_in(world: World, way: str) -> None:
    """AUTH PLAIN at once or when asked, and AUTH LOGIN, which scanners speak, let the right key in."""
    client = await world.connect()
    await client.reply()
    await client.say("EHLO client")
    await client.secure(world.tls)
    assert "AUTH LOGIN PLAIN" in await client.say("EHLO client")
    if way == "plain":
        told = await client.say(f"AUTH PLAIN {plain(LOGIN, KEY)}")
    elif way == "plain_later":
        assert (await client.say("AUTH PLAIN"))[:3] == "334"
        told = await client.say(plain(LOGIN, KEY))
    else:
        assert (await client.say("AUTH LOGIN"))[:3] == "334"
        assert (await client.say(base64.b64encode(LOGIN.encode())))[:3] == "334"
        told = await client.say(base64.b64encode(KEY.encode()))
    assert told[:3] == "235"


async def test_a_wrong_key_is_refused_and_soon_shut_out(world: World) -> None:
    """A wrong key gets 535 and no mail; the fourth try ends the session."""
    client = await world.connect()
    assert (await client.log_in(world.tls, key="wrong"))[:3] == "535"
    assert (await client.say("MAIL FROM:<a@b.example>"))[:3] == "530"
    for _ in range(2):
        assert (await client.say(f"AUTH PLAIN {plain(LOGIN, 'wrong')}"))[:3] == "535"
    assert (await client.say(f"AUTH PLAIN {plain(LOGIN, KEY)}"))[:3] == "421"
    assert await client.reply() == ""


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    """With implicit TLS (port 465) a key is taken without STARTTLS."""
    async with opened(tmp_path, implicit=True) as world:
        client = await world.connect()
        assert (await client.reply())[:3] == "220"
        assert "STARTTLS" not in await client.say("EHLO client")
        assert (await client.say(f"AUTH PLAIN {plain(LOGIN, KEY)}"))[:3] == "235"
        await client.envelope()
        assert (await client.say(MAIL + b"."))[:3] == "250"


# One message or none ------------------------------------------------------------------------------------------------

SMUGGLED = b"\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<e01@songda.local>\r\nDATA\r\nSubject: two\r\n\r\nevil\r\n.\r\n"
ENDS = (
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\r\n.\r\r\n",
)


@pytest.mark.parametrize("end", ENDS)
async def test_no_wrong_end_makes_two_of_one(world: World, end: bytes) -> None:
    """What other servers take for the end of a mail ends none here: one message comes of it, or none, and never two."""
    client = await world.client()
    await client.envelope()
    client.send(
        MAIL + b"more" + end + SMUGGLED[2:] if end.endswith(b"\n") else MAIL + b"more" + end + SMUGGLED
    )
    told = await client.reply()
    if b"\x00" in end:
        # A line that holds a NUL and a dot is a line: the mail goes on and ends where it truly ends.
        assert told[:3] == "250"
        assert world.contents == [MAIL + b"more\r\n\x00.\r\n" + SMUGGLED[2:-3]]
    else:
        assert told.startswith("554 5.5.2")
        assert await client.reply() == ""
        assert world.contents == []
    assert not any(b"Subject: two" in mail[:12] for mail in world.contents)


async def test_a_bare_line_end_is_refused_in_commands_too(world: World) -> None:
    """A command that ends with LF alone ends the session."""
    client = await world.client()
    client.send(b"MAIL FROM:<a@b.example>\n")
    assert (await client.reply())[:3] == "554"
    assert await client.reply() == ""


@pytest.mark.parametrize("slices", [1, 3])
async def test_any_cut_of_the_stream_reads_the_same(world: World, slices: int) -> None:
    """However the bytes of two pipelined mails are cut into packets, two mails are read."""
    client = await world.client()
    envelope = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<e01@songda.local>\r\nDATA\r\n"
    whole = (envelope + MAIL + b".\r\n") * 2
    for at in range(0, len(whole), slices):
        client.send(whole[at : at + slices])
        await client.writer.drain()
    told = [(await client.reply())[:3] for _ in range(8)]
    assert told == ["250", "250", "354", "250"] * 2
    assert world.contents == [MAIL, MAIL]


@pytest.mark.parametrize("cut", [b"", b"Subject: x", MAIL, MAIL + b".", MAIL + b".\r"])
@pytest.mark.parametrize("politely", [True, False])
async def test_a_cut_content_leaves_nothing(world: World, cut: bytes, politely: bool) -> None:  # noqa: FBT001 - the case
    """A line that breaks before the final dot leaves no mail, whether it is closed or reset."""
    client = await world.client()
    await client.envelope()
    client.send(cut)
    await client.writer.drain()
    if politely:
        client.close()
    else:
        client.writer.transport.abort()
    (session,) = world.door.sessions
    async with asyncio.timeout(WAIT_S):
        await session.gone
    assert (world.contents, world.door.receiving_bytes, world.door.sessions) == ([], 0, set())


async def test_who_hangs_up_after_the_end_leaves_one_mail(world: World) -> None:
    """A mail whose end came is kept whole once storing began, though nobody waits for the answer."""
    world.desk.gate = asyncio.Event()
    client = await world.client()
    await client.envelope()
    client.send(MAIL + b".\r\n")
    async with asyncio.timeout(WAIT_S):
        await world.desk.asked.wait()
        (session,) = world.door.sessions
        client.close()
        await session.gone
    world.desk.gate.set()
    await world.door.stop()
    assert world.contents == [MAIL]


async def test_no_word_before_it_is_kept(world: World) -> None:
    """250 comes after the desk has kept the mail, never before."""
    world.desk.gate = asyncio.Event()
    client = await world.client()
    await client.envelope()
    client.send(MAIL + b".\r\n")
    async with asyncio.timeout(WAIT_S):
        await world.desk.asked.wait()
    waiting = asyncio.create_task(client.reply())
    await asyncio.sleep(0)
    assert not waiting.done()
    world.desk.gate.set()
    assert (await waiting)[:3] == "250"


@pytest.mark.parametrize(
    ("fault", "reply"),
    [
        (Refused("busy"), "451 4.3.2"),
        (StoreFull("full"), "452 4.3.1"),
        (OSError(28, "No space left"), "452 4.3.1"),
        (Refused("classified_refused"), "554 5.7.1"),
        (
            Refused("mail_container", reason="winmail.dat"),
            "554 5.6.1 this form of mail is not taken: winmail.dat",
        ),
        (RuntimeError("a secret path"), "451 4.3.0 something went wrong here"),
    ],
)
async def test_refusals_are_told_and_the_session_goes_on(world: World, fault: Exception, reply: str) -> None:
    """A full or busy store puts off (4xx), what is wrong is refused (5xx), and the next mail passes."""
    client = await world.client()
    world.desk.fault = fault
    await client.envelope()
    told = await client.say(MAIL + b".")
    assert told.startswith(reply)
    assert "secret" not in told
    world.desk.fault = None
    await client.envelope()
    assert (await client.say(MAIL + b"."))[:3] == "250"


async def test_chinese_words_only_to_who_reads_utf8(world: World) -> None:
    """A refusal tells its mend in Chinese to a client that asked for SMTPUTF8, and stays ASCII for all others."""
    client = await world.client()
    world.desk.fault = Refused("classified_refused")
    await client.envelope()
    assert (await client.say(MAIL + b".")).isascii()
    await client.say("MAIL FROM:<a@b.example> SMTPUTF8 BODY=8BITMIME")
    await client.say("RCPT TO:<范围@songda.local>")
    await client.say("DATA")
    assert "涉密内容不得发送" in await client.say(MAIL + b".")
