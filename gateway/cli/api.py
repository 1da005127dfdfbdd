"""The server's API as the verbs use it: JSON in and out, problems as exceptions, the same key on every retry."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec

from gateway.cli.client import Far
from gateway.tokens import key_prefix

AGENT: Final = "songda-cli"
CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 120.0
UPLOAD_TIMEOUT_S: Final = 900.0

PASSING: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses that pass by themselves: asked again, under the same key."""

WAIT_MAX_S: Final = 60.0

READ_TRIES_MAX: Final = 3
"""Who only looks is told sooner that nobody answers."""

Body = Callable[[], Any]
"""Makes the body anew for each try: a file that was half sent is read again from its beginning."""


class Problem(Exception):
    """A refusal (RFC 9457) as the server told it."""

    def __init__(self, status: int, told: Mapping[str, Any]) -> None:
        super().__init__(status, dict(told))
        self.status = status
        self.title = str(told.get("title") or f"服务器答复 HTTP {status}")
        self.detail = str(told.get("detail") or "")
        self.code = str(told.get("code") or f"http_{status}")
        self.request_id = str(told.get("request_id") or "")
        self.errors = [one for one in told.get("errors", ()) if isinstance(one, dict)]
        self.params: dict[str, Any] = dict(told.get("params") or {})


class Answer(msgspec.Struct, frozen=True):
    """A success: its content, and whether it is the answer to an earlier request under the same key."""

    raw: bytes
    replayed: bool = False

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the server answered
        """The content as JSON."""
        return msgspec.json.decode(self.raw) if self.raw else None


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often a request is tried, and how long the first pause is; each further one is twice as long."""

    tries: int = 5
    first_wait_s: float = 1.0
    told: Callable[[str, float], None] = lambda _why, _seconds: None


class Api:
    """One server, asked over one session of the client."""

    def __init__(self, session: aiohttp.ClientSession, place: Far, retry: Retry | None = None) -> None:
        self._session = session
        self._place = place
        self._retry = retry or Retry()

    async def get(self, path: str, **params: object) -> Any:  # noqa: ANN401 - whatever the server answered
        """The JSON at ``path``. Raises Problem, aiohttp.ClientError, TimeoutError."""
        return (await self.ask("GET", path, params=params)).json

    async def download(self, path: str, **params: object) -> bytes:
        """The file at ``path``. Raises as ``get``."""
        return (await self.ask("GET", path, params=params)).raw

    async def post(self, path: str, body: object = None, key: str = "") -> Answer:
        """One write; without ``key`` it is one that needs none. Raises as ``get``."""
        raw = b"" if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if raw else {}
        return await self.ask("POST", path, key=key, headers=headers, body=(lambda: raw) if raw else None)

    async def upload(self, path: str, body: Body, key: str, **params: object) -> Answer:
        """One file. Raises as ``get``."""
        headers = {"Content-Type": "application/octet-stream"}
        timeout_s = UPLOAD_TIMEOUT_S
        return await self.ask(
            "POST", path, key=key, headers=headers, body=body, params=params, timeout_s=timeout_s
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        key: str = "",
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> Answer:
        """One request, tried again while what stands in its way may pass. Raises Problem, ClientError, TimeoutError."""
        sent = dict(headers or {}) | ({"Idempotency-Key": key} if key else {})
        given = {name: _text(value) for name, value in (params or {}).items() if value is not None}
        wait_s = self._retry.first_wait_s
        tries = self._retry.tries if key else min(self._retry.tries, READ_TRIES_MAX)
        for left in range(tries - 1, -1, -1):
            try:
                return await self._once(method, path, given, sent, body, timeout_s)
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as fault:
                if not left:
                    raise
                why, pause_s = str(fault) or type(fault).__name__, wait_s
            except _Passing as passing:
                if not left:
                    raise passing.problem from None
                why, pause_s = passing.problem.title, max(wait_s, passing.wait_s)
            self._retry.told(why, pause_s)
            await asyncio.sleep(min(pause_s, WAIT_MAX_S))
            wait_s *= 2
        raise AssertionError("a last try returns or raises")

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        body: Body | None,
        timeout_s: float,
    ) -> Answer:
        limit = aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_TIMEOUT_S)
        url = f"{self._place.url}/api/v1{path}"
        async with self._session.request(
            method, url, params=params, headers=headers, data=body() if body else None, timeout=limit
        ) as response:
            raw = await response.read()
            if response.status < 400:
                return Answer(raw, response.headers.get("Idempotency-Replayed") == "true")
            problem = Problem(response.status, _told(raw))
            if response.status in PASSING:
                raise _Passing(problem, _seconds(response.headers.get("Retry-After")))
            raise problem


class _Passing(Exception):
    """A refusal that may pass, and how long the server asks to wait."""

    def __init__(self, problem: Problem, wait_s: float) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.wait_s = wait_s


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _told(raw: bytes) -> dict[str, Any]:
    """The problem in an answer; empty where something else answered than our server."""
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (ValueError, RecursionError):
        return {}


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0


def _tell_wait(why: str, seconds: float) -> None:
    import typer

    typer.echo(f"{why}；{seconds:.0f} 秒后重试……", err=True)


@asynccontextmanager
async def opened(place: Far, retry: Retry | None = None) -> AsyncIterator[Api]:
    """The API of ``place``, with its token or key. Raises OSError for a certificate that cannot be read."""
    headers = {"User-Agent": AGENT, "Accept-Language": "zh"}
    if place.token:
        is_key = key_prefix(place.token) is not None
        headers |= {"X-API-Key": place.token} if is_key else {"Authorization": f"Bearer {place.token}"}
    context = ssl.create_default_context(cafile=place.ca) if place.url.startswith("https://") else True
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        yield Api(session, place, retry or Retry(told=_tell_wait))
