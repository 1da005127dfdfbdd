"""Crowds at the live door of a real server: readers that stall (fault 22), everybody back after a kill (fault 23)."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE
from inbox_store.orgrows import OrgRows
from realtime.frames import Changes, Welcome, parse_server
from tests.faults.callers import Office, ledger_path, notice, office
from tests.faults.invariants import check_invariants
from tests.faults.ledger import Ledger, read
from tests.faults.live_crowd import crowd
from tests.faults.proxy import Proxy
from tests.faults.server import Server, found, serving
from tests.faults.watch import descriptors, resident_bytes, settled_descriptors, until
from tests.faults.wide_city import addressed, more_units, wide_city
from tests.inbox_store.small_city import RECEIVERS, ROWS
from tests.realtime.raw_client import UPGRADE, RawClient, masked

DEVICES = 8
WAIT_S = 60
QUEUE_BYTES = 16_384
"""Small, so that few documents fill it; and enough for whoever reads, however late the kernel acknowledges."""

SMALL_QUEUE = {"SONGDA__LIVE__QUEUE_MAX_BYTES": str(QUEUE_BYTES)}
PADDING = "-" + "x" * 100
LONG_TITLE = "汛" * 180
CALM_S = 2.0
"""What the API's p99 may be at worst on two busy cores; what it was is printed."""

MIB = 2**20


async def send(people: Office, units: list[str], first: int, count: int, padding: str = PADDING) -> None:
    """Hand in so many documents to these units, sixteen at a time, each written down when it was acknowledged."""
    turns = asyncio.Semaphore(16)

    async def one(number: int) -> None:
        async with turns:
            body = notice(f"{number}{padding}", units)
            await people.hand_in(f"{number}{PADDING}", units, body)

    await asyncio.gather(*(one(number) for number in range(first, first + count)))


def documents_of(folder: Path, person: str, after: int = 0) -> list[int]:
    """The documents that arrived with a person, in the order of their commits."""
    query = (
        "select p.document_id from dispatch p join (select send_no, person_id, commit_no from inbox union all"
        " select send_no, person_id, commit_no from inbox_hot) e on e.send_no = p.send_no"
        " join person x on x.id = e.person_id where x.code = ? and e.commit_no > ? order by e.commit_no, e.send_no"
    )
    with closing(sqlite3.connect(folder / FILE)) as conn:
        return [row[0] for row in conn.execute(query, (person, after))]


def report(line: str) -> None:
    """A figure for whoever reads with -s; captured otherwise."""
    sys.stdout.write(line + "\n")


class Asking:
    """Somebody who reads an inbox again and again, and how long each answer took (seconds)."""

    def __init__(self, people: Office) -> None:
        self._people = people
        self.took: list[float] = []

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            began = time.monotonic()
            await self._people.done("u1-a", "GET", "inbox/entries?limit=20")
            self.took.append(time.monotonic() - began)
            await asyncio.sleep(0.005)

    @property
    def p99_s(self) -> float:
        """The time within which 99 of 100 were answered."""
        return statistics.quantiles(self.took, n=100)[98] if len(self.took) > 1 else 0.0


@asynccontextmanager
async def asking(people: Office) -> AsyncIterator[Asking]:
    """For the time of the block."""
    one = Asking(people)
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def hello(token: str, start: Welcome | None = None, position: int = 0) -> bytes:
    """The first word; with ``start`` one that resumes from ``position``."""
    resume = f',"position":{position},"epoch":"{start.epoch}"' if start else ""
    return masked(f'{{"type":"hello","token":"{token}"{resume}}}'.encode())


class Listener:
    """One device on a raw socket: what it took, up to which position, and how it ended."""

    def __init__(self, raw: RawClient) -> None:
        self.raw = raw
        self.start: Welcome | None = None
        self.position = 0
        self.documents: list[int] = []

    async def enter(self, token: str, before: Listener | None = None) -> None:
        """Be welcomed, resuming where another connection of the same device ended."""
        start, position = (before.start, before.position) if before else (None, 0)
        self.raw.send(hello(token, start, position))
        told = await self.raw.message()
        assert isinstance(told, Welcome)
        assert told.resumed is (before is not None)
        self.start, self.position = told, told.position

    async def take(self, count: int) -> None:
        """Read until so many documents have come."""
        while len(self.documents) < count:
            await self._one()

    async def take_to_the_end(self) -> None:
        """Read until the connection ends, with a close or without one."""
        try:
            while True:
                await self._one()
        except (asyncio.IncompleteReadError, ConnectionError, EOFError):
            return

    async def _one(self) -> None:
        opcode, payload = await self.raw.frame()
        if opcode == 8:
            raise EOFError(int.from_bytes(payload[:2], "big"))
        told = parse_server(payload) if opcode == 1 else None
        if isinstance(told, Changes):
            self.documents += [item.document_id for item in told.items if item.kind == "arrived"]
            self.position = told.position


def stop_reading(raw: RawClient) -> None:
    """The client hangs: what comes stays in the kernel, and then on the way."""
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's transport can


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Server, dict[str, str]]]:
    """A server with a small send queue, and everybody's token."""
    folder = tmp_path / "data"
    tokens = found(folder)
    with serving(folder, environ={**SMALL_QUEUE, "SONGDA__LOG__LEVEL": "info"}) as server:
        yield server, tokens


async def sound(server: Server, city: OrgRows = ROWS) -> None:
    """Stop the server and judge the store by every invariant."""
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(check_invariants, server.folder, read(ledger_path(server.folder)), city)


async def test_a_stalled_reader_and_a_slow_line_lose_nothing_and_cost_nobody(
    place: tuple[Server, dict[str, str]],
) -> None:
    """Both are cut at the limit of their queue with 1013, the others get everything at once, and both catch up."""
    server, tokens = place
    count = 400
    async with (
        office(server) as people,
        Proxy(server.port, buffer_bytes=4_096) as line,
        RawClient(server.port, receive_bytes=4_096) as hanging,
        RawClient(line.port, receive_bytes=4_096) as slow,
        RawClient(server.port) as quick,
        asyncio.timeout(WAIT_S),
    ):
        stalled, crawling, awake = Listener(hanging), Listener(slow), Listener(quick)
        await stalled.enter(tokens["u1-a"])
        await crawling.enter(tokens["u1-b"])
        await awake.enter(tokens["u2-a"])
        stop_reading(hanging)
        line.down.rate_bytes_s = 1_000
        memory = resident_bytes(server.pid)
        reading = asyncio.create_task(awake.take(count))
        crawl = asyncio.create_task(crawling.take_to_the_end())
        async with asking(people) as asked:
            await send(people, list(RECEIVERS), 0, count)
            await reading
        grown = resident_bytes(server.pid) - memory
        line.heal()
        await crawl
        report(f"\n2 slow readers: API p99 {asked.p99_s * 1000:.1f} ms, memory {grown / MIB:+.1f} MiB")
        assert asked.p99_s < CALM_S
        assert grown < 32 * MIB
        assert awake.documents == documents_of(server.folder, "u2-a")
        await caught_up(server, tokens["u1-b"], "u1-b", crawling)
        hanging.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await stalled.take_to_the_end()
        await caught_up(server, tokens["u1-a"], "u1-a", stalled)
    await sound(server)


async def caught_up(server: Server, token: str, person: str, before: Listener) -> None:
    """Cut before the end, and what is missing comes on the next connection: all of it, once, in order."""
    everything = documents_of(server.folder, person)
    assert before.documents == everything[: len(before.documents)]
    assert len(before.documents) < len(everything)
    async with RawClient(server.port) as raw:
        after = Listener(raw)
        await after.enter(token, before)
        await after.take(len(everything) - len(before.documents))
    assert before.documents + after.documents == everything


async def test_a_reader_cut_for_slowness_is_told_1013(place: tuple[Server, dict[str, str]]) -> None:
    """The close stands behind what it had not read, and is read if the reader wakes within the closing handshake."""
    server, tokens = place
    async with office(server) as people, RawClient(server.port, receive_bytes=4_096) as raw:
        listener = Listener(raw)
        async with asyncio.timeout(WAIT_S):
            await listener.enter(tokens["u1-a"])
            stop_reading(raw)
            sending = asyncio.create_task(send(people, list(RECEIVERS), 0, 200, LONG_TITLE))
            await until(lambda: "reason=too_slow" in server.said(), "nobody was cut")
            raw.writer.transport.resume_reading()  # type: ignore[attr-defined]
            assert await raw.closed() == 1013
            await sending


async def test_a_stalled_catch_up_that_breaks_ends_only_itself(place: tuple[Server, dict[str, str]]) -> None:
    """RST while the server waits for the socket to take the next page: everybody else is served as before."""
    server, tokens = place
    async with office(server) as people, RawClient(server.port) as raw, asyncio.timeout(WAIT_S):
        other = Listener(raw)
        await other.enter(tokens["u2-a"])
        assert other.start is not None
        reading = asyncio.create_task(other.take(230))
        await send(people, list(RECEIVERS), 0, 230, LONG_TITLE)
        await reading
        base = settled_descriptors(server.pid)
        async with Proxy(server.port, buffer_bytes=4_096) as line, RawClient(line.port) as stalled:
            line.down.rate_bytes_s = 20_000
            stalled.send(hello(tokens["u1-a"], other.start, 0))
            await stalled.message()
            await until(lambda: line.carried_down > 3_000, "the catch-up did not come")
            line.down.reset_after_bytes = 0
            await until(lambda: descriptors(server.pid) <= base, "the broken line was not noticed")
        await send(people, list(RECEIVERS), 230, 1)
        await other.take(231)
        assert other.documents == documents_of(server.folder, "u2-a")


async def stalled_readers(folder: Path, units: int, documents: int) -> None:
    """Everybody is online with eight devices and stalls; one reader more does not, and neither does the API."""
    city = wide_city(units)
    tokens = await asyncio.to_thread(found, folder, city)
    persons = addressed(city)
    codes = [*RECEIVERS, *more_units(units)]
    with serving(folder, environ=SMALL_QUEUE) as server:
        base = settled_descriptors(server.pid)
        async with (
            office(server) as people,
            crowd(folder.parent, [tokens[person] for person in persons[1:]] * DEVICES) as many,
            RawClient(server.port) as raw,
            asyncio.timeout(WAIT_S * 3),
        ):
            awake = Listener(raw)
            await awake.enter(tokens[persons[0]])
            await many.order("enter", server.port)
            await many.order("stall")
            memory = resident_bytes(server.pid)
            reading = asyncio.create_task(awake.take(documents))
            async with asking(people) as asked:
                await send(people, codes, 0, documents)
                await reading
            await until(lambda: descriptors(server.pid) < base + 100, "the stalled were not cut")
            grown = resident_bytes(server.pid) - memory
            sessions = (len(persons) - 1) * DEVICES
            report(
                f"\n{sessions} stalled readers: API p99 {asked.p99_s * 1000:.1f} ms of {len(asked.took)},"
                f" memory {grown / MIB:+.1f} MiB"
            )
            assert asked.p99_s < CALM_S
            assert grown < sessions * (QUEUE_BYTES + 16_384) + 64 * MIB
            assert awake.documents == documents_of(folder, persons[0])
            await many.order("read")
            await many.order("gone")
            told = await many.order("enter", server.port)
            assert told["resumed"] == sessions
            await many.order("until", documents)
            everything = documents_of(folder, persons[1])
            assert all(one["documents"] == everything for one in await many.seen())
        await sound(server, city)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_two_thousand_stalled_readers(tmp_path: Path) -> None:
    """Each is cut at its limit and catches up; memory stays within the limits, others are served meanwhile."""
    await stalled_readers(tmp_path / "data", units=84, documents=400)


async def storm(folder: Path, units: int, environ: dict[str, str], within_s: float) -> None:
    """Everybody online, kill -9 while documents go out, start, everybody back at once."""
    city = wide_city(units)
    tokens = await asyncio.to_thread(found, folder, city)
    persons = addressed(city)
    codes = [*RECEIVERS, *more_units(units)]
    members = [tokens[person] for person in persons] * DEVICES
    async with asyncio.timeout(WAIT_S * 3), crowd(folder.parent, members) as many:
        ledger = Ledger(ledger_path(folder))
        with serving(folder, environ=environ) as server:
            async with office(server, ledger) as people:
                told = await many.order("enter", server.port)
                sending = asyncio.create_task(send(people, codes, 0, 40))
                await many.order("until", 5)
                server.kill()
                server.wait()
                await asyncio.gather(sending, return_exceptions=True)
            await many.order("gone")
            port = server.port
        with serving(folder, port=port, environ=environ) as server:
            async with office(server, ledger) as people:
                await send(people, codes, 0, 40)  # the same keys: what was acknowledged is not sent twice
                async with asking(people) as asked:
                    told = await many.order("enter", server.port)
                    await many.order("until", 40)
            report(
                f"\n{len(members)} back in {told['seconds']:.2f} s, {told['refused']} times refused and told when to come"
                f" again; API p99 {asked.p99_s * 1000:.1f} ms of {len(asked.took)}"
            )
            assert told["resumed"] == len(members)
            assert told["seconds"] < within_s
            assert asked.p99_s < CALM_S
            seen = await many.seen()
            expected = {person: documents_of(folder, person) for person in persons}
            assert [one["documents"] for one in seen] == [expected[person] for person in persons] * DEVICES
            assert set(Counter(expected[persons[0]]).values()) == {1}
            await sound(server, city)


async def test_hundreds_come_back_after_a_kill_and_miss_nothing(tmp_path: Path) -> None:
    """At once, resumed, each with every document once and in order; the API answers meanwhile."""
    await storm(tmp_path / "data", 9, {}, 10)


async def test_more_than_there_is_room_for_are_told_when_to_come_again(tmp_path: Path) -> None:
    """503 with Retry-After above the limit; those inside are served, and who leaves makes room."""
    folder = tmp_path / "data"
    tokens = await asyncio.to_thread(found, folder)
    with serving(folder, environ={"SONGDA__LIVE__SESSIONS_MAX": "3"}) as server:
        async with asyncio.timeout(WAIT_S), AsyncExitStack() as stack:
            inside = [await stack.enter_async_context(RawClient(server.port)) for _ in range(3)]
            assert (await upgrade(server)).startswith(b"HTTP/1.1 503 ")
            assert b"\r\nRetry-After: 5\r\n" in await upgrade(server)
            await Listener(inside[0]).enter(tokens["u1-a"])
            inside[1].writer.transport.abort()
            while not (await upgrade(server)).startswith(b"HTTP/1.1 101 "):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def upgrade(server: Server) -> bytes:
    """The head of the answer to one more who wants to come in."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(UPGRADE.format(path="/api/v1/live").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    return head


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_seven_thousand_come_back_after_a_kill(tmp_path: Path) -> None:
    """The whole city at once."""
    await storm(tmp_path / "data", 288, {}, 30)
