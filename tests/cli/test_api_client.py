"""The client behind the verbs: what passes is tried again under the same key, what is refused is told at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import ClientConnectionError, web
from pytest_aiohttp.plugin import AiohttpServer

from gateway.cli.api import Problem, Retry, opened
from gateway.cli.client import Far

QUICK = Retry(tries=4, first_wait_s=0.001)
Handler = Callable[[web.Request], web.StreamResponse]


async def far_end(aiohttp_server: AiohttpServer, *answers: Handler) -> tuple[Far, list[tuple[str, bytes]]]:
    """A server that gives ``answers`` one after the other, the last one for ever; what it was asked is kept."""
    asked: list[tuple[str, bytes]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append((request.headers.get("Idempotency-Key", ""), await request.read()))
        return answers[min(len(asked), len(answers)) - 1](request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = await aiohttp_server(app)
    return Far(str(server.make_url("")).rstrip("/"), "token"), asked


def cut(request: web.Request) -> web.StreamResponse:
    """Cuts the line instead of answering."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def busy(_request: web.Request) -> web.StreamResponse:
    """Asks to come back."""
    return web.json_response({"code": "busy", "title": "系统繁忙"}, status=503, headers={"Retry-After": "0"})


def fine(_request: web.Request) -> web.StreamResponse:
    """Takes it."""
    return web.json_response({"ok": True}, headers={"Idempotency-Replayed": "true"})


async def test_a_dead_line_is_tried_again_under_the_same_key(aiohttp_server: AiohttpServer) -> None:
    """Cut, busy, then taken: every try carries the same key and the same body, and the answer is the last one."""
    place, asked = await far_end(aiohttp_server, cut, busy, fine)
    waits: list[str] = []
    retry = Retry(tries=4, first_wait_s=0.001, told=lambda why, _: waits.append(why))
    async with opened(place, retry) as api:
        answer = await api.post("/things", {"n": 1}, "the-one-key")
    assert (answer.json, answer.replayed) == ({"ok": True}, True)
    assert asked == [("the-one-key", b'{"n":1}')] * 3
    assert len(waits) == 2


async def test_an_upload_begins_again(aiohttp_server: AiohttpServer) -> None:
    """A file that was half sent is read again from its beginning."""
    place, asked = await far_end(aiohttp_server, cut, fine)

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with opened(place, QUICK) as api:
        await api.upload("/files", body, "file-key-1", name="a.txt")
    assert asked == [("file-key-1", b"onetwo")] * 2


async def test_patience_ends(aiohttp_server: AiohttpServer) -> None:
    """After the last try the fault comes through, whatever it is; who only looks is told sooner."""
    place, asked = await far_end(aiohttp_server, busy)
    async with opened(place, QUICK) as api:
        with pytest.raises(Problem) as told:
            await api.post("/things", {}, "some-key-01")
    assert (told.value.code, len(asked)) == ("busy", 4)
    async with opened(place, QUICK) as api:
        with pytest.raises(Problem):
            await api.get("/things")
    assert len(asked) == 4 + 3
    place, asked = await far_end(aiohttp_server, cut)
    async with opened(place, QUICK) as api:
        with pytest.raises(ClientConnectionError):
            await api.post("/things", {}, "some-key-01")
    assert len(asked) == 4


async def test_a_refusal_is_told_at_once(aiohttp_server: AiohttpServer) -> None:
    """A refusal is not tried again; what is no problem of ours is told by its status."""
    place, asked = await far_end(aiohttp_server, lambda _: web.Response(status=418, text="teapot"))
    async with opened(place, QUICK) as api:
        with pytest.raises(Problem) as told:
            await api.post("/things", {}, "some-key-01")
    assert (told.value.code, told.value.title, len(asked)) == ("http_418", "服务器答复 HTTP 418", 1)
