"""One route's way in: who, how much, what; then the handler; then the answer.

The order spares work: nothing is read before the caller is known and may do this at all, and no place at the
turnstile is held while a slow client is still sending.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any, Final

from aiohttp import web

from gateway.doors.answers import CONTEXT, JSON, Context, response_of
from gateway.doors.call import Call, DoorServices, Idempotency, Incoming, PathValues
from gateway.doors.routes import PUBLIC, SIGNED_IN, Route
from gateway.doors.turns import Turns
from gateway.doors.turnstile import Turnstile
from gateway.doors.wire import canonical, decode_body, decode_query
from gateway.rules.access import ACTIONS, Principal, reach
from inbox_store.errors import Refused

OCTETS: Final = "application/octet-stream"
DEVICE_LENGTH_MAX: Final = 120
"""Characters of a device's name that are kept."""

_KEY = re.compile(r"[\x21-\x7e]{8,128}", re.ASCII)
_UTF8 = frozenset({None, "utf-8", "utf8"})


class Dispatcher:
    """Serves ``route``; ``turnstile`` is shared with the other routes of its sort."""

    def __init__(self, route: Route, services: DoorServices, turnstile: Turnstile) -> None:
        self.route = route
        self._services = services
        self._limits = services.limits
        self._turnstile = turnstile
        self._size_max_bytes = route.body_max_bytes or self._limits.body_max_bytes
        self._turns = Turns(calls_max=route.calls_per_minute, failures_max=route.failures_per_minute)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answers one request. Raises Refused, or what a bug raises; a page shows a refusal itself."""
        context = request[CONTEXT]
        context.route = self.route.name
        try:
            with self._turns.turn(context.origin, context.now):
                return await self._answered(request, context)
        except Refused as refused:
            if self.route.page is None:
                raise
            return self.route.page(refused)

    async def _answered(self, request: web.Request, context: Context) -> web.StreamResponse:
        caller = await self._caller(request, context)
        key = _key(request) if self.route.asks_key else None
        path = PathValues(self.route.values(request.match_info.items()))
        query = self._query(request)
        raw = b"" if self.route.stream else await self._read(request)
        call = Call(
            services=self._services,
            body=decode_body(raw, self.route.body) if self.route.body else None,
            query=query,
            path=path,
            now=context.now,
            origin=context.origin,
            device=_device(request),
            request_id=context.request_id,
            caller=caller,
            key=self._idempotency(request, key, raw) if key else None,
            incoming=self._incoming(request) if self.route.stream else None,
            raw=raw if self.route.raw else b"",
            headers=request.headers if self.route.raw else {},
        )
        await self._turnstile.enter()
        try:
            return response_of(self.route, await self._handled(call))
        finally:
            self._turnstile.leave()

    async def _handled(self, call: Call[Any, Any, Any]) -> object:
        limits = self._limits
        async with asyncio.timeout(
            limits.stream_timeout_s if self.route.stream else limits.handler_timeout_s
        ):
            return await self.route.handler(call)

    async def _caller(self, request: web.Request, context: Context) -> Principal | None:
        """Who calls, where the route wants to know. Raises Refused: unauthenticated, forbidden, and the door's own."""
        route = self.route
        if route.access == PUBLIC or (route.local and context.local and not _credentials(request)):
            return None
        principal = await self._recognised(request, context)
        context.person_id = principal.person_id
        if route.access != SIGNED_IN and not reach(principal, route.access):
            action = ACTIONS.get(route.access)
            raise Refused("forbidden", action=action.zh if action else route.access)
        return principal

    async def _recognised(self, request: web.Request, context: Context) -> Principal:
        door = self._services.door
        match _credentials(request):
            case [("bearer", token)]:
                return await door.principal_of_bearer(token, now=context.now, origin=context.origin)
            case [("key", text)]:
                return await door.principal_of_api_key(text, now=context.now, origin=context.origin)
            case []:
                raise Refused("unauthenticated")
            case _:
                raise Refused("credentials_mixed")

    def _query(self, request: web.Request) -> object:
        if self.route.query is not None:
            return decode_query(request.query.items(), self.route.query)
        if request.query_string and self.route.page is None:
            raise Refused("bad_request", reason="此接口没有查询参数")
        return None

    async def _read(self, request: web.Request) -> bytes:
        """The whole body, bounded in size and time; empty for a route without one."""
        if self.route.body is None and not self.route.raw:
            if request.content_length or "Transfer-Encoding" in request.headers:
                raise Refused("bad_request", reason="此接口不接受请求内容")
            return b""
        _expect_type(request, self.route.raw or JSON)
        _expect_size(request, self._size_max_bytes)
        raw = bytearray()
        async for chunk in _chunks(request, self._limits.read_timeout_s, whole=True):
            raw += chunk
            if len(raw) > self._size_max_bytes:
                raise Refused("body_too_large", size_max_bytes=self._size_max_bytes)
        return bytes(raw)

    def _incoming(self, request: web.Request) -> Incoming:
        """The content of an upload; its size is bounded by who receives it (``uploads``)."""
        _expect_type(request, OCTETS)
        if self.route.body_max_bytes:
            _expect_size(request, self.route.body_max_bytes)
        return Incoming(
            length=request.content_length, chunks=_chunks(request, self._limits.read_timeout_s, whole=False)
        )

    def _idempotency(self, request: web.Request, key: str, raw: bytes) -> Idempotency:
        body = canonical(raw) if raw else b""
        told = b"\n".join((request.method.encode(), request.rel_url.raw_path_qs.encode(), body))
        return Idempotency(key=key, body_hash=hashlib.sha256(told).digest(), route=self.route.name)


def _credentials(request: web.Request) -> list[tuple[str, str]]:
    """The credentials shown; cookies are none, so a foreign page can lend nobody's (CSRF)."""
    shown = []
    for text in request.headers.getall("Authorization", ()):
        scheme, _, token = text.partition(" ")
        shown.append(("bearer" if scheme.lower() == "bearer" else "other", token.strip()))
    shown += [("key", text.strip()) for text in request.headers.getall("X-API-Key", ())]
    if len(shown) == 1 and (shown[0][0] == "other" or not shown[0][1]):
        raise Refused("unauthenticated")
    return shown


def _device(request: web.Request) -> str:
    told = request.headers.get("X-Device") or request.headers.get("User-Agent") or ""
    return "".join(char for char in told if char.isprintable())[:DEVICE_LENGTH_MAX]


def _key(request: web.Request) -> str:
    keys = request.headers.getall("Idempotency-Key", [])
    if not keys:
        raise Refused("idempotency_required")
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise Refused("idempotency_invalid")
    return keys[0]


ANY_TYPE: Final = "*/*"
"""Of a route that takes what strangers bring, each in a type of its own."""


def _expect_type(request: web.Request, expected: str) -> None:
    """Raises Refused("unsupported_media"): a wrong type would be guessed at, a compressed body could be a bomb."""
    charset = (request.charset or "utf-8").lower()
    plain = request.headers.get("Content-Encoding", "identity").lower() == "identity"
    fits = expected in (ANY_TYPE, request.content_type)
    if not fits or charset not in _UTF8 or not plain:
        raise Refused("unsupported_media", expected=expected)


def _expect_size(request: web.Request, size_max_bytes: int) -> None:
    if (request.content_length or 0) > size_max_bytes:
        raise Refused("body_too_large", size_max_bytes=size_max_bytes)


async def _chunks(request: web.Request, timeout_s: float, *, whole: bool) -> AsyncIterator[bytes]:
    """The content as it comes; ``timeout_s`` bounds the whole of it, or each pause inside."""
    ends = asyncio.get_running_loop().time() + timeout_s
    while True:
        if not whole:
            ends = asyncio.get_running_loop().time() + timeout_s
        try:
            async with asyncio.timeout_at(ends):
                chunk = await request.content.readany()
        except TimeoutError:
            raise Refused("request_timeout") from None
        except web.RequestPayloadError:
            raise Refused("bad_request", reason="请求内容不完整或分块有误") from None
        if not chunk:
            return
        yield chunk
