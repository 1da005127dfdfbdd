"""The access token of one service account: asked for once for all who wait, early while the old one still serves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric import rsa

from inbox_store.times import Clock
from push.app.fcm.account import FcmAccount, place_of
from push.app.fcm.bodies import granted, sign_in
from push.app.http2.asking import told_of
from push.app.http2.happenings import Answer
from push.app.http2.pool import Pool
from push.app.http2.ports import Address, PoolLimits
from push.app.sender import Deferred, Refused
from push.app.tokens import Grant, TokenKeeper, TokenRules
from push.sms.wire import ticks

log = structlog.get_logger("push")

RULES: Final = TokenRules(early_s=225, longest_s=3_600)
"""Google's own library asks 3 min 45 s early (fcm §1)."""


class Access:
    """``value`` gives the token; ``refused`` lets it go. Not for use by several threads."""

    def __init__(
        self,
        name: str,
        account: FcmAccount,
        key: rsa.RSAPrivateKey,
        tls: ssl.SSLContext,
        limits: PoolLimits,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._name = name
        self._account = account
        self._key = key
        self._clock = clock
        self._keeper = TokenKeeper(RULES)
        place = place_of("token_uri", account.token_uri)
        self._pool = Pool(f"{name}/access", Address(place.host, place.port, tls), limits, chance=chance)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make ready."""
        await self._pool.start()

    async def stop(self) -> None:
        """Close; who still waits is told."""
        await self._pool.stop()
        if self._task is not None:
            await self._task

    async def value(self) -> str | Refused | Deferred:
        """The token, or why there is none; ends within the limits of the pool."""
        if self._keeper.need(ticks()) != "none":
            self._keeper.asked()
            self._task = asyncio.create_task(self._ask(), name=f"fcm access {self._name}")
        if held := self._keeper.value(ticks()):
            return held
        if self._task is not None and not self._task.done():
            # One asks for all; who stops waiting does not stop it.
            await asyncio.shield(self._task)
        return self._keeper.value(ticks()) or self._why()

    def held(self) -> str:
        """The token where there is one now."""
        return self._keeper.value(ticks())

    def refused(self, value: str) -> None:
        """Google does not take ``value`` any more."""
        self._keeper.refused(value)

    def _why(self) -> Refused | Deferred:
        why = self._keeper.why
        if isinstance(why, Refused):
            return why
        return Deferred(
            code=why.code, after_s=max(why.after_s or 0.0, self._keeper.barred_s(ticks())) or None
        )

    async def _ask(self) -> None:
        said = await self._pool.ask(sign_in(self._account, self._key, self._clock()))
        told = granted(told_of(said)) if isinstance(said, Answer) else Deferred(code=f"network:{said.why}")
        if isinstance(told, Grant):
            self._keeper.granted(told, ticks())
        else:
            log.warning("fcm.no_access", account=self._name, code=told.code)
            self._keeper.failed(told, ticks())
