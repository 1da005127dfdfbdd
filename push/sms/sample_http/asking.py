"""One request to the aggregator: what became of it, and whether anything had been written when it failed."""

from __future__ import annotations

import asyncio
import secrets
from types import SimpleNamespace
from typing import Final, NamedTuple

import aiohttp

from inbox_store.times import Clock
from push.sms.carrier import Verdict
from push.sms.happenings import Doubt
from push.sms.sample_http.account import HttpAccount, HttpLimits
from push.sms.sample_http.bodies import read_result
from push.sms.sample_http.results import TAKEN, verdict_of
from push.sms.sample_http.signing import signed_headers

ANSWER_MAX_BYTES: Final = 64 * 1024
_FAULTS: Final = (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError)
"""What a connection or an answer may end with; ValueError is an answer that aiohttp cannot read."""


class Said(NamedTuple):
    """The aggregator's answer in our words; ``wait_s`` where it says when to come back."""

    verdict: Verdict
    code: str
    id: str = ""
    wait_s: float = 0


class Unsaid(NamedTuple):
    """No outcome. ``why`` is None where nothing had been written: then the message never left."""

    why: Doubt | None
    note: str


def open_session(limits: HttpLimits) -> aiohttp.ClientSession:
    """Connections to the aggregator, as many as the window; no cookies, no proxy of the environment, no redirection."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_leaving)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limits.window),
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


class Written:
    """Whether the first byte has left."""

    def __init__(self) -> None:
        self.written = False


async def ask(
    session: aiohttp.ClientSession,
    account: HttpAccount,
    limits: HttpLimits,
    body: bytes,
    left: Written,
    clock: Clock,
) -> Said | Unsaid:
    """Ask once. Raises only CancelledError; ``left`` then says whether anything was written."""
    headers = signed_headers(
        account.account, account.secret, "submit", body, now=clock(), nonce=secrets.token_urlsafe(18)
    )
    headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    try:
        async with (
            asyncio.timeout(limits.answer_timeout_s),
            session.post(
                account.url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=left
            ) as response,
        ):
            raw = await _read(response)
            return _said(response, raw, limits)
    except TimeoutError as why:
        return Unsaid("timeout" if left.written else None, repr(why))
    except _FAULTS as why:
        return Unsaid("lost" if left.written else None, repr(why))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole answer. Raises ValueError for one that is longer than any can be."""
    raw = bytearray()
    async for chunk in response.content.iter_any():
        raw += chunk
        if len(raw) > ANSWER_MAX_BYTES:
            raise ValueError("answer: longer than any")
    return bytes(raw)


def _said(response: aiohttp.ClientResponse, raw: bytes, limits: HttpLimits) -> Said | Unsaid:
    told, status = read_result(raw), response.status
    if 200 <= status < 300:
        if told is None or (told.code == TAKEN and not told.id):
            return Unsaid("nack", f"HTTP {status} without code and id")
        if told.code == TAKEN:
            return Said("accepted", "0", told.id)
    code = told.code if told is not None else None
    wait_s = _wait_s(response.headers.get("Retry-After", ""), limits)
    verdict = verdict_of(status, code, waits=wait_s > 0)
    if 200 <= status < 300 and verdict is None:
        verdict = "failed"  # a refusal by a code that the table does not know
    if verdict is None:
        return Unsaid("nack", f"HTTP {status}")
    return Said(verdict, str(status if code is None else code), wait_s=wait_s)


def _wait_s(text: str, limits: HttpLimits) -> float:
    """Seconds of a Retry-After; a date, which needs the other end's clock, counts as one second. 0: there is none."""
    text = text.strip()
    if not text:
        return 0
    seconds = int(text[:9]) if text.isascii() and text.isdecimal() else 1
    return min(max(seconds, 0.001), limits.pause_max_s)
