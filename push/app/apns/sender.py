"""One app's account with Apple behind the house's port: sends over a pool of connections, mends what can be mended once."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable, Sequence

from inbox_store.times import US, Clock, system_now
from push.app.apns.account import ApnsAccount
from push.app.apns.bodies import PAYLOAD_MAX, is_token, payload, request
from push.app.apns.provider_token import ProviderTokens
from push.app.apns.results import Step, Verdicted, verdict_of
from push.app.http2.asking import Try, ask_all, told_of, unsent_outcome
from push.app.http2.happenings import Request
from push.app.http2.pool import Pool
from push.app.http2.ports import Address, PoolLimits, Said, Unsent, tls_context
from push.app.jose import p256_key
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused, Vendor
from push.sms.breaker import Breaker, BreakerRules
from push.sms.wire import ticks

SHORTER = PAYLOAD_MAX * 3 // 4
"""What a payload is cut to where Apple finds it too large all the same."""


class ApnsSender:
    """See ``push.app.sender.PushSender``. Not for use by several threads."""

    vendor: Vendor = "apns"
    batch_max = 1

    def __init__(
        self,
        name: str,
        account: ApnsAccount,
        *,
        limits: PoolLimits | None = None,
        breaker: BreakerRules | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Clock = system_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._account = account
        self._clock = clock
        self._tokens = ProviderTokens(p256_key(account.key_pem), account.key_id, account.team_id)
        self._breaker = Breaker(breaker or BreakerRules())
        address = Address(account.server, account.port, tls or tls_context())
        self._pool = Pool(name, address, limits, chance=chance)
        self._proven = False

    async def start(self) -> None:
        """Make ready; connects when something is sent."""
        await self._pool.start()

    async def stop(self) -> None:
        """Take nothing new, wait for what is open, close; within the pool's limits."""
        await self._pool.stop()

    async def send(self, pushes: Sequence[Push]) -> list[Outcome]:
        """One request for each; each ends with an outcome, whatever Apple or the network does."""
        tries = [Try(push, PAYLOAD_MAX) for push in pushes]
        again: list[Try] = tries
        while again:
            again = await ask_all(self._pool, again, self._request, self._settle)
        return [one.outcome for one in tries]

    def _request(self, one: Try) -> Request | None:
        """None where its outcome is known without asking."""
        now = ticks()
        if not self._breaker.admits(now):
            one.outcome = self._paused(now)
            return None
        if not is_token(one.push.token):
            one.outcome = Refused(code="malformed_token")
            return None
        body = payload(self._account, one.push, one.most)
        if body is None:
            one.outcome = Refused(code="PayloadTooLarge")
            return None
        self._breaker.began(now)
        wall = self._clock()
        one.bearer = self._tokens.value(wall)
        return request(self._account, one.push, body, one.bearer, wall)

    def _paused(self, now: int) -> Deferred:
        due = self._breaker.due() or now
        name = "auth" if self._breaker.alarm else "server"
        return Deferred(code=f"{name}:{self._breaker.reason}", after_s=max(1.0, (due - now) / US))

    def _settle(self, one: Try, said: Said) -> bool:
        """Take the outcome in; whether something was mended, so that it is to be sent once more."""
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
        if self._mended(one, told.step, said.via):
            self._breaker.answered("throttled", now)  # neutral: what comes of the next attempt will tell
            return True
        self._weigh(told, now)
        return False

    def _weigh(self, told: Verdicted, now: int) -> None:
        self._breaker.answered(told.weight, now)
        known = isinstance(told.outcome, Accepted) or (
            isinstance(told.outcome, Refused) and told.outcome.gone
        )
        self._proven = self._proven or known

    def _mended(self, one: Try, step: Step, via: int) -> bool:
        """Each step is taken once for a push; all of them prove that Apple did not take it."""
        if step == "told" or step in one.steps:
            return False
        one.steps.add(step)
        wall = self._clock()
        if step in ("new_token", "new_connection"):
            # A connection that met an expired token never recovers (apns §1).
            self._pool.retire(via)
        if step == "new_token":
            return self._tokens.expired(one.bearer, wall)
        if step == "last_token":
            return self._tokens.too_many(one.bearer, wall)
        if step == "shorten":
            one.most = SHORTER
        return True
