"""One call through the door: who, how much, what, and how the answer looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from gateway.doors.app import STATE, make_app
from gateway.doors.call import Limits
from tests.doors import sample
from tests.doors.conftest import Client, OpenDoor

KEYED = {"Idempotency-Key": "note-0001", "Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {sample.CLERK}"}


async def problem(answer: aiohttp.ClientResponse, status: int, code: str) -> dict[str, Any]:
    """The problem in ``answer``, which must have this status and code and every member."""
    told: dict[str, Any] = await answer.json(content_type="application/problem+json")
    assert (answer.status, told["code"]) == (status, code)
    assert told["status"] == status
    assert told["type"] == f"/problems/{code}"
    assert told["request_id"] == answer.headers["X-Request-Id"]
    assert told["title"]
    assert told["title_en"].isascii()
    assert told["detail"].endswith("。")
    return told


async def post_note(client: Client, body: object, **headers: str) -> aiohttp.ClientResponse:
    """Posts a note; ``body`` is JSON or bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/api/v1/notes", data=data, headers={**KEYED, **headers})


async def test_note_is_added_and_shown(client: Client) -> None:
    """A typed body arrives, a typed answer leaves: ids are numbers, times have +08:00."""
    answer = await post_note(client, {"title": "值班", "due": "2026-03-01T01:00:00Z"})
    assert answer.status == 201
    assert await answer.json() == {"id": 1, "title": "值班", "created": "2026-03-01T09:00:00+08:00"}
    shown = await client.get("/api/v1/notes/1")
    assert (await shown.json())["id"] == 1


async def test_same_key_and_body_give_the_same_bytes(client: Client) -> None:
    """A repetition, blanks and order aside, is answered verbatim and says so."""
    first = await post_note(client, b'{"title":"a","targets":[]}')
    again = await post_note(client, b' { "targets": [], "title": "a" } ')
    assert await first.read() == await again.read()
    assert first.status == again.status == 201
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_same_key_with_another_body_is_refused(client: Client) -> None:
    """A key stands for one request."""
    await post_note(client, {"title": "a"})
    await problem(await post_note(client, {"title": "b"}), 422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, "idempotency_required"),
        ("short", "idempotency_invalid"),
        ("x" * 129, "idempotency_invalid"),
        ("with blank", "idempotency_invalid"),
        ("钥匙钥匙钥匙钥匙", "idempotency_invalid"),
    ],
)
async def test_write_asks_for_a_sane_key(client: Client, key: str | None, code: str) -> None:
    """Without a key of 8 to 128 visible ASCII characters nothing is written."""
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
    answer = await client.post("/api/v1/notes", data=b'{"title":"a"}', headers=headers)
    await problem(answer, 400, code)


async def test_two_keys_are_refused(client: Client) -> None:
    """Nobody can tell which of two keys is meant."""
    headers = [("Idempotency-Key", "note-0001"), ("Idempotency-Key", "note-0002")]
    answer = await client.post("/api/v1/notes", json={"title": "a"}, headers=headers)
    await problem(answer, 400, "idempotency_invalid")


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthenticated"),
        ({"Authorization": "Bearer "}, 401, "unauthenticated"),
        ({"Authorization": "Basic Y2xlcms6eA=="}, 401, "unauthenticated"),
        ({"Cookie": f"token={sample.CLERK}"}, 401, "unauthenticated"),
        ({"Authorization": "Bearer forged"}, 401, "token_invalid"),
        ({"X-API-Key": "forged"}, 401, "token_invalid"),
        ({**BEARER, "X-API-Key": sample.KEY}, 401, "credentials_mixed"),
        ({"Authorization": f"Bearer {sample.STAFF}"}, 403, "forbidden"),
    ],
)
async def test_strangers_are_refused(
    open_door: OpenDoor, headers: dict[str, str], status: int, code: str
) -> None:
    """Credentials are needed, one sort of them, valid, and with the right; a cookie is none."""
    client = await open_door()
    answer = await post_note(client, {"title": "a"}, **headers)
    await problem(answer, status, code)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_refusal_of_a_right_names_it(open_door: OpenDoor) -> None:
    """Whoever lacks a right reads which one, in Chinese."""
    client = await open_door()
    told = await problem(
        await post_note(client, {"title": "a"}, Authorization=f"Bearer {sample.STAFF}"), 403, "forbidden"
    )
    assert "发文" in told["detail"]


async def test_key_of_another_system_is_recognised(open_door: OpenDoor) -> None:
    """X-API-Key is the other way in."""
    client = await open_door()
    assert (await post_note(client, {"title": "a"}, **{"X-API-Key": sample.KEY})).status == 201


async def test_stranger_learns_nothing_about_bodies(open_door: OpenDoor) -> None:
    """Who may not call is told so before the body is looked at."""
    client = await open_door()
    await problem(await post_note(client, b"{junk"), 401, "unauthenticated")


async def test_fault_in_a_body_names_its_place(client: Client) -> None:
    """The problem carries pointer and reason."""
    answer = await post_note(client, {"title": "x", "targets": [{"unit_id": 1}, {"unit_id": "2"}]})
    told = await problem(answer, 400, "body_invalid")
    assert told["errors"] == [{"pointer": "/targets/1/unit_id", "reason": "应为整数，实为文字"}]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"title":"\\ud800"}',
        b"[" * 50_000,
        b'{"title":"x","extra":{"a":1e999}}',
        b"9" * 5_000,
    ],
)
async def test_junk_bodies_are_no_bugs(client: Client, raw: bytes) -> None:
    """No body whatever is answered 500."""
    await problem(await post_note(client, raw), 400, "body_invalid")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=gbk"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_only_plain_json_is_taken(client: Client, headers: dict[str, str]) -> None:
    """Forms, other charsets and compressed bodies are refused."""
    await problem(await post_note(client, {"title": "a"}, **headers), 415, "unsupported_media")


async def test_body_is_bounded_before_and_while_reading(open_door: OpenDoor) -> None:
    """A declared length is believed, a chunked body is counted."""
    client = await open_door(Limits(body_max_bytes=1_000))
    body = b'{"title":"' + b"x" * 2_000 + b'"}'
    answer = await post_note(client, body, **BEARER)
    told = await problem(answer, 413, "body_too_large")
    assert "1000" in told["detail"]

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:900]
        yield body[900:]

    answer = await client.post("/api/v1/notes", data=chunks(), headers={**KEYED, **BEARER})
    await problem(answer, 413, "body_too_large")


async def test_slow_body_is_cut(open_door: OpenDoor) -> None:
    """A body that drips longer than allowed is answered 408."""
    client = await open_door(Limits(read_timeout_s=0.05))
    never = asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield b'{"title":'
        await never.wait()

    answer = await client.post("/api/v1/notes", data=drip(), headers={**KEYED, **BEARER})
    never.set()
    await problem(answer, 408, "request_timeout")


async def test_body_where_none_belongs_is_refused(client: Client) -> None:
    """A route without a body takes none."""
    await problem(await client.request("GET", "/api/v1/notes/1", data=b"x"), 400, "bad_request")


@pytest.mark.parametrize("place", ["0", "-1", "01", "x", "1.0", "９", "9" * 30, "%00", "1%2F2"])
async def test_junk_ids_name_nothing(client: Client, place: str) -> None:
    """What can be no id is not found."""
    await problem(await client.get(f"/api/v1/notes/{place}"), 404, "not_found")


async def test_query_faults_name_the_parameter(client: Client) -> None:
    """Unknown, repeated and wrong parameters are told by name."""
    told = await problem(await client.get("/api/v1/notes?limit=0"), 400, "query_invalid")
    assert told["errors"][0]["pointer"] == "/limit"
    await problem(await client.get("/api/v1/notes/1?x=1"), 400, "bad_request")


async def test_list_is_paged_by_cursor(client: Client) -> None:
    """Each page leads to the next; a junk cursor is refused."""
    for number in range(3):
        await post_note(client, {"title": f"n{number}"}, **{"Idempotency-Key": f"note-000{number}"})
    first = await (await client.get("/api/v1/notes?limit=2")).json()
    assert [note["id"] for note in first["items"]] == [1, 2]
    second = await (await client.get("/api/v1/notes", params={"cursor": first["next"]})).json()
    assert ([note["id"] for note in second["items"]], second["next"]) == ([3], None)
    await problem(await client.get("/api/v1/notes?cursor=junk"), 400, "cursor_invalid")


async def test_empty_answer(client: Client) -> None:
    """204 has no body."""
    answer = await client.delete("/api/v1/notes/1", headers={"Idempotency-Key": "note-0009"})
    assert (answer.status, await answer.read()) == (204, b"")


async def test_bug_shows_an_id_and_nothing_else(client: Client) -> None:
    """A bug is answered generically: no exception, no trace, no secret."""
    answer = await client.get("/api/v1/broken")
    await problem(answer, 500, "internal")
    text = await answer.text()
    for secret in ("KeyError", "Traceback", "13812345678", ".py"):
        assert secret not in text


async def test_full_disk_is_507(client: Client) -> None:
    """A full disk is told as such."""
    await problem(await client.get("/api/v1/full"), 507, "storage_full")


async def test_every_answer_is_dressed(client: Client) -> None:
    """Good, refused, missing and broken answers carry the same safe headers, and no version."""
    for path in (
        "/healthz",
        "/api/v1/notes",
        "/api/v1/notes/x",
        "/nowhere",
        "/api/v1/broken",
        "/problems/busy",
    ):
        answer = await client.get(path)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Server"] == "songda"
        assert not any(name.startswith("Access-Control") for name in answer.headers)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abcd-1234.X_9", True), ("short", False), ("x" * 65, False), ("a b c d e f g", False)],
)
async def test_sane_request_id_is_kept(client: Client, given: str, *, kept: bool) -> None:
    """A caller's own id comes back when it is harmless, else a new one in letters."""
    answer = await client.get("/healthz", headers={"X-Request-Id": given})
    shown = answer.headers["X-Request-Id"]
    assert (shown == given) is kept
    assert kept or (shown.isalpha() and len(shown) == 16)


async def test_other_methods(client: Client) -> None:
    """Unknown methods are 405 with Allow; OPTIONS tells the list; HEAD is GET without a body; TRACE is off."""
    answer = await client.put("/api/v1/notes")
    await problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    options = await client.options("/api/v1/notes", headers={"Origin": "https://evil.example"})
    assert (options.status, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    head = await client.head("/api/v1/notes")
    assert (head.status, await head.read()) == (200, b"")
    await problem(await client.request("TRACE", "/api/v1/notes"), 405, "method_not_allowed")
    await problem(await client.get("/nowhere"), 404, "not_found")


async def test_english_title_on_request(client: Client) -> None:
    """Accept-Language: en switches the title."""
    answer = await client.get("/nowhere", headers={"Accept-Language": "en"})
    assert (await problem(answer, 404, "not_found"))["title"] == "Not found"


async def test_problem_page(client: Client) -> None:
    """Each type URI leads to a page; an unknown code to 404."""
    page = await client.get("/problems/classified_refused")
    assert (page.status, page.content_type) == (200, "text/html")
    assert "涉密" in await page.text()
    await problem(await client.get("/problems/nonsense"), 404, "not_found")


async def test_origin_behind_a_trusted_proxy(open_door: OpenDoor, services: sample.SampleServices) -> None:
    """The door is told the caller's address: the peer, or what a trusted proxy vouches for."""
    told = {"X-Forwarded-For": "198.51.100.7", **BEARER}
    await (await open_door()).get("/api/v1/notes", headers=told)
    await (await open_door(Limits(trusted_proxies=("127.0.0.0/8",)))).get("/api/v1/notes", headers=told)
    assert services.door.asked == [(sample.NOW, "127.0.0.1"), (sample.NOW, "198.51.100.7")]


async def test_device_is_what_the_caller_says(client: Client, services: sample.SampleServices) -> None:
    """X-Device goes before User-Agent; what is told is printable and short."""
    await post_note(client, {"title": "a"}, **{"User-Agent": "curl/8"})
    await post_note(
        client, {"title": "a"}, **{"User-Agent": "curl/8", "X-Device": "值班室电脑\u200b" + "x" * 300}
    )
    assert services.devices == ["curl/8", "值班室电脑" + "x" * 115]


async def test_full_house_says_busy_and_still_answers_probes(
    open_door: OpenDoor, services: sample.SampleServices
) -> None:
    """Beyond the places and the line callers are sent away with Retry-After; /healthz is answered."""
    client = await open_door(Limits(running_max=1, waiting_max=1, wait_timeout_s=5))
    inside = asyncio.create_task(client.post("/api/v1/slow"))
    await services.entered.wait()
    waiting = asyncio.create_task(client.post("/api/v1/slow"))
    answer = await client.post("/api/v1/slow") if await in_flight(client, 2) else None
    assert answer is not None
    await problem(answer, 503, "busy")
    assert answer.headers["Retry-After"] == "1"
    assert (await client.get("/healthz")).status == 200
    services.released.set()
    assert [(await inside).status, (await waiting).status] == [204, 204]


async def in_flight(client: Client, count: int) -> bool:
    """Waits, bounded, until ``count`` requests are inside."""
    state = client.app[STATE]
    async with asyncio.timeout(5):
        while state.in_flight < count:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0)
    return True


async def test_live_sockets_of_another_room_are_not_counted(
    aiohttp_client: AiohttpClient, services: sample.SampleServices
) -> None:
    """A live socket takes no place among the requests, and an Upgrade header frees none of ours."""
    services.limits = Limits(in_flight_max=1)
    app = make_app(services, sample.routes)

    async def live(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app.router.add_get("/live", live)
    client = await aiohttp_client(app)
    async with client.ws_connect("/live") as socket:
        await socket.send_str("x")
        assert await socket.receive_str() == "x"
        assert app[STATE].in_flight == 0
        assert (await client.get("/healthz")).status == 200
    inside = asyncio.create_task(client.post("/api/v1/slow"))
    await services.entered.wait()
    upgrade = {"Upgrade": "websocket", "Connection": "upgrade"}
    await problem(await client.get("/api/v1/notes/1", headers=upgrade), 503, "busy")
    services.released.set()
    assert (await inside).status == 204


async def test_slow_line_is_left(open_door: OpenDoor, services: sample.SampleServices) -> None:
    """Whoever waits too long in the line is sent away."""
    client = await open_door(Limits(running_max=1, wait_timeout_s=0.02))
    inside = asyncio.create_task(client.post("/api/v1/slow"))
    await services.entered.wait()
    await problem(await client.post("/api/v1/slow"), 503, "busy")
    services.released.set()
    assert (await inside).status == 204


async def test_too_many_inside_are_refused(open_door: OpenDoor, services: sample.SampleServices) -> None:
    """The number of requests inside is bounded, whatever they do."""
    client = await open_door(Limits(in_flight_max=1))
    inside = asyncio.create_task(client.post("/api/v1/slow"))
    await services.entered.wait()
    await problem(await client.get("/api/v1/notes/1"), 503, "busy")
    services.released.set()
    assert (await inside).status == 204


async def test_handler_that_takes_too_long_is_left(open_door: OpenDoor) -> None:
    """After the limit the caller is told that the outcome is unknown and how to ask again."""
    client = await open_door(Limits(handler_timeout_s=0.02))
    told = await problem(await client.post("/api/v1/slow"), 504, "timed_out")
    assert "Idempotency-Key" in told["detail"]


async def test_readiness_names_what_is_missing(open_door: OpenDoor) -> None:
    """/readyz is 503 with reasons while a part cannot work, and while the house closes."""

    async def fine() -> None:
        return None

    async def broken() -> str:
        return "磁盘只读"

    async def raising() -> str:
        raise RuntimeError("secret")

    client = await open_door(None, {"store": fine})
    assert (await client.get("/readyz")).status == 200
    client.app[STATE].draining = True
    assert (await (await client.get("/readyz")).json())["reasons"] == {"server": "正在停止服务"}
    client = await open_door(None, {"store": broken, "work": fine, "mail": raising})
    answer = await client.get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["reasons"] == {"store": "磁盘只读", "mail": "检查失败：RuntimeError"}


async def test_metrics_count_by_route(open_door: OpenDoor) -> None:
    """Requests are counted by route name and status; no path or person becomes a label."""
    client = await open_door()
    for path in ("/api/v1/notes/1", "/api/v1/notes/2", "/nowhere/12345"):
        await client.get(path, headers=BEARER)
    text = await (await client.get("/metrics")).text()
    assert 'songda_http_requests_total{method="GET",route="note.show",status="404"} 2.0' in text
    assert 'route="unknown",status="404"} 1.0' in text
    assert "12345" not in text


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/openapi.json"])
async def test_figures_and_description_are_for_the_machine_itself(open_door: OpenDoor, path: str) -> None:
    """From the same machine they are open, behind any proxy or foreign name they need credentials."""
    client = await open_door()
    assert (await client.get(path)).status == 200
    for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=1.2.3.4"}, {"Host": "evil.example"}):
        await problem(await client.get(path, headers=headers), 401, "unauthenticated")
    foreign = {"X-Forwarded-For": "198.51.100.1", **BEARER}
    status = (await client.get(path, headers=foreign)).status
    assert status == (403 if path == "/metrics" else 200)


async def test_two_applications_do_not_mix(services: sample.SampleServices) -> None:
    """Each application has figures of its own."""
    first, second = make_app(services, sample.routes), make_app(services, sample.routes)
    assert first[STATE].figures.registry is not second[STATE].figures.registry
    assert isinstance(first, web.Application)
