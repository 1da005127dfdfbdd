"""Our own push service on a real port: browsers that speak its protocol by hand, senders that post."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from inbox_store.programs.push_service import Subscribed
from push.app.own_service.memory import MemoryStore
from push.app.sender import Accepted, Refused
from tests.push.own_push_world import House, authorization, house
from tests.push.webpush_cases import Device, alert, vapid_key

CHANNEL: Final = "11111111-2222-3333-4444-555555555555"
PATIENCE_S: Final = 10


class Browser:
    """A browser without a screen: the protocol by hand."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.uaid = ""

    async def ask(self, **word: object) -> dict[str, Any]:
        """One word and its answer."""
        await self._socket.send_json(word)
        return await self.hear()

    async def tell(self, **word: object) -> None:
        """One word without an answer."""
        await self._socket.send_json(word)

    async def hear(self) -> dict[str, Any]:
        """The next word."""
        told: dict[str, Any] = await self._socket.receive_json(timeout=PATIENCE_S)
        return told

    async def hello(self, uaid: str = "") -> None:
        """Say hello."""
        self.uaid = (await self.ask(messageType="hello", uaid=uaid, use_webpush=True))["uaid"]

    async def subscribe(self, key: str = "", channel: str = CHANNEL) -> str:
        """Subscribe: the endpoint."""
        told = await self.ask(messageType="register", channelID=channel, key=key)
        assert told["status"] == 200
        return str(told["pushEndpoint"])

    async def ack(self, told: dict[str, Any], code: int = 100) -> None:
        """Say what became of a message."""
        update = {"channelID": told["channelID"], "version": told["version"], "code": code}
        await self.tell(messageType="ack", updates=[update])

    async def closed(self) -> int | None:
        """Wait for the end; its code."""
        while not self._socket.closed:
            await self._socket.receive(timeout=PATIENCE_S)
        return self._socket.close_code


@asynccontextmanager
async def browsing(office: House, uaid: str | None = "") -> AsyncIterator[Browser]:
    """A connected browser; with ``uaid`` None it has not said hello."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{office.url}/", protocols=("push-notification",)) as socket,
    ):
        one = Browser(socket)
        if uaid is not None:
            await one.hello(uaid)
        yield one


async def test_an_alert_to_a_browser_and_its_ack_back() -> None:
    """Our own sender to our own service to a browser: the ack names what the sender was told as the receipt."""
    async with house() as office, browsing(office) as browser:
        device = Device(await browser.subscribe(office.key.public))
        (outcome,) = await office.sender.send([alert(device.token)])
        told = await browser.hear()
        await browser.ack(told)
        settled = await asyncio.wait_for(office.settled.get(), PATIENCE_S)
        assert settled.delivered
        assert outcome == Accepted(receipt=f"{office.url}/message/{settled.id}")
        assert await office.store.due(settled.agent, 0, 9) == []


async def test_what_waits_comes_after_the_return_with_topics_replaced() -> None:
    """While the browser is away three alerts come, two of one tag: two wait, in order, and come again until acked."""
    async with house() as office:
        async with browsing(office) as browser:
            device, uaid = Device(await browser.subscribe(office.key.public)), browser.uaid
        for title, tag in (("一", "a"), ("二", ""), ("三", "a")):
            (outcome,) = await office.sender.send([alert(device.token, title=title, tag=tag)])
            assert isinstance(outcome, Accepted)
        async with browsing(office, uaid) as browser:
            first = [await browser.hear(), await browser.hear()]
        async with browsing(office, uaid) as browser:
            assert browser.uaid == uaid
            assert [await browser.hear(), await browser.hear()] == first
            for told, code in zip(first, (100, 101), strict=True):
                await browser.ack(told, code)
            settled = [await asyncio.wait_for(office.settled.get(), PATIENCE_S) for _ in first]
            assert [one.delivered for one in settled] == [True, False]


async def test_who_may_post_what() -> None:
    """Without the key, with another, too long, nowhere: each refusal is its own."""
    async with house() as office, browsing(office) as browser:
        endpoint = await browser.subscribe(office.key.public)
        assert await office.post(endpoint, b"x", Authorization="") == 401
        assert await office.post(endpoint, b"x", Authorization="vapid t=a.b.c, k=d") == 403
        foreign = authorization(vapid_key(), office.service.rules.origin)
        assert await office.post(endpoint, b"x", Authorization=foreign) == 403
        assert await office.post(endpoint, b"x" * 4097) == 413
        assert await office.post(endpoint, b"x", TTL="soon") == 400
        assert await office.post(f"{office.url}/send/{'x' * 32}", b"x") == 410
        assert await office.post(f"{office.url}/send/short", b"x") == 404
        assert await office.post(endpoint, b"x" * 4096) == 201
        assert (await browser.hear())["messageType"] == "notification"


async def test_unsubscribed_is_gone() -> None:
    """The endpoint answers 410, so that our sender forgets the device."""
    async with house() as office, browsing(office) as browser:
        device = Device(await browser.subscribe(office.key.public))
        told = await browser.ask(messageType="unregister", channelID=CHANNEL, code=200)
        assert told == {"messageType": "unregister", "channelID": CHANNEL, "status": 200}
        (outcome,) = await office.sender.send([alert(device.token)])
        assert outcome == Refused(code="http_410", gone=True)


async def test_ttl_nought_is_now_or_never() -> None:
    """A connected browser gets it; for one that is away it is taken and forgotten."""
    async with house() as office:
        async with browsing(office) as browser:
            device, uaid = Device(await browser.subscribe(office.key.public)), browser.uaid
            await office.sender.send([alert(device.token, ttl_s=0)])
            await browser.ack(await browser.hear())
            assert (await asyncio.wait_for(office.settled.get(), PATIENCE_S)).delivered
        await office.alone()
        assert isinstance((await office.sender.send([alert(device.token, ttl_s=0)]))[0], Accepted)
        async with browsing(office, uaid) as browser:
            assert await browser.ask() == {}


async def test_a_full_line_says_when_to_come_back() -> None:
    """More than may wait is put off by 429 with Retry-After; a withdrawn message makes room."""
    async with house(waiting_max=1) as office:
        async with browsing(office) as browser:
            device = Device(await browser.subscribe(office.key.public))
        await office.alone()
        first, second = await office.sender.send([alert(device.token), alert(device.token)])
        accepted = first if isinstance(first, Accepted) else second
        assert {type(first).__name__, type(second).__name__} == {"Accepted", "Deferred"}
        assert isinstance(accepted, Accepted)
        async with aiohttp.ClientSession() as session:
            assert [(await session.delete(accepted.receipt)).status for _ in range(2)] == [204, 404]
        assert isinstance((await office.sender.send([alert(device.token)]))[0], Accepted)


async def test_a_newer_connection_replaces_the_older() -> None:
    """One browser has one line: the old one is closed, messages go to the new one."""
    async with house() as office, browsing(office) as old:
        device = Device(await old.subscribe(office.key.public))
        async with browsing(office, old.uaid) as new:
            assert await old.closed() == 1000
            await office.sender.send([alert(device.token)])
            assert (await new.hear())["messageType"] == "notification"
            assert office.service.online == 1


async def test_a_silent_caller_and_a_binary_frame() -> None:
    """Who says nothing, or no text, is closed with a code that says why."""
    async with house(hello_timeout_s=0.05) as office:
        async with browsing(office, None) as browser:
            assert await browser.closed() == 1008
        async with browsing(office) as browser:
            await browser._socket.send_bytes(b"\0")
            assert await browser.closed() == 1003


async def test_a_store_that_fails_cuts_the_line() -> None:
    """No endpoint is handed out that is not kept: the browser is closed with 1011 and tries again."""
    async with house() as office, browsing(office) as browser:
        office.service.store = BrokenStore()
        await browser.tell(messageType="register", channelID=CHANNEL, key="")
        assert await browser.closed() == 1011


class BrokenStore(MemoryStore):
    """A disk that refuses."""

    async def subscribe(self, subscribed: Subscribed, agent_max: int) -> bool:  # noqa: ARG002 - the port's shape
        """Fails."""
        raise OSError("disk")


async def test_only_our_key_may_subscribe_where_it_is_set() -> None:
    """A foreign page on the intranet cannot use the service."""
    key = vapid_key().public
    async with house(keys=(key,)) as office, browsing(office) as browser:
        assert (await browser.ask(messageType="register", channelID=CHANNEL, key=office.key.public))[
            "status"
        ] == 403
        assert await browser.subscribe(key)
