"""Notices through the doors and live: pushed to whoever is online, read at the next log-in by all others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from inbox_store.engine import Program, Sql
from inbox_store.programs import phones, sms
from realtime.client import ClientOptions, Credential, LiveClient
from realtime.frames import Notice
from tests.api.conftest import City, Person
from tests.api.test_live_doors import WAIT_S, ticket_of


def _failures(person_id: int, at: int) -> Program[None]:
    for _ in range(sms.PERMANENT_FAILURES):
        bad = {"person_id": person_id, "now": at, "bad_from": sms.PERMANENT_FAILURES}
        yield Sql("phone_failed", bad)
        yield from phones.failed(person_id, {"stat": "UNDELIV", "error": "MK:0001", "at": at})


async def go_bad(city: City, login: str) -> int:
    """The number of this person goes bad; the person's id."""
    person_id = (await city.server.parts.access.account(login)).person_id
    await city.house.store.engine.write(_failures(person_id, city.clock.now))
    return person_id


@asynccontextmanager
async def hearing(city: City, person: Person) -> AsyncIterator[asyncio.Queue[Notice]]:
    """A live session of the person; what it is told beside the inbox."""
    heard: asyncio.Queue[Notice] = asyncio.Queue()

    async def credential() -> Credential:
        return Credential(ticket=await ticket_of(person))

    url = f"ws://127.0.0.1:{city.server.port}/api/v1/live"
    options = ClientOptions(noticed=heard.put_nowait)
    async with LiveClient(url, credential, options=options) as live:
        async with asyncio.timeout(WAIT_S):
            await live.connect()
        listening = asyncio.ensure_future(live.take())
        try:
            yield heard
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


async def heard_by(queue: asyncio.Queue[Notice]) -> Notice:
    """The next notice."""
    async with asyncio.timeout(WAIT_S):
        return await queue.get()


async def test_live_sessions_are_told_at_once(city: City) -> None:
    """The person's session and the clerk's hear it right after the commit, each its own words, nobody else's hears it."""
    owner, clerk, stranger = await city.people("e01s", "e01a", "w01a")
    async with hearing(city, owner) as own, hearing(city, clerk) as of, hearing(city, stranger) as other:
        person_id = await go_bad(city, "e01s")
        mine, theirs = await heard_by(own), await heard_by(of)
        assert (mine.kind, mine.about, theirs.kind, theirs.about) == (
            "phone_bad",
            person_id,
            "phone_bad_of",
            person_id,
        )
        assert mine.text != theirs.text
        # The stranger's own notice, told later, is the first that comes there.
        assert (await go_bad(city, "w01a")) == (await heard_by(other)).about
        assert own.empty()
        assert of.empty()


async def test_who_was_away_reads_it_at_the_next_log_in(city: City) -> None:
    """The list holds it until it is marked read; another's is not found, and reading twice is reading."""
    person_id = await go_bad(city, "e01s")
    owner, clerk, stranger = await city.people("e01s", "e01b", "w01a")
    (mine,) = (await owner.get("/notices")).json["items"]
    assert (mine["kind"], mine["about"]) == ("phone_bad", person_id)
    (theirs,) = (await clerk.get("/notices")).json["items"]
    assert theirs["kind"] == "phone_bad_of"
    assert (await stranger.get("/notices")).json["items"] == []
    path = f"/notices/{mine['id']}/read"
    assert (await stranger.post(path)).code == "not_found"
    assert [(await owner.post(path)).status for _ in range(2)] == [204, 204]
    assert (await owner.get("/notices")).json["items"] == []
    assert (await clerk.get("/notices")).json["items"] == [theirs]


async def test_a_session_hears_the_inbox_beside_it(city: City) -> None:
    """A notice moves no position: the document after it arrives as ever."""
    clerk = await city.person("e01a")

    async def credential() -> Credential:
        return Credential(ticket=await ticket_of(clerk))

    heard: list[Notice] = []
    options = ClientOptions(noticed=heard.append)
    url = f"ws://127.0.0.1:{city.server.port}/api/v1/live"
    async with LiveClient(url, credential, options=options) as live, asyncio.timeout(WAIT_S):
        await live.connect()
        await go_bad(city, "e01s")
        document = await city.send(["E01"])
        assert (await anext(live)).document_id == document
        if not heard:  # read by another hand than the documents: it may come after them
            listening = asyncio.ensure_future(anext(live))
            while not heard:  # noqa: ASYNC110 - the client calls back, it sets nothing
                await asyncio.sleep(0)
            listening.cancel()
        assert [one.kind for one in heard] == ["phone_bad_of"]
