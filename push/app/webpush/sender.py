"""Web Push over HTTP: encrypts, posts, and tells what became of each alert.

Connections are kept open per origin; every wait has a limit; a host that hangs holds only its own share of the
requests under way. What was written and never answered is in doubt; what never left is put off.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from inbox_store.times import US, Clock, system_now
from push.app.connecting import LookUp, system_look_up
from push.app.endpoints import EndpointFault, EndpointRules
from push.app.sender import Deferred, InDoubt, Outcome, Push, Refused, Vendor
from push.app.webpush import message
from push.app.webpush.answers import TOO_LARGE, verdict
from push.app.webpush.encryption import PAYLOAD_MAX, SALT_BYTES, encrypt
from push.app.webpush.hosts import Host, HostRules, Hosts
from push.app.webpush.http1 import request, request_target
from push.app.webpush.lines import Lines, Unanswered, Unreached
from push.app.webpush.subscription import CURVE, Subscription, SubscriptionFault, parse_subscription
from push.app.webpush.vapid import Authorizations, VapidKey

_TOO_LARGE: Final = f"http_{TOO_LARGE}"
_STOPPING: Final = Deferred(code="stopping:stopped")


class WebPushRules(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one sender; times in seconds."""

    endpoints: EndpointRules = EndpointRules()
    hosts: HostRules = HostRules()
    open_max: int = 256
    """Requests under way at once."""
    host_max: int = 64
    """Of them to one origin."""
    pad_step: int = 1024
    """Payloads are filled up to whole steps of so many bytes: nearly all alerts then have one length. 0: none."""
    connect_timeout_s: float = 10
    answer_timeout_s: float = 30
    """From the writing of a request to its answer."""
    wait_max_s: float = 60
    """For a turn, when as many are under way as may be."""
    stop_timeout_s: float = 10
    subscriptions_kept: int = 50_000
    """Subscriptions whose keys stay parsed."""
    plain: bool = False
    """UnifiedPush only: whether clients without keys get their alerts unencrypted. Not for documents."""

    def __post_init__(self) -> None:
        for field in ("open_max", "host_max", "subscriptions_kept"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: {getattr(self, field)} is below 1")
        for field in ("connect_timeout_s", "answer_timeout_s", "wait_max_s", "stop_timeout_s"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field}: {getattr(self, field)} is not above 0")
        if not 0 <= self.pad_step <= PAYLOAD_MAX:
            raise ValueError(f"pad_step: {self.pad_step} is not between 0 and {PAYLOAD_MAX}")


class _Known(NamedTuple):
    """A subscription as it is sent to."""

    subscription: Subscription
    target: bytes


class WebPushSender:
    """One VAPID key's way to browsers. Nothing is connected before the first alert."""

    vendor: Vendor = "webpush"
    batch_max = 1

    def __init__(
        self,
        name: str,
        key: VapidKey,
        rules: WebPushRules | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        clock: Clock = system_now,
        look_up: LookUp = system_look_up,
    ) -> None:
        self.name = name
        self._rules = rules or WebPushRules()
        self._tls, self._clock, self._look_up = tls, clock, look_up
        self._authorizations = Authorizations(key)
        self._topics = key.secret_for(b"songda: topics")
        self._known: Callable[[str], _Known] = lru_cache(self._rules.subscriptions_kept)(self._read)
        self._hosts = Hosts(self._rules.hosts)
        self._turns = asyncio.Semaphore(self._rules.open_max)
        self._host_turns: WeakKeyDictionary[Host, asyncio.Semaphore] = WeakKeyDictionary()
        self._lines: Lines | None = None
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        """Make ready; connections are made when they are needed."""
        rules = self._rules
        self._lines = Lines(
            rules.endpoints,
            connect_timeout_s=rules.connect_timeout_s,
            answer_timeout_s=rules.answer_timeout_s,
            tls=self._tls,
            look_up=self._look_up,
        )

    async def stop(self) -> None:
        """Take nothing new, give what is under way its time, close: what is open then ends in doubt."""
        lines, self._lines = self._lines, None
        if lines is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._rules.stop_timeout_s):
                await self._idle.wait()
        lines.close()

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """Each alert to its device; as many at once as the rules allow, so that no host delays the others."""
        outcomes: list[Outcome] = [_STOPPING] * len(pushes)
        lanes: defaultdict[str, list[tuple[int, Push, _Known]]] = defaultdict(list)
        for place, push in enumerate(pushes):
            known = self._look(push.token)
            if isinstance(known, Refused):
                outcomes[place] = known
            else:
                lanes[known.subscription.endpoint.origin].append((place, push, known))
        self._calls += 1
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                for origin, lane in lanes.items():
                    work = iter(lane)
                    for _ in range(min(len(lane), self._rules.host_max)):
                        group.create_task(self._work(self._hosts.of(origin), work, outcomes))
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()
        return outcomes

    def _read(self, token: str) -> _Known:
        subscription = parse_subscription(token, self._rules.endpoints)
        return _Known(subscription, request_target(subscription.endpoint.url))

    def _look(self, token: str) -> _Known | Refused:
        try:
            known = self._known(token)
        except (EndpointFault, SubscriptionFault) as why:
            return Refused(code=f"subscription_{why.code}")
        if known.subscription.keys is None and not self._rules.plain:
            return Refused(code="subscription_unencrypted")
        return known

    async def _work(
        self, host: Host, work: Iterator[tuple[int, Push, _Known]], outcomes: list[Outcome]
    ) -> None:
        """One after the other, beside others of the same lane."""
        turns = self._host_turns.setdefault(host, asyncio.Semaphore(self._rules.host_max))
        for place, push, known in work:
            if not await self._turn(turns):
                outcomes[place] = Deferred(code="flow:busy")
                continue
            try:
                outcomes[place] = await self._admitted(host, push, known)
            finally:
                turns.release()
                self._turns.release()

    async def _turn(self, turns: asyncio.Semaphore) -> bool:
        """Wait for a turn at the host, then among all; False where it takes too long."""
        if not (turns.locked() or self._turns.locked()):
            # Neither waits: without the timer, which costs as much as the rest.
            await turns.acquire()
            await self._turns.acquire()
            return True
        try:
            async with asyncio.timeout(self._rules.wait_max_s):
                await turns.acquire()
                try:
                    await self._turns.acquire()
                except BaseException:
                    turns.release()
                    raise
        except TimeoutError:
            return False
        return True

    async def _admitted(self, host: Host, push: Push, known: _Known) -> Outcome:
        """Send, unless we stop or the host is left alone for now."""
        if (lines := self._lines) is None:
            return _STOPPING
        if wait_us := host.wait_us(_monotonic()):
            return Deferred(code="server:host_paused", after_s=wait_us / US)
        host.began(_monotonic())
        try:
            outcome = await self._post(lines, push, known)
        except BaseException:
            host.gave_up(_monotonic())
            raise
        host.ended(outcome, _monotonic())
        return outcome

    async def _post(self, lines: Lines, push: Push, known: _Known) -> Outcome:
        """Post; what was too large once more, shortened and without padding."""
        try:
            body = self._body(known, push, PAYLOAD_MAX, self._rules.pad_step)
            outcome = await self._ask(lines, push, known, body)
            if isinstance(outcome, Refused) and outcome.code == _TOO_LARGE:
                shorter = self._body(known, push, message.SHORT_BYTES, 0)
                if len(shorter) < len(body):
                    return await self._ask(lines, push, known, shorter)
        except ValueError:
            return Refused(code="unsendable")
        return outcome

    def _body(self, known: _Known, push: Push, bytes_max: int, pad_step: int) -> bytes:
        told = message.payload(push, bytes_max)
        keys = known.subscription.keys
        if keys is None:
            return told
        return encrypt(keys, told, os.urandom(SALT_BYTES), ec.generate_private_key(CURVE), pad_step)

    async def _ask(self, lines: Lines, push: Push, known: _Known, body: bytes) -> Outcome:
        """One request. Raises nothing but CancelledError."""
        now_s, endpoint = self._clock() / US, known.subscription.endpoint
        authorization = self._authorizations.header(endpoint.origin, now_s)
        encrypted = known.subscription.keys is not None
        headers = message.headers(push, self._topics, authorization, encrypted=encrypted)
        try:
            head = await lines.ask(endpoint, request(known.target, headers, body))
        except Unreached as why:
            if why.refused:
                return Refused(code="subscription_address")
            return Deferred(code=f"network:{why}")
        except Unanswered as why:
            return InDoubt(why=str(why))
        outcome = verdict(head.status, head.headers, now_s)
        if isinstance(outcome, Refused) and outcome.alarm:
            self._authorizations.refused(endpoint.origin)
        return outcome


def _monotonic() -> int:
    return time.monotonic_ns() // 1000
