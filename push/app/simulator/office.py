"""All simulated vendors of one process: one aiohttp server, each vendor under a path of its own, one script, one record.

    async with opened(plan) as office:
        office.url("huawei")        # http://127.0.0.1:40123/huawei

A vendor that speaks HTTP/1.1 joins as a ``Far`` in FARS. One that needs a listener of its own (HTTP/2) joins as a
``Listener`` in LISTENERS: it is given the plan's script, the record and the host, and listens on a port that it tells.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import aiohttp
import msgspec
from aiohttp import web

from inbox_store.times import Clock, system_now
from push.app.simulator.far import Call, Far, Keys, Notice, Reply, Taken
from push.app.simulator.honor import HonorFar
from push.app.simulator.huawei import HuaweiFar
from push.app.simulator.oppo import OppoFar
from push.app.simulator.player import Play, Player
from push.app.simulator.record import Record
from push.app.simulator.robots import RobotFar
from push.app.simulator.script import TAKING, Script
from push.app.simulator.vivo import VivoFar
from push.app.simulator.xiaomi import XiaomiFar

BODY_MAX_BYTES: Final = 4 << 20
"""A thousand messages of their own (OPPO, Xiaomi)."""
CALLBACK_TIMEOUT_S: Final = 10
RETRY_AFTER_S: Final = "5"

FARS: Final[Mapping[str, Callable[[Keys], Far]]] = {
    "huawei": HuaweiFar,
    "xiaomi": XiaomiFar,
    "oppo": OppoFar,
    "vivo": VivoFar,
    "honor": HonorFar,
    "wecom": lambda keys: RobotFar("wecom", keys),
    "dingtalk": lambda keys: RobotFar("dingtalk", keys),
    "feishu": lambda keys: RobotFar("feishu", keys),
}


class Listener(Protocol):
    """A far end with a port of its own."""

    name: str
    counts: Mapping[str, int]

    @property
    def port(self) -> int:
        """Where it listens."""
        ...

    async def start(self, host: str) -> None:
        """Listen on a free port. Raises OSError."""
        ...

    async def stop(self) -> None:
        """End all connections."""
        ...


LISTENERS: Final[Mapping[str, Callable[[Keys, Script, Record], Listener]]] = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendors are to be. ``record`` None keeps nothing."""

    keys: Keys
    port: int = 0
    script: Script = Script()
    record: Path | None = None
    host: str = "127.0.0.1"
    callbacks: Mapping[str, str] = {}
    """Vendor to the address that its receipts are brought to; what a request names is never called."""


class Office:
    """The vendors, from ``start`` to ``stop``."""

    def __init__(self, plan: Plan, clock: Clock = system_now) -> None:
        self._plan = plan
        self._clock = clock
        self._fars = {name: make(plan.keys) for name, make in FARS.items()}
        self._players = {name: Player(plan.script, name) for name in FARS}
        self._listeners: list[Listener] = []
        self._record = Record(None)
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._callbacks = dict(plan.callbacks)
        self.broken: asyncio.Future[OSError] = asyncio.get_running_loop().create_future()
        """Set where the record cannot be written: nothing more is taken then."""

    # -- life

    @property
    def port(self) -> int:
        """The port of the common server."""
        if self._runner is None:
            raise RuntimeError("not started")
        return int(self._runner.addresses[0][1])

    @property
    def ports(self) -> dict[str, int]:
        """Where each vendor is found; those of the common server under ``/<name>``."""
        return dict.fromkeys(self._fars, self.port) | {one.name: one.port for one in self._listeners}

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """What happened so far, by vendor."""
        own = {one.name: dict(one.counts) for one in self._listeners}
        return {name: dict(far.counts) for name, far in self._fars.items()} | own

    def url(self, name: str) -> str:
        """The address of one vendor on the common server, to be put into its account."""
        return f"http://{self._plan.host}:{self.port}/{name}"

    def call_back(self, name: str, url: str) -> None:
        """Bring the vendor's receipts there from now on."""
        self._callbacks[name] = url

    async def start(self) -> None:
        """Open the record, listen. Raises OSError; what was begun is then undone."""
        plan = self._plan
        self._record = Record(plan.record)
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.router.add_route("*", "/{vendor}/{path:.*}", self._called)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALLBACK_TIMEOUT_S))
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, plan.host, plan.port).start()
            for make in LISTENERS.values():
                listener = make(plan.keys, plan.script, self._record)
                await listener.start(plan.host)
                self._listeners.append(listener)
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Answer what was asked, end. Receipts due later are never told."""
        self._ended.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for listener in self._listeners:
            await listener.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()
        self._record.close()

    # -- a request

    async def _called(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        name = request.match_info["vendor"]
        far = self._fars.get(name)
        if far is None or request.method != "POST":
            return web.Response(status=404)
        headers = {key.lower(): value for key, value in request.headers.items()}
        call = Call("/" + request.match_info["path"], request.query, headers, body, self._clock())
        if far.is_login(call):
            reply = far.login(call)
            far.counts[
                "logins" if reply.status == 200 and b"rror" not in reply.body else "logins_refused"
            ] += 1
            return _response(reply)
        asked = far.read(call)
        if isinstance(asked, Reply):
            far.counts["faults"] += 1
            return _response(asked)
        return await self._play(request, far, asked)

    async def _play(self, request: web.Request, far: Far, asked: list[Taken]) -> web.StreamResponse:
        play = self._players[far.name].play([one.token for one in asked])
        far.counts[play.deed] += 1
        given = secrets.token_hex(10)
        if play.deed in TAKING:
            taken = [one for one in asked if one.token not in play.gone]
            far.counts["gone"] += len(asked) - len(taken)
            try:
                far.counts["taken"] += self._record.write(far.name, taken, play, given)
            except OSError as fault:
                self._break(fault)
                return _cut(request)
            self._report(far, taken, given)
        # Made before anything is waited for: a far end remembers what it read last.
        reply = far.answer(asked, play, given)
        return await self._carry_out(request, play, reply)

    async def _carry_out(self, request: web.Request, play: Play, reply: Reply) -> web.StreamResponse:
        if play.deed == "slow":
            await self._until_ended(play.slow_s)
        if play.deed == "silent":
            await self._ended.wait()
        if play.deed in {"cut", "cut_taken", "silent"}:
            return _cut(request)
        if play.deed == "error":
            return web.Response(status=500, text="internal error")
        if play.deed == "busy":
            return web.Response(status=503, headers={"Retry-After": RETRY_AFTER_S})
        if play.deed == "garbage":
            return web.Response(body=reply.body[: len(reply.body) // 2], content_type="application/json")
        return _response(reply)

    async def _until_ended(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return

    def _break(self, fault: OSError) -> None:
        if not self.broken.done():
            self.broken.set_result(fault)

    # -- receipts

    def _report(self, far: Far, taken: Sequence[Taken], given: str) -> None:
        if far.name not in self._callbacks:
            return
        player = self._players[far.name]
        for one in taken:
            after = player.receipt() if one.callback else None
            if after is not None:
                task = asyncio.create_task(self._bring(far, one, given, after))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _bring(self, far: Far, one: Taken, given: str, after: float) -> None:
        await self._until_ended(after)
        if self._session is None or self._ended.is_set():
            return
        headers, body = far.receipt(Notice([one], given, self._clock()))
        far.counts["told"] += 1
        try:
            async with self._session.post(self._callbacks[far.name], data=body, headers=headers) as response:
                far.counts["heard"] += response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            far.counts["unheard"] += 1


def _cut(request: web.Request) -> web.Response:
    """The connection ends; what is returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, content_type=reply.content_type)


@asynccontextmanager
async def opened(plan: Plan, clock: Clock = system_now) -> AsyncIterator[Office]:
    """Vendors that listen, and are stopped at the end."""
    office = Office(plan, clock)
    await office.start()
    try:
        yield office
    finally:
        await office.stop()
