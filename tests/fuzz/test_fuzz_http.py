"""The whole server under made-up requests on raw sockets: an answer below 500 in our own words, and a clean log."""

from __future__ import annotations

import json
import zlib
from random import Random
from typing import Final
from urllib.parse import quote

import msgspec
import pytest

from gateway.doors.problems import CATALOGUE, MEDIA_TYPE
from gateway.doors.routes import Route
from gateway.doors.v1 import all_routes
from gateway.doors.wire import encode
from tests.fuzz.budget import bounded, cases, fuzz, shares
from tests.fuzz.front import Answer, Front
from tests.fuzz.mutations import spoilt_bytes, spoilt_json, spoilt_text

NOT_ASKED: Final = {
    "auth.logout",
    "account.close",
    "account.freeze",
    "account.revoke",
    "org.import",
    "unit.freeze",
}
"""They would end what the rest is asked with; each import costs a process (its parser: test_fuzz_orgfiles)."""

ROUTES: Final = [route for route in all_routes() if route.name not in NOT_ASKED]
SYSTEM: Final = (
    b"/healthz",
    b"/readyz",
    b"/metrics",
    b"/api/v1/openapi.json",
    b"/problems/forbidden",
    b"/api/v1/live",
)


def example(route: Route, front: Front) -> bytes:
    """The route's own example, with ids of things that exist."""
    text = encode(route.example)
    if route.name in {"dispatch.submit", "dispatch.preview", "dispatch.supplement"}:
        told = json.loads(text)
        told |= {"scope": {"unit_codes": ["E02"]}}
        told.pop("sender_unit_code", None)
        told.pop("attachments", None)
        text = json.dumps(told).encode()
    for name, key in (("unit_id", "unit_id"), ("document_id", "document_id")):
        text = text.replace(f'"{name}":3'.encode(), f'"{name}":{front.ids[key][0]}'.encode())
    return text


def target(route: Route, front: Front, made: Random) -> bytes:
    """The path with ids of things that exist or with junk, and a query of the route's names and others."""
    path = route.pattern
    for place in route.places:
        value = made.choice(front.ids.get(place, ["1"]))
        if made.randrange(4) == 0:
            value = quote(
                spoilt_text(value, [made.randrange(2**32)]).encode(errors="surrogatepass")[:300], safe=""
            )
        path = path.replace("{" + place + "}", value or "0")
    names = [part.encode_name for part in msgspec.structs.fields(route.query)] if route.query else ["x"]
    pairs = []
    for _ in range(made.choice((0, 1, 2, 3)) if route.query else made.choice((0,) * 9 + (1,))):
        value = made.choice(("1", "20", "2026-06-01", "unit", "true", "a.pdf", "中", "to_do", "E02"))
        if made.randrange(2):
            value = spoilt_text(value, [made.randrange(2**32)])
        pairs.append(f"{made.choice(names)}=" + quote(value.encode(errors="surrogatepass")[:900]))
    return (path + ("?" + "&".join(pairs) if pairs else "")).encode()


ODD_HEADERS: Final = (
    *(b"Content-Type: text/plain", b"Content-Type: application/json; charset=gbk", b"Content-Type: \xff"),
    *(b"Content-Encoding: gzip", b"Content-Encoding: br", b"Content-Type: multipart/form-data; boundary=x"),
    *(b"Range: bytes=0-1", b"Range: bytes=9-1", b"Range: x", b"Range: bytes=-99999999999999999999,0-0"),
    *(b'If-None-Match: "x"', b"If-None-Match: \xff", b"If-Modified-Since: yesterday", b"If-Match: *", b"Expect: 100-continue"),
    *(b"Authorization: Bearer ", b"Authorization: Basic eA==", b"Authorization: Bearer a.b.c", b"X-API-Key: sdk_0"),
    *(b"Idempotency-Key: x", b"Idempotency-Key: " + b"k" * 200, b"Idempotency-Key: \xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"),
    *(b"Accept-Language: en;q=9, \xff", b"X-Forwarded-For: \xff, 1.2.3.4", b"X-Device: \xed\xa0\x80\xff", b"X-Request-Id: \xff"),
    *(b"User-Agent: " + b"u" * 4_000, b"Cookie: a=b", b"Origin: null", b"Upgrade: websocket", b"Host: [::"),
)  # fmt: skip


def headers(
    front: Front, made: Random, *, access: str = "", body: bytes | None = None, octets: bool = False
) -> list[bytes]:
    """Sound headers of somebody who may do this, mostly; one may be lost, and odd ones stand beside them."""
    able = front.may.get(access) or list(front.tokens)
    token = front.tokens[made.choice(able if made.randrange(8) else list(front.tokens))]
    told = [b"Host: 127.0.0.1", b"Authorization: Bearer " + token.encode(), b"Connection: close"]
    told.append(b"Idempotency-Key: fuzz-%08d" % (next(front.keys) if made.randrange(8) else 1))
    if body is not None:
        told.append(b"Content-Type: application/" + (b"octet-stream" if octets else b"json"))
    if made.randrange(6) == 0:
        del told[made.randrange(1, len(told))]
    if made.randrange(3) == 0:
        told.append(made.choice(ODD_HEADERS))
    if made.randrange(12) == 0:
        at = made.randrange(len(told))
        name, _, value = told[at].partition(b": ")
        told[at] = name + b": " + spoilt_bytes(value, [made.randrange(2**32)]).translate(None, b"\r\n\0")
    if body is not None:
        told.append(b"Content-Length: %d" % len(body))
    return told


def request(case: tuple[int, list[int]], front: Front) -> tuple[bytes, str]:
    """A whole request, well-framed: nothing is missing that its own head announces."""
    which, steps = case
    made = Random(repr(case))
    if which == len(ROUTES):
        head = b"GET " + spoilt_bytes(made.choice(SYSTEM), steps).translate(None, b"\r\n\0 #") + b" HTTP/1.1"
        return b"\r\n".join((head, *headers(front, made), b"", b"")), "GET"
    route = ROUTES[which]
    body = None
    if route.body is not None:
        body = spoilt_json(example(route, front), steps)
    elif route.stream:
        body = spoilt_bytes(b"%PDF-1.7\n" + bytes(200), steps)
    elif made.randrange(20) == 0:
        body = b"{}"
    head = f"{route.method} ".encode() + target(route, front, made) + b" HTTP/1.1"
    lines = (head, *headers(front, made, access=route.access, body=body, octets=route.stream), b"", b"")
    return b"\r\n".join(lines) + (body or b""), route.method


def check_answer(told: Answer) -> None:
    """An answer is a success, or a problem of the catalogue that tells nothing of what lies behind."""
    assert told.status < 500, (told.status, told.body)
    assert b"Traceback" not in told.body
    assert told.headers["x-content-type-options"] == "nosniff"
    if told.status >= 400 and told.headers.get("content-type", "").startswith(MEDIA_TYPE):
        problem = json.loads(told.body)
        assert problem.get("code") in CATALOGUE or problem["type"].startswith("/problems/live_"), problem


@pytest.mark.parametrize("inputs", shares("requests"))
def test_requests(inputs: int, front: Front) -> None:
    """Whatever is asked of any route, with whatever head and body: an answer that is no 5xx, and nothing in the log."""

    def act(case: tuple[int, list[int]]) -> None:
        raw, method = request(case, front)
        told = front.ask(raw, method)
        assert told is not None, raw[:2_000]
        check_answer(told)

    fuzz(inputs, cases(len(ROUTES) + 1, 4), act)
    front.check_log()


SOUND: Final = (
    b"GET /api/v1/me?x=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n",
    b'POST /api/v1/auth/refresh HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"refresh_token":"rt"}',
    (
        b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'16\r\n{"refresh_token":"rt"}\r\n0\r\n\r\n'
    ),
    b"POST /api/v1/dispatches HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n\r\n",
    b"POST /api/v1/dispatches HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    b"GET /healthz HTTP/1.0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
)
"""Requests to be spoilt as bytes: their lines, lengths and chunks no longer fit."""


@pytest.mark.parametrize("inputs", shares("framing"))
def test_framing(inputs: int, front: Front) -> None:
    """Bytes that are no request, or only a part of one, are answered or cut off soon; the server goes on."""

    def act(case: tuple[int, list[int]]) -> None:
        told = front.ask(spoilt_bytes(SOUND[case[0]], case[1]))
        if told is not None:
            check_answer(told)

    fuzz(inputs, cases(len(SOUND)), act)
    alive = front.ask(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert alive is not None
    assert alive.status == 200
    front.check_log()


@pytest.mark.parametrize(
    "host", [b"\x80" * 64, b"[::", b"]", b"xn--\xff", b"a:99999999", b"a:b", b"\xed\xa0\x80", b""]
)
def test_a_host_that_is_none_is_no_fault_of_ours(host: bytes, front: Front) -> None:
    """Whatever stands as Host, nobody is taken for the machine itself, and nothing breaks."""
    told = front.ask(b"GET /metrics HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert told is not None
    assert told.status in {400, 401}
    front.check_log()


HEAD: Final = b"POST /api/v1/dispatches HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BOMB: Final = zlib.compress(bytes(100 * 1024 * 1024), 9)


def test_what_is_packed_is_never_unpacked(front: Front) -> None:
    """A compressed body is refused and stays packed: a bomb takes no memory, and one that is broken is no bug of ours."""
    for packed in (BOMB, b"abcd"):
        head = HEAD + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(packed)
        with bounded(grown_max_mib=32):
            told = front.ask(head + packed)
        assert told is not None
        assert told.status == 401
    front.check_log()
