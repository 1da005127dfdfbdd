"""The application on a socket: connections bounded, idle and slow ones cut, faults of HTTP itself phrased, drained.

What aiohttp answers below the application (a request line that is none, headers too long) is answered here as a
problem too, without telling which library reads.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from gateway.doors.answers import dress, new_request_id, problem_response
from gateway.doors.app import STATE
from gateway.doors.call import Limits
from inbox_store.errors import Refused

log = structlog.get_logger("songda.http")

BACKLOG: Final = 1_024
LINGER_S: Final = 2.0
"""How long content that nobody wants is still read, so that the client sees the answer before the reset."""


class DoorProtocol(web.RequestHandler):
    """One connection."""

    def __init__(self, manager: web.Server, *, connections_max: int, keepalive_s: float) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # None is its way of "none"; ours is the middleware's
            keepalive_timeout=keepalive_s,
            lingering_time=LINGER_S,
        )
        self._server = manager
        self._connections_max = connections_max

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection, or cuts it at once where there are too many."""
        super().connection_made(transport)
        if len(self._server.connections) > self._connections_max:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - the library's words; ours are in the catalogue
    ) -> web.StreamResponse:
        """Answers what never became a request of the application."""
        request_id = new_request_id()
        log.info("bad_http", status=status, fault=type(exc).__name__, request_id=request_id)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; nothing can be said any more")
        refused = (
            Refused("bad_request", reason="不是合法的 HTTP 请求") if status < 500 else Refused("internal")
        )
        response = problem_response(refused, request_id=request_id)
        dress(response, request_id)
        response.force_close()
        return response


@asynccontextmanager
async def serve(
    app: web.Application,
    limits: Limits,
    *,
    host: str,
    port: int,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[tuple[str, int]]:
    """Serves ``app`` for the time of the block, and gives the address and the port it got.

    At the end: /readyz says so, no connection is taken any more, idle ones are closed, requests inside have
    ``limits.drain_s`` to finish.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=limits.drain_s)
    await runner.setup()
    manager = runner.server
    if manager is None:
        raise RuntimeError("the runner was set up and has no server")

    def connection() -> DoorProtocol:
        return DoorProtocol(manager, connections_max=limits.connections_max, keepalive_s=limits.keepalive_s)

    try:
        listener = await asyncio.get_running_loop().create_server(
            connection, host, port, ssl=tls, backlog=BACKLOG, reuse_address=True
        )
        try:
            yield listener.sockets[0].getsockname()[:2]
        finally:
            app[STATE].draining = True
            listener.close()
    finally:
        await runner.cleanup()
