"""The whole server as `songda serve` runs it, in a process of its own, which also obeys whoever measures it.

    python -m benchmarks.whole_server FOLDER      the product over a data folder
    python -m benchmarks.whole_server --bare BODY  a bare aiohttp handler that answers BODY to everything

Orders are lines of JSON on standard input, answers lines on standard output; the first line tells the port.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvloop
from aiohttp import web

from benchmarks.fanout import submitted
from benchmarks.whole_city import settings_of
from gateway.assembly import Running, running
from gateway.doors.serving import BACKLOG
from gateway.logs import configure_logs
from inbox_store.programs import dispatch, signing
from inbox_store.programs.copies import Actor
from inbox_store.programs.signing import SignOrder
from inbox_store.times import system_now
from realtime.housekeeping import raise_descriptor_limit
from realtime.server import LIVE_PATH

TICK_S: Final = 0.002


class Lag:
    """How late the loop runs a timer: one sample a tick, and for a stall one for each tick that fell into it."""

    def __init__(self) -> None:
        self.samples: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """From now on."""
        self.samples = []
        self._due = self._loop.time() + TICK_S
        self._handle = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        late = self._loop.time() - self._due
        while late > -TICK_S / 2:
            self.samples.append(max(late, 0.0))
            self._due += TICK_S
            late -= TICK_S
        self._handle = self._loop.call_at(self._due, self._tick)

    def stop(self) -> dict[str, Any]:
        """What was seen, in seconds."""
        if self._handle is not None:
            self._handle.cancel()
        return spread(self.samples)


def spread(values: list[float]) -> dict[str, Any]:
    """Median, 99th of a hundred, and the largest."""
    ordered = sorted(values) or [0.0]
    return {
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[int(len(ordered) * 0.99)],
        "max": ordered[-1],
        "count": len(values),
    }


class Measured:
    """The running product and what it may be told to do."""

    def __init__(self, server: Running) -> None:
        self._parts = server.parts
        self._lag = Lag()

    async def lag_start(self, _order: dict[str, Any]) -> dict[str, Any]:
        """Begin to look at the loop."""
        self._lag.start()
        return {}

    async def lag_stop(self, _order: dict[str, Any]) -> dict[str, Any]:
        """What was seen."""
        return self._lag.stop()

    async def send(self, order: dict[str, Any]) -> dict[str, Any]:
        """Documents to the whole city one after another, each when the one before has arrived everywhere."""
        took: list[float] = []
        documents: list[int] = []
        ends = time.perf_counter() + order["seconds"]
        while time.perf_counter() < ends:
            began = time.perf_counter()
            told = await submitted(self._parts.store, order["units"], order["persons"])
            for wake in self._parts.house.wake:
                wake()
            await self._all_sent()
            took.append(time.perf_counter() - began)
            documents.append(told.document_id)
        return spread(took) | {"documents": documents}

    async def _all_sent(self) -> None:
        while await self._parts.store.engine.read(dispatch.open_dispatches()):  # noqa: ASYNC110 - asked from outside
            await asyncio.sleep(0.005)

    async def sign(self, order: dict[str, Any]) -> dict[str, Any]:
        """Signatures through the store at a rate, each timed from when it was due to its durable commit."""
        took: list[float] = []
        refused, why = 0, ""

        async def one(due: float, document: int, unit: int, person: int) -> None:
            nonlocal refused, why
            try:
                await self._parts.store.engine.write_each(signing.sign_each, _order(document, unit, person))
            except Exception as fault:  # noqa: BLE001 - counted and told
                refused, why = refused + 1, repr(fault)
            took.append(time.perf_counter() - due)

        start = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, work in enumerate(order["work"]):
                due = start + number / order["rate"]
                if (pause := due - time.perf_counter()) > 0.001:
                    await asyncio.sleep(pause)
                group.create_task(one(due, *work))
        return spread(took) | {"refused": refused, "why": why, "seconds": time.perf_counter() - start}


def _order(document: int, unit: int, person: int) -> SignOrder:
    actor = Actor(person_id=person, name="收发员")
    return SignOrder(document_id=document, unit_id=unit, actor=actor, now=system_now())


async def told(order: dict[str, Any]) -> dict[str, Any]:
    """What the process has cost so far, and what it holds."""
    del order
    return {"cpu": time.process_time(), "rss": _rss_kib()}


def _rss_kib() -> int:
    text = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS:")).split()[1])


async def obey(deeds: dict[str, Any], port: int) -> None:
    """Orders until the input ends; several may be under way, each answer bears its order's number."""
    answer: Callable[[dict[str, Any]], None] = lambda row: print(json.dumps(row), flush=True)  # noqa: E731
    answer({"port": port, "pid": os.getpid()})
    reader = asyncio.StreamReader(limit=1 << 26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def one(order: dict[str, Any]) -> None:
        answer({"id": order["id"]} | await deeds[order["do"]](order))

    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(one(json.loads(line)))


async def product(folder: Path) -> None:
    """The product over ``folder``, its log at the usual level beside it."""
    with (folder / "serve.log").open("a", encoding="utf-8") as log:
        settings = settings_of(folder)
        configure_logs(level=settings.log.level, form=settings.log.format, stream=log)
        async with running(settings) as server:
            did = Measured(server)
            deeds = {name: getattr(did, name) for name in ("lag_start", "lag_stop", "send", "sign")}
            await obey({"told": told, **deeds}, server.port)


async def bare(body: bytes) -> None:
    """A handler without a house."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def live(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for _hello in socket:
            await socket.send_str('{"type":"welcome"}')
        return socket

    app = web.Application()
    app.router.add_get(LIVE_PATH, live)
    app.router.add_post("/api/v1/documents/{document}/units/{unit}/sign", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=BACKLOG)
    await site.start()
    await obey({"told": told}, runner.addresses[0][1])
    await runner.cleanup()


def main() -> None:
    """Serve until the input ends."""
    raise_descriptor_limit(65_536)
    uvloop.run(bare(sys.argv[2].encode()) if sys.argv[1] == "--bare" else product(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
