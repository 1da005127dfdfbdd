"""What leaves by one channel: taken while there is room for it, sent, settled with its charge.

The attempts are committed before the first byte leaves, the outcome and its charge together afterwards; so many are
under way as the gateway's window holds, and no more (faults.md 6, 7).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol

import structlog

from config.channels import Channel
from config.checks import quiet_span
from config.sms_settings import Sms as SmsSettings
from gateway.flows.charging import Charger
from gateway.house import House
from gateway.rules.short_links import PLACEHOLDER, LinkTo, link_key, with_link
from gateway.rules.sms_answers import answered
from gateway.rules.sms_policy import Leave, SmsRules, judge
from inbox_store.errors import Refused, StoreBroken, StoreFull
from inbox_store.failpoints import failpoint
from inbox_store.messages import Answered, Claiming, Decision, Facts, Go, Leaving, Stop
from inbox_store.programs import sms
from inbox_store.times import DAY_US
from push.sms.carrier import InboundAnswer, SubmitAnswer
from push.sms.compose import sends
from push.sms.ports import Outcome
from push.sms.prefixes import next_route
from push.sms.registry import rules_of
from push.sms.sender import Message, Sender
from push.sms.shares import Shares

LOOK_EVERY_S: Final = 1.0
"""How long a channel sleeps when nobody wakes it."""
GATHER_S: Final = 0.01
"""So long the first of several answers waits for the others."""
LINK_LIVES_US: Final = 3 * DAY_US
"""A link in a message opens for three days: a message on Friday evening still does on Monday."""
REFERENCES: Final = 256
TRIES_MAX: Final = 100
"""An alert's life ends long before; this only ends what a broken gateway would send round for ever."""

log = structlog.get_logger("sms")


class Peers(Protocol):
    """What a channel knows of the others."""

    def able(self, route: str) -> list[str]:
        """The channels that could take from the route now."""
        ...

    def carriers(self, name: str) -> Sequence[str]:
        """Whose numbers a channel serves."""
        ...

    def took(self) -> None:
        """Somebody took a batch: it may be another's turn."""
        ...


class Sending:
    """One channel's sending, from ``run`` until it is cancelled; then ``finish``."""

    def __init__(
        self, house: House, sender: Sender, channel: Channel, charger: Charger, peers: Peers
    ) -> None:
        self.channel = channel
        self.sender = sender
        self.wake = asyncio.Event()
        """Set when there may be something to do: orders came, an answer freed a slot, the channel is up."""
        self.under_way = 0
        """Segments taken and not yet settled."""
        self.shares: dict[str, Shares] = {}
        """By route, shared with the other channels."""
        self.outcomes: Counter[str] = Counter()
        """Attempts settled since the start, by outcome."""
        self.taking: asyncio.Task[bool] | None = None
        """The batch that is being taken, or was last."""
        self._house = house
        self._charger = charger
        self._link_key = link_key(house.store.keys.codes)
        self._peers = peers
        self._policy = policy_of(house.settings.sms)
        self._rules = rules_of(channel, house.settings.sms.signature)
        self._capacity = channel.window * channel.connections
        self._answers: list[Answered] = []
        self._stuck: list[Answered] = []
        self._answered = asyncio.Event()
        self._plenty = asyncio.Event()
        self._enough = 1
        self._idle = False
        self._passed_until = 0.0
        self._costs: dict[str, int] = {}

    @property
    def room(self) -> int:
        """Segments that may be taken now."""
        return max(0, min(self.sender.free, self._capacity - self.under_way))

    @property
    def passed(self) -> bool:
        """It was its turn, something waited, and it took nothing (a spent quota): for a moment others do not wait for it."""
        return time.monotonic() < self._passed_until

    def look_again(self) -> None:
        """There is something new to take."""
        self._passed_until = 0.0
        self.wake.set()

    async def run(self) -> None:
        """Take and send, for ever."""
        while True:
            self.wake.clear()
            try:
                while await self._step():
                    pass
            except StoreBroken:
                log.exception("sms.sending_stopped", channel=self.channel.name)
                return
            except Exception:
                # Nothing was taken: it is tried again, and said each time; meanwhile others may.
                self._passed_until = time.monotonic() + LOOK_EVERY_S
                log.exception("sms.sending_failed", channel=self.channel.name)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self.wake.wait()
            except TimeoutError:
                self._keep_later(self._stuck)
                self._stuck = []

    async def settle(self) -> None:
        """Keep what was answered, for ever."""
        while True:
            await self._answered.wait()
            self._answered.clear()
            await self._gathered()
            await self.settle_now()

    async def _gathered(self) -> None:
        """Let the answers that are about to come be settled with these: a transaction for each would be most of the work."""
        enough = min(self._capacity // 2, self.under_way)
        if len(self._answers) < enough:
            self._enough, plenty = enough, self._plenty
            plenty.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await plenty.wait()

    async def settle_now(self) -> None:
        """Keep what was answered until now."""
        while self._answers:
            batch, self._answers = self._answers, []
            keeping = asyncio.create_task(self._keep(batch))
            await asyncio.sleep(0)
            # It stands in the writer's line by now: the next claim stands behind it and is committed no earlier.
            self.under_way -= len(batch)
            self.wake.set()
            kept = await keeping
            self.under_way += len(batch) - kept

    async def _step(self) -> bool:
        """Take what there is room for; returns whether there may be more."""
        room = self.room
        routes = self._routes() if room else ()
        if not routes:
            return False
        now = self._house.clock()
        if self._idle and not await self._house.store.engine.read(sms.waiting(routes, now)):
            return False
        self.taking = asyncio.create_task(self._take(room, routes, now))
        # Who stops us waits for it: what was committed to leave does leave.
        return await asyncio.shield(self.taking)

    async def _take(self, room: int, routes: tuple[str, ...], now: int) -> bool:
        """Commit the attempts, then send."""
        # A message leaves whole, also where fewer of its segments are free: the last ones need their ids, too.
        own = self.sender.own_ids(room + self._rules.segments_max - 1)
        who = Claiming(
            channel=self.channel.name,
            routes=routes,
            free=room,
            day_segments=self.channel.day_segments,
            own_ids=tuple(message_id for _, message_id in own),
        )
        leaving = await self._house.store.engine.write(sms.claim(who, partial(self._decide, now), now))
        # Found empty once it may really have been; found empty although something waits, it is not for us.
        self._passed_until = time.monotonic() + LOOK_EVERY_S if self._idle and not leaving else 0.0
        self._idle = not leaving
        if leaving:
            failpoint("sms_after_claim")
        self._send(leaving, [sequence for sequence, _ in own])
        return bool(leaving)

    def _routes(self) -> tuple[str, ...]:
        """The routes it may take from now: its own, where it is its turn."""
        name = self.channel.name
        return tuple(
            route
            for route in self._peers.carriers(name)
            if self.shares[route].may(name, self._peers.able(route))
        )

    def _decide(self, now: int, facts: Facts) -> Decision:
        verdict = judge(facts, now, self._policy)
        if not isinstance(verdict, Leave):
            return verdict
        cost = self._costs.get(facts.text)
        if cost is None:
            if len(self._costs) > REFERENCES:
                self._costs.clear()
            try:
                cost = self._costs[facts.text] = sends(facts.text, self._rules)
            except Refused as why:  # the settings changed since it was counted
                return Stop(state="failed", reason=why.code)
        return Go(segments=cost, source=self._source(facts.alert_id), overridden=verdict.overridden)

    def _source(self, alert_id: int) -> str:
        """The access number with the digits by which a reply finds its question."""
        digits = self.channel.extension_digits
        return f"{self.channel.source}{alert_id % 10**digits:0{digits}d}" if digits else self.channel.source

    def _text(self, facts: Facts) -> str:
        """The alert's text, with the person's own link where it has a place for one."""
        if PLACEHOLDER not in facts.text or facts.document_id is None:
            return facts.text
        to = LinkTo(person_id=facts.person_id, document_id=facts.document_id)
        until = facts.created_at + LINK_LIVES_US
        return with_link(
            facts.text, facts.order_id, until, self._link_key, self._house.settings.server.address, to=to
        )

    def _send(self, leaving: Sequence[Leaving], sequences: list[int]) -> None:
        at = 0
        for one in leaving:
            count = len(one.attempts)
            self.under_way += count
            self.shares[one.facts.route or ""].took(self.channel.name, count)
            self._post(one, tuple(sequences[at : at + count]))
            at += count
        if leaving:
            self._peers.took()

    def _post(self, one: Leaving, sequences: tuple[int, ...]) -> None:
        facts = one.facts
        done = partial(self._done, one)
        try:
            number = self._house.store.keys.phones.open(facts.phone_sealed or b"", facts.phone_key or 0)
        except ValueError:
            log.exception("sms.number_unreadable", person=facts.person_id)
            self._keep_later(
                Answered(attempt_id=attempt, outcome="refused", code="number", at=self._house.clock())
                for _, attempt in one.attempts
            )
            return
        message = Message(
            to=number,
            source=one.source,
            text=self._text(facts),
            numbers=tuple(number for number, _ in one.attempts),
            reference=facts.order_id % REFERENCES,
            priority=9 if facts.priority == 0 else 5 if facts.priority == 1 else 1,
            valid_until=facts.expires_at,
            sequences=sequences,
        )
        self.sender.post(message, done, one)

    def _done(self, one: Leaving, outcomes: list[Outcome]) -> None:
        failpoint("sms_after_answer")
        now = self._house.clock()
        self._keep_later(
            answered(attempt, outcome, now, one.facts.tries, partial(self._next_route, one))
            for (_, attempt), outcome in zip(one.attempts, outcomes, strict=True)
        )

    def late(self, token: object, place: int, answer: SubmitAnswer | InboundAnswer) -> None:
        """An answer to what was told as in doubt."""
        if not isinstance(token, Leaving):
            raise TypeError(f"a late answer belongs to {token!r}")
        _, attempt = token.attempts[place]
        self.under_way += 1
        self._keep_later(
            [
                answered(
                    attempt, answer, self._house.clock(), token.facts.tries, partial(self._next_route, token)
                )
            ]
        )

    def _next_route(self, one: Leaving) -> str:
        """Another carrier that a channel serves and that was not asked yet: the number may have been ported."""
        tried = {route for name in (*one.tried, self.channel.name) for route in self._peers.carriers(name)}
        return next_route(one.facts.route or "", tried)

    def _keep_later(self, answers: Iterable[Answered]) -> None:
        self._answers.extend(answers)
        self._answered.set()
        if len(self._answers) >= self._enough:
            self._plenty.set()

    async def _keep(self, batch: list[Answered]) -> int:
        """Settle; returns how many were. What fails for several is tried one by one, what fails alone again later."""
        write = self._house.store.engine.write
        try:
            failpoint("sms_before_settle")
            await write(self._charger.settling(batch))
        except StoreBroken:
            raise
        except StoreFull as why:
            log.warning("sms.settle_waits", channel=self.channel.name, answers=len(batch), why=str(why))
            self._stuck += batch
            return 0
        except Exception as why:
            if len(batch) > 1:
                return sum([await self._keep([one]) for one in batch])
            log.exception(
                "sms.not_settled", channel=self.channel.name, attempt=batch[0].attempt_id, why=str(why)
            )
            self._stuck += batch
            return 0
        self.outcomes.update(one.outcome for one in batch)
        return len(batch)


def policy_of(told: SmsSettings) -> SmsRules:
    """The office's policy from its settings."""
    start, end = quiet_span(told.quiet_hours) or (0, 0)
    return SmsRules(
        quiet_from=start,
        quiet_to=end,
        person_day=told.person_day,
        unit_day=told.unit_day,
        urgent_override=told.urgent_override,
        tries_max=TRIES_MAX,
    )
