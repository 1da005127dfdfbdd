"""Any vendor's dialect carried over HTTP: bounded, kept alive, and always ending.

Each wait has a limit. What was never written is put off, what was written and not answered is in doubt. A host that asks
for a pause gets it: until it is over, pushes are put off without being sent.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import aiohttp
import structlog

from inbox_store.times import US, Clock, system_now
from push.app.calls import Answer, Dialect, Request, all_of
from push.app.http_call import HttpLimits, Left, Unanswered, call, open_session
from push.app.quota import Daily, Window
from push.app.retry import PAUSES, ErrorClass, Retry
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused, Vendor
from push.app.suspects import Suspects
from push.app.tokens import Grant, TokenKeeper
from push.sms.backoff import Backoff
from push.sms.wire import ticks

log = structlog.get_logger()

MINUTE_S: Final = 60
TURN: Final = 256
"""Pushes looked at in one turn of the loop."""
Parts = deque[tuple[str, list[int]]]
"""What waits: the lane of each part, and the places of its pushes."""
_STOPPING: Final = Deferred(code="stopping:stopping")


class VendorSender:
    """A PushSender over one dialect. ``chance`` gives numbers in [0, 1)."""

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        limits: HttpLimits | None = None,
        *,
        clock: Clock = system_now,
        chance: Callable[[], float] = random.random,
        pauses: Mapping[ErrorClass, Backoff] = PAUSES,
    ) -> None:
        self.name = name
        self.vendor: Vendor = dialect.vendor
        self.batch_max = dialect.batch_max
        self.idempotent = dialect.idempotent
        """Whether what is in doubt may be sent again without alerting twice."""
        self.alarm = ""
        """The code of the last refusal that an operator has to mend; empty once something is taken again."""
        self._dialect = dialect
        self._limits = limits or HttpLimits()
        self._clock = clock
        self._chance = chance
        self._doors: dict[str, TokenKeeper] = {}
        self._logins: dict[str, asyncio.Task[None]] = {}
        self._retry = Retry(pauses)
        self._suspects = Suspects(dialect.suspect_codes)
        self._daily = Daily(self._limits.a_day)
        self._windows: dict[str, Window] = {}
        self._slots = asyncio.Semaphore(self._limits.connections)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._stopping = False
        pause_s = self._limits.alarm_pause_s
        self._alarm_pauses = Backoff(first_s=pause_s, max_s=20 * pause_s)
        self._alarms = 0
        self._paused: tuple[int, Refused] = (0, Refused(code=""))

    # -- life

    async def start(self) -> None:
        """Make ready; connects when it is needed."""
        self._session = open_session(self._limits)

    async def stop(self) -> None:
        """Take nothing new, wait for what is open, close; within ``stop_timeout_s``."""
        self._stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._limits.stop_timeout_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for login in list(self._logins.values()):
            login.cancel()
        if self._session is not None:
            await self._session.close()

    # -- sending

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """Send, and tell an outcome for each, in their order."""
        told: list[Outcome] = [_STOPPING] * len(pushes)
        if self._stopping or self._session is None:
            return told
        lanes: dict[str, list[int]] = defaultdict(list)
        for place, push in enumerate(pushes):
            if place % TURN == TURN - 1:
                await asyncio.sleep(0)
            if (refusal := self._dialect.unsendable(push)) is not None:
                told[place] = refusal
            else:
                lanes[self._dialect.lane(push)].append(place)
        parts = deque(
            (lane, places[at : at + self.batch_max])
            for lane, places in lanes.items()
            for at in range(0, len(places), self.batch_max)
        )
        await self._all(parts, pushes, told)
        return told

    async def _all(self, parts: Parts, pushes: Sequence[Push], told: list[Outcome]) -> None:
        """Workers take the parts one by one: 36,100 single calls are no 36,100 tasks."""
        tasks = [
            asyncio.create_task(self._work(parts, pushes, told), name=f"push {self.name}")
            for _ in range(min(len(parts), self._limits.connections))
        ]
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            if tasks:
                await asyncio.wait(tasks)
        except asyncio.CancelledError:
            parts.clear()
            for task in tasks:
                task.cancel()
            raise

    async def _work(self, parts: Parts, pushes: Sequence[Push], told: list[Outcome]) -> None:
        while parts:
            lane, places = parts.popleft()
            outcomes = await self._carry(lane, [pushes[place] for place in places])
            for place, outcome in zip(places, outcomes, strict=True):
                told[place] = outcome

    async def _carry(self, lane: str, pushes: list[Push]) -> list[Outcome]:
        """One request from its slot to its outcomes, whatever happens."""
        left = Left()
        try:
            async with self._slots:
                if (held := self._held(pushes)) is not None:
                    return all_of(held, pushes)
                allowed = self._daily.take(len(pushes), self._clock())
                outcomes = await self._ask(lane, pushes[:allowed], left) if allowed else []
        except asyncio.CancelledError:
            return all_of(InDoubt(why="stopped") if left.written else _STOPPING, pushes)
        except Exception:
            log.exception("push.raised", sender=self.name)
            return all_of(InDoubt(why="raised") if left.written else Refused(code="raised"), pushes)
        rest = Deferred(code="quota:own", after_s=self._daily.opens_s(self._clock()))
        self._daily.put_back(sum(isinstance(one, Deferred) for one in outcomes))
        told = self._suspects.judged(pushes[:allowed], outcomes)
        self._learn(told)
        return [*told, *all_of(rest, pushes[allowed:])]

    def _held(self, pushes: Sequence[Push]) -> Outcome | None:
        """Why nothing is sent now: a host that asked for a pause, a robot that has had its twenty."""
        if self._stopping:
            return _STOPPING
        until, alarm = self._paused
        if ticks() < until:
            return alarm
        if (blocked := self._retry.blocked(self.vendor, ticks())) is not None:
            name, seconds = blocked
            return Deferred(code=f"{name}:paused", after_s=seconds)
        if self._dialect.per_minute:
            window = self._windows.setdefault(pushes[0].token, Window(self._dialect.per_minute, MINUTE_S))
            if (wait_s := window.take(self._clock())) > 0:
                return Deferred(code="device:per_minute", after_s=wait_s)
        return None

    async def _ask(self, lane: str, pushes: list[Push], left: Left) -> list[Outcome]:
        """Ask, and once more with a new token where the old one was refused."""
        answer = await self._try(lane, pushes, left)
        if isinstance(answer, Answer) and self._dialect.stale(answer):
            left.written = False  # it was answered: nothing of it is in doubt
            answer = await self._try(lane, pushes, left)
        if not isinstance(answer, Answer):
            return all_of(answer, pushes)
        return self._dialect.outcomes(answer, pushes, self._clock())

    async def _try(self, lane: str, pushes: list[Push], left: Left) -> Answer | Outcome:
        """One request; a token that its answer refuses is let go."""
        token = await self._token(lane)
        if not isinstance(token, str):
            return token
        answer = await self._post(self._dialect.request(pushes, self._clock(), token), left)
        if isinstance(answer, Unanswered):
            is_open = left.written
            return InDoubt(why=answer.why) if is_open else Deferred(code=f"network:{answer.why}")
        if self._dialect.stale(answer):
            self._keeper(lane).refused(token)
        return answer

    async def _post(self, request: Request, left: Left) -> Answer | Unanswered:
        if self._session is None:
            return Unanswered("unreachable")
        return await call(self._session, self._dialect.url, request, self._limits, left)

    def _learn(self, outcomes: Sequence[Outcome]) -> None:
        """Pauses of the host, and what an operator has to know."""
        if any(isinstance(one, Accepted) for one in outcomes):
            self._retry.succeeded(self.vendor)
            self.alarm, self._alarms = "", 0
        alarms = [one for one in outcomes if isinstance(one, Refused) and one.alarm]
        if alarms:
            self._alarmed(alarms[0], is_all=len(alarms) == len(outcomes))
        put_off = {one for one in outcomes if isinstance(one, Deferred)}
        if any(isinstance(one, InDoubt) for one in outcomes):
            # A host that lets us wait would let everybody in the queue wait as long.
            put_off.add(Deferred(code="network:unanswered"))
        for deferred in put_off:
            self._retry.put_off(self.vendor, deferred, ticks(), self._chance())

    def _alarmed(self, refusal: Refused, *, is_all: bool) -> None:
        if self.alarm != refusal.code:
            log.error("push.alarm", sender=self.name, vendor=self.vendor, code=refusal.code)
        self.alarm = refusal.code
        # One robot's fault is not the others'; a vendor that refuses a whole request would refuse the next.
        if is_all and not self._dialect.per_minute:
            pause_s = self._alarm_pauses.pause_s(self._alarms, self._chance())
            self._alarms += 1
            self._paused = ticks() + int(pause_s * US), refusal

    # -- the token

    def _keeper(self, lane: str) -> TokenKeeper:
        door = self._dialect.door(lane)
        return self._doors.setdefault(door, TokenKeeper(self._dialect.token_rules))

    async def _token(self, lane: str) -> str | Refused | Deferred:
        """The token, asked for once for all who wait; empty where none is needed."""
        door, keeper = self._dialect.door(lane), self._keeper(lane)
        if keeper.need(ticks()) != "none":
            try:
                asked = self._dialect.login(self._clock(), lane)
            except ValueError as why:  # a key that cannot sign
                log.error("push.bad_key", sender=self.name, why=str(why))  # noqa: TRY400 - a trace could show the key
                return Refused(code="bad_key", alarm=True)
            if asked is None:
                return ""
            if isinstance(asked, Grant):
                keeper.granted(asked, ticks())
            else:
                keeper.asked()
                self._logins[door] = asyncio.create_task(self._log_in(door, keeper, asked))
        if not keeper.value(ticks()) and door in self._logins:
            # Waiting never cancels it: the others wait for it too.
            await asyncio.wait({self._logins[door]})
        return keeper.value(ticks()) or keeper.told(ticks())

    async def _log_in(self, door: str, keeper: TokenKeeper, request: Request) -> None:
        told: Grant | Refused | Deferred = Deferred(code="auth:stopped")
        try:
            answer = await self._post(request, Left())
            if isinstance(answer, Unanswered):
                told = Deferred(code=f"network:login_{answer.why}")
            else:
                told = self._dialect.granted(answer, self._clock())
        finally:
            if isinstance(told, Grant):
                keeper.granted(told, ticks())
            else:
                keeper.failed(told, ticks())
            self._logins.pop(door, None)
