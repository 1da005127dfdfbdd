"""Answers as HTTP: headers that every answer carries, problems, and what a handler returned."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.doors import problems
from gateway.doors.call import Encoded
from gateway.doors.routes import Route
from gateway.doors.wire import encode
from inbox_store.errors import Refused

JSON: Final = "application/json"
SERVER: Final = "songda"

SAFE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Set where an answer does not say otherwise (ASVS 3.2.1, 3.4; a page brings its own Content-Security-Policy)."""

_LETTERS: Final = bytes(ord("a") + number % 26 for number in range(256))


@dataclass(slots=True, kw_only=True)
class Context:
    """What the outer door knows of a request; ``route`` and ``person_id`` are filled in on the way."""

    request_id: str
    origin: str
    local: bool
    now: int
    english: bool
    route: str = "unknown"
    person_id: int = 0


CONTEXT: Final = web.RequestKey("songda_context", Context)


_ID_LENGTH: Final = 16
_drawn = io.StringIO()


def new_request_id() -> str:
    """16 random letters: nothing in it looks like a phone number, so the log never masks it.

    Letters are drawn for 256 ids at a time: each draw is a system call, at which the loop's thread may lose its turn.
    """
    global _drawn  # noqa: PLW0603 - what is left of the last draw
    told = _drawn.read(_ID_LENGTH)
    if not told:
        _drawn = io.StringIO(secrets.token_bytes(_ID_LENGTH * 256).translate(_LETTERS).decode())
        told = _drawn.read(_ID_LENGTH)
    return told


def dress(response: web.StreamResponse, request_id: str) -> None:
    """Puts the headers on that every answer carries; the server says its name and no version."""
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SERVER
    if request_id:
        response.headers["X-Request-Id"] = request_id


def problem_response(refused: Refused, *, request_id: str, english: bool = False) -> web.Response:
    """The answer to a refusal, with the headers its status asks for (RFC 9110: 401, 429, 503)."""
    problem = problems.problem_of(refused, request_id=request_id, english=english)
    headers = {"Content-Language": "en, zh" if english else "zh"}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="songda"'
    wait_s = problems.retry_after_s(refused)
    if wait_s is not None:
        headers["Retry-After"] = str(wait_s)
    return web.Response(
        status=problem.status, body=encode(problem), content_type=problems.MEDIA_TYPE, headers=headers
    )


def response_of(route: Route, answer: object) -> web.StreamResponse:
    """What the handler of ``route`` returned, as a response."""
    if isinstance(answer, web.StreamResponse):
        return answer
    if isinstance(answer, Encoded):
        headers = {"Idempotency-Replayed": "true"} if answer.replayed else None
        return web.Response(
            status=answer.status, body=answer.body or None, content_type=JSON, headers=headers
        )
    if route.answer is None:
        return web.Response(status=route.status)
    return web.Response(status=route.status, body=encode(answer), content_type=JSON)
