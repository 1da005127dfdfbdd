"""Several people at a running server at once, by the dice of a seed: handing in, signing, returning, answering, following.

Each document's road is fixed by its key. A road that was cut off is walked anew from its beginning with the same
Idempotency-Keys: what was done is answered with the same bytes, what was not is done.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from realtime.client import ClientOptions, Credential, LiveClient
from realtime.frames import Hello
from realtime.positions import MemoryPositions
from tests.faults.callers import LOOK_EVERY_S, LOST, Office, meeting, notice
from tests.faults.worker import clerk_of
from tests.inbox_store.small_city import RECEIVERS

FOLLOWERS: Final = ("u1-a", "u3-b", "u5-a")
ROADS: Final = 4
"""Documents under way at once."""


async def _gone(_seconds: float) -> None:
    """A line that is lost is the end of this life: nobody tries again before the server is back."""
    raise ConnectionResetError("the live line is lost")


@dataclass
class Follower:
    """One device of one person; it outlives the server's lives."""

    person: str
    positions: MemoryPositions = field(default_factory=MemoryPositions)
    since: int = -1
    seen: set[int] = field(default_factory=set)

    async def follow(self, people: Office) -> None:
        """Take what comes, and note each time when the server has written down that it came. Until cancelled."""
        async with self.device(people) as live:
            while True:
                await self.take(people, live)

    def device(self, people: Office) -> LiveClient:
        """A connection that resumes where the last one ended."""

        async def credential() -> Credential:
            return Credential(token=people.tokens[self.person])

        url = f"{people.server.url.replace('http', 'ws')}/api/v1/live"
        hello, options = Hello(device="desk"), ClientOptions(pause=_gone)
        return LiveClient(url, credential, hello=hello, positions=self.positions, options=options)

    async def take(self, people: Office, live: LiveClient) -> None:
        """One frame, acked, and the ack seen in the store."""
        await live.connect()
        if self.since < 0 and live.mark is not None:
            self.since = live.mark.position
        told = await live.take()
        self.seen |= {item.document_id for item in told.items}
        await live.done()
        while not self._delivered(await people.inbox(self.person), told.position):  # noqa: ASYNC110 - polled over HTTP
            await asyncio.sleep(LOOK_EVERY_S)
        people.ledger.tell("delivered", person=self.person, after=self.since, to=told.position)

    def _delivered(self, entries: Iterable[dict[str, object]], to: int) -> bool:
        numbers = ((int(str(one["position"])), one["delivered_at"]) for one in entries)
        return all(at is not None for position, at in numbers if self.since < position <= to)

    async def catch_up(self, people: Office) -> None:
        """Take all that is missing: then everything that ever came since the first connection has been seen."""
        entries = await people.inbox(self.person)
        wanted = {one["document_id"] for one in entries if one["position"] > self.since >= 0}
        if wanted <= self.seen:
            return
        async with self.device(people) as live:
            async with asyncio.timeout(20):
                while not wanted <= self.seen:
                    self.seen |= {item.document_id for item in (await live.take()).items}
                await live.done()


async def together(*work: Awaitable[None]) -> None:
    """All of it to its own end, though one fails: nobody is cut off in the middle of connecting. Raises the worst fault."""
    ends = await asyncio.gather(*work, return_exceptions=True)
    faults = [end for end in ends if isinstance(end, BaseException)]
    for fault in sorted(faults, key=lambda one: isinstance(one, LOST)):
        raise fault


@dataclass
class Load:
    """The load of one seed, through all lives of its server."""

    seed: int
    begun: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The body handed in under each key: a repetition must be the same to the byte."""
    ended: set[str] = field(default_factory=set)
    answers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    over: bool = False
    followers: list[Follower] = field(default_factory=lambda: [Follower(person) for person in FOLLOWERS])

    async def run(self, people: Office) -> None:
        """Finish what was cut off, then new documents without end; returns when the server is gone."""
        self.over = False
        following = [asyncio.create_task(follower.follow(people)) for follower in self.followers]
        try:
            await together(*(self.road(people, key) for key in self.begun if key not in self.ended))
            await together(*(self._roads(people) for _ in range(ROADS)))
        except LOST:
            # Slow is no death: only a server that does not even say that it lives is gone.
            if await self._answers(people):
                raise
            # Each line breaks by itself then; a connection that is cut while it is made would stay open.
            await asyncio.wait(following)
        finally:
            for task in following:
                task.cancel()
            self._judge(await asyncio.gather(*following, return_exceptions=True))

    @staticmethod
    async def _answers(people: Office) -> bool:
        try:
            await people.ask("", "GET", "/healthz")
        except LOST:
            return False
        return True

    @staticmethod
    def _judge(ends: Iterable[BaseException | None]) -> None:
        """A follower ends because it is told to or because the server is gone; anything else is a fault."""
        for end in ends:
            if end is not None and not isinstance(end, (asyncio.CancelledError, *LOST)):
                raise end

    async def _roads(self, people: Office) -> None:
        while not self.over:
            try:
                await self.road(people, f"{self.seed}-{len(self.begun)}")
            except BaseException:
                self.over = True
                raise

    async def finish(self, people: Office) -> None:
        """Walk every road to its end that was cut off, then let everybody catch up."""
        await together(*(self.road(people, key) for key in self.begun if key not in self.ended))
        for follower in self.followers:
            await follower.catch_up(people)

    async def road(self, people: Office, key: str) -> None:
        """One document, by the dice of its own key."""
        dice = random.Random(key)
        units = dice.sample(RECEIVERS, dice.randint(2, 4))
        meets = dice.random() < 0.25
        body = self.begun.setdefault(key, (meeting if meets else notice)(key, units))
        told = await people.hand_in(key, units, body)
        await people.refused(key)
        await people.sent(told.dispatch_id)
        hands = [self.receive(people, told.document_id, unit, f"{key}/{unit}", meets=meets) for unit in units]
        await together(*hands)
        last = dice.random()
        if last < 0.3:
            await people.supplement(told.document_id, RECEIVERS, key=f"{key}-more")
        elif last < 0.5:
            await people.recall(told.document_id, key=f"{key}-back")
        people.head()
        self.ended.add(key)

    @staticmethod
    async def receive(people: Office, document_id: int, unit: str, seed: str, *, meets: bool) -> None:
        """What one unit does with its copy."""
        dice = random.Random(seed)
        by, returns, hands_on = clerk_of(unit, dice.choice("AB")), dice.random() < 0.2, dice.random() < 0.4
        await people.open(document_id, by)
        if returns:
            await people.give_back(document_id, unit, by)
            return
        await people.sign(document_id, unit, by)
        if meets:
            await people.answer(document_id, unit, by)
        if hands_on:
            await people.transfer(document_id, unit, f"{unit.lower()}-staff", by)
            await people.archive(document_id, unit, by)
