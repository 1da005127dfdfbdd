"""What leaves to one vendor's devices: taken while there is room, sent in batches, settled; dead addresses pruned behind a gate."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import structlog
from msgspec.structs import replace

from gateway.flows.push_texts import push_of
from gateway.house import House
from gateway.rules.alert_policy import AlertRules, judge_push
from inbox_store.errors import StoreBroken
from inbox_store.programs import pushes
from inbox_store.pushes import PushAnswered, PushLeaving
from inbox_store.times import US
from push.app.pruning import PruneGate
from push.app.retry import Retry
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, PushSender, Refused

LOOK_EVERY_S: Final = 1.0
UNDER_WAY_MAX: Final = 512
"""Alerts handed to a vendor and not yet settled."""
SETTLES_WITHIN_S: Final = 5.0
TAKEN_AT_ONCE: Final = 128

log = structlog.get_logger("push")


class PushSending:
    """One vendor's alerts, from ``run`` until it is cancelled; then ``finish``."""

    def __init__(
        self,
        house: House,
        sender: PushSender,
        rules: AlertRules,
        gate: PruneGate,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.sender = sender
        self.wake = asyncio.Event()
        self.outcomes: Counter[str] = Counter()
        """Alerts settled since the start, by outcome."""
        self.pruned = 0
        self._house = house
        self._rules = rules
        self._gate = gate
        self._retry = Retry()
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way = 0

    async def run(self) -> None:
        """Take and send, for ever."""
        while True:
            self.wake.clear()
            try:
                while await self.step():
                    pass
            except StoreBroken:
                log.exception("push.stopped", vendor=self.sender.vendor)
                return
            except Exception:
                log.exception("push.failed", vendor=self.sender.vendor)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self.wake.wait()
            except TimeoutError:
                continue

    async def settled(self) -> None:
        """Wait, not for long, until what is under way now is kept: a receipt may come before the answer it belongs to."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=SETTLES_WITHIN_S)

    async def finish(self) -> None:
        """Wait for what is under way, within what the sender allows itself."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def step(self) -> bool:
        """Take what there is room for; returns whether there may be more."""
        room, now = UNDER_WAY_MAX - self._under_way, self._house.clock()
        vendor, engine = self.sender.vendor, self._house.store.engine
        if room < self.sender.batch_max and self._under_way:
            return False
        if not await engine.read(pushes.waiting(vendor, now)):
            return False
        taking = asyncio.create_task(self._take(min(room, TAKEN_AT_ONCE), now))
        # Who stops us waits for it: what was committed to leave does leave.
        self._keep(taking)
        return await asyncio.shield(taking)

    async def _take(self, room: int, now: int) -> bool:
        decide = partial(judge_push, now=now, rules=self._rules)
        leaving = await self._house.store.engine.write(pushes.claim(self.sender.vendor, room, decide, now))
        size = self.sender.batch_max
        for at in range(0, len(leaving), size):
            batch = leaving[at : at + size]
            self._under_way += len(batch)
            self._keep(asyncio.create_task(self._send(batch)))
        return bool(leaving)

    def _keep(self, task: asyncio.Task[None] | asyncio.Task[bool]) -> None:
        self._tasks.add(task)  # type: ignore[arg-type]  # only waited for
        task.add_done_callback(self._tasks.discard)

    async def _send(self, batch: Sequence[PushLeaving]) -> None:
        try:
            outcomes = await self._outcomes(batch)
            now = self._house.clock()
            answers = [self._answer(one, told, now) for one, told in zip(batch, outcomes, strict=True)]
            await self._house.store.engine.write(pushes.settle(answers))
            self.outcomes.update(one.outcome for one in answers)
            await self._prune([one for one in answers if one.gone], now)
        except Exception:
            # What is not settled is in doubt after the next start: shown, and nobody is alerted twice for it.
            log.exception("push.not_settled", vendor=self.sender.vendor, alerts=len(batch))
        finally:
            self._under_way -= len(batch)
            self.wake.set()

    async def _outcomes(self, batch: Sequence[PushLeaving]) -> list[Outcome]:
        """One for each; a device whose address cannot be opened (its key is lost) is no device any more."""
        found: list[Outcome] = [Refused(code="unreadable") for _ in batch]
        made: list[tuple[int, Push]] = []
        for place, one in enumerate(batch):
            try:
                token = self._house.store.keys.phones.open(one.facts.token_sealed, one.facts.token_key)
            except ValueError:
                log.exception("push.address_unreadable", device=one.facts.device_id)
                continue
            made.append((place, push_of(self._house, one, token)))
        told = await self.sender.send([push for _, push in made])
        for (place, _), outcome in zip(made, told, strict=True):
            found[place] = outcome
        return found

    def _answer(self, one: PushLeaving, told: Outcome, now: int) -> PushAnswered:
        facts = one.facts
        base = PushAnswered(order_id=facts.order_id, device_id=facts.device_id, outcome="accepted", at=now)
        change = partial(_changed, base)
        match told:
            case Accepted():
                self._retry.succeeded(self.sender.name)
                return change(receipt=told.receipt)
            case Refused():
                if told.alarm:
                    log.error("push.alarm", vendor=self.sender.vendor, code=told.code)
                return change(outcome="refused", code=told.code, gone=told.gone)
            case Deferred():
                wait = self._retry.put_off(self.sender.name, told, _monotonic_us(), self._chance())
                return change(
                    outcome="deferred", code=told.code, again_at=now + max(0, wait - _monotonic_us())
                )
            case InDoubt():
                return change(outcome="in_doubt", code=told.why)

    async def _prune(self, dead: Sequence[PushAnswered], now: int) -> None:
        """Behind the gate: where a vendor calls too many dead at once, it is the vendor or our account that is wrong."""
        if not dead:
            return
        engine, vendor = self._house.store.engine, self.sender.vendor
        devices = (await engine.read(pushes.counts())).get(vendor, 0)
        passed = [one for one in dead if self._gate.dead(vendor, devices, now) == "prune"]
        if len(passed) < len(dead):
            log.error("push.pruning_stopped", vendor=vendor, dead=len(dead))
        if passed:
            await engine.write(pushes.prune([one.device_id for one in passed], passed[0].code, now))
            self.pruned += len(passed)


def _changed(base: PushAnswered, **changes: object) -> PushAnswered:
    return replace(base, **changes)


def _monotonic_us() -> int:
    return int(time.monotonic() * US)
