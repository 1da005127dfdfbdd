"""One HTTP request to a vendor: its answer, or whether a byte had left when it failed. Every wait has a limit."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Final, NamedTuple

import aiohttp
import msgspec

from push.app.calls import Answer, Request

ANSWER_MAX_BYTES: Final = 1 << 20
"""A thousand refused tokens of 200 bytes are far below."""
_FAULTS: Final = (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError)
"""What a connection or an answer may end with; ValueError is an answer that aiohttp cannot read."""


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one sender; times in seconds. Raises ValueError naming the field."""

    connections: int = 8
    """Requests under way."""
    connect_timeout_s: float = 10
    answer_timeout_s: float = 30
    stop_timeout_s: float = 10
    alarm_pause_s: float = 30
    """How long nothing is sent after a whole request was refused for a fault of our account; doubles to 20 times that."""
    a_day: int = 0
    """Pushes a day, where the vendor counts them (test messages, small apps); 0: no limit of ours."""

    def __post_init__(self) -> None:
        if self.connections < 1:
            raise ValueError(f"connections: {self.connections} is below 1")
        if self.a_day < 0:
            raise ValueError(f"a_day: {self.a_day} is below 0")
        for field in ("connect_timeout_s", "answer_timeout_s", "stop_timeout_s", "alarm_pause_s"):
            if getattr(self, field) <= 0:
                raise ValueError(f"{field}: {getattr(self, field)} is not above 0")


class Unanswered(NamedTuple):
    """No answer came."""

    why: str


class Left:
    """Whether the first byte of anything that is still unanswered has left."""

    def __init__(self) -> None:
        self.written = False


def open_session(limits: HttpLimits) -> aiohttp.ClientSession:
    """Kept-alive connections, a bounded number; no cookies, no proxy of the environment, nothing unpacked."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_leaving)
    return aiohttp.ClientSession(
        # One more for a log-in, so that it never waits behind those who wait for it.
        connector=aiohttp.TCPConnector(limit=limits.connections + 1, keepalive_timeout=30),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[trace],
        auto_decompress=False,
    )


async def _leaving(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    _params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    """Told just before the first byte is written: from here on nobody knows, until there is an answer."""
    context.trace_request_ctx.written = True


async def call(
    session: aiohttp.ClientSession, url: str, request: Request, limits: HttpLimits, left: Left
) -> Answer | Unanswered:
    """Ask once. Raises only CancelledError; ``left`` then says whether anything was written."""
    headers = {**request.headers, "Accept-Encoding": "identity"}
    try:
        async with (
            asyncio.timeout(limits.answer_timeout_s),
            session.request(
                request.method,
                f"{request.host or url}{request.path}",
                data=request.body,
                headers=headers,
                allow_redirects=False,
                trace_request_ctx=left,
            ) as response,
        ):
            body = await _read(response)
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status, headers=told, body=body)
    except TimeoutError:
        return Unanswered("timeout" if left.written else "unreachable")
    except _FAULTS:
        return Unanswered("lost" if left.written else "unreachable")


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole answer. Raises ValueError for one that is longer than any can be."""
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > ANSWER_MAX_BYTES:
            raise ValueError("answer: longer than any")
    return bytes(raw)
