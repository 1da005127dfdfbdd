"""The outer door: every request gets an id, an origin and an answer; every fault leaves as a problem.

One middleware around all routes, those of other rooms on the same port included: it bounds how many requests are
inside, phrases refusals, hides bugs behind a request id, counts and logs.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from time import perf_counter
from typing import Final

import structlog
from aiohttp import web

from gateway.doors.answers import CONTEXT, Context, dress, new_request_id, problem_response
from gateway.doors.call import DoorServices
from gateway.doors.dispatch import Dispatcher
from gateway.doors.figures import DoorState
from gateway.doors.origin import is_loopback, networks, origin_of
from gateway.doors.problems import english_wanted, refused_of
from gateway.logs import Lines
from inbox_store.errors import Refused

log = structlog.get_logger("songda.http")
lines = Lines("songda.http", "http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CLIENT_GONE: Final = 499
"""The status in log and metrics of a call whose client went away; nobody receives it."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
_FORWARDED: Final = ("X-Forwarded-For", "Forwarded", "X-Real-IP")
_BY_STATUS: Final = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


class OuterDoor:
    """The middleware of one application."""

    def __init__(self, services: DoorServices, state: DoorState) -> None:
        self._clock = services.clock
        self._in_flight_max = services.limits.in_flight_max
        self._address = address_of_caller(services.limits.trusted_proxies)
        self._state = state

    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers ``request`` through ``handler``; only a vanished client lets an exception out."""
        if _is_live(request):
            return await handler(request)
        context = request[CONTEXT] = self._context(request)
        began = perf_counter()
        status = CLIENT_GONE
        self._state.entered(1)
        try:
            response = await self._answer(request, handler, context)
            status = response.status
            if self._state.draining:
                response.force_close()
            return response
        finally:
            self._state.entered(-1)
            self._told(request, context, status, perf_counter() - began)

    async def _answer(self, request: web.Request, handler: Handler, context: Context) -> web.StreamResponse:
        if self._state.in_flight > self._in_flight_max:
            return _problem(Refused("busy"), context)
        try:
            return await handler(request)
        except web.HTTPException as fault:
            return _plain(request, fault, context)
        except ConnectionError:
            raise
        except Exception as fault:
            refused = refused_of(fault)
            if refused is None:
                log.exception("bug", request_id=context.request_id, route=context.route)
            return _problem(refused or Refused("internal"), context)

    def _context(self, request: web.Request) -> Context:
        given = request.headers.get("X-Request-Id", "")
        peer = request.remote or ""
        return Context(
            request_id=given if _REQUEST_ID.fullmatch(given) else new_request_id(),
            origin=self._address(request),
            local=is_loopback(peer) and is_loopback(_host(request)) and not _forwarded(request),
            now=self._clock(),
            english=english_wanted(request.headers.get("Accept-Language")),
        )

    def _told(self, request: web.Request, context: Context, status: int, seconds: float) -> None:
        """Counts and logs the answer; the query stays out of the log, it may hold names and numbers."""
        method = request.method if request.method in _METHODS else "other"
        self._state.figures.answered(route=context.route, method=method, status=status, seconds=seconds)
        lines.write(
            method=method,
            path=_shown(request.path[:200]),
            status=status,
            ms=round(seconds * 1000, 1),
            route=context.route,
            origin=context.origin,
            person=context.person_id,
            request_id=context.request_id,
        )

    async def dressed(self, request: web.Request, response: web.StreamResponse) -> None:
        """The last look at every answer before its head is sent."""
        context = request.get(CONTEXT)
        dress(response, context.request_id if context else "")


def _is_live(request: web.Request) -> bool:
    """Whether this opens a live socket on another room's route: it lasts for hours, and its room bounds and logs it."""
    ours = isinstance(getattr(request.match_info.handler, "__self__", None), Dispatcher)
    return (
        not ours
        and request.headers.get("Upgrade", "").lower() == "websocket"
        and request.match_info.http_exception is None
    )


def address_of_caller(trusted_proxies: Iterable[str]) -> Callable[[web.Request], str]:
    """A function that tells where a request comes from, for other rooms on the same port."""
    trusted = networks(trusted_proxies)

    def address(request: web.Request) -> str:
        return origin_of(request.remote or "", request.headers.getall("X-Forwarded-For", []), trusted)

    return address


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


_LINK: Final = re.compile(r"\A/s/.+", re.DOTALL)
"""Who reads a short link's token in the log could act as the person it was sent to."""


def _shown(path: str) -> str:
    return _printable(_LINK.sub("/s/****", path))


def _printable(text: str) -> str:
    """``text`` for a terminal: what would move its cursor or colour it is escaped."""
    return text if text.isprintable() else ascii(text)


def _host(request: web.Request) -> str:
    """The host that the caller named, "" for what can be none (a label IDNA cannot hold, half an IPv6 address)."""
    try:
        return request.url.host or ""
    except ValueError:
        return ""


def _forwarded(request: web.Request) -> bool:
    """Whether some proxy passed this on: then the peer says nothing about the caller."""
    return any(name in request.headers for name in _FORWARDED)


def _problem(refused: Refused, context: Context) -> web.Response:
    response = problem_response(refused, request_id=context.request_id, english=context.english)
    if response.status in (408, 413):
        # The rest of the content is not wanted: without this it would be read to the end for a keep-alive.
        response.force_close()
    return response


def _plain(request: web.Request, fault: web.HTTPException, context: Context) -> web.StreamResponse:
    """The router's own refusals and a handler's redirects, in our words."""
    if isinstance(fault, web.HTTPMethodNotAllowed):
        return _other_method(request, fault, context)
    if fault.status < 400:
        return web.Response(status=fault.status, headers={"Location": fault.headers.get("Location", "/")})
    return _problem(Refused(_BY_STATUS.get(fault.status, "bad_request")), context)


def _other_method(
    request: web.Request, fault: web.HTTPMethodNotAllowed, context: Context
) -> web.StreamResponse:
    """405 with Allow; OPTIONS is answered with the same list (RFC 9110, 9.3.7), without any CORS consent."""
    allow = ", ".join(sorted({*fault.allowed_methods, "OPTIONS"}))
    response = (
        web.Response(status=204)
        if request.method == "OPTIONS"
        else _problem(Refused("method_not_allowed"), context)
    )
    response.headers["Allow"] = allow
    return response
