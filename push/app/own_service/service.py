"""The push service between its doors and its store: who is connected, what waits, who is told.

One browser has one connection; a newer one replaces it. A message is acknowledged to its sender when the store has it,
leaves for the browser at once where that is connected, and is kept until the browser has dealt with it.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec

from inbox_store.programs.push_service import Message, Settled, Subscribed
from inbox_store.times import US, Clock, system_now
from push.app.own_service import conversation as talk
from push.app.own_service.conversation import Conversation, Todo
from push.app.own_service.ports import PushStore, Told, agent_of, token_of
from push.app.own_service.submission import Refusal, Submission, check_sender
from push.app.webpush.subscription import base64url

PASSING_S: Final = 30
"""A message with TTL 0 for a connected browser lives so long, for the ack to come back."""
EXPIRED_AT_ONCE: Final = 1_000
EXPIRED_STEPS: Final = 100
STORE_FAILED: Final = 1011


class OwnServiceRules(msgspec.Struct, frozen=True, kw_only=True):
    """What one installation's push service allows."""

    url: str
    """Under which browsers and senders reach it, without a slash at its end: ``https://oa.example.gov.cn/push``."""
    secret: bytes
    """At least 32 random bytes; endpoints follow from it, so that another secret ends all subscriptions."""
    keys: tuple[str, ...] = ()
    """VAPID keys that may subscribe (ours); empty: any, and none."""
    agent_max: int = 100
    """Subscriptions of one browser."""
    waiting_max: int = 100
    """Messages that wait for one subscription; more are answered 429."""
    connections_max: int = 20_000
    hello_timeout_s: float = 30
    send_timeout_s: float = 20
    """A browser that takes nothing for so long is cut off; what waits is kept."""
    ping_s: float = 60
    """Pings of the websocket, so that a line that died silently is noticed."""
    expire_every_s: float = 60

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or self.url.endswith("/"):
            raise ValueError("url: is no http or https address without a slash at its end")
        if len(self.secret) < 32:
            raise ValueError("secret: has fewer than 32 bytes")
        for field in ("agent_max", "waiting_max", "connections_max"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} is below 1")

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OwnServiceRules(url={self.url!r})"

    @property
    def origin(self) -> str:
        """What tokens of senders are made out to."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class Line(Protocol):
    """A browser's websocket, as the service sees it."""

    async def say(self, text: str) -> None:
        """Send a text frame; ends within ``send_timeout_s``, and never raises for a line that broke."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close; later calls do nothing."""
        ...


class Visitor:
    """One connection: its machine, its line; what is to be done is done one after the other."""

    def __init__(self, service: PushService, line: Line, now: int) -> None:
        self._service = service
        self._line = line
        self._turn = asyncio.Lock()
        self.agent = ""
        self.talk = Conversation(secrets.token_hex(16), now, service.keys)

    async def heard(self, text: str, now: int) -> None:
        """A text frame came."""
        await self.said(lambda: self.talk.heard(text, now))

    async def said(self, todo: Callable[[], Todo]) -> None:
        """Something happened; ``todo`` asks the machine when its turn has come.

        Where the store fails, the line is cut: the browser comes back, and gets what it has not acked.
        """
        async with self._turn:
            try:
                await self._do(todo())
            except Exception:
                await self._line.close(STORE_FAILED, "try again")
                raise

    async def _do(self, todo: Todo) -> None:
        for one in todo:
            await self._one(one)

    async def _one(self, do: talk.Do) -> None:
        service, machine = self._service, self.talk
        match do:
            case talk.Say(text):
                await self._line.say(text)
            case talk.Close(code, reason):
                await self._line.close(code, reason)
            case talk.Greet(uaid):
                known = bool(uaid) and await service.store.greet(agent_of(uaid), service.now())
                todo = machine.greeted(known=known, uaid=uaid)
                if not machine.uaid:
                    return
                self.agent = agent_of(machine.uaid)
                await service.entered(self)
                await self._do(todo)
            case talk.Subscribe(channel, key):
                await self._do(machine.subscribed(channel, await service.subscribe(self, channel, key)))
            case talk.Unsubscribe(channel):
                await service.store.unsubscribe(self.agent, channel)
                await self._do(machine.unsubscribed(channel))
            case talk.Fetch(limit):
                await self._do(machine.waiting(await service.store.due(self.agent, service.now(), limit)))
            case talk.Settle(updates):
                for message_id, channel, code in updates:
                    await service.settle(self.agent, message_id, channel, code)
                await self._do(machine.settled([one[0] for one in updates]))


async def _nobody(_settled: Settled) -> None:
    """Nobody wants to know."""


class PushService:
    """The service of one installation. ``told`` hears of every message that a browser has dealt with."""

    def __init__(
        self, rules: OwnServiceRules, store: PushStore, told: Told = _nobody, clock: Clock = system_now
    ) -> None:
        self.rules = rules
        self.store = store
        self.now: Clock = clock
        self.keys = frozenset(key.rstrip("=") for key in rules.keys)
        self._told = told
        self._online: dict[str, Visitor] = {}
        self._expiring: asyncio.Task[None] | None = None

    @property
    def online(self) -> int:
        """Browsers connected now."""
        return len(self._online)

    async def start(self) -> None:
        """Begin to forget what is too old."""
        self._expiring = asyncio.create_task(self._expire())

    async def stop(self) -> None:
        """Close what is connected; browsers come back by themselves."""
        if self._expiring is not None:
            self._expiring.cancel()
            await asyncio.gather(self._expiring, return_exceptions=True)
        await self.cut_off()

    async def cut_off(self) -> None:
        """Close every line."""
        there, self._online = self._online, {}
        await asyncio.gather(*(one.said(one.talk.ended) for one in there.values()), return_exceptions=True)

    async def _expire(self) -> None:
        while True:
            # What the store cannot do now it does a little later: nothing too old is ever sent.
            with suppress(Exception):
                for _ in range(EXPIRED_STEPS):
                    if await self.store.expire(self.now(), EXPIRED_AT_ONCE) < EXPIRED_AT_ONCE:
                        break
            await asyncio.sleep(self.rules.expire_every_s)

    # -- browsers

    async def entered(self, visitor: Visitor) -> None:
        """A browser was greeted; an older connection of it goes."""
        older = self._online.pop(visitor.agent, None)
        self._online[visitor.agent] = visitor
        if older is not None:
            later(older.said(older.talk.replaced))

    def left(self, visitor: Visitor) -> None:
        """A connection is gone."""
        if self._online.get(visitor.agent) is visitor:
            del self._online[visitor.agent]

    async def subscribe(self, visitor: Visitor, channel: str, key: str) -> str:
        """Keep a subscription: its endpoint; empty where the browser has too many.

        The endpoint follows from browser, channel and key: the same registration again gives the same one.
        """
        made_of = f"{visitor.talk.uaid} {channel} {key}".encode()
        secret = base64url(hmac.digest(self.rules.secret, made_of, "sha256")[:24])
        told = Subscribed(
            token=token_of(secret), agent=visitor.agent, channel=channel, key=key, at=self.now()
        )
        if not await self.store.subscribe(told, self.rules.agent_max):
            return ""
        return f"{self.rules.url}/send/{secret}"

    async def settle(self, agent: str, message_id: str, channel: str, code: int) -> None:
        """A browser has dealt with a message: once kept, the house is told."""
        settled = Settled(id=message_id, agent=agent, channel=channel, code=code, at=self.now())
        if await self.store.settle(settled):
            await self._told(settled)

    # -- senders

    async def submit(self, secret: str, authorization: str, given: Submission | Refusal) -> Message | Refusal:
        """Keep what was posted to an endpoint, and send it to its browser.

        Who does not know the endpoint, or shows no key, learns nothing else.
        """
        subscribed = await self.store.subscription(token_of(secret))
        if subscribed is None:
            return Refusal(410, "gone")
        now = self.now()
        if refused := check_sender(subscribed, authorization, self.rules.origin, now):
            return refused
        if isinstance(given, Refusal):
            return given
        message = _message(subscribed, given, now)
        visitor = self._online.get(subscribed.agent)
        if given.ttl_s == 0 and visitor is None:
            return message
        if not await self.store.put(message, self.rules.waiting_max):
            return Refusal(429, "too_many_waiting")
        if visitor is not None:
            later(visitor.said(visitor.talk.arrived))
        return message


def _message(subscribed: Subscribed, given: Submission, now: int) -> Message:
    return Message(
        id=secrets.token_urlsafe(24),
        token=subscribed.token,
        agent=subscribed.agent,
        channel=subscribed.channel,
        body=given.body,
        topic=given.topic,
        urgency=given.urgency,
        at=now,
        until=now + (given.ttl_s or PASSING_S) * US,
    )


_under_way: set[asyncio.Task[None]] = set()


def later(work: Awaitable[None]) -> None:
    """Let it be done soon; a task that nobody holds may be collected before it has run."""

    async def run() -> None:
        # A store that fails has cut the line already; the next connection begins with what waits.
        with suppress(Exception):
            await work

    task = asyncio.create_task(run())
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
