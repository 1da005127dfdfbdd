"""The mail door's limits: recipients, size, memory, connections, time; and closing in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.doors.smtp_ports import SmtpLimits
from tests.doors.smtp_world import WAIT_S, Client, World, opened

MAIL = b"Subject: one\r\n\r\nbody\r\n"


async def _gone(world: World) -> None:
    async with asyncio.timeout(WAIT_S):
        while world.door.sessions:
            await asyncio.wait([session.gone for session in world.door.sessions])


async def test_three_thousand_recipients_are_cut_off(tmp_path: Path) -> None:
    """A hundred recipients are taken, some more are put off one by one, then the session ends; nothing is kept."""
    async with opened(tmp_path) as world:
        client = await world.client()
        await client.say("MAIL FROM:<a@b.example>")
        client.send(b"".join(b"RCPT TO:<u%d@songda.local>\r\n" % number for number in range(3_000)))
        replies = []
        while told := await client.reply():
            replies.append(told[:3])
        assert (replies.count("250"), replies.count("452"), replies[-1]) == (100, 20, "421")
        await _gone(world)
        assert world.contents == []


async def test_a_hundred_recipients_pass(tmp_path: Path) -> None:
    """The limit itself is allowed, and the same address named twice is one recipient."""
    async with opened(tmp_path) as world:
        client = await world.client()
        people = [f"u{number}@songda.local" for number in range(99)]
        await client.envelope(*people, people[0])
        assert (await client.say(MAIL + b"."))[:3] == "250"
        assert len(world.desk.taken[0].recipients) == 99


async def test_a_mail_too_large_is_refused_and_not_kept_in_memory(tmp_path: Path) -> None:
    """SIZE is announced; what is larger is refused at once or at its end, never held, and the session goes on."""
    async with opened(tmp_path, SmtpLimits(size_max_bytes=10_000, drain_s=1)) as world:
        client = await world.client()
        assert (await client.say("MAIL FROM:<a@b.example> SIZE=10001"))[:3] == "552"
        await client.envelope()
        client.send(b"x" * 76 + b"\r\n")
        for _ in range(200):
            client.send((b"x" * 76 + b"\r\n") * 50)
            await client.writer.drain()
            assert world.door.receiving_bytes < 300_000
        assert (await client.say(b"."))[:3] == "552"
        await client.envelope()
        assert (await client.say(b"y" * 9_990 + b"\r\n."))[:3] == "250"
        assert (len(world.desk.taken), world.door.receiving_bytes) == (1, 0)


async def test_memory_of_all_sessions_has_a_limit(tmp_path: Path) -> None:
    """What would need more memory than the door has is put off with 452, and passes when there is room again."""
    async with opened(tmp_path, SmtpLimits(memory_max_bytes=100_000, drain_s=1)) as world:
        first, second = await world.client(), await world.client()
        await first.envelope()
        first.send((b"x" * 76 + b"\r\n") * 1_000)
        async with asyncio.timeout(WAIT_S):
            while world.door.receiving_bytes < 70_000:  # noqa: ASYNC110 - the door tells nobody
                await asyncio.sleep(0)
        await second.envelope()
        assert (await second.say((b"y" * 76 + b"\r\n") * 500 + b"."))[:3] == "452"
        assert (await first.say(b"."))[:3] == "250"
        await second.envelope()
        assert (await second.say((b"y" * 76 + b"\r\n") * 500 + b"."))[:3] == "250"
        assert world.door.receiving_bytes == 0


async def test_connections_of_one_address_have_a_limit(tmp_path: Path) -> None:
    """The connection above the limit is told to come later; one that leaves makes room."""
    async with opened(tmp_path, SmtpLimits(per_address_max=2, drain_s=1)) as world:
        clients = [await world.client(), await world.client()]
        third = await world.connect()
        assert (await third.reply())[:3] == "421"
        assert await third.reply() == ""
        clients[0].close()
        async with asyncio.timeout(WAIT_S):
            while len(world.door.sessions) > 1:  # noqa: ASYNC110 - the door tells nobody
                await asyncio.sleep(0)
        assert (await (await world.client()).say("NOOP"))[:3] == "250"


async def test_a_dripping_content_is_cut(tmp_path: Path) -> None:
    """The whole content has a time, however steadily it drips; nothing is kept of it."""
    async with opened(tmp_path, SmtpLimits(content_s=0.3, drain_s=1)) as world:
        client = await world.client()
        await client.envelope()
        dripping = asyncio.create_task(_drip(client))
        await _gone(world)
        dripping.cancel()
        assert (world.contents, world.door.receiving_bytes) == ([], 0)


async def _drip(client: Client) -> None:
    while True:
        client.send(b"x\r\n")
        await asyncio.sleep(0.02)


async def test_a_silent_session_is_cut(tmp_path: Path) -> None:
    """Who says nothing is not waited for."""
    async with opened(tmp_path, SmtpLimits(command_s=0.2, drain_s=1)) as world:
        await (await world.connect()).reply()
        await _gone(world)


async def test_idle_chatter_has_an_end(tmp_path: Path) -> None:
    """Commands that lead nowhere are counted, and the session ends."""
    async with opened(tmp_path) as world:
        client = await world.client()
        replies = []
        while told := await client.say("VRFY e01@songda.local"):
            replies.append(told[:3])
        assert replies[-1] == "421"
        assert len(replies) <= 25


async def test_closing_answers_what_is_being_kept(tmp_path: Path) -> None:
    """While the door closes, idle sessions are told 421, and a mail that is being stored gets its 250."""
    async with opened(tmp_path) as world:
        world.desk.gate = asyncio.Event()
        idle, busy = await world.client(), await world.client()
        await busy.envelope()
        busy.send(MAIL + b".\r\n")
        async with asyncio.timeout(WAIT_S):
            await world.desk.asked.wait()
        closing = asyncio.create_task(world.door.stop())
        assert (await idle.reply())[:3] == "421"
        world.desk.gate.set()
        assert (await busy.reply())[:3] == "250"
        await closing
        assert world.contents == [MAIL]
