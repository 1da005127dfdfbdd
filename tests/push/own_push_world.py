"""A house with a push service of its own, on a real port: its page, its service worker, what both tell."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from inbox_store.programs.push_service import Settled
from inbox_store.times import US, system_now
from push.app.endpoints import EndpointRules
from push.app.own_service.memory import MemoryStore
from push.app.own_service.routes import routes
from push.app.own_service.service import OwnServiceRules, PushService
from push.app.webpush import VapidKey, WebPushRules, WebPushSender
from push.app.webpush.subscription import CURVE

PAGE: Final = "<!doctype html><meta charset=utf-8><title>办公</title>"
WORKER: Final = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil((async () => {
  const alert = event.data.json();
  await self.registration.showNotification(alert.title, { body: alert.body, tag: alert.tag });
  await fetch("/shown", { method: "POST", body: JSON.stringify(alert) });
})()));
"""


def authorization(key: VapidKey, origin: str) -> str:
    """What shows a key to the service."""
    return f"vapid t={key.token(origin, system_now() // US + 600)}, k={key.public}"


class House:
    """What is at hand in a test."""

    def __init__(self, **rules: Any) -> None:  # noqa: ANN401 - passed on
        self.key = VapidKey(ec.generate_private_key(CURVE), "mailto:push@example.com")
        self.shown: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.settled: asyncio.Queue[Settled] = asyncio.Queue()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/push"
        self.store = MemoryStore()
        told = OwnServiceRules(url=self.url, secret=b"s" * 32, **rules)
        self.service = PushService(told, self.store, self.settled.put)
        endpoints = EndpointRules(hosts=("127.0.0.1",), http=True)
        self.sender = WebPushSender("house", self.key, WebPushRules(endpoints=endpoints))

    async def serve(self) -> web.AppRunner:
        """Open the doors."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/worker.js", self._worker)
        app.router.add_post("/shown", self._shown)
        app.add_routes(routes(self.service))
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        await self.service.start()
        await self.sender.start()
        await web.SockSite(runner, self._listening).start()
        return runner

    async def cut_off(self) -> None:
        """Every line is closed, as by a restart."""
        await self.service.cut_off()
        assert not self.service.online

    async def alone(self) -> None:
        """Wait until the service has noticed that nobody is connected."""
        async with asyncio.timeout(10):
            while self.service.online:  # noqa: ASYNC110 - what is not told is looked at
                await asyncio.sleep(0.01)

    async def post(self, endpoint: str, body: bytes, **headers: str) -> int:
        """A bare POST with a valid key: the status."""
        told = {
            "TTL": "60",
            "Content-Encoding": "aes128gcm",
            "Authorization": authorization(self.key, self.service.rules.origin),
            **headers,
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(endpoint, data=body, headers=told) as answer,
        ):
            return answer.status

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _worker(self, _request: web.Request) -> web.Response:
        return web.Response(text=WORKER, content_type="text/javascript")

    async def _shown(self, request: web.Request) -> web.Response:
        await self.shown.put(msgspec.json.decode(await request.read(), type=dict[str, Any]))
        return web.Response()


@asynccontextmanager
async def house(**rules: Any) -> AsyncIterator[House]:  # noqa: ANN401 - passed on
    """A house, closed at the end."""
    made = House(**rules)
    runner = await made.serve()
    try:
        yield made
    finally:
        await made.sender.stop()
        await made.service.stop()
        await runner.cleanup()
