"""The simulated aggregator: takes messages over HTTP, plays the script, writes the invoice, calls back.

What a carrier's gateway does to a connection it does to a request: never answered, cut before or after it was taken. A
reference that was seen is answered as it was, whatever the script would have next.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
from aiohttp import web

from inbox_store.errors import Refused
from inbox_store.times import Clock, system_now
from push.sms.carrier import Reply, Report
from push.sms.sample_http.bodies import Submit, SubmitResult, bare, message_id
from push.sms.sample_http.results import (
    BAD_NUMBER,
    COUNTED_OTHERWISE,
    MALFORMED,
    NOT_SIGNED,
    REFERENCE_USED,
    RESULTS,
    TAKEN,
    TEXT_REFUSED,
    TOO_FAST,
    Result,
)
from push.sms.sample_http.signing import ACCOUNT, Nonces, NotSigned, verify
from push.sms.simulator.detail import DetailFile
from push.sms.simulator.http_push import HttpPush
from push.sms.simulator.outbox import Item, reply_of
from push.sms.simulator.player import EARLY, Codes, Fate, Play, Player
from push.sms.simulator.script import Script
from push.sms.text import count
from push.sms.wire import ticks

PATH: Final = "/messages"
BODY_MAX_BYTES: Final = 64 * 1024
REFERENCES_MAX: Final = 200_000
CODES: Final = Codes(login=NOT_SIGNED, throttle=TOO_FAST, refusals=(BAD_NUMBER, TEXT_REFUSED))


class _Asked(NamedTuple):
    """A submit by its account, with the ids of its segments where it was taken."""

    account: str
    submit: Submit
    given: str
    ids: tuple[str, ...]


class HttpDesk:
    """A listener with its accounts. ``broken`` is called where the invoice cannot be written."""

    def __init__(
        self,
        accounts: Mapping[str, str],
        script: Script,
        detail: DetailFile | None,
        broken: Callable[[OSError], None],
        *,
        callbacks: Mapping[str, str] | None = None,
        clock: Clock = system_now,
    ) -> None:
        self.counts: Counter[str] = Counter()
        """Submits by what befell them, accepted segments, reports and replies sent and taken."""
        self._accounts = accounts
        self._player = Player(script, CODES, "http")
        self._detail = detail
        self._broken = broken
        self._clock = clock
        self._nonces = Nonces(clock())
        self._pushes = {
            account: HttpPush(account, secret, (callbacks or {}).get(account, ""), self.counts, clock)
            for account, secret in accounts.items()
        }
        self._seen: dict[tuple[str, str], tuple[Submit, int, str]] = {}
        self._prefix, self._next = secrets.token_hex(4), 0
        self._ended = asyncio.Event()
        self._runner: web.AppRunner | None = None

    # -- life

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._runner is None:
            raise RuntimeError("not started")
        return int(self._runner.addresses[0][1])

    @property
    def waiting(self) -> int:
        """Reports and replies that have not been brought."""
        return sum(len(push.outbox) for push in self._pushes.values())

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError for a port that is taken."""
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.router.add_post(PATH, self._submitted)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        for push in self._pushes.values():
            await push.start()
        await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        """Answer what was asked, end. What is due later is never told."""
        self._ended.set()
        if self._runner is not None:
            await self._runner.cleanup()
        for push in self._pushes.values():
            await push.stop()

    def reply(self, account: str, reply: Reply) -> None:
        """A phone writes to ``account``, whatever the script says. Raises KeyError for an account unknown here."""
        self._pushes[account].put(Item(reply, reply.source, self._clock()), ticks())

    def call_back(self, account: str, url: str) -> None:
        """Bring the account's reports and replies there from now on. Raises KeyError for an account unknown here."""
        self._pushes[account].call_back(url)

    # -- a submit

    async def _submitted(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        account = request.headers.get(ACCOUNT, "")
        try:
            verify(
                request.headers,
                body,
                account=account,
                secret=self._accounts.get(account) or secrets.token_hex(),
                purpose="submit",
                now=self._clock(),
                nonces=self._nonces,
            )
        except NotSigned as why:
            self.counts["logins_refused"] += 1
            return _answer(NOT_SIGNED, note=str(why))
        try:
            submit = msgspec.json.decode(body, type=Submit)
        except (msgspec.DecodeError, RecursionError) as why:
            return _answer(MALFORMED, note=str(why))
        return await self._weigh(request, account, submit)

    async def _weigh(self, request: web.Request, account: str, submit: Submit) -> web.StreamResponse:
        """What was asked before is answered as then; the rest is played."""
        key = account, submit.reference
        if (seen := self._seen.get(key)) is not None:
            self.counts["repeated"] += 1
            known, code, given = seen
            return _answer(code, given) if known == submit else _answer(REFERENCE_USED)
        if (code := self._fault(submit)) != TAKEN:
            return _answer(code)
        number = bare(submit.to)
        play = self._player.play(account, (number,) * submit.segments, ticks())
        self.counts[play.deed] += 1
        asked = self._enter(account, submit, play)
        if asked is None:
            return _cut(request)
        if play.deed in {"accept", "silent", "drop_accepted"}:
            self._remember(key, (submit, TAKEN, asked.given))
        return await self._carry_out(request, asked, play)

    def _fault(self, submit: Submit) -> int:
        """What no script is asked about."""
        if len(bare(submit.to)) != 11:
            return BAD_NUMBER
        try:
            return TAKEN if count(submit.text) == submit.segments else COUNTED_OTHERWISE
        except Refused:
            return TEXT_REFUSED

    def _remember(self, key: tuple[str, str], told: tuple[Submit, int, str]) -> None:
        while len(self._seen) >= REFERENCES_MAX:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = told

    def _enter(self, account: str, submit: Submit, play: Play) -> _Asked | None:
        """Accepted segments on the invoice, before anything is answered; None where it cannot be written."""
        if not play.fates:
            return _Asked(account, submit, "", ())
        self._next += 1
        given = f"{self._prefix}{self._next:x}"
        ids = tuple(message_id(given, number + 1, submit.segments) for number in range(submit.segments))
        self.counts["segments"] += len(ids)
        if self._detail is not None:
            now, number = self._clock(), bare(submit.to)
            for one, fate in zip(ids, play.fates, strict=True):
                self._detail.add(one, number, submit.source, now, fate.stat)
            try:
                self._detail.flush()
            except OSError as fault:
                self._broken(fault)
                return None
        return _Asked(account, submit, given, ids)

    async def _carry_out(self, request: web.Request, asked: _Asked, play: Play) -> web.StreamResponse:
        early = [
            item for one in zip(asked.ids, play.fates, strict=False) for item in self._later(asked, *one)
        ]
        if early and not await self._pushes[asked.account].bring(early):
            for item in early:
                self._pushes[asked.account].put(item, ticks())
        if play.deed in {"drop", "drop_accepted"}:
            return _cut(request)
        if play.deed in {"silent", "ignore"}:
            await self._ended.wait()
            return _cut(request)
        return _answer(TAKEN, asked.given) if asked.given else _answer(play.code)

    def _later(self, asked: _Asked, one: str, fate: Fate) -> list[Item]:
        """What is to be told of a segment later is put down; what comes before the answer is returned."""
        push, now, tick, early = self._pushes[asked.account], self._clock(), ticks(), []
        number, source, segments = bare(asked.submit.to), asked.submit.source, str(len(asked.ids))
        for after, state, stat, error in fate.tellings:
            done_at = now + max(after, 0)
            what = Report(message_id=one, to=number, state=state, stat=stat, error=error, done_at=done_at)
            item = Item(what, source, now, segments)
            if after == EARLY:
                early.append(item)
            else:
                push.put(item, tick + after)
        if fate.reply:
            push.put(Item(reply_of(number, source, fate.reply), source, now), tick + fate.reply_after)
        return early


def _cut(request: web.Request) -> web.Response:
    """The connection ends; what is returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _answer(code: int, given: str = "", note: str = "") -> web.Response:
    status, _, zh = RESULTS.get(code, Result(422, "failed", "未受理"))
    body = msgspec.json.encode(SubmitResult(code=code, id=given, message=note or zh))
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)
