"""A gateway of the tiny protocol on a real socket, and links towards it whose pauses take no time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from push.sms.bucket import Pace
from push.sms.carrier import Hello, Inbound, Reply, Report, Submitted
from push.sms.happenings import Answered, Closed, InDoubt, SessionRules
from push.sms.link import ChannelLink
from push.sms.listener import Caller, Listener, ListenerHandlers, ListenerLimits
from push.sms.ports import Address, Handlers, LinkLimits, LinkState, Outcome
from tests.push.tiny_dialect import TinyClient, TinyServer

WAIT_S = 10
"""How long a test waits for what must happen; far above what it takes."""


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until ``holds``; a test that would wait for ever fails."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 - no event tells it: it is asked after each turn of the loop
            await asyncio.sleep(0)


class Gateway:
    """What the far end does: answers at once with ``code``, or keeps what is asked while ``code`` is None."""

    def __init__(
        self, limits: ListenerLimits | None = None, *, server: type[TinyServer] = TinyServer
    ) -> None:
        self.code: int | None = 0
        self.refusal = 0
        self.asked: list[tuple[Caller, Submitted]] = []
        self.texts: list[tuple[Caller, str]] = []
        self.told: list[Answered[object] | InDoubt[object]] = []
        self.came: list[Inbound] = []
        self.ends: list[Closed] = []
        handlers = ListenerHandlers(self.admit, self.store, self.submitted, self.word, self.ended)
        self.listener = Listener(server, handlers, limits)

    def admit(self, _caller: Caller, hello: Hello) -> tuple[int, str]:
        """Everybody, unless told otherwise."""
        del hello
        return self.refusal, ""

    async def store(self, inbounds: Sequence[Inbound]) -> None:
        """Keep what came."""
        self.came += inbounds

    def submitted(self, caller: Caller, asked: Submitted) -> None:
        """Answer or keep."""
        text = asked.segment.content.decode()
        self.texts.append((caller, text))
        if self.code is None:
            self.asked.append((caller, asked))
        else:
            caller.answer(asked, f"id-{text}", self.code)

    def word(self, _caller: Caller, told: Answered[object] | InDoubt[object]) -> None:
        """What became of a report."""
        self.told.append(told)

    def ended(self, _caller: Caller, closed: Closed) -> None:
        """Somebody left."""
        self.ends.append(closed)

    @property
    def caller(self) -> Caller:
        """The first who is connected."""
        return next(iter(self.listener.callers.values()))

    def report(self, message_id: str) -> bool:
        """Send a report to them."""
        what = Report(message_id=message_id, to="", state="delivered", stat="DELIVRD")
        return self.caller.report(what, "", 0, message_id)

    def reply(self, text: str) -> bool:
        """Send them a reply."""
        what = Reply(sender="13800138000", source="1", content=text.encode(), coding="ascii")
        return self.caller.reply(what, "", text)


@asynccontextmanager
async def serving(gateway: Gateway, tls: ssl.SSLContext | None = None) -> AsyncIterator[Gateway]:
    """The gateway, listening."""
    await gateway.listener.start("127.0.0.1", 0, tls)
    try:
        yield gateway
    finally:
        await gateway.listener.stop()


class House:
    """What a link tells, and what it is told."""

    def __init__(self) -> None:
        self.stored: list[Inbound] = []
        self.batches: list[int] = []
        self.states: list[LinkState] = []
        self.late: list[tuple[object, int, str]] = []
        self.pauses: list[float] = []
        self.poison = b""
        self.shut = asyncio.Event()
        self.shut.set()

    async def store(self, inbounds: Sequence[Inbound]) -> None:
        """Keep all, when the door is open; a batch with ``poison`` in it is not stored at all."""
        self.batches.append(len(inbounds))
        await self.shut.wait()
        for one in inbounds:
            if isinstance(one.what, Reply) and one.what.content == self.poison:
                raise OSError("disk full")
        self.stored += inbounds

    @property
    def handlers(self) -> Handlers:
        """For a link."""
        return Handlers(
            self.store,
            self.states.append,
            lambda token, number, answer: self.late.append((token, number, str(answer.code))),
        )

    async def pause(self, seconds: float) -> None:
        """Take note, and no time."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)


FAST = SessionRules(window=4, answer_timeout_s=5, goodbye_timeout_s=1, settle_s=1e-6)
QUICKLY = Pace(rate_per_s=1_000)
"""The window is narrower than what this rate lets leave ahead."""


@asynccontextmanager
async def linked(
    house: House,
    port: int,
    limits: LinkLimits | None = None,
    client: Callable[[], TinyClient] = TinyClient,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[ChannelLink]:
    """A link towards the gateway at ``port``; stopped at the end."""
    link = ChannelLink(
        "tiny",
        lambda _lane, _lanes: client(),
        Address("127.0.0.1", port, tls),
        limits or LinkLimits(session=FAST, pace=QUICKLY),
        house.handlers,
        chance=lambda: 0.5,
        pause=house.pause,
    )
    await link.start()
    try:
        yield link
    finally:
        await link.stop()


class Outcomes:
    """A ``done`` that remembers."""

    def __init__(self) -> None:
        self.all: list[list[Outcome]] = []

    def __call__(self, outcomes: list[Outcome]) -> None:
        """One message is over."""
        self.all.append(outcomes)
