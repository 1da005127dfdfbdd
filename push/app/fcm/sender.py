"""A Firebase project behind the house's port: one request for each device, over the same pool as APNs.

HTTP/2 and not aiohttp: there is no batch, so many devices are many requests, and only streams carry them over a few
connections (fcm §2); and what holds for a stream that gets no answer holds here as well.
"""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Sequence

from inbox_store.times import US, Clock, system_now
from push.app.fcm.access import Access
from push.app.fcm.account import FcmAccount, place_of
from push.app.fcm.bodies import PAYLOAD_MAX, payload, request
from push.app.fcm.results import verdict_of
from push.app.http2.asking import Try, ask_all, told_of, unsent_outcome
from push.app.http2.happenings import Request
from push.app.http2.pool import Pool
from push.app.http2.ports import Address, PoolLimits, Said, Unsent, tls_context
from push.app.jose import rsa_key
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused, Vendor
from push.sms.breaker import Breaker, BreakerRules
from push.sms.wire import ticks


class FcmSender:
    """See ``push.app.sender.PushSender``. Making one parses the key: 30 ms (fcm §1). Not for use by several threads."""

    vendor: Vendor = "fcm"
    batch_max = 1

    def __init__(
        self,
        name: str,
        account: FcmAccount,
        *,
        limits: PoolLimits | None = None,
        breaker: BreakerRules | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = system_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._account = account
        self._breaker = Breaker(breaker or BreakerRules())
        place, tls, limits = place_of("url", account.url), tls or tls_context(), limits or PoolLimits()
        self._pool = Pool(name, Address(place.host, place.port, tls), limits, chance=chance)
        self._access = Access(name, account, rsa_key(account.private_key), tls, limits, clock, chance)
        self._proven = False

    async def start(self) -> None:
        """Make ready; connects when something is sent."""
        await self._access.start()
        await self._pool.start()

    async def stop(self) -> None:
        """Take nothing new, wait for what is open, close; within the pools' limits."""
        await self._pool.stop()
        await self._access.stop()

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """One request for each; each ends with an outcome, whatever Google or the network does."""
        tries = [Try(push, PAYLOAD_MAX) for push in pushes]
        again: list[Try] = tries
        while again:
            access = await self._access.value()
            if not isinstance(access, str):
                for one in again:
                    one.outcome = access
                break
            again = await ask_all(self._pool, again, self._request, self._settle)
        return [one.outcome for one in tries]

    def _request(self, one: Try) -> Request | None:
        """None where its outcome is known without asking."""
        now = ticks()
        if not self._breaker.admits(now):
            one.outcome = self._paused(now)
            return None
        one.bearer = self._access.held()
        if not one.bearer:
            one.outcome = Deferred(code="auth:none", after_s=1.0)
            return None
        body = payload(self._account, one.push, one.most)
        if body is None:
            one.outcome = Refused(code="too_large")
            return None
        self._breaker.began(now)
        return request(self._account, body, one.bearer)

    def _paused(self, now: int) -> Deferred:
        due = self._breaker.due() or now
        name = "auth" if self._breaker.alarm else "server"
        return Deferred(code=f"{name}:{self._breaker.reason}", after_s=max(1.0, (due - now) / US))

    def _settle(self, one: Try, said: Said) -> bool:
        """Take the outcome in; whether a new access token is worth one more try."""
        now = ticks()
        if isinstance(said, Unsent):
            one.outcome = unsent_outcome(said)
            self._breaker.answered("throttled", now)
            return False
        if isinstance(said, InDoubt):
            one.outcome = said
            self._breaker.failed(said.why, now)
            return False
        told = verdict_of(told_of(said), proven=self._proven)
        one.outcome = told.outcome
        if told.stale and "new_token" not in one.steps:
            one.steps.add("new_token")
            self._access.refused(one.bearer)
            self._breaker.answered("throttled", now)  # neutral: what comes of the next attempt will tell
            return True
        self._breaker.answered(told.weight, now)
        self._proven = self._proven or isinstance(told.outcome, Accepted)
        return False
