"""What the system gives a process ends: descriptors (fault 26) and time, SIGTERM under load (fault 29)."""

from __future__ import annotations

import asyncio
import errno
import json
import random
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.faults.callers import LOST, Office, ledger_path, notice, office
from tests.faults.invariants import check_invariants
from tests.faults.ledger import facts, read
from tests.faults.live_crowd import crowd
from tests.faults.server import Server, found, serving, tokens_of
from tests.faults.watch import cpu_s, descriptors, settled_descriptors, until
from tests.inbox_store.small_city import RECEIVERS
from tests.realtime.raw_client import RawClient, masked

WAIT_S = 60
FILES = 160
DRAIN_S = 4.0
STOP_S = 10.0
"""The promise of fault 29."""


def few_files() -> None:
    """In the child, before it becomes the server: the hard limit too, or it would raise the soft one again."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


async def sound(server: Server) -> None:
    """Stop the server and judge the store by every invariant."""
    if server.alive:
        await asyncio.to_thread(server.stop)
    await asyncio.to_thread(check_invariants, server.folder, read(ledger_path(server.folder)))


async def upload(people: Office, key: str) -> None:
    """One attachment: the server opens a file for it."""
    headers = {"Authorization": f"Bearer {people.tokens['s0-a']}", "Idempotency-Key": key}
    url = f"{people.server.url}/api/v1/attachments?name=a.txt"
    told = {**headers, "Content-Type": "application/octet-stream"}
    async with people.session.post(url, headers=told, data="值班表".encode()) as answer:
        assert answer.status == 201, await answer.read()


def connected(port: int) -> socket.socket:
    """One connection that says nothing."""
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)


def closed(line: socket.socket) -> bool:
    """Whether the server has hung up."""
    line.setblocking(False)
    try:
        return line.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError as fault:
        return fault.errno == errno.ECONNRESET


async def test_more_connections_than_files_are_turned_away_and_the_store_works_on(tmp_path: Path) -> None:
    """Those inside are served, writes too; the rest is closed; no busy loop; and when they leave others come in."""
    folder = tmp_path / "data"
    await asyncio.to_thread(found, folder)
    with serving(folder, limits=few_files) as server:
        pid, base = server.pid, settled_descriptors(server.pid)
        async with asyncio.timeout(WAIT_S), office(server) as people:
            # From here on this connection stands: what follows is asked through it.
            await people.submit("before", RECEIVERS)
            lines = [connected(server.port) for _ in range(3 * FILES)]
            await until(lambda: sum(map(closed, lines)) > 2 * FILES, "nobody was turned away")
            assert descriptors(pid) <= FILES - 30  # the store and its files have room
            began, spent = time.monotonic(), cpu_s(pid)
            for number in range(20):
                await people.submit(f"meanwhile-{number}", RECEIVERS)
                await upload(people, f"file-{number:04d}")
            assert cpu_s(pid) - spent < 0.9 * (time.monotonic() - began)
            await still(pid)
            for line in lines:
                line.close()
            await until(lambda: descriptors(pid) <= base + 1, "those who left are still counted")
            assert await asyncio.to_thread(server.ready)
            async with RawClient(server.port) as raw:
                raw.send(masked(json.dumps({"type": "hello", "token": people.tokens["u1-a"]}).encode()))
                await raw.message()
        await sound(server)


async def still(pid: int) -> None:
    """A server at its limit that is asked nothing does nothing: a fifth of its time at most, over a second."""
    ends, spent = time.monotonic() + 1.0, cpu_s(pid)
    await until(lambda: time.monotonic() > ends, "time")
    assert cpu_s(pid) - spent < 0.2


async def test_at_the_very_end_of_the_files_nothing_spins_and_nothing_is_lost(tmp_path: Path) -> None:
    """A limit so small that accepting itself fails: connections are refused, requests under way are answered."""
    folder = tmp_path / "data"
    await asyncio.to_thread(found, folder)
    with serving(folder, limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))) as server:
        async with asyncio.timeout(WAIT_S), office(server) as people:
            await people.submit("before", RECEIVERS)
            lines = []
            with suppress(OSError):
                lines = [connected(server.port) for _ in range(100)]
            await people.submit("meanwhile", RECEIVERS)
            await still(server.pid)
            for line in lines:
                line.close()
            await until(server.ready, "it did not take connections again")
        await sound(server)


@asynccontextmanager
async def posting(people: Office, hands: int) -> AsyncIterator[Callable[[], int]]:
    """So many people hand in and sign without a pause; what ends them is the end of the server."""
    done = 0

    async def one(hand: int) -> None:
        nonlocal done
        dice = random.Random(hand)
        for number in range(10_000):
            told = await people.submit(f"{hand}-{number}", dice.sample(RECEIVERS, 2))
            await people.sent(told.dispatch_id)
            done += 1

    tasks = [asyncio.create_task(one(hand)) for hand in range(hands)]
    try:
        yield lambda: done
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, LOST) for one in results), results
    finally:
        for task in tasks:
            task.cancel()


async def test_a_stop_under_load_is_quick_and_loses_nothing(tmp_path: Path) -> None:
    """SIGTERM among posts and live clients: bye with spread hints, close 1012, status 0 in time, every answer kept."""
    folder = tmp_path / "data"
    tokens = await asyncio.to_thread(found, folder)
    members = [tokens[person] for person in ("u1-a", "u1-b", "u2-a", "u3-b", "u4-a", "u5-a")] * 8
    with serving(folder, environ={"SONGDA__SERVER__DRAIN_S": str(DRAIN_S)}) as server:
        async with asyncio.timeout(WAIT_S), office(server) as people, crowd(tmp_path, members) as many:
            await many.order("enter", server.port)
            async with posting(people, 8) as done, asyncio.timeout(WAIT_S):
                await until(lambda: done() >= 20, "no load")
                leaving = asyncio.create_task(many.order("gone"))
                took = await asyncio.to_thread(server.stop)
            await leaving
            seen = await many.seen()
        acked = len(list(facts(read(ledger_path(folder)), "submitted")))
        sys.stdout.write(f"\nstop under load: {took:.2f} s, {acked} documents acknowledged\n")
        assert took < STOP_S
        assert {one["code"] for one in seen} == {1012}
        hints = [one["hint_ms"] for one in seen]
        assert max(hints) - min(hints) > 1_000
        assert len(set(hints)) > len(hints) / 2
        await sound(server)


async def test_what_is_under_way_at_a_stop_is_finished_and_nothing_new_is_taken(tmp_path: Path) -> None:
    """A body that is half here at SIGTERM may come to its end and is answered; a new connection is refused."""
    folder = tmp_path / "data"
    await asyncio.to_thread(found, folder)
    with serving(folder, environ={"SONGDA__SERVER__DRAIN_S": str(DRAIN_S)}) as server:
        body = json.dumps(notice("half", RECEIVERS), ensure_ascii=False).encode()
        async with asyncio.timeout(WAIT_S), office(server) as people:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(head(people.tokens["s0-a"], len(body)) + body[:40])
            await people.submit("before", RECEIVERS)
            people.ledger.tell("tried", key="half", units=list(RECEIVERS))
            server.terminate()
            await until(lambda: refuses(server.port), "it still takes connections")
            writer.write(body[40:])
            answer = await reader.read()
            writer.transport.abort()
            assert answer.startswith(b"HTTP/1.1 201 "), answer
            told = json.loads(answer.partition(b"\r\n\r\n")[2])
            where = {"document_id": told["document_id"], "dispatch_id": told["dispatch_id"]}
            people.ledger.tell("submitted", key="half", units=list(RECEIVERS), **where)
            assert await asyncio.to_thread(server.wait) == 0
        await sound(server)


async def test_who_never_ends_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    """A body that drips, headers that stay half, a silent connection, a live client that reads nothing: cut in time."""
    folder = tmp_path / "data"
    await asyncio.to_thread(found, folder)
    with serving(folder, environ={"SONGDA__SERVER__DRAIN_S": "1"}) as server:
        async with asyncio.timeout(WAIT_S), RawClient(server.port, receive_bytes=4_096) as raw:
            token = tokens_of(folder)["u1-a"]
            raw.send(masked(json.dumps({"type": "hello", "token": token}).encode()))
            await raw.message()
            raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
            lines = [connected(server.port) for _ in range(3)]
            lines[0].sendall(head(token, 1_000) + b"{")
            lines[1].sendall(b"GET /healthz HTTP/1.1\r\nHost:")
            await asyncio.to_thread(server.ready)
            took = await asyncio.to_thread(server.stop)
            for line in lines:
                line.close()
        sys.stdout.write(f"\nstop with those who never end: {took:.2f} s of 1 s allowed\n")
        assert took < 4


def head(token: str, length: int) -> bytes:
    """The head of a document handed in by hand."""
    return (
        "POST /api/v1/dispatches HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: key-half-0001\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def refuses(port: int) -> bool:
    """Whether nobody listens any more."""
    try:
        connected(port).close()
    except ConnectionRefusedError:
        return True
    return False
