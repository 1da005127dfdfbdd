"""The doors as one aiohttp application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.doors.call import DoorServices, Limits
from gateway.doors.dispatch import Dispatcher
from gateway.doors.figures import DoorState
from gateway.doors.lag import LagMeter
from gateway.doors.middleware import Handler, OuterDoor
from gateway.doors.openapi import document
from gateway.doors.routes import Raw, Route, table
from gateway.doors.system_routes import system_routes
from gateway.doors.turnstile import Turnstile
from gateway.doors.wire import encode

STATE: Final = web.AppKey("songda_doors", DoorState)

_ALWAYS_OPEN: Final = frozenset({"system.alive", "system.ready", "system.metrics"})
"""Probes have a turnstile of their own: a full house must still be able to say so."""


def make_app(
    services: DoorServices, routes: Iterable[Route], *, registry: CollectorRegistry | None = None
) -> web.Application:
    """The application that serves ``routes`` and the system's own. Raises RouteFault.

    ``registry`` takes the doors' figures into /metrics beside those of other rooms.
    """
    state = DoorState(registry)
    whole = table(routes, system_routes(state))
    state.description = encode(document(whole))
    outer = OuterDoor(services, state)

    @web.middleware
    async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await outer.pass_through(request, handler)

    app = web.Application(middlewares=[door], client_max_size=services.limits.body_max_bytes)
    app[STATE] = state
    app.on_response_prepare.append(outer.dressed)
    app.cleanup_ctx.append(_watched)
    _mount(app, services, whole)
    return app


async def _watched(app: web.Application) -> AsyncIterator[None]:
    """The loop's lag is measured while the application runs."""
    meter = LagMeter(app[STATE].figures.lag.observe)
    yield
    meter.stop()


def _mount(app: web.Application, services: DoorServices, routes: Iterable[Route]) -> None:
    ordinary, streams, probes = _turnstiles(services.limits)
    for route in routes:
        slow = route.stream or isinstance(route.answer, Raw)
        turnstile = probes if route.name in _ALWAYS_OPEN else streams if slow else ordinary
        serve = Dispatcher(route, services, turnstile).serve
        app.router.add_route(route.method, route.pattern, serve, expect_handler=_expect)
        if route.method == "GET":
            app.router.add_route("HEAD", route.pattern, serve, expect_handler=_expect)


def _turnstiles(limits: Limits) -> tuple[Turnstile, Turnstile, Turnstile]:
    ordinary = Turnstile(
        running_max=limits.running_max,
        waiting_max=limits.waiting_max,
        wait_timeout_s=limits.wait_timeout_s,
    )
    streams = Turnstile(
        running_max=limits.streams_max,
        waiting_max=limits.streams_max,
        wait_timeout_s=limits.wait_timeout_s,
    )
    probes = Turnstile(running_max=16, waiting_max=16, wait_timeout_s=limits.wait_timeout_s)
    return ordinary, streams, probes


async def _expect(request: web.Request) -> None:
    """Answers ``Expect: 100-continue``; any other expectation is ignored, as RFC 9110 (10.1.1) allows."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
