"""How a commit reaches those online: strictly in commit order, one frame per content, slice by slice."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import chain, islice, repeat
from typing import TypeVar

import structlog

from inbox_store.engine import Nudge
from realtime.desk import Desk
from realtime.fanout import Plan
from realtime.link import push
from realtime.register import sliced

log = structlog.get_logger("realtime")
T = TypeVar("T")


def weight(nudge: Nudge) -> int:
    """How much of the queue a nudge takes: what it tells, not that it is one."""
    return 1 + len(nudge.arrivals) + len(nudge.changed) + len(nudge.told)


class Hub:
    """The one queue of nudges. ``frontier`` is the commit up to which everything was handed out.

    ``changed`` is called with each online person whose entries changed (their folder counts are to be told), ``noticed``
    with each notice to somebody online.
    """

    def __init__(self, desk: Desk, changed: Callable[[int], None], noticed: Callable[[int], None]) -> None:
        self.published = 0
        self.frontier = 0
        self._desk = desk
        self._feed = desk.feed
        self._register = desk.register
        self._limits = desk.limits
        self._changed = changed
        self._noticed = noticed
        self._nudges: deque[Nudge] = deque()
        self._weight = 0
        self._lost = False
        self._wake = asyncio.Event()

    def publish(self, nudge: Nudge) -> None:
        """A commit is durable. Called on the loop, in commit order, right after the commit; never waits.

        When the queue is full, a nudge comes out of order, or another process has committed what nobody was told of,
        nothing is lost: every session reads for itself.
        """
        in_order = nudge.commit_no > self.published
        self.published = max(self.published, nudge.commit_no)
        told = self._weight + weight(nudge)
        if in_order and not nudge.foreign and told <= self._limits.nudges_max:
            self._nudges.append(nudge)
            self._weight = told
        else:
            log.warning(
                "nudges.dropped", commit_no=nudge.commit_no, waiting=len(self._nudges), in_order=in_order
            )
            self._nudges.clear()
            self._weight = 0
            self._lost = True
        self._wake.set()

    async def run(self) -> None:
        """Hand nudges out until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._lost or self._nudges:
                if self._lost:
                    self._lost = False
                    await self._everyone_reads()
                elif batch := self._take():
                    await self._hand_out(batch)

    def _take(self) -> list[Nudge]:
        """What waits, up to the batch limit: under load many small commits share one read and one frame."""
        batch: list[Nudge] = []
        total = 0
        for nudge in self._nudges:
            with_it = total + weight(nudge)
            if batch and with_it > self._limits.batch_max:
                break
            batch.append(nudge)
            total = with_it
        for _ in batch:
            self._nudges.popleft()
        self._weight -= total
        return batch

    async def _everyone_reads(self) -> None:
        """Nothing later is handed out before every session knows that it is behind: so there is no gap."""
        for links in sliced(self._register.all(), self._limits.slice_sends):
            for link in links:
                self._desk.perform(link, link.session.behind())
            await asyncio.sleep(0)

    async def _hand_out(self, batch: list[Nudge]) -> None:
        try:
            plan = await self._plan(batch)
        except Exception as why:  # noqa: BLE001 - whatever the store says: these nudges cannot be told
            log.warning("nudges.unread", commit_no=batch[-1].commit_no, nudges=len(batch), why=repr(why))
            await self._everyone_reads()
        else:
            await self._send(plan)
        for person_id, notice_id in (pair for nudge in batch for pair in nudge.told):
            if person_id in self._register:
                self._noticed(notice_id)
        self.frontier = batch[-1].commit_no

    async def _plan(self, batch: list[Nudge]) -> Plan:
        plan = Plan()
        online = self._register.persons()
        wanted = dict.fromkeys(pair for nudge in batch for pair in nudge.changed if pair[0] in online)
        items = await self._read(self._feed.items(list(wanted))) if wanted else {}
        for nudge in batch:
            if online and nudge.arrivals:
                await self._plan_arrivals(plan, nudge, online)
            for pair in nudge.changed:
                if pair in items:
                    plan.item(nudge.commit_no, pair[0], items[pair])
        for person_id, _ in wanted:
            self._changed(person_id)
        return plan

    async def _plan_arrivals(self, plan: Plan, nudge: Nudge, online: frozenset[int]) -> None:
        for send_no in nudge.arrivals:
            told = await self._read(self._feed.arrivals(send_no, nudge.commit_no, online))
            for rows in sliced(told.rows, self._limits.plan_rows):
                plan.arrivals(nudge.commit_no, told.header, rows)
                await asyncio.sleep(0)

    async def _read(self, read: Awaitable[T]) -> T:
        async with asyncio.timeout(self._limits.read_timeout_s):
            return await read

    async def _send(self, plan: Plan) -> None:
        of, room = self._register.links.get, self._limits.slice_sends
        for delivery, persons in plan.deliveries():
            links = chain.from_iterable(map(of, persons, repeat(())))
            while some := list(islice(links, room)):
                for link in push(some, delivery):
                    self._desk.too_slow(link)
                room -= len(some)
                if not room:
                    room = self._limits.slice_sends
                    await asyncio.sleep(0)
