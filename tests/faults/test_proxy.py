"""The bad line itself, before a server that repeats what it hears: each fault does what it says."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.faults.proxy import Proxy

WAIT_S = 10

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say back whatever comes, and end when the other end does; little waits in the kernel."""
    line: socket.socket = writer.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def line() -> AsyncIterator[Proxy]:
    """A proxy with small buffers before the echo, which has small ones too."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    server = await asyncio.start_server(echo, sock=listener)
    async with server, Proxy(server.sockets[0].getsockname()[1], buffer_bytes=4_096) as proxy:
        yield proxy


@asynccontextmanager
async def connected(line: Proxy) -> AsyncIterator[Ends]:
    """One connection through the line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    try:
        async with asyncio.timeout(WAIT_S):
            yield reader, writer
    finally:
        writer.transport.abort()


async def said_back(ends: Ends, data: bytes) -> bytes:
    """What comes back for ``data``."""
    reader, writer = ends
    writer.write(data)
    return await reader.readexactly(len(data))


async def until_reset(reader: asyncio.StreamReader) -> bytes:
    """What comes before RST; b"polite" at the end where there was none."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while data := await reader.read(65_536):
            got += data
        got += b"polite"
    return got


async def until_none_stands(line: Proxy) -> None:
    """Wait for the last connection to end."""
    async with asyncio.timeout(WAIT_S):
        while line.standing:  # noqa: ASYNC110 - the proxy counts and tells nobody
            await asyncio.sleep(0)


async def test_without_a_fault_every_byte_passes_unchanged(line: Proxy) -> None:
    """More than all buffers hold, both ways at once, and both ends of the stream."""
    data = bytes(range(256)) * 4_000
    async with connected(line) as (reader, writer):
        writer.write(data)
        writer.write_eof()
        assert await reader.read(-1) == data
    await until_none_stands(line)
    assert (line.carried_up, line.carried_down) == (len(data), len(data))


async def test_latency_delays_and_does_not_narrow(line: Proxy) -> None:
    """A hundred messages take one latency and not a hundred; turned off, it is gone for a standing connection."""
    loop = asyncio.get_running_loop()
    async with connected(line) as ends:
        line.down.latency_s = 0.1
        began = loop.time()
        for _ in range(100):
            ends[1].write(b"hello")
        await ends[0].readexactly(500)
        assert 0.1 <= loop.time() - began < 1
        line.heal()
        assert await said_back(ends, b"again") == b"again"


async def test_slices_are_bytes_one_by_one(line: Proxy) -> None:
    """The receiver sees one byte at a time where the sender wrote a hundred."""
    seen: list[int] = []

    async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            seen.append(len(data))
        writer.close()

    server = await asyncio.start_server(watch, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]) as proxy:
        proxy.up.slice_bytes = 1
        async with connected(proxy) as (reader, writer):
            writer.write(b"x" * 100)
            writer.write_eof()
            assert await reader.read() == b""
    assert sum(seen) == 100
    assert len(seen) > 50


async def test_a_hole_swallows_and_keeps_the_connection(line: Proxy) -> None:
    """Nothing comes any more, nobody is told, and the end of the client is not told either."""
    async with connected(line) as ends:
        assert await said_back(ends, b"before") == b"before"
        line.up.hole = True
        ends[1].write(b"lost" * 100)
        ends[1].write_eof()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ends[0].read(1)
        assert (line.standing, line.carried_up) == (1, 6)


async def test_a_hole_may_close_again_for_what_comes_later(line: Proxy) -> None:
    """Only what came while it was open is lost."""
    async with connected(line) as ends:
        line.up.hole = True
        ends[1].write(b"lost")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ends[0].read(1)
        line.up.hole = False
        assert await said_back(ends, b"after") == b"after"


@pytest.mark.parametrize("after", [0, 1, 1_000])
async def test_a_reset_comes_after_so_many_bytes(line: Proxy, after: int) -> None:
    """The client gets exactly those, then RST and no polite end."""
    line.down.reset_after_bytes = after
    async with connected(line) as (reader, writer):
        writer.write(b"x" * 5_000)
        assert await until_reset(reader) == b"x" * after
    await until_none_stands(line)
    assert line.carried_down == after


async def test_a_rate_holds_and_the_sender_feels_it(line: Proxy) -> None:
    """20 kB/s are 20 kB/s, measured over what arrives, until the limit is taken away."""
    loop = asyncio.get_running_loop()
    line.down.rate_bytes_s = 20_000
    async with connected(line) as (reader, writer):
        writer.write(b"x" * 1_000_000)
        began = loop.time()
        await reader.readexactly(4_000)
        assert 0.1 < loop.time() - began < 2
        assert line.carried_up < 1_000_000
        line.heal()
        await reader.readexactly(996_000)


async def test_a_server_that_is_not_there_is_a_reset() -> None:
    """The client is not left waiting."""
    async with Proxy(1) as proxy, connected(proxy) as (reader, _):
        assert await until_reset(reader) == b""
