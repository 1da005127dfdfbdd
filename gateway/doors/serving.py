"""The application on a socket: connections bounded, idle and slow ones cut, faults of HTTP itself phrased, drained.

What aiohttp answers below the application (a request line that is none, headers too long or too slow) is answered here
as a problem too, without telling which library reads.
"""

from __future__ import annotations

import asyncio
import resource
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_websocket import WebSocketReader
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from gateway.doors.answers import dress, new_request_id, problem_response
from gateway.doors.app import STATE
from gateway.doors.call import Limits
from gateway.doors.figures import DoorState
from inbox_store.errors import Refused
from realtime.masks import MaskedOnly

log = structlog.get_logger("songda.http")

BACKLOG: Final = 1_024
LINGER_S: Final = 2.0
"""How long content that nobody wants is still read, so that the client sees the answer before the reset."""

DESCRIPTORS_KEPT: Final = 128
"""File descriptors that connections never take: the store, attachments and an import's child process need some."""

LOOK_EVERY_S: Final = 0.01
CLEAN_UP_S: Final = 0.2
"""What connections get to end in, however late it is."""

Farewell = Callable[[float], Awaitable[None]]
"""Ends what stands open for hours, within so many seconds."""


def connections_held(wanted: int) -> int:
    """How many connections to hold at once: ``wanted``, or fewer where the process may not open so many files.

    At the limit itself nothing could be opened any more, a file of the store neither (faults.md 26).
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft - min(DESCRIPTORS_KEPT, soft // 2))


class DoorProtocol(web.RequestHandler):
    """One connection; ``held`` are those of the listener (the library's own list is made anew at each look)."""

    def __init__(self, manager: web.Server, limits: Limits, held: set[DoorProtocol]) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # None is its way of "none"; ours is the middleware's
            keepalive_timeout=limits.keepalive_s,
            lingering_time=LINGER_S,
            auto_decompress=False,  # no door takes compressed content: what is refused must not be unpacked either
        )
        self._held = held
        self._connections_max = limits.connections_max
        self._head_timeout_s = limits.head_timeout_s
        self._head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection, or cuts it at once where there are too many."""
        super().connection_made(transport)
        self._held.add(self)
        if len(self._held) > self._connections_max:
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone."""
        self._head_came()
        self._held.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came. From the first of a request on, its first line and headers have a time of their own."""
        super().data_received(data)
        waiter = self._waiter
        if self._request_count and (waiter is None or waiter.done()):
            self._head_came()
        elif self._head_due is None:
            self._head_due = self._loop.call_later(self._head_timeout_s, self._head_is_late)

    def _head_came(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _head_is_late(self) -> None:
        """Slow loris: answered as the library answers a request line that is none, and cut."""
        self._head_due = None
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            late = _ErrInfo(status=408, exc=TimeoutError("headers"), message="")
            self._messages.append((late, EMPTY_PAYLOAD))
            waiter.set_result(None)

    def set_parser(self, parser: WebSocketReader, data_received_cb: Callable[[], None] | None = None) -> None:
        """The connection becomes a websocket: from here on its frames must be masked."""
        masked: WebSocketReader = MaskedOnly(parser)  # type: ignore[assignment] # it is only fed
        super().set_parser(masked, data_received_cb)

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
        refused = Refused(_FAULTS.get(status, "internal"), reason="不是合法的 HTTP 请求")
        response = problem_response(refused, request_id=request_id)
        dress(response, request_id)
        response.force_close()
        return response


_FAULTS: Final = {400: "bad_request", 408: "request_timeout"}


@asynccontextmanager
async def serve(
    app: web.Application,
    limits: Limits,
    *,
    host: str,
    port: int,
    tls: ssl.SSLContext | None = None,
    farewell: Farewell | None = None,
) -> AsyncIterator[tuple[str, int]]:
    """Serves ``app`` for the time of the block, and gives the address and the port it got.

    At the end: /readyz says so, no connection is taken any more, ``farewell`` ends the live sockets, requests inside
    finish; all within ``limits.drain_s``. What is not done by then is cut.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLEAN_UP_S)
    await runner.setup()
    manager = runner.server
    if manager is None:
        raise RuntimeError("the runner was set up and has no server")
    held: set[DoorProtocol] = set()
    try:
        listener = await asyncio.get_running_loop().create_server(
            lambda: DoorProtocol(manager, limits, held),
            host,
            port,
            ssl=tls,
            backlog=BACKLOG,
            reuse_address=True,
        )
        try:
            yield listener.sockets[0].getsockname()[:2]
        finally:
            app[STATE].draining = True
            listener.close()
            await _drained(app[STATE], farewell, limits.drain_s)
    finally:
        await runner.cleanup()


async def _drained(state: DoorState, farewell: Farewell | None, drain_s: float) -> None:
    """Waits until nobody is inside. Connections stay whole until then: a body may still be on its way."""
    ends = asyncio.get_running_loop().time() + drain_s
    if farewell is not None:
        await farewell(drain_s)
    # Looked at, not told: each request would pay for an event that only a stop waits for.
    while state.in_flight and asyncio.get_running_loop().time() < ends:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
    if state.in_flight:
        log.warning("drain_cut", in_flight=state.in_flight)
