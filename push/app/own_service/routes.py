"""The doors of the push service, to be mounted by the house:

    GET     /push/                the websocket of browsers (``dom.push.serverURL`` = wss://host/push/)
    POST    /push/send/{token}    a message (RFC 8030 §5): 201 with Location and the TTL granted
    DELETE  /push/message/{id}    withdraw one that waits (RFC 8030 §6.2)

``routes(service)`` takes the path of ``service.rules.url``.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from push.app.own_service.service import PushService, Visitor, later
from push.app.own_service.submission import BODY_MAX, Refusal, read_submission

FRAME_MAX: Final = 128 * 1024
"""Bytes of one frame of a browser: a thousand acks fit."""
SUBPROTOCOL: Final = "push-notification"
SLOW_DOWN_S: Final = 60
BODY_TIMEOUT_S: Final = 10


class WebSocketLine:
    """``Line`` over aiohttp."""

    def __init__(self, socket: web.WebSocketResponse, send_timeout_s: float) -> None:
        self._socket = socket
        self._send_timeout_s = send_timeout_s

    async def say(self, text: str) -> None:
        """A browser that does not take it in time is cut off."""
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._socket.send_str(text)
        except TimeoutError:
            await self.close(1008, "too slow")
        except (ConnectionError, RuntimeError):
            pass  # it is gone; what it has not acked is kept

    async def close(self, code: int, reason: str) -> None:
        """Tell why, and go."""
        if not self._socket.closed:
            await self._socket.close(code=code, message=reason.encode())


def routes(service: PushService) -> list[web.RouteDef]:
    """The doors of one service."""
    base = urlsplit(service.rules.url).path

    async def browser(request: web.Request) -> web.StreamResponse:
        return await _browser(service, request)

    async def send(request: web.Request) -> web.Response:
        return await _send(service, request)

    async def withdraw(request: web.Request) -> web.Response:
        known = await service.store.withdraw(request.match_info["id"])
        return web.Response(status=204 if known else 404)

    return [
        web.get(f"{base}/", browser),
        web.post(base + r"/send/{token:[A-Za-z0-9_-]{32}}", send),
        web.delete(base + r"/message/{id:[A-Za-z0-9_-]{32}}", withdraw),
    ]


async def _send(service: PushService, request: web.Request) -> web.Response:
    # One byte more than may come tells that it is too long, without reading the rest.
    body = b""
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while len(body) <= BODY_MAX and (chunk := await request.content.read(BODY_MAX + 1 - len(body))):
                body += chunk
    except TimeoutError:
        return _refused(Refusal(408, "too_slow"))
    told = await service.submit(
        request.match_info["token"],
        request.headers.get("Authorization", ""),
        read_submission(request.headers, body),
    )
    if isinstance(told, Refusal):
        return _refused(told)
    ttl_s = min(int(request.headers["TTL"]), (told.until - told.at) // 1_000_000)
    location = f"{service.rules.url}/message/{told.id}"
    return web.Response(status=201, headers={"Location": location, "TTL": str(ttl_s)})


def _refused(refusal: Refusal) -> web.Response:
    headers = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "vapid"
    if refusal.status == 429:
        headers["Retry-After"] = str(SLOW_DOWN_S)
    return web.json_response({"code": refusal.code}, status=refusal.status, headers=headers)


async def _browser(service: PushService, request: web.Request) -> web.StreamResponse:
    rules = service.rules
    if service.online >= rules.connections_max:
        return web.Response(status=503, headers={"Retry-After": str(SLOW_DOWN_S)})
    socket = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,), max_msg_size=FRAME_MAX, heartbeat=rules.ping_s, compress=False
    )
    await socket.prepare(request)
    visitor = Visitor(service, WebSocketLine(socket, rules.send_timeout_s), _monotonic())
    try:
        await _converse(socket, visitor, rules.hello_timeout_s)
    finally:
        service.left(visitor)
    return socket


async def _converse(socket: web.WebSocketResponse, visitor: Visitor, hello_timeout_s: float) -> None:
    """Hear the browser until the line ends; who does not say hello in time is sent away."""
    loop = asyncio.get_running_loop()
    late = loop.call_later(hello_timeout_s, lambda: later(visitor.said(visitor.talk.late)))
    try:
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await visitor.heard(frame.data, _monotonic())
            else:
                await visitor.said(visitor.talk.binary)
    finally:
        late.cancel()


def _monotonic() -> int:
    return time.monotonic_ns() // 1000
