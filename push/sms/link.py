"""A channel towards a carrier: its connections kept up, its rate and window kept, every segment's outcome told.

    link = ChannelLink("mobile", lambda lane, lanes: CmppClient(account), Address(host, 7890), limits, handlers)
    await link.start()
    outcome = await link.submit(segment)
    await link.stop()

Decisions stand in ``machine``, ``window``, ``bucket`` and ``breaker``; here they meet sockets and timers.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Final

import structlog

from inbox_store.times import Clock, system_now
from push.sms.breaker import Breaker
from push.sms.bucket import Bucket
from push.sms.carrier import Inbound, Segment, SubmitAnswer
from push.sms.happenings import Answered, Closed, Happening, InDoubt, Up
from push.sms.intake import Intake
from push.sms.lane import Lane, Place
from push.sms.orders import Order
from push.sms.ports import (
    Address,
    Build,
    Dialects,
    Done,
    Handlers,
    LinkLimits,
    LinkState,
    NotSent,
    Outcome,
)
from push.sms.wire import ticks

log = structlog.get_logger("sms")

WAKE_MIN_S: Final = 0.002
"""At 1,000 segments a second a wake-up then sends two: finer costs turns of the loop and gains nothing."""

AHEAD_S: Final = 0.03
"""What was handed in and has not left is in doubt after a crash: no more of it than the next commit takes to follow."""

_is_usable = attrgetter("usable")

NEVER_IN: Final = frozenset({"refused", "login_timeout", "unreachable"})
"""Ends of a connection that count as failed log-ins."""

QUIET_ENDS: Final = frozenset({"rested", "lost", "goodbye"})
"""Where there is no heartbeat, ends of an idle connection that are no fault (sgip §5)."""


class ChannelLink:
    """One account with one gateway. Not for use by several threads."""

    def __init__(
        self,
        name: str,
        dialects: Dialects,
        address: Address,
        limits: LinkLimits,
        handlers: Handlers,
        *,
        clock: Clock = system_now,
        chance: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._limits = limits
        self._handlers = handlers
        self._clock = clock
        self._chance = chance
        self._sleep = pause
        count = limits.connections
        # One more lane than connections: it counts the sequences that are set aside before anything is sent.
        self._namer = dialects(count, count + 1)
        self._named: int | None = None
        self._lanes = [
            Lane(self, f"{name}/{number}", partial(dialects, number, count + 1), address, limits, clock)
            for number in range(count)
        ]
        self._bucket = Bucket(limits.pace, ticks())
        self._breaker = Breaker(limits.breaker)
        self._waiting: deque[Order] = deque()
        self._queued = 0
        self._is_heeding = False
        self._intake = Intake(handlers.inbound, waiting_max=limits.inbound_max, batch_max=limits.batch_max)
        self._tasks: list[asyncio.Task[None]] = []
        self._wake: asyncio.TimerHandle | None = None
        self._stopping = False
        self._emptied = asyncio.Event()
        self._last = LinkState(up=False, why="connecting")
        self._told = self._last

    # -- life

    @property
    def state(self) -> LinkState:
        """Whether the channel can be used now and, where not, why."""
        if self._stopping:
            return LinkState(up=False, why="stopped")
        if self._breaker.circuit(ticks()) == "open" and self._breaker.reason != "login":
            return LinkState(
                up=False, why="circuit_open", note=self._breaker.reason, alarm=self._breaker.alarm
            )
        if any(map(_is_usable, self._lanes)):
            return LinkState(up=True, why="up")
        return self._last

    @property
    def free(self) -> int:
        """Segments that would find a slot of the window now, no more than the rate lets leave in ``AHEAD_S``."""
        if not self.state.up:
            return 0
        window = self._limits.session.window
        slots = sum(lane.free if lane.up else window if lane.usable else 0 for lane in self._lanes)
        # What is handed in can no longer be taken back: a slow channel is given little at a time.
        return max(0, min(slots, max(1, int(self.rate_per_s * AHEAD_S))) - self._queued)

    @property
    def rate_per_s(self) -> float:
        """The rate now; less than set after the gateway found us too fast."""
        return self._bucket.rate_per_s

    @property
    def throttles(self) -> int:
        """How often the gateway found us too fast."""
        return self._bucket.throttles

    async def start(self) -> None:
        """Begin to connect; it goes on for ever. Does not wait for a connection."""
        work = [self._intake.run(), *(lane.run() for lane in self._lanes)]
        self._tasks = [asyncio.create_task(one, name=f"sms {self.name}") for one in work]
        for task in self._tasks:
            task.add_done_callback(self._ran_out)

    async def stop(self) -> None:
        """Send nothing new, wait for what is open and being stored, say goodbye; within ``stop_timeout_s``.

        What is still open then is told as InDoubt. Raises what ended a connection's task, if a bug did.
        """
        self._stopping = True
        self._fail_waiting(NotSent("stopping"))
        try:
            async with asyncio.timeout(self._limits.stop_timeout_s):
                await self._drained()
        except TimeoutError:
            log.warning("sms.stop_cut", channel=self.name)
        for lane in self._lanes:
            lane.cut()
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._wake is not None:
            self._wake.cancel()
        self._look()
        for why in ended:
            if isinstance(why, Exception):
                raise why

    async def _drained(self) -> None:
        while any(lane.order for lane in self._lanes):
            self._emptied.clear()
            await self._emptied.wait()
        for lane in self._lanes:
            lane.leave()
        for wire in [lane.wire for lane in self._lanes if lane.wire is not None]:
            await asyncio.shield(wire.ended)

    def _ran_out(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (why := task.exception()) is not None:
            log.error("sms.task_ended", channel=self.name, exc_info=why)

    # -- sending

    async def submit(self, segment: Segment, token: object = None, sequence: int | None = None) -> Outcome:
        """Send one segment and wait for its answer."""
        sequences = None if sequence is None else (sequence,)
        return (await self.submit_all((segment,), token, sequences))[0]

    async def submit_all(
        self,
        segments: Sequence[Segment | Build],
        token: object = None,
        sequences: Sequence[int] | None = None,
    ) -> list[Outcome]:
        """Send the segments of one message, back to back over one connection, and wait for their answers.

        Cancelling the wait takes nothing back.
        """
        answered: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()

        def done(outcomes: list[Outcome]) -> None:
            if not answered.done():
                answered.set_result(outcomes)

        self.post(segments, done, token, sequences)
        return await answered

    def post(
        self,
        segments: Sequence[Segment | Build],
        done: Done,
        token: object = None,
        sequences: Sequence[int] | None = None,
    ) -> None:
        """The same without waiting: ``done`` is called with the outcomes, at once where nothing can be sent.

        ``token`` comes back with InDoubt and with late answers; ``sequences`` are those of ``own_ids``.
        """
        order = Order(segments, done, token, sequences)
        if blocked := self._blocked(len(segments)):
            order.give_up(blocked)
            return
        self._waiting.append(order)
        self._queued += order.waiting
        if not self._is_heeding:
            self._pump()

    def own_ids(self, count: int) -> list[tuple[int, str]]:
        """Sequences set aside, each with the message id it makes; none where the gateway gives the ids (all but SGIP).

        An attempt is stored with its id before ``post`` sends it, so that a report finds it also after a crash.
        """
        found: list[tuple[int, str]] = []
        for _ in range(count):
            now, before, namer = self._clock(), self._named, self._namer
            self._named = namer.first_sequence(now) if before is None else namer.next_sequence(before, now)
            message_id = namer.own_id(self._named)
            if not message_id:
                break  # no id of this protocol is known before its answer
            found.append((self._named, message_id))
        return found

    def _blocked(self, count: int) -> NotSent | None:
        if self._stopping:
            return NotSent("stopping")
        if self._breaker.reason or not any(map(_is_usable, self._lanes)):
            state = self.state
            if not state.up:
                return _unusable(state)
        if self._queued + count > self._limits.waiting_max:
            return NotSent("down", "too much waits")
        return None

    def _pump(self) -> None:
        """Let leave what may leave now."""
        now = ticks()
        while (lane := self._ready()) is not None:
            if not self._breaker.admits(now):
                return
            if not self._bucket.take(now):
                self._wake_in(self._bucket.wait_us(now) / 1e6)
                return
            order = lane.order or self._waiting.popleft()
            self._send(lane, order, now)
        if self._waiting:
            self._call_resting()

    def _ready(self) -> Lane | None:
        """The connection that sends next: one in the middle of a message, else the one with most slots."""
        best, most = None, 0
        for lane in self._lanes:
            free = lane.free
            if free > 0 and lane.order is not None:
                return lane
            if free > most and self._waiting:
                best, most = lane, free
        return best

    def _send(self, lane: Lane, order: Order, now: int) -> None:
        try:
            sent = lane.send(order, now)
        except ValueError as why:
            self._queued -= order.waiting
            lane.order = None
            order.next += 1
            order.settle(order.next - 1, NotSent("unsendable", str(why)))
            order.give_up(NotSent("left_over", str(why)))
            sent = False
        else:
            self._queued -= sent
        if sent:
            self._breaker.began(now)
        else:
            self._bucket.put_back()

    def _call_resting(self) -> None:
        """Bring back a connection that was ended for want of work, one at a time."""
        if any(lane.coming for lane in self._lanes):
            return
        for lane in self._lanes:
            if lane.resting:
                lane.wanted.set()
                return

    def _wake_in(self, seconds: float) -> None:
        if self._wake is None:
            self._wake = asyncio.get_running_loop().call_later(max(WAKE_MIN_S, seconds), self._woken)

    def _woken(self) -> None:
        self._wake = None
        self._look()
        self._pump()

    def _fail_waiting(self, why: NotSent) -> None:
        while self._waiting:
            order = self._waiting.popleft()
            self._queued -= order.waiting
            order.give_up(why)

    # -- what connections tell

    def heed(self, lane: Lane, told: list[Happening[Place]]) -> None:
        """Something happened on ``lane``."""
        now = ticks()
        # What the house hands in on hearing an answer leaves below, with all the others of this chunk.
        self._is_heeding = True
        try:
            changed, lost = self._hear(lane, told, now)
        finally:
            self._is_heeding = False
        if lost:
            # A lost connection is one failure, not one for each segment that was open on it.
            self._breaker.failed("lost", now)
        if changed or self._breaker.reason:
            self._look()
        if self._queued:
            self._pump()
        if self._stopping:
            self._emptied.set()

    def _hear(self, lane: Lane, told: list[Happening[Place]], now: int) -> tuple[bool, bool]:
        """Whether the state may have changed, and whether requests were open on a connection that is lost."""
        changed = lost = False
        for one in told:
            if isinstance(one, Answered):
                self._answered(one, now)
            elif isinstance(one, Inbound):
                if lane.wire is not None:
                    self._intake.put(lane.wire, one)
            elif isinstance(one, InDoubt):
                lost = lost or one.why == "lost"
                self._in_doubt(one, now)
            else:
                changed = True
                self._turned(lane, one)
        return changed, lost

    def _answered(self, one: Answered[Place], now: int) -> None:
        order, number = one.token
        answer = one.answer
        verdict = answer.verdict if isinstance(answer, SubmitAnswer) else "accepted"
        if verdict == "throttled":
            self._bucket.throttled(now)
        self._breaker.answered(verdict, now)
        if one.late:
            self._handlers.late(order.token, number, answer)
        else:
            order.settle(number, answer)

    def _in_doubt(self, one: InDoubt[Place], now: int) -> None:
        order, number = one.token
        if one.why != "lost":
            self._breaker.failed(one.why, now)
        order.settle(number, InDoubt(order.token, one.why, one.message_id))

    def _turned(self, lane: Lane, one: Happening[Place]) -> None:
        if isinstance(one, Up):
            lane.was_up, lane.resting = True, False
            self._breaker.logged_in()
            log.info("sms.up", channel=lane.name, note=one.note)
        elif isinstance(one, Closed):
            self._leave_over(lane, "connection ended")
            self._closed(lane, one)

    def _leave_over(self, lane: Lane, note: str) -> None:
        """The rest of a message that had begun to leave will not: on another connection it would be out of order."""
        order, lane.order = lane.order, None
        if order is not None:
            self._queued -= order.waiting
            order.give_up(NotSent("left_over", note))

    def _closed(self, lane: Lane, closed: Closed) -> None:
        never_in = closed.why in NEVER_IN
        lane.last = closed
        lane.resting = lane.was_up and not self._namer.probes and closed.why in QUIET_ENDS
        lane.attempt = 0 if lane.was_up and not never_in else lane.attempt + 1
        self._last = LinkState(up=False, why=closed.why, note=closed.note, alarm=closed.alarm)
        if never_in and not any(each.up for each in self._lanes):
            self._breaker.login_failed(ticks(), alarm=closed.alarm)
        if not lane.resting:
            log.warning("sms.down", channel=lane.name, why=closed.why, note=closed.note)

    def pause_s(self, lane: Lane) -> float | None:
        """Seconds until the next attempt to connect; None where there is to be none."""
        if self._stopping:
            return None
        return self._limits.backoff.pause_s(lane.attempt, self._chance(), alarm=lane.last.alarm)

    async def pause(self, seconds: float) -> None:
        """Wait before the next attempt."""
        await self._sleep(seconds)

    def _look(self) -> None:
        """Tell a change of state, and give back what waits for a channel that cannot send."""
        state = self.state
        if not state.up and not self._stopping:
            self._fail_waiting(_unusable(state))
        if state.why == "circuit_open":
            for lane in self._lanes:
                self._leave_over(lane, state.note)
            self._wake_in(((self._breaker.due() or 0) - ticks()) / 1e6)
        if state != self._told:
            self._told = state
            self._handlers.changed(state)


def _unusable(state: LinkState) -> NotSent:
    return NotSent("circuit_open" if state.why == "circuit_open" else "down", state.note or state.why)
