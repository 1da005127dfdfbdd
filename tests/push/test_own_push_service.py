"""Our own push service: the conversation with a browser, what senders may post, what is kept, the doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.app.own_service import conversation as talk
from push.app.own_service.conversation import (
    WINDOW,
    Close,
    Conversation,
    Fetch,
    Greet,
    Say,
    Settle,
    Subscribe,
)
from push.app.own_service.memory import MemoryStore
from push.app.own_service.ports import Message, PushStore, Settled, Subscribed
from push.app.own_service.service import OwnServiceRules
from push.app.own_service.submission import Refusal, Submission, read_submission
from push.app.sender import Accepted, Refused
from tests.push.own_push_world import House, house
from tests.push.webpush_cases import RFC8292_KEY, Device, alert

FRESH: Final = "f" * 32
UAID: Final = "0123456789abcdef" * 2
CHANNEL: Final = "11111111-2222-3333-4444-555555555555"
HELLO: Final = '{"messageType":"hello","broadcasts":{},"use_webpush":true}'
PATIENCE_S: Final = 10


def message(number: int, topic: str = "", until: int = 10 * US, token: str = "t") -> Message:  # noqa: S107
    """A message that waits."""
    told = {"id": f"m{number}", "token": token, "agent": "a", "channel": CHANNEL, "body": b"x"}
    return Message(**told, topic=topic, urgency="normal", at=number, until=until)  # type: ignore[arg-type]


def opened(**told: Any) -> Conversation:  # noqa: ANN401 - passed on
    """A conversation after hello."""
    one = Conversation(FRESH, 0, **told)
    one.heard(HELLO, 0)
    one.greeted(known=False, uaid="")
    return one


def said(todo: Sequence[talk.Do]) -> list[dict[str, Any]]:
    """What is said of what is to be done."""
    return [msgspec.json.decode(do.text) for do in todo if isinstance(do, Say)]


# The conversation ----------------------------------------------------------------------------------------------------


def test_a_new_browser_is_given_an_id() -> None:
    """Its first hello brings a fresh uaid, then what waits."""
    one = Conversation(FRESH, 0)
    assert one.heard(HELLO, 0) == (Greet(""),)
    todo = one.greeted(known=False, uaid="")
    assert said(todo) == [
        {"messageType": "hello", "uaid": FRESH, "status": 200, "use_webpush": True, "broadcasts": {}}
    ]
    assert todo[-1] == Fetch(WINDOW)


@pytest.mark.parametrize(("known", "uaid"), [(True, UAID), (False, FRESH)])
def test_a_browser_comes_back(known: bool, uaid: str) -> None:
    """A known one keeps its uaid; one that we forgot gets another, and so subscribes anew."""
    one = Conversation(FRESH, 0)
    assert one.heard(f'{{"messageType":"hello","uaid":"{UAID}","use_webpush":true}}', 0) == (Greet(UAID),)
    assert said(one.greeted(known=known, uaid=UAID))[0]["uaid"] == uaid == one.uaid


@pytest.mark.parametrize("uaid", ['"../../etc"', "null", '""', '"' + "F" * 32 + '"'])
def test_a_strange_id_is_none(uaid: str) -> None:
    """Only ids of our own form are looked up."""
    assert Conversation(FRESH, 0).heard(f'{{"messageType":"hello","uaid":{uaid}}}', 0) == (Greet(""),)


@pytest.mark.parametrize(
    ("key", "plain"), [(RFC8292_KEY, RFC8292_KEY), (RFC8292_KEY + "=", RFC8292_KEY), ("", "")]
)
def test_a_page_subscribes(key: str, plain: str) -> None:
    """The endpoint is said once the store has the subscription; the key is kept without padding."""
    one = opened()
    asked = one.heard(f'{{"messageType":"register","channelID":"{CHANNEL}","key":"{key}"}}', 0)
    assert asked == (Subscribe(CHANNEL, plain),)
    assert said(one.subscribed(CHANNEL, "https://a/send/1")) == [
        {"messageType": "register", "channelID": CHANNEL, "status": 200, "pushEndpoint": "https://a/send/1"}
    ]
    assert said(one.subscribed(CHANNEL, ""))[0]["status"] == 429


@pytest.mark.parametrize(("key", "status"), [("AAAA", 400), ("", 403), ("中", 400), (RFC8292_KEY, 403)])
def test_a_key_that_may_not_subscribe(key: str, status: int) -> None:
    """What is no key, and what is not ours where only ours may."""
    one = opened(keys=frozenset({"other"}))
    word = msgspec.json.encode({"messageType": "register", "channelID": CHANNEL, "key": key}).decode()
    assert said(one.heard(word, 0))[0]["status"] == status


def test_messages_leave_once_and_acks_are_kept_first() -> None:
    """What is under way is not said again; only what was said here can be acked."""
    one = opened()
    assert [told["version"] for told in said(one.waiting([message(1), message(2)]))] == ["m1", "m2"]
    assert one.arrived() == (Fetch(WINDOW),)
    assert [told["version"] for told in said(one.waiting([message(1), message(2), message(3)]))] == ["m3"]
    acked = (
        '{"messageType":"ack","updates":[{"channelID":"x","version":"m1","code":100},{"version":"strange"}]}'
    )
    assert one.heard(acked, 0) == (Settle((("m1", CHANNEL, 100),)),)
    assert one.settled(["m1"]) == ()
    assert one.heard(acked, 0) == ()
    assert one.heard('{"messageType":"nack","version":"m2","code":302}', 0) == (
        Settle((("m2", CHANNEL, 102),)),
    )


def test_a_full_window_waits_for_acks() -> None:
    """No more than the window is under way; the next ones are fetched as acks come."""
    one = opened()
    one.waiting([message(number) for number in range(WINDOW)])
    assert one.arrived() == ()
    assert one.settled(["m0"]) == (Fetch(WINDOW),)
    rest = [message(number) for number in range(1, WINDOW + 1)]
    assert [told["version"] for told in said(one.waiting(rest))] == [f"m{WINDOW}"]


def test_a_message_without_a_body_has_no_data() -> None:
    """An empty push is an event without data."""
    (told,) = said(opened().waiting([msgspec.structs.replace(message(1), body=b"")]))
    assert told == {"messageType": "notification", "channelID": CHANNEL, "version": "m1"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HELLO, 1002),
        ("", 1007),
        ("[]", 1007),
        ('{"messageType":"steal"}', 1007),
        ('{"messageType":"register","channelID":"../x"}', 1007),
        ("[" * 50_000, 1007),
    ],
)
def test_what_closes_an_open_line(text: str, code: int) -> None:
    """A second hello and what nobody can read; afterwards nothing more is done."""
    one = opened()
    (close,) = one.heard(text, 0)
    assert isinstance(close, Close)
    assert close.code == code
    assert one.heard("{}", 0) == one.waiting([message(1)]) == one.replaced() == ()


def test_what_is_not_hello_first() -> None:
    """Who does not say hello is sent away, also for keeping silent; a ping may come."""
    one = Conversation(FRESH, 0)
    assert said(one.heard("{}", 0)) == [{}]
    assert isinstance(one.late()[0], Close)
    other = Conversation(FRESH, 0)
    assert isinstance(other.heard('{"messageType":"ack","updates":[]}', 0)[0], Close)
    assert opened().late() == ()


def test_broadcasts_are_passed_over() -> None:
    """Mozilla's own channels do not exist here."""
    assert opened().heard('{"messageType":"broadcast_subscribe","broadcasts":{"a/b":"1"}}', 0) == ()


def test_too_many_words_close_the_line() -> None:
    """A flood ends with 1008; the usual pings go on for days."""
    one = opened()
    flood = [one.heard("{}", 0) for _ in range(700)]
    assert isinstance(flood[-2][0] if flood[-2] else one.heard("{}", 0), tuple) or one.state == "closing"
    assert one.state == "closing"
    calm = opened()
    assert all(said(calm.heard("{}", second * US)) for second in range(5_000))


@given(
    st.lists(
        st.one_of(
            st.text(max_size=80), st.sampled_from([HELLO, "{}", '{"messageType":"nack","version":"1"}'])
        )
    )
)
def test_any_words_are_answered_or_close(words: list[str]) -> None:
    """Whatever comes, the machine goes on or closes once."""
    one = Conversation(FRESH, 0)
    closed = 0
    for word in words:
        for do in one.heard(word, 0):
            closed += isinstance(do, Close)
            if isinstance(do, Greet):
                one.greeted(known=False, uaid=do.uaid)
    assert closed == (one.state == "closing")


# What may be posted --------------------------------------------------------------------------------------------------

PLAIN: Final = {"TTL": "60", "Content-Encoding": "aes128gcm"}


@pytest.mark.parametrize(
    ("headers", "body", "told"),
    [
        (PLAIN, b"x", Submission(60, "", "normal", b"x")),
        ({"TTL": "0"}, b"", Submission(0, "", "normal", b"")),
        (PLAIN | {"TTL": "9999999999"}, b"x", Submission(2_592_000, "", "normal", b"x")),
        (PLAIN | {"Topic": "a-_9", "Urgency": "very-low"}, b"x", Submission(60, "a-_9", "very-low", b"x")),
        (PLAIN, b"x" * 4096, Submission(60, "", "normal", b"x" * 4096)),
        ({}, b"", Refusal(400, "ttl")),
        ({"TTL": "-1"}, b"", Refusal(400, "ttl")),
        ({"TTL": "²"}, b"", Refusal(400, "ttl")),
        (PLAIN | {"Topic": "a" * 33}, b"x", Refusal(400, "topic")),
        (PLAIN | {"Topic": "a b"}, b"x", Refusal(400, "topic")),
        (PLAIN | {"Urgency": "now"}, b"x", Refusal(400, "urgency")),
        (PLAIN, b"x" * 4097, Refusal(413, "length")),
        ({"TTL": "60"}, b"x", Refusal(415, "encoding")),
        ({"TTL": "60", "Content-Encoding": "aesgcm"}, b"x", Refusal(415, "encoding")),
    ],
)
def test_what_may_be_posted(headers: dict[str, str], body: bytes, told: Submission | Refusal) -> None:
    """RFC 8030 §5: a TTL is demanded, a topic has its alphabet, 4096 bytes are taken."""
    assert read_submission(headers, body) == told


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "ftp://a"), ("url", "https://a/push/"), ("secret", b"short"), ("waiting_max", 0)],
)
def test_rules_that_mean_nothing(field: str, value: object) -> None:
    """A wrong setting is told at the start, by its name."""
    told = {"url": "https://a/push", "secret": b"s" * 32, field: value}
    with pytest.raises(ValueError, match=field):
        OwnServiceRules(**told)  # type: ignore[arg-type]
    assert "sss" not in repr(OwnServiceRules(url="https://a/push", secret=b"s" * 32))


# The store -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def store() -> PushStore:
    """A store with one subscription."""
    made = MemoryStore()
    assert await made.subscribe(Subscribed(token="t", agent="a", channel=CHANNEL, key="", at=0), 2)
    return made


async def test_subscriptions_are_kept_and_bounded(store: PushStore) -> None:
    """The same one again changes nothing; a browser has so many and no more; forgotten, nothing of it waits."""
    again = Subscribed(token="t", agent="a", channel=CHANNEL, key="", at=9)
    assert await store.subscribe(again, 1)
    assert (await store.subscription("t") or again).at == 0
    assert not await store.subscribe(msgspec.structs.replace(again, token="u"), 1)
    assert await store.greet("a", 1)
    assert not await store.greet("b", 1)
    await store.put(message(1), 9)
    await store.unsubscribe("b", CHANNEL)
    assert await store.subscription("t")
    await store.unsubscribe("a", CHANNEL)
    assert await store.subscription("t") is None
    assert await store.due("a", 1, 9) == []
    assert not await store.greet("a", 1)


async def test_messages_wait_in_order_and_replace_each_other(store: PushStore) -> None:
    """Oldest first; a topic has one message, the newest; a full line refuses; settled once, by its own browser."""
    for number, topic in ((1, "x"), (2, ""), (3, "x"), (4, "y")):
        assert await store.put(message(number, topic), 3)
    assert [one.id for one in await store.due("a", 1, 9)] == ["m2", "m3", "m4"]
    assert [one.id for one in await store.due("a", 1, 2)] == ["m2", "m3"]
    assert not await store.put(message(5), 3)
    assert await store.put(message(6, "x"), 3)
    assert not await store.settle(Settled(id="m2", agent="b", channel=CHANNEL, code=100, at=1))
    assert await store.settle(Settled(id="m2", agent="a", channel=CHANNEL, code=100, at=1))
    assert not await store.settle(Settled(id="m2", agent="a", channel=CHANNEL, code=100, at=1))
    assert await store.withdraw("m4")
    assert not await store.withdraw("m4")
    assert [one.id for one in await store.due("a", 1, 9)] == ["m6"]


async def test_what_is_too_old_is_not_sent_and_forgotten(store: PushStore) -> None:
    """A message whose time is over is due no more, takes no place, and goes in steps."""
    for number in range(3):
        assert await store.put(message(number, until=5), 3)
    assert await store.due("a", 5, 9) == []
    assert await store.put(msgspec.structs.replace(message(9, until=50), at=5), 3)
    assert [await store.expire(5, 2), await store.expire(5, 2), await store.expire(5, 2)] == [2, 1, 0]
    assert [one.id for one in await store.due("a", 5, 9)] == ["m9"]


# The doors -----------------------------------------------------------------------------------------------------------


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
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{office.url}/", protocols=("push-notification",)) as socket:
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
    """Without the key, with another, too long, nowhere: each refusal is its own; a GET is none of it."""
    async with house() as office, browsing(office) as browser:
        endpoint = await browser.subscribe(office.key.public)
        assert await office.post(endpoint, b"x", Authorization="") == 401
        assert await office.post(endpoint, b"x", Authorization="vapid t=a.b.c, k=d") == 403
        other = House()
        assert (
            await office.post(endpoint, b"x", Authorization=other.authorization(office.service.rules.origin))
            == 403
        )
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

    async def subscribe(self, subscribed: Subscribed, agent_max: int) -> bool:
        """Fails."""
        raise OSError("disk")


async def test_only_our_key_may_subscribe_where_it_is_set() -> None:
    """A foreign page on the intranet cannot use the service."""
    async with house() as other:
        key = other.key.public
    async with house(keys=(key,)) as office, browsing(office) as browser:
        assert (await browser.ask(messageType="register", channelID=CHANNEL, key=office.key.public))[
            "status"
        ] == 403
        assert await browser.subscribe(key)
