"""What no decent client sends, to a real server (fault 24): each gets its answer, nothing is left behind, no crash."""

from __future__ import annotations

import asyncio
import contextlib
import os
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from realtime.frames import Pong, Welcome
from tests.faults.proxy import Proxy
from tests.faults.server import Server, found, serving
from tests.faults.watch import descriptors, resident_bytes, settled_descriptors, until
from tests.realtime.raw_client import UPGRADE, RawClient, masked

WAIT_S = 20
HEARTBEAT_S = 1.0
SETTINGS = {
    "SONGDA__LIVE__HEARTBEAT_S": str(HEARTBEAT_S),
    "SONGDA__LIVE__HELLO_TIMEOUT_S": "0.5",
    "SONGDA__SERVER__HEAD_TIMEOUT_S": "0.3",
}
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LIVE = UPGRADE.format(path="/api/v1/live").encode()


@dataclass(frozen=True)
class Place:
    """The server, a clerk's token, and how many descriptors it has when nobody is there."""

    server: Server
    token: str
    idle: int


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One server for all of them, so that what one leaves behind is seen."""
    folder = tmp_path_factory.mktemp("hostile") / "data"
    tokens = found(folder)
    with serving(folder, environ=SETTINGS) as server:
        pid, memory = server.pid, resident_bytes(server.pid)
        yield Place(server, tokens["u1-a"], settled_descriptors(pid))
        assert server.ready()
        assert (server.pid, "Traceback" in server.said()) == (pid, False), server.said()
        assert resident_bytes(pid) - memory < 32 * 2**20
        server.stop()


@pytest.fixture(autouse=True)
def nothing_is_left(place: Place) -> Iterator[None]:
    """As many descriptors afterwards as before: a session holds one."""
    yield
    asyncio.run(until(lambda: descriptors(place.server.pid) <= place.idle, "a socket stayed open"))


@asynccontextmanager
async def dialled(port: int, count: int = 1) -> AsyncIterator[list[Ends]]:
    """Plain connections, cut at the end, with a limit for all that is done in between."""
    ends = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        async with asyncio.timeout(WAIT_S):
            yield ends
    finally:
        for _, writer in ends:
            writer.transport.abort()


def hello(token: str, more: str = "") -> bytes:
    """The first word of a session."""
    return f'{{"type":"hello","token":"{token}"{more}}}'.encode()


async def welcomed(raw: RawClient, token: str) -> None:
    """Say hello and be welcomed."""
    raw.send(masked(hello(token)))
    assert isinstance(await raw.message(), Welcome)


deflate = zlib.compressobj(wbits=-15)
BOMB = deflate.compress(b"0" * 1_000_000) + deflate.flush(zlib.Z_SYNC_FLUSH)

HOSTILE = [
    pytest.param(masked(b"x" * 5_000), 1009, id="too large by its short length"),
    pytest.param(masked(b"x" * 70_000)[:64], 1009, id="too large by its long length"),
    pytest.param(b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(4), 1009, id="a terabyte announced"),
    pytest.param(b"\x81\xff" + b"\xff" * 8 + bytes(4), 1009, id="2^64-1 announced"),
    pytest.param(masked(b"x" * 3_000, 0x01) + masked(b"x" * 3_000, 0x80), 1009, id="too large in fragments"),
    pytest.param(masked(b"\xff\xfe\xfd"), 1007, id="no UTF-8"),
    pytest.param(masked(b'"\xe9\x80', 0x01) + masked(b'"', 0x80), 1007, id="no UTF-8 in fragments"),
    pytest.param(masked(b"{"), 1007, id="no JSON"),
    pytest.param(masked(b'{"type":"hello","x":' + b"[" * 4_000), 1007, id="JSON without end"),
    pytest.param(masked(b"{}"), 1008, id="no word of the protocol"),
    pytest.param(masked(b"binary", 0x82), 1003, id="binary"),
    pytest.param(masked(BOMB[:3_000], 0xC1), 1002, id="compressed though not negotiated"),
    pytest.param(masked(b"{}", 0xA1), 1002, id="reserved bit 2"),
    pytest.param(masked(b"{}", 0x91), 1002, id="reserved bit 3"),
    pytest.param(masked(b"", 0x83), 1002, id="reserved opcode of data"),
    pytest.param(masked(b"", 0x8B), 1002, id="reserved opcode of control"),
    pytest.param(masked(b"", 0x80), 1002, id="continuation of nothing"),
    pytest.param(masked(b"{", 0x01) + masked(b"}", 0x81), 1002, id="a message within a message"),
    pytest.param(masked(b"x" * 126, 0x89), 1002, id="ping too long"),
    pytest.param(masked(b"", 0x09), 1002, id="ping in fragments"),
    pytest.param(masked(b"\x03", 0x88), 1002, id="half a close code"),
    pytest.param(masked(b"\x03\xed", 0x88), 1002, id="a close code nobody may send"),
    pytest.param(masked(b"\x03\xe8\xff", 0x88), 1007, id="close reason no UTF-8"),
    pytest.param(b"\x81\x02{}", 1002, id="text without mask"),
    pytest.param(masked(b"", 0x8A) + b"\x89\x00", 1002, id="ping without mask after a pong with one"),
    pytest.param(b"\x88\x02\x03\xe8", 1002, id="close without mask"),
    pytest.param(masked(b"", 0x89) * 40, 4429, id="flood of pings"),
    pytest.param(masked(b'{"type":"ping"}') * 40, 4429, id="flood of words"),
]


@pytest.mark.parametrize(("data", "code"), HOSTILE)
@pytest.mark.parametrize("slice_bytes", [0, 1], ids=["whole", "byte by byte"])
async def test_hostile_frames_get_their_close_code(
    place: Place, data: bytes, code: int, slice_bytes: int
) -> None:
    """RFC 6455 §7.4.1, and our own for floods; however the bytes come."""
    server = place.server
    async with asyncio.timeout(WAIT_S), Proxy(server.port) as line, RawClient(line.port) as raw:
        line.up.slice_bytes = slice_bytes
        raw.send(data)
        assert code == await raw.closed()


async def test_one_byte_slices_both_ways_are_a_session_like_any(place: Place) -> None:
    """Handshake, a hello in fragments that cut a character, pings between the fragments, and the answers."""
    server, token = place.server, place.token
    text = hello(token, ',"device":"终端"')
    cut = text.index("终".encode()) + 1
    async with asyncio.timeout(WAIT_S), Proxy(server.port) as line:
        line.up.slice_bytes = line.down.slice_bytes = 1
        async with RawClient(line.port) as raw:
            raw.send(masked(text[:cut], 0x01) + masked(b"?", 0x89) + masked(text[cut:], 0x80))
            assert await raw.frame() == (0xA, b"?")
            assert isinstance(await raw.message(), Welcome)
            raw.say('{"type":"ping"}')
            assert isinstance(await raw.message(), Pong)


async def test_a_hello_right_behind_the_handshake_is_heard(place: Place) -> None:
    """An impatient client, and one without a mask, in one segment with the request."""
    server, token = place.server, place.token
    for frame, last in ((masked(hello(token)), b'"welcome"'), (b"\x81\x02{}", b"\x88\x02\x03\xea")):
        async with dialled(server.port) as [(reader, writer)]:
            writer.write(LIVE + frame)
            got = b""
            while last not in got:
                got += await reader.read(4_096) or pytest.fail(repr(got))


async def test_compression_is_not_negotiated(place: Place) -> None:
    """A client may offer it; the answer does not take it up (45-130 KiB a socket)."""
    server = place.server
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    async with dialled(server.port) as [(reader, writer)]:
        writer.write(LIVE[:-2] + offer)
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"extensions" not in head.lower()


async def test_a_line_that_dies_without_a_word_is_noticed(place: Place) -> None:
    """A black hole, before the hello, after it, and in the closing handshake: gone within the heartbeats."""
    server, token = place.server, place.token
    async with Proxy(server.port) as line, RawClient(line.port) as one, RawClient(line.port) as two:
        async with asyncio.timeout(WAIT_S):
            await welcomed(one, token)
        assert descriptors(server.pid) == place.idle + 2
        line.up.hole = line.down.hole = True
        two.send(masked(hello(token)))
        took = await until(lambda: descriptors(server.pid) <= place.idle, "the dead line was not noticed")
    assert took < 3 * HEARTBEAT_S + 1 + 3 + 1  # silence, the sweep, the closing handshake, and room


GARBAGE = [
    pytest.param(b"nonsense\r\n\r\n", b"400", id="no request line"),
    pytest.param(bytes(range(256)) * 4 + b"\r\n\r\n", b"400", id="every byte"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n", b"400", id="TLS"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", b"400", id="long header"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5_000 + b"\r\n", b"400", id="many headers"),
    pytest.param(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"400",
        id="smuggling",
    ),
    pytest.param(LIVE.replace(b"Version: 13", b"Version: 99"), b"400", id="websocket of some future"),
    pytest.param(LIVE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), b"400", id="websocket key too short"),
    pytest.param(LIVE.replace(b"GET", b"POST"), b"405", id="websocket by POST"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: 1", b"408", id="headers that never end"),
    pytest.param(b"G", b"408", id="one letter"),
]


@pytest.mark.parametrize(("data", "status"), GARBAGE)
async def test_what_is_no_http_gets_an_answer_and_an_end(place: Place, data: bytes, status: bytes) -> None:
    """A problem with a status of four hundred, and the connection ends where its bytes make no sense any more."""
    server = place.server
    async with dialled(server.port) as [(reader, writer)]:
        writer.write(data)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not data.startswith(LIVE[:20]) and status != b"405":
            await reader.read()
    assert answer.split()[1] == status, answer
    assert b"application/problem+json" in answer
    assert b"aiohttp" not in answer


async def test_slow_headers_are_cut_however_busily_they_drip(place: Place) -> None:
    """Slow loris: a byte now and then does not buy more time; fifty at once keep nobody out."""
    server = place.server
    async with Proxy(server.port) as line, dialled(line.port, 50) as ends:
        line.up.slice_bytes, line.up.rate_bytes_s = 1, 50
        for _, writer in ends:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 7_000)
        assert await asyncio.to_thread(server.ready)
        for reader, _ in ends:
            assert (await reader.readuntil(b"\r\n")).split()[1] == b"408"


async def test_a_connection_that_rests_between_requests_is_not_slow(place: Place) -> None:
    """The time for headers counts from a request's first byte: a rest is none, nor is a body that takes longer."""
    body = b'{"login":"nobody","password":"x"}'
    post = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    async with dialled(place.server.port, 3) as [(resting, ask), (taking, tell), (slow, drip)]:
        ask.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await resting.readuntil(b"\r\n")).split()[1] == b"200"
        tell.write(post.encode() + b"\r\n\r\n" + body[:5])
        drip.write(b"GET ")
        assert (await slow.readuntil(b"\r\n")).split()[
            1
        ] == b"408"  # so long have the others been waiting too
        ask.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await resting.readuntil(b"HTTP/1.1 200 ")
        tell.write(body[5:])
        assert (await taking.readuntil(b"\r\n")).split()[1] in (b"401", b"422")


async def test_random_bytes_do_no_harm(place: Place) -> None:
    """Two hundred connections of dice, half of them behind a handshake: the server says something or hangs up."""
    server = place.server

    async def throw(number: int) -> None:
        async with dialled(server.port) as [(reader, writer)]:
            writer.write((LIVE if number % 2 else b"") + os.urandom(300) + b"\r\n\r\n")
            writer.write_eof()
            with contextlib.suppress(ConnectionError):
                while await reader.read(4_096):
                    pass

    for start in range(0, 200, 20):
        await asyncio.gather(*(throw(number) for number in range(start, start + 20)))
