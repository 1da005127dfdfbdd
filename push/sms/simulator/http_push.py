"""The callbacks of the simulated aggregator: reports and replies of one account, signed, brought until they are taken."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec

from inbox_store.times import US, Clock
from push.sms.carrier import Report
from push.sms.sample_http.bodies import EVENTS_MAX, Callback, ReplyEvent, ReportEvent
from push.sms.sample_http.signing import signed_headers
from push.sms.simulator.outbox import TRIES, Item, Outbox
from push.sms.window import NEVER
from push.sms.wire import ticks

TIMEOUT_S: Final = 10
PAUSE_US: Final = 200_000
"""Before what was not taken is brought again."""


class HttpPush:
    """Brings what is due to ``url``, one callback at a time; without a url nothing is told."""

    def __init__(self, account: str, secret: str, url: str, counts: Counter[str], clock: Clock) -> None:
        self.outbox = Outbox()
        self._account = account
        self._secret = secret
        self._url = url
        self._counts = counts
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    async def start(self) -> None:
        """Begin to bring."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        self._task = asyncio.create_task(self._run(), name=f"callbacks {self._account}")

    async def stop(self) -> None:
        """What has not been brought never will be."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def call_back(self, url: str) -> None:
        """Bring everything there from now on, what waits too."""
        self._url = url
        self._more.set()

    def put(self, item: Item, at: int) -> None:
        """Bring it at ``at``, in ticks."""
        self.outbox.put(item, at)
        self._more.set()

    async def bring(self, items: Sequence[Item]) -> bool:
        """One callback now; whether it was taken."""
        body = msgspec.json.encode(Callback(events=tuple(map(event_of, items))))
        nonce = secrets.token_urlsafe(18)
        headers = signed_headers(
            self._account, self._secret, "callback", body, now=self._clock(), nonce=nonce
        )
        headers["Content-Type"] = "application/json"
        self._counts["told"] += len(items)
        for item in items:
            item.tries += 1
        if self._session is None or not self._url:
            return False
        try:
            async with self._session.post(self._url, data=body, headers=headers) as response:
                await response.read()
                taken = response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            taken = False
        self._counts["taken"] += len(items) if taken else 0
        return taken

    async def _run(self) -> None:
        while True:
            self._more.clear()
            now = ticks()
            if not self._url:
                await self._more.wait()
            elif self.outbox.ripen(now):
                ready = self.outbox.ready
                items = [ready.popleft() for _ in range(min(len(ready), EVENTS_MAX))]
                if not await self.bring(items):
                    self._again(items)
            else:
                await self._wait(None if self.outbox.due == NEVER else (self.outbox.due - now) / US)

    async def _wait(self, seconds: float | None) -> None:
        """Until something is due, or something else was put."""
        try:
            async with asyncio.timeout(seconds):
                await self._more.wait()
        except TimeoutError:
            return

    def _again(self, items: Sequence[Item]) -> None:
        for item in items:
            if item.tries < TRIES:
                self.outbox.put(item, ticks() + PAUSE_US * item.tries)
            else:
                self._counts["given_up"] += 1


def event_of(item: Item) -> ReportEvent | ReplyEvent:
    """As it is told; an id ``x/2`` is segment 2 of the message x, of which ``item.message_id`` says how many there are."""
    what = item.what
    if not isinstance(what, Report):
        coding = "utf-16-be" if what.coding == "ucs2" else "ascii"
        return ReplyEvent(sender=what.sender, source=what.source, text=what.content.decode(coding))
    given, slash, number = what.message_id.partition("/")
    return ReportEvent(
        id=given,
        to=what.to,
        stat=what.stat,
        segments=int(item.message_id or 1),
        segment=int(number) if slash else 1,
        error=what.error,
        done_at=None if what.done_at is None else what.done_at // US,
    )
