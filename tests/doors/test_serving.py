"""The application on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.doors.app import make_app
from gateway.doors.call import Limits
from gateway.doors.serving import serve
from tests.doors import sample

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@asynccontextmanager
async def house(services: sample.SampleServices, limits: Limits) -> AsyncIterator[tuple[str, int]]:
    """The sample on a free port."""
    services.limits = limits
    async with serve(make_app(services, sample.routes), limits, host="127.0.0.1", port=0) as address:
        yield address


async def exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """What comes back until the server closes."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(sent)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "junk",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_as_a_problem(services: sample.SampleServices, junk: bytes) -> None:
    """Below the application too: a problem, dressed, without the library's words, and the connection ends."""
    async with house(services, Limits()) as address:
        answer = await exchange(address, junk)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert b"application/problem+json" in head
    assert b"nosniff" in head
    assert b"Server: songda" in head
    assert b"aiohttp" not in answer
    assert b'"code":"bad_request"' in body


async def test_slow_head_is_cut(services: sample.SampleServices) -> None:
    """A connection that has not shown its request in time is closed, dripping or silent."""
    async with house(services, Limits(keepalive_s=0.05)) as address:
        assert await exchange(address, b"GET /healthz HTTP/1.1\r\nHost: local") == b""
        assert await exchange(address, b"") == b""


async def test_idle_connection_is_closed_after_its_answer(services: sample.SampleServices) -> None:
    """Keep-alive ends by itself."""
    async with house(services, Limits(keepalive_s=0.05)) as address:
        assert (await exchange(address, GET)).startswith(b"HTTP/1.1 200")


async def test_connections_are_bounded(services: sample.SampleServices) -> None:
    """One connection too many is closed at once, the others go on."""
    async with house(services, Limits(connections_max=1)) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert await exchange(address, b"") == b""
        writer.write(GET)
        assert await reader.readuntil(b"HTTP/1.1 200")
        writer.close()


async def test_stop_lets_requests_inside_finish(services: sample.SampleServices) -> None:
    """At the end nobody new is taken, and who is inside gets the answer."""
    async with house(services, Limits(drain_s=5)) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /api/v1/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        await services.entered.wait()
        asyncio.get_running_loop().call_later(0.05, services.released.set)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"Connection: close" in answer
    writer.close()
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection(*address)


async def test_stop_does_not_wait_for_ever(services: sample.SampleServices) -> None:
    """Who is still inside after the time to drain is cut."""
    async with asyncio.timeout(5):
        async with house(services, Limits(drain_s=0.05)) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"POST /api/v1/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            await services.entered.wait()
        assert not (await reader.read()).startswith(b"HTTP/1.1 2")
    writer.close()


async def test_client_that_vanishes_breaks_nothing(services: sample.SampleServices) -> None:
    """A caller who leaves before the answer is forgotten, and the next one is served."""
    async with house(services, Limits()) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /api/v1/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        await services.entered.wait()
        writer.transport.abort()
        services.released.set()
        answer = await exchange(address, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 200")
