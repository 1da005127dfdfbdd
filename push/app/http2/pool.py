"""Connections to one host, made when they are needed; every request that is asked ends within limits.

    pool = Pool("apns", Address("api.push.apple.com", 443, tls_context()))
    await pool.start()
    said = await pool.ask(request)      # Answer, Unsent or InDoubt
    await pool.stop()

What was never processed is asked again, here or over another connection, until its time is up; what may have been
processed is told as InDoubt and never asked again. Decisions about frames stand in ``machine``.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable

import structlog

from push.app.http2.happenings import (
    Answered,
    Closed,
    Happening,
    InDoubt,
    Leaving,
    Request,
    Unprocessed,
    Up,
)
from push.app.http2.lane import IN_ORDER, Lane
from push.app.http2.machine import Unsendable
from push.app.http2.ports import Address, Job, PoolLimits, Said, Unsent
from push.app.http2.wire import Wire
from push.app.sender import InDoubt as Doubtful
from push.sms.wire import CLOSING_S, ticks

log = structlog.get_logger("push")


class Pool:
    """Connections to one address. Not for use by several threads."""

    def __init__(
        self,
        name: str,
        address: Address,
        limits: PoolLimits | None = None,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.last = Closed("lost", "never connected")
        """How the last connection ended."""
        self._limits = limits or PoolLimits()
        self._chance = chance
        self._lanes = [
            Lane(self, f"{name}/{number}", address, self._limits)
            for number in range(self._limits.connections)
        ]
        self._wires: dict[int, Wire[Job]] = {}
        self._waiting: deque[Job] = deque()
        self._resting: set[Job] = set()
        self._begun = 0
        self._made = 0
        self._failures = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    # -- life

    @property
    def up(self) -> bool:
        """Whether requests can leave, as far as there is room."""
        return any(lane.up for lane in self._lanes)

    @property
    def open(self) -> int:
        """Requests that have not ended."""
        return len(self._waiting) + len(self._resting) + self._begun

    async def start(self) -> None:
        """Make ready; connects when something is asked."""
        self._tasks = [asyncio.create_task(lane.run(), name=f"http2 {lane.name}") for lane in self._lanes]
        for task in self._tasks:
            task.add_done_callback(self._ran_out)

    async def stop(self) -> None:
        """Take nothing new, wait for open answers, close; within ``stop_timeout_s`` and some. What is open then is in doubt."""
        self._stopping = True
        self._turn_away(Unsent("stopping"))
        wires = tuple(self._wires.values())
        for wire in wires:
            wire.leave()
        await _all([wire.ended for wire in wires], self._limits.stop_timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in wires:
            if not wire.ended.done():
                wire.cut()
        await _all([wire.gone for wire in wires], CLOSING_S)

    def _ran_out(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (why := task.exception()) is not None:
            log.error("http2.task_ended", pool=self.name, exc_info=why)

    # -- asking

    async def ask(self, request: Request) -> Said:
        """Send, and wait for what comes of it. Cancelling takes nothing back that has left."""
        return await self.begin(request)

    def begin(self, request: Request) -> asyncio.Future[Said]:
        """The same for one who asks for many at once: a future that is always fulfilled, never with an error."""
        loop = asyncio.get_running_loop()
        job = Job(request, loop.create_future(), loop.time() + self._limits.wait_s)
        if blocked := self._blocked():
            job.end(blocked)
            return job.done
        self._waiting.append(job)
        self.pump()
        if not (job.attempts or job.done.done()):
            job.timer = loop.call_at(job.deadline, self._too_late, job)
        return job.done

    def retire(self, via: int) -> None:
        """Send nothing more over the connection that an answer came by; what is open there is waited for."""
        if (wire := self._wires.get(via)) is not None:
            wire.leave()

    def _blocked(self) -> Unsent | None:
        if self._stopping:
            return Unsent("stopping")
        if len(self._waiting) >= self._limits.waiting_max:
            return Unsent("waiting_full")
        if self._failures >= self._limits.fast_after and not self.up:
            return Unsent("unreachable", f"{self.last.why} {self.last.note}".strip())
        return None

    def pump(self) -> None:
        """Let leave what may leave now."""
        while self._waiting:
            if self._waiting[0].done.done():
                self._waiting.popleft()
            elif (wire := self._best()) is not None:
                self._begin(wire, self._waiting.popleft())
            else:
                self._call_lane()
                return

    def _best(self) -> Wire[Job] | None:
        """The connection with most room."""
        best, most = None, 0
        for lane in self._lanes:
            wire = lane.wire
            if wire is not None and (free := wire.free) > most:
                best, most = wire, free
        return best

    def _begin(self, wire: Wire[Job], job: Job) -> None:
        try:
            sent = wire.machine.request(job.request, job, ticks())
        except Unsendable as why:
            job.end(Unsent("unsendable", str(why)))
            return
        if not sent:
            self._waiting.appendleft(job)
            return
        job.unset()
        job.attempts += 1
        self._begun += 1
        wire.soon()

    def _call_lane(self) -> None:
        """Bring up one more connection, one at a time."""
        if self._stopping or any(lane.coming for lane in self._lanes):
            return
        for lane in self._lanes:
            if not lane.up:
                lane.wanted.set()
                return

    # -- what connections tell

    def made(self, wire: Wire[Job]) -> None:
        """``wire`` begins to connect."""
        self._made += 1
        wire.number = number = self._made
        self._wires[number] = wire
        wire.gone.add_done_callback(lambda _: self._wires.pop(number, None))

    def heed(self, wire: Wire[Job], told: list[Happening[Job]]) -> None:
        """Something happened on ``wire``; an empty list says that it can send again."""
        for one in told:
            if isinstance(one, Answered):
                self._end(one.token, one.answer._replace(via=wire.number))
            elif isinstance(one, Unprocessed):
                self._again(one.token, one.why)
            elif isinstance(one, InDoubt):
                self._end(one.token, Doubtful(why=one.why))
            else:
                self._turned(wire, one)
        self.pump()

    def pause_s(self, attempt: int) -> float:
        """Seconds until a place connects again, after ``attempt`` connections that ended badly."""
        return self._limits.backoff.pause_s(attempt - 1, self._chance())

    def _turned(self, wire: Wire[Job], one: Up | Leaving | Closed) -> None:
        if isinstance(one, Up):
            self._failures, wire.was_up = 0, True
            log.info("http2.up", pool=self.name, connection=wire.number)
            return
        if isinstance(one, Closed):
            self.last = one
            self._failures += not wire.was_up
        tell = log.info if one.why in IN_ORDER else log.warning
        word = "http2.closed" if isinstance(one, Closed) else "http2.leaving"
        tell(word, pool=self.name, connection=wire.number, why=one.why, note=one.note)
        if (blocked := self._blocked()) and blocked.why == "unreachable":
            # Where nobody is reached nobody waits any longer; the place goes on trying.
            self._turn_away(blocked)

    def _end(self, job: Job, said: Said) -> None:
        self._begun -= 1
        job.end(said)

    def _again(self, job: Job, why: str) -> None:
        """The peer did nothing with it: at once the first time, then after pauses, as long as there is time."""
        self._begun -= 1
        loop = asyncio.get_running_loop()
        if self._stopping:
            job.end(Unsent("stopping"))
        elif loop.time() >= job.deadline or job.attempts >= self._limits.attempts_max:
            job.end(Unsent("given_back", why))
        elif job.attempts < 2:
            self._wait(job)
        else:
            pause_s = self._limits.again_s * 2 ** (job.attempts - 2) * (0.5 + self._chance() / 2)
            self._resting.add(job)
            job.timer = loop.call_later(min(pause_s, job.deadline - loop.time()), self._rested, job)

    def _rested(self, job: Job) -> None:
        self._resting.discard(job)
        self._wait(job)
        self.pump()

    def _wait(self, job: Job) -> None:
        job.timer = asyncio.get_running_loop().call_at(job.deadline, self._too_late, job)
        self._waiting.appendleft(job)

    def _too_late(self, job: Job) -> None:
        job.timer = None
        job.end(Unsent("timeout", "" if self.up else self.last.why))

    def _turn_away(self, said: Unsent) -> None:
        for job in (*self._waiting, *self._resting):
            job.end(said)
        self._waiting.clear()
        self._resting.clear()


async def _all(ended: list[asyncio.Future[object]], within_s: float) -> None:
    if ended:
        await asyncio.wait(ended, timeout=within_s)
