"""The inbox live: the whole house behind real sockets, on the port that also serves the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.flows.account_desk import Operator
from realtime.client import Credential, LiveClient, LiveRefusedError
from realtime.frames import Hello
from realtime.items import Item
from realtime.positions import MemoryPositions
from tests.api.conftest import City, Person

WAIT_S = 20


async def ticket_of(person: Person) -> str:
    """A fresh one-use ticket."""
    told = await person.post("/live/ticket")
    assert told.status == 200, told.json
    return str(told.json["ticket"])


@asynccontextmanager
async def device(
    city: City, person: Person, name: str = "phone", positions: MemoryPositions | None = None
) -> AsyncIterator[LiveClient]:
    """One connected device of a person."""

    async def credential() -> Credential:
        return Credential(ticket=await ticket_of(person))

    url = f"ws://127.0.0.1:{city.server.port}/api/v1/live"
    async with LiveClient(url, credential, hello=Hello(device=name), positions=positions) as live:
        async with asyncio.timeout(WAIT_S):
            await live.connect()
        yield live


async def following(live: LiveClient) -> Item:
    """The next item of the session."""
    async with asyncio.timeout(WAIT_S):
        return await anext(live)


async def test_two_devices_stay_in_step(city: City) -> None:
    """What arrives shows on both devices; signed on one, it is done on both, and on the second clerk's (F2, F3)."""
    first, second = await city.people("e01a", "e01b")
    async with (
        device(city, first, "phone") as phone,
        device(city, first, "desk") as desk,
        device(city, second) as colleague,
    ):
        document = await city.send(["E01"], title="值班通知")
        for live in (phone, desk, colleague):
            item = await following(live)
            assert (item.kind, item.document_id, item.title, item.state) == (
                "arrived",
                document,
                "值班通知",
                "to_do",
            )
        signed = await first.post(f"/documents/{document}/units/{city.units['E01']}/sign")
        assert signed.status == 200
        for live in (phone, desk, colleague):
            item = await following(live)
            assert (item.kind, item.document_id, item.state) == ("state", document, "done")
            assert [(one.status, one.by) for one in item.unit_status] == [
                ("signed", signed.json["signed_by"])
            ]


async def test_a_device_that_was_away_misses_nothing(city: City) -> None:
    """What came while nobody was connected is there on the next connection, in order, each once (I5)."""
    clerk = await city.person("e01a")
    positions = MemoryPositions()
    async with device(city, clerk, positions=positions) as live:
        first = await city.send(["E01"])
        assert (await following(live)).document_id == first
        await live.done()
    away = [await city.send(["E01"], title=f"第{number}号") for number in range(4)]
    async with device(city, clerk, positions=positions) as live:
        assert [(await following(live)).document_id for _ in away] == away


async def test_an_ack_is_delivery_to_a_device(city: City) -> None:
    """Being online proves nothing; the device's ack is what sets the time of delivery."""
    clerk = await city.person("e01a")
    async with device(city, clerk) as live:
        await city.send(["E01"])
        await following(live)
        assert (await clerk.get("/inbox/entries")).json["items"][0]["delivered_at"] is None
        await live.done()
    async with asyncio.timeout(WAIT_S):
        while (await clerk.get("/inbox/entries")).json["items"][0]["delivered_at"] is None:  # noqa: ASYNC110 - the server tells nobody when an ack is durable
            await asyncio.sleep(0)


async def test_a_frozen_account_loses_its_socket_at_once(city: City) -> None:
    """Freezing closes open sessions without waiting for the next look at the token."""
    clerk = await city.person("e01a")
    async with device(city, clerk) as live:
        await city.server.parts.access.freeze(Operator(name="test"), "e01a")
        with pytest.raises((LiveRefusedError, AssertionError)):
            await following(live)
        assert not live.connected


async def test_a_ticket_opens_one_session(city: City) -> None:
    """A ticket shown a second time opens nothing."""
    ticket = await ticket_of(await city.person("e01a"))

    async def same() -> Credential:
        return Credential(ticket=ticket)

    url = f"ws://127.0.0.1:{city.server.port}/api/v1/live"
    async with LiveClient(url, same) as live, asyncio.timeout(WAIT_S):
        await live.connect()
    async with LiveClient(url, same) as live, asyncio.timeout(WAIT_S):
        with pytest.raises(LiveRefusedError):
            await live.connect()
