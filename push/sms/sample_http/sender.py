"""A channel over HTTP: one request for each message, as many at once as the window has room for.

The whole of a channel that is no carrier's protocol stands in this folder; docs/adding-a-channel.md walks through it.
What is decided lies in ``results``, ``bodies`` and ``signing``; rate and breaker are those of every channel.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
import msgspec
import structlog

from inbox_store.errors import Refused
from inbox_store.times import US, Clock, system_now
from push.sms.breaker import Breaker
from push.sms.bucket import Bucket
from push.sms.carrier import Inbound, SubmitAnswer
from push.sms.compose import sends
from push.sms.happenings import Doubt, InDoubt
from push.sms.ports import Blocked, Done, LinkState, NotSent, Outcome, no_change
from push.sms.sample_http.account import HttpAccount, HttpLimits
from push.sms.sample_http.asking import Said, Unsaid, Written, ask, open_session
from push.sms.sample_http.bodies import Submit, message_id, read_callback
from push.sms.sample_http.signing import Nonces, verify
from push.sms.sender import Message
from push.sms.wire import ticks

log = structlog.get_logger("sms")

AHEAD_S: Final = 0.1
"""What is handed in can no longer be taken back: a slow channel is given little at a time."""
WAKE_MIN_S: Final = 0.002


class _Post:
    """A message on its way; ``paid`` are the tokens of the bucket that it has."""

    __slots__ = ("done", "message", "paid", "token")

    def __init__(self, message: Message, done: Done, token: object) -> None:
        self.message = message
        self.done = done
        self.token = token
        self.paid = 0

    @property
    def size(self) -> int:
        """Its segments."""
        return len(self.message.numbers)

    def over(self, outcomes: list[Outcome]) -> None:
        """Tell, once."""
        try:
            self.done(outcomes)
        except Exception:
            log.exception("sms.done_raised")


class HttpSender:
    """One account with one aggregator; see ``push.sms.sender.Sender``. Not for use by several threads."""

    def __init__(
        self,
        name: str,
        account: HttpAccount,
        limits: HttpLimits | None = None,
        *,
        changed: Callable[[LinkState], None] = no_change,
        clock: Clock = system_now,
    ) -> None:
        self.name = name
        self._account = account
        self._limits = limits or HttpLimits()
        self._changed = changed
        self._clock = clock
        self._bucket = Bucket(self._limits.pace, ticks())
        self._breaker = Breaker(self._limits.breaker)
        self._nonces = Nonces(clock())
        # No two references alike, also across a restart: a random beginning and a count.
        self._references = map(f"{secrets.token_hex(6)}-{{:x}}".format, itertools.count(1))
        self._waiting: deque[_Post] = deque()
        self._queued = self._open = 0
        self._not_before = 0
        self._wake: asyncio.TimerHandle | None = None
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._told = self.state

    # -- life

    @property
    def state(self) -> LinkState:
        """There is no connection to keep: usable from the start, until the breaker opens."""
        if self._stopping:
            return LinkState(up=False, why="stopped")
        if self._session is None:
            return LinkState(up=False, why="connecting")
        if self._breaker.circuit(ticks()) == "open":
            return LinkState(
                up=False, why="circuit_open", note=self._breaker.reason, alarm=self._breaker.alarm
            )
        return LinkState(up=True, why="up")

    @property
    def free(self) -> int:
        """Segments that find a slot now, no more than the rate lets leave in ``AHEAD_S``; 0 while we are to wait."""
        if not self.state.up or ticks() < self._not_before:
            return 0
        pace = max(1, int(self._bucket.rate_per_s * AHEAD_S))
        return max(0, min(self._limits.window - self._open, pace) - self._queued)

    @property
    def throttles(self) -> int:
        """How often the aggregator found us too fast."""
        return self._bucket.throttles

    async def start(self) -> None:
        """Ready to send; what was called back before this moment and signed before it is refused, to come again."""
        self._session = open_session(self._limits)
        self._look()

    async def stop(self) -> None:
        """Send nothing new, wait for answers within ``stop_timeout_s``; what has none then is in doubt."""
        self._stopping = True
        self._give_back("stopping")
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._limits.stop_timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._wake is not None:
            self._wake.cancel()
        if self._session is not None:
            await self._session.close()
        self._look()

    # -- sending

    def own_ids(self, count: int) -> list[tuple[int, str]]:  # noqa: ARG002 - the aggregator gives them
        """None."""
        return []

    def post(self, message: Message, done: Done, token: object) -> None:
        """Send the whole message; a part of one cannot be asked for."""
        post = _Post(message, done, token)
        if (blocked := self._blocked(message)) is not None:
            post.over([blocked] * post.size)
            return
        self._waiting.append(post)
        self._queued += post.size
        self._pump()

    def _blocked(self, message: Message) -> NotSent | None:
        state = self.state
        if not state.up:
            return _unusable(state)
        if self._queued + len(message.numbers) > self._limits.waiting_max:
            return NotSent("down", "too much waits")
        try:
            whole = sends(message.text, self._account.rules)
        except Refused as why:
            return NotSent("unsendable", str(why))
        if message.numbers != tuple(range(1, whole + 1)):
            return NotSent("unsendable", f"segments {message.numbers} are not the whole of {whole}")
        return None

    def _text(self, message: Message) -> str:
        """What is handed over: without the signature where the aggregator adds it."""
        return message.text.removeprefix(self._account.rules.added_signature)

    def _pump(self) -> None:
        """Let leave what may leave now."""
        while self._waiting and not self._stopping:
            now, post = ticks(), self._waiting[0]
            if now < self._not_before:
                self._wake_in((self._not_before - now) / 1e6)
                return
            if not self._breaker.admits(now) or (self._open and self._open + post.size > self._limits.window):
                return
            while post.paid < post.size:
                if not self._bucket.take(now):
                    self._wake_in(self._bucket.wait_us(now) / 1e6)
                    return
                post.paid += 1
            self._leave(self._waiting.popleft(), now)

    def _leave(self, post: _Post, now: int) -> None:
        self._queued -= post.size
        self._open += post.size
        self._breaker.began(now)
        task = asyncio.create_task(self._carry(post), name=f"sms {self.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, post: _Post) -> None:
        """From the request to its outcome, whatever happens."""
        left = Written()
        outcomes: list[Outcome] = [NotSent("stopping")] * post.size
        try:
            outcomes = self._outcomes(post, await self._ask(post.message, left))
        except asyncio.CancelledError:
            if left.written:
                outcomes = self._in_doubt(post, "lost")
            raise
        except Exception:
            log.exception("sms.ask_raised", channel=self.name)
            outcomes = self._in_doubt(post, "lost")
        finally:
            self._open -= post.size
            post.over(outcomes)
            self._look()
            self._pump()

    async def _ask(self, message: Message, left: Written) -> Said | Unsaid:
        """Ask, and again under the same reference while nobody knows and that is allowed."""
        if self._session is None:
            return Unsaid(None, "not started")
        body = msgspec.json.encode(self._submit(message))
        said = await ask(self._session, self._account, self._limits, body, left, self._clock)
        for _ in range(self._limits.repeats):
            if isinstance(said, Said) or said.why is None or self._stopping:
                break
            said = await ask(self._session, self._account, self._limits, body, left, self._clock)
        # After a first try that may have been taken a refused connection tells nothing any more.
        if left.written and isinstance(said, Unsaid) and said.why is None:
            return Unsaid("lost", said.note)
        return said

    def _submit(self, message: Message) -> Submit:
        return Submit(
            reference=next(self._references),
            to=message.to,
            source=message.source,
            text=self._text(message),
            segments=len(message.numbers),
            priority=message.priority,
            valid_until=None if message.valid_until is None else message.valid_until // US,
        )

    # -- outcomes

    def _outcomes(self, post: _Post, said: Said | Unsaid) -> list[Outcome]:
        now = ticks()
        if isinstance(said, Unsaid):
            self._breaker.failed(said.why or "unreachable", now)
            if said.why is None:
                return [NotSent("down", said.note)] * post.size
            log.warning("sms.in_doubt", channel=self.name, why=said.why, note=said.note)
            return self._in_doubt(post, said.why)
        if said.verdict == "throttled":
            self._bucket.throttled(now)
            self._not_before = max(self._not_before, now + int(said.wait_s * US))
        self._breaker.answered(said.verdict, now)
        return [
            SubmitAnswer(
                sequence=0,
                verdict=said.verdict,
                code=said.code,
                message_id=message_id(said.id, number, post.size) if said.id else "",
            )
            for number in post.message.numbers
        ]

    def _in_doubt(self, post: _Post, why: Doubt) -> list[Outcome]:
        return [InDoubt(post.token, why, "") for _ in post.message.numbers]

    def _give_back(self, why: Blocked, note: str = "") -> None:
        """What has not left will not."""
        while self._waiting:
            post = self._waiting.popleft()
            self._queued -= post.size
            post.over([NotSent(why, note)] * post.size)

    def _wake_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + max(WAKE_MIN_S, seconds)
        if self._wake is not None and self._wake.when() > at:
            self._wake.cancel()
            self._wake = None
        if self._wake is None:
            self._wake = loop.call_at(at, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self._look()
        self._pump()

    def _look(self) -> None:
        """Tell a change of state, and give back what waits for a channel that cannot send."""
        state = self.state
        if state.why == "circuit_open":
            self._give_back("circuit_open", state.note)
            self._wake_in(((self._breaker.due() or 0) - ticks()) / 1e6)
        if state != self._told:
            self._told = state
            self._changed(state)

    # -- what comes back

    def heard(self, headers: Mapping[str, str], body: bytes, now: int) -> list[Inbound]:
        """A callback's reports and replies; ``now`` in UTC microseconds.

        Raises ValueError (NotSigned where it is not the aggregator's). It is to be answered after they are stored
        durably; one that was not answered comes again, signed anew.
        """
        account = self._account
        verify(
            headers,
            body,
            account=account.account,
            secret=account.secret,
            purpose="callback",
            now=now,
            nonces=self._nonces,
        )
        return read_callback(body)


def _unusable(state: LinkState) -> NotSent:
    why: dict[str, Blocked] = {"circuit_open": "circuit_open", "stopped": "stopping"}
    return NotSent(why.get(state.why, "down"), state.note or state.why)
