"""A pool of connections on real sockets: peers that are none, limits of every wait, GOAWAY, retiring, stopping."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import pytest

from push.app.http2.happenings import Answer, Http2Rules, Request
from push.app.http2.pool import Pool
from push.app.http2.ports import Address, PoolLimits, Unsent, tls_context
from push.app.sender import InDoubt
from push.app.simulator.certificate import server_tls
from push.app.simulator.http2_script import Deed, Http2Script, Shares
from push.app.simulator.http2_server import Heard, Http2Server, Reply
from tests.push.gateway_world import until
from tests.push.http2_peer import HEADERS
from tests.push.http2_world import QUICK, address, certificate

ASK: Final = Request(HEADERS, b"{}")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Echo:
    """A desk that takes everything."""

    name = "echo"

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def is_login(self, heard: Heard) -> bool:
        """Nothing is."""
        del heard
        return False

    def answer(self, heard: Heard) -> Reply:
        """The body back."""
        self.bodies.append(heard.body)
        return Reply(200, (), heard.body, taken=True)

    def turned_away(self, deed: Deed, heard: Heard) -> Reply:
        """Nothing was taken."""
        del deed, heard
        return Reply(503)


@asynccontextmanager
async def world(
    script: Http2Script | None = None, limits: PoolLimits = QUICK
) -> AsyncIterator[tuple[Pool, Echo, Http2Server]]:
    """A pool and its far end."""
    desk = Echo()
    server = Http2Server(desk, server_tls(certificate()), script)
    pool = Pool("pool", address(await server.start()), limits, chance=lambda: 0.5)
    await pool.start()
    try:
        yield pool, desk, server
    finally:
        await pool.stop()
        await server.stop()


@asynccontextmanager
async def strange(serve: Serve, tls: ssl.SSLContext | None, limits: PoolLimits) -> AsyncIterator[Pool]:
    """A pool whose far end speaks something else."""
    open_: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.append(writer)
        await serve(reader, writer)

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls)
    pool = Pool("pool", address(server.sockets[0].getsockname()[1]), limits, chance=lambda: 0.5)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop()
        for writer in open_:
            writer.transport.abort()
        server.close()


def limits(**changes: object) -> PoolLimits:
    """Short ones."""
    return msgspec.structs.replace(QUICK, **changes)


async def silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Read, say nothing."""
    while await reader.read(1_000):
        pass


async def http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server of the last century."""
    await reader.read(1_000)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "protocol", "why"),
    [
        (silence, "h2", "greeting_timeout"),
        (http1, "h2", "malformed"),
        (silence, "http/1.1", "not_h2"),
        (silence, None, "unreachable"),
    ],
)
async def test_a_peer_that_is_none_ends_every_request(serve: Serve, protocol: str | None, why: str) -> None:
    """Silence, HTTP/1.1, another ALPN, no TLS at all: told within the limits, never a hang."""
    tls = None if protocol is None else server_tls(certificate(), protocol)
    rules = Http2Rules(greeting_timeout_s=0.2)
    short = limits(connect_timeout_s=0.3, wait_s=1.0, fast_after=2, rules=rules)
    async with strange(serve, tls, short) as pool:
        async with asyncio.timeout(5):
            told = await asyncio.gather(*(pool.ask(ASK) for _ in range(5)))
        assert {type(one) for one in told} == {Unsent}
        assert {one.why for one in told if isinstance(one, Unsent)} == {"unreachable"}
        assert pool.last.why == why


async def test_a_certificate_of_somebody_else_is_not_trusted() -> None:
    """The name and the issuer are checked: nothing is sent."""
    server = Http2Server(Echo(), server_tls(certificate()))
    port = await server.start()
    pool = Pool("pool", Address("127.0.0.1", port, tls_context()), limits(wait_s=1, fast_after=1))
    await pool.start()
    told = await pool.ask(ASK)
    await pool.stop()
    await server.stop()
    assert isinstance(told, Unsent)
    assert "CERTIFICATE_VERIFY_FAILED" in told.note


async def test_it_connects_when_it_is_needed_and_as_much_as_is_needed() -> None:
    """No connection without a request; one for one; all of them for many."""
    async with world(Http2Script(first_streams=5, streams=5), limits(connections=3)) as (pool, _desk, server):
        assert server.counts["connections"] == 0
        await pool.ask(ASK)
        assert server.counts["connections"] == 1
        told = await asyncio.gather(*(pool.ask(ASK) for _ in range(200)))
        assert {type(one) for one in told} == {Answer}
        assert server.counts["connections"] == 3
        assert server.counts["violations"] == 0


async def test_what_waits_too_long_was_not_sent() -> None:
    """A peer with one stream that answers late: who finds no room in time is told so."""
    script = Http2Script(first_streams=1, streams=1, shares=Shares(silent=1.0))
    short = limits(connections=1, wait_s=0.2, rules=Http2Rules(answer_timeout_s=0.5, leave_timeout_s=0.5))
    async with world(script, short) as (pool, desk, _server):
        told = await asyncio.gather(*(pool.ask(ASK) for _ in range(4)))
        assert told.count(Unsent("timeout")) == 3
        assert told.count(InDoubt(why="timeout")) == 1
        assert len(desk.bodies) == 1


async def test_too_much_does_not_pile_up() -> None:
    """Beyond ``waiting_max`` requests are turned away at once."""
    async with world(limits=limits(waiting_max=10)) as (pool, _desk, _server):
        told = await asyncio.gather(*(pool.ask(ASK) for _ in range(15)))
        assert told.count(Unsent("waiting_full")) == 5
        assert pool.open == 0


async def test_a_peer_that_gives_all_back_is_asked_so_often_and_no_more() -> None:
    """REFUSED_STREAM each time: five attempts, then the caller is told; nothing was taken."""
    async with world(Http2Script(shares=Shares(refuse=1.0))) as (pool, desk, server):
        assert await pool.ask(ASK) == Unsent("given_back", "refused")
        assert (server.counts["refuse"], desk.bodies) == (5, [])


async def test_after_goaway_the_rest_goes_over_a_new_connection() -> None:
    """A peer that leaves in the middle: what it did not process is sent again, all of it is taken once."""
    script = Http2Script(seed=3, streams=50, first_streams=50, shares=Shares(goaway_taken=0.02))
    async with world(script, limits(attempts_max=50)) as (pool, desk, server):
        asks = [Request(HEADERS, str(number).encode()) for number in range(300)]
        told = await asyncio.gather(*map(pool.ask, asks))
        assert [one.body for one in told if isinstance(one, Answer)] == [ask.body for ask in asks]
        assert sorted(desk.bodies) == sorted(ask.body for ask in asks)
        assert server.counts["goaway_taken"] > 0
        assert server.counts["connections"] > 2


async def test_a_retired_connection_is_drained_and_replaced() -> None:
    """Nothing more leaves by it, what is open there is answered."""
    script = Http2Script(first_streams=100, shares=Shares(slow=0.5))
    async with world(script, limits(connections=1)) as (pool, _desk, server):
        first = await pool.ask(ASK)
        assert isinstance(first, Answer)
        under_way = [asyncio.create_task(pool.ask(ASK)) for _ in range(20)]
        await asyncio.sleep(0)
        pool.retire(first.via)
        told = [await one for one in under_way]
        again = await pool.ask(ASK)
        assert {type(one) for one in told} == {Answer}
        assert isinstance(again, Answer)
        assert again.via != first.via
        assert server.counts["connections"] == 2
        pool.retire(first.via)  # gone already: nothing happens


async def test_stopping_waits_for_answers() -> None:
    """What is open is answered, what waits is given back, nothing new is taken."""
    script = Http2Script(first_streams=5, streams=5, shares=Shares(slow=1.0))
    async with world(script, limits(connections=1)) as (pool, desk, server):
        under_way = [asyncio.create_task(pool.ask(ASK)) for _ in range(12)]
        await until(lambda: len(desk.bodies) == 5)
        await pool.stop()
        told = [await one for one in under_way]
        assert await pool.ask(ASK) == Unsent("stopping")
        kinds = [type(one) for one in told]
        assert (kinds.count(Answer), kinds.count(Unsent)) == (len(desk.bodies), 12 - len(desk.bodies))
        assert server.lines == set() or all(line.gone for line in server.lines)


async def test_stopping_ends_within_its_limit() -> None:
    """A peer that never answers: at the limit what is open is in doubt."""
    script = Http2Script(first_streams=5, shares=Shares(silent=1.0))
    short = limits(stop_timeout_s=0.2, rules=Http2Rules(answer_timeout_s=30, leave_timeout_s=30))
    async with world(script, short) as (pool, desk, _server):
        under_way = [asyncio.create_task(pool.ask(ASK)) for _ in range(3)]
        await until(lambda: len(desk.bodies) == 3)
        async with asyncio.timeout(3):
            await pool.stop()
            assert {await one for one in under_way} == {InDoubt(why="lost")}


async def test_a_caller_who_leaves_disturbs_nobody() -> None:
    """Cancelled while waiting: not sent. Cancelled while under way: the answer is dropped."""
    script = Http2Script(first_streams=1, streams=1, shares=Shares(slow=1.0))
    async with world(script, limits(connections=1)) as (pool, desk, _server):
        asks = [Request(HEADERS, b"%d" % number) for number in range(3)]
        tasks = [asyncio.create_task(pool.ask(ask)) for ask in asks]
        await until(lambda: bool(desk.bodies))
        tasks[0].cancel()
        tasks[1].cancel()
        told = await tasks[2]
        assert isinstance(told, Answer)
        assert desk.bodies == [b"0", b"2"]


async def test_a_peer_that_comes_back_is_found_again() -> None:
    """Nobody there: told at once after some attempts; there again: requests go through without a restart."""
    desk = Echo()
    server = Http2Server(desk, server_tls(certificate()))
    port = await server.start()
    await server.stop()
    pool = Pool("pool", address(port), limits(fast_after=2), chance=lambda: 0.5)
    await pool.start()
    first = await pool.ask(ASK)
    assert isinstance(first, Unsent)
    assert first.why == "unreachable"
    again = Http2Server(desk, server_tls(certificate()))
    await again.start(port=port)
    for _ in range(100):
        if isinstance(await pool.ask(ASK), Answer):
            break
        await until(lambda: pool.up)
    assert isinstance(await pool.ask(ASK), Answer)
    await pool.stop()
    await again.stop()


async def test_an_idle_connection_is_kept_and_a_dead_one_is_noticed() -> None:
    """PING keeps it; where the peer falls silent, the next request goes over another connection."""
    async with world(limits=limits(connections=1)) as (pool, _desk, server):
        await pool.ask(ASK)
        line = next(iter(server.lines))
        wire = next(iter(pool._wires.values()))
        await until(lambda: wire.machine.counts["probes"] >= 2)
        assert server.counts["connections"] == 1
        transport = line._transport
        assert transport is not None
        transport.pause_reading()
        async with asyncio.timeout(5):
            await wire.ended
        assert pool.last.why == "silent"
        assert isinstance(await pool.ask(ASK), Answer)
        assert server.counts["connections"] == 2


async def test_nothing_is_left_behind() -> None:
    """After the stop: no task, no timer, no transport of ours."""
    before = asyncio.all_tasks()
    async with world() as (pool, _desk, _server):
        await asyncio.gather(*(pool.ask(ASK) for _ in range(20)))
    gc.collect()
    assert asyncio.all_tasks() == before
    assert pool._wires == {}
    assert pool.open == 0
