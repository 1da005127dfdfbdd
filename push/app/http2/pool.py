"""Connections to one host, made when they are needed; every request that is asked for ends within limits.

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
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import msgspec
import structlog

from push.app.http2.happenings import (
    Answer,
    Answered,
    Closed,
    Happening,
    Http2Rules,
    InDoubt,
    Leaving,
    Request,
    Unprocessed,
    Up,
    Why,
)
from push.app.http2.lane import Lane
from push.app.http2.machine import Machine, TooLarge
from push.app.http2.wire import PROTOCOL, Wire
from push.app.sender import InDoubt as Doubtful
from push.sms.backoff import Backoff

log = structlog.get_logger("push")

Unable = Literal["stopping", "waiting_full", "unreachable", "timeout", "given_back", "too_large"]
"""Why a request was never processed: the pool stops; too much waits; nobody is reached; no connection had room in time;
the peer gave it back too often; the peer takes no request of that size."""

SETTLED_S: Final = 5
"""A connection that lived so long and answered something was well: its end calls for no pause."""


class Unsent(NamedTuple):
    """The peer did nothing with the request; it may be asked again."""

    why: Unable
    note: str = ""


Said = Answer | Unsent | Doubtful


class Address(NamedTuple):
    """Where a vendor listens; ``tls`` from ``tls_context``."""

    host: str
    port: int
    tls: ssl.SSLContext


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much, how long, how often; seconds."""

    connections: int = 2
    waiting_max: int = 10_000
    wait_s: float = 20
    """From the call of ``ask`` until the request left for good."""
    attempts_max: int = 5
    """How often one request is begun: a peer that gives back all would be asked for ever."""
    again_s: float = 0.05
    """Pause before a request's third attempt; doubles."""
    connect_timeout_s: float = 10
    user_timeout_s: float = 20
    stop_timeout_s: float = 10
    fast_after: int = 3
    """Failed attempts to connect, after which requests are turned away at once until one succeeds."""
    backoff: Backoff = Backoff(first_s=0.5, max_s=60)
    rules: Http2Rules = Http2Rules()

    def __post_init__(self) -> None:
        for field in ("connections", "waiting_max", "attempts_max", "fast_after"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} is below 1")


class Job:
    """A request until it ends. ``attempts`` counts how often it was begun."""

    __slots__ = ("attempts", "deadline", "done", "request", "timer")

    def __init__(self, request: Request, done: asyncio.Future[Said], deadline: float) -> None:
        self.request = request
        self.done = done
        self.deadline = deadline
        self.attempts = 0
        self.timer: asyncio.TimerHandle | None = None

    def end(self, said: Said) -> None:
        """Tell, once."""
        self.unset()
        if not self.done.done():
            self.done.set_result(said)

    def unset(self) -> None:
        """It waits no longer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def tls_context(ca_pem: str = "") -> ssl.SSLContext:
    """TLS 1.2 or newer with ALPN ``h2``; ``ca_pem`` is trusted in place of the system's roots (own far ends)."""
    context = ssl.create_default_context(cadata=ca_pem or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([PROTOCOL])
    return context


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
        self.address = address
        self.limits = limits or PoolLimits()
        self.last = Closed("lost", "never connected")
        """How the last connection ended."""
        self._chance = chance
        self._lanes = [Lane(self, f"{name}/{number}") for number in range(self.limits.connections)]
        self._wires: dict[int, Wire[Job]] = {}
        self._waiting: deque[Job] = deque()
        self._resting: set[Job] = set()
        self._begun: set[Job] = set()
        self._count = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    # -- life

    @property
    def up(self) -> bool:
        """Whether a connection can take a request."""
        return any(lane.up for lane in self._lanes)

    @property
    def open(self) -> int:
        """Requests that have not ended."""
        return len(self._waiting) + len(self._resting) + len(self._begun)

    async def start(self) -> None:
        """Make ready; connects when something is asked."""
        self._tasks = [
            asyncio.create_task(lane.run(), name=f"http2 {lane.name}") for lane in self._lanes
        ]

    async def stop(self) -> None:
        """Take nothing new, wait for open answers, close; within ``stop_timeout_s``, then what is open is in doubt."""
        self._stopping = True
        self._turn_away(Unsent("stopping"))
        for wire in tuple(self._wires.values()):
            wire.leave()
        ended = [wire.ended for wire in self._wires.values()]
        if ended:
            await asyncio.wait(ended, timeout=self.limits.stop_timeout_s)
        for wire in tuple(self._wires.values()):
            wire.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._turn_away(Unsent("stopping"))

    # -- asking

    async def ask(self, request: Request) -> Said:
        """Send, and wait for what comes of it. Cancelling takes nothing back that has left."""
        loop = asyncio.get_running_loop()
        if blocked := self._blocked():
            return blocked
        job = Job(request, loop.create_future(), loop.time() + self.limits.wait_s)
        job.timer = loop.call_at(job.deadline, self._too_late, job)
        self._waiting.append(job)
        self.pump()
        return await job.done

    def retire(self, via: int) -> None:
        """Send nothing more over the connection that an answer came by; what is open there is waited for."""
        wire = self._wires.get(via)
        if wire is not None:
            wire.leave()

    def _blocked(self) -> Unsent | None:
        if self._stopping:
            return Unsent("stopping")
        if len(self._waiting) >= self.limits.waiting_max:
            return Unsent("waiting_full")
        if not self.up and all(lane.failures >= self.limits.fast_after for lane in self._lanes):
            return Unsent("unreachable", f"{self.last.why} {self.last.note}".strip())
        return None

    def pump(self) -> None:
        """Let leave what may leave now."""
        while self._waiting:
            wire = self._best()
            if wire is None:
                self._call_lane()
                return
            job = self._waiting.popleft()
            if not job.done.done():
                self._begin(wire, job)

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
            sent = wire.machine.request(job.request, job, wire.now())
        except TooLarge as why:
            job.end(Unsent("too_large", str(why)))
            return
        if not sent:
            self._waiting.appendleft(job)
            return
        job.unset()
        job.attempts += 1
        self._begun.add(job)
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

    def connect(self, lane: Lane) -> Wire[Job]:
        """A wire for a new connection of ``lane``."""
        self._count += 1
        machine: Machine[Job] = Machine(self.limits.rules)
        wire = self._wires[self._count] = Wire(machine, self._count, lane.heed)
        return wire

    def heed(self, wire: Wire[Job], told: list[Happening[Job]]) -> None:
        """Something happened on ``wire``; an empty list says that it can send again."""
        for one in told:
            if isinstance(one, Answered):
                self._end(one.token, one.answer._replace(via=wire.number))
            elif isinstance(one, Unprocessed):
                self._again(one.token, one.why)
            elif isinstance(one, InDoubt):
                self._end(one.token, Doubtful(why=one.why))
            elif isinstance(one, Up):
                log.info("http2.up", pool=self.name, connection=wire.number)
            else:
                self._down(wire, one)
        self.pump()

    def pause_s(self, lane: Lane) -> float | None:
        """Seconds until ``lane`` connects again where it is wanted; None where it is not to."""
        if self._stopping:
            return None
        return self.limits.backoff.pause_s(lane.attempt - 1, self._chance()) if lane.attempt else 0.0

    def unreached(self) -> None:
        """An attempt to connect failed: where all do, nobody waits any longer."""
        if (blocked := self._blocked()) and blocked.why == "unreachable":
            self._turn_away(blocked)

    def _down(self, wire: Wire[Job], one: Leaving | Closed) -> None:
        if isinstance(one, Leaving):
            log.info("http2.leaving", pool=self.name, connection=wire.number, why=one.why, note=one.note)
            return
        self.last = one
        self._wires.pop(wire.number, None)
        log.info("http2.closed", pool=self.name, connection=wire.number, why=one.why, note=one.note)

    def _end(self, job: Job, said: Said) -> None:
        self._begun.discard(job)
        job.end(said)

    def _again(self, job: Job, why: str) -> None:
        """The peer did nothing with it: at once the first time, then after pauses, as long as there is time."""
        self._begun.discard(job)
        loop = asyncio.get_running_loop()
        if self._stopping:
            job.end(Unsent("stopping"))
        elif loop.time() >= job.deadline or job.attempts >= self.limits.attempts_max:
            job.end(Unsent("given_back", why))
        elif job.attempts < 2:
            self._wait(job)
        else:
            pause_s = self.limits.again_s * 2 ** (job.attempts - 2) * (0.5 + self._chance() / 2)
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
