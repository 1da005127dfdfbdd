"""What a live server must survive (faults 21-24): slow, silent and hostile clients, and a store that fails."""

from __future__ import annotations

import asyncio
import zlib

import pytest

from inbox_store.engine import Nudge
from realtime.client import LiveClient
from realtime.frames import Changes, Pong, Welcome
from realtime.limits import LiveLimits
from realtime.positions import Mark, MemoryPositions
from realtime.rules import SessionRules
from tests.realtime.conftest import WAIT_S, Place, Serve
from tests.realtime.memory_house import MemoryHouse
from tests.realtime.raw_client import RawClient, masked

ME, OTHER = 7, 8
SMALL = LiveLimits(freeze_every=0, queue_max_bytes=8_192, kernel_queue_bytes=4_096, close_timeout_s=0.2)


async def hello(
    raw: RawClient, house: MemoryHouse, person_id: int = ME, position: int | None = None
) -> Welcome:
    """Say hello and be welcomed."""
    resume = "" if position is None else f',"position":{position},"epoch":"{house.history}"'
    raw.say(f'{{"type":"hello","ticket":"{house.ticket(person_id)}"{resume}}}')
    welcome = await raw.message()
    assert isinstance(welcome, Welcome)
    return welcome


async def documents(client: LiveClient, count: int) -> list[tuple[int, str]]:
    """The next items, as document and state."""
    async with asyncio.timeout(WAIT_S):
        items = [await anext(client) for _ in range(count)]
        await client.done()
    return [(item.document_id, item.state) for item in items]


async def arrive_until_cut(place: Place, persons: tuple[int, ...]) -> None:
    """Documents for all until the server has cut one of them off."""
    async with asyncio.timeout(WAIT_S):
        while place.server.persons_online == len(persons):
            place.house.arrive(place.house.commit_no + 1, *persons)
            await asyncio.sleep(0)


async def test_a_slow_reader_is_cut_and_loses_nothing(serve: Serve, house: MemoryHouse) -> None:
    """It stops reading; the server stops at its byte limit, others go on, and the reader resumes to the last item."""
    place = await serve(SMALL)
    async with place.client(OTHER) as other:
        await other.connect()
        async with RawClient(place.port, receive_bytes=4_096) as raw:
            start = await hello(raw, house)
            raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await arrive_until_cut(place, (ME, OTHER))
        positions = MemoryPositions(Mark(epoch=house.history, position=start.position, acked=start.position))
        async with place.client(ME, positions=positions) as client:
            assert house.expected(ME) == await documents(client, house.commit_no)
        assert house.expected(OTHER) == await documents(other, house.commit_no)


async def test_a_slow_reader_that_reads_again_finds_out_why(serve: Serve, house: MemoryHouse) -> None:
    """Close code 1013 stands behind what it had not read."""
    place = await serve(
        LiveLimits(freeze_every=0, queue_max_bytes=8_192, kernel_queue_bytes=4_096, close_timeout_s=5)
    )
    async with RawClient(place.port, receive_bytes=4_096) as raw, asyncio.timeout(WAIT_S):
        await hello(raw, house)
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
        while place.server.persons_online:
            house.arrive(house.commit_no + 1, ME)
            await asyncio.sleep(0)
        raw.writer.transport.resume_reading()  # type: ignore[attr-defined]

        assert 1013 == await raw.closed()


async def test_a_frame_larger_than_the_limit_passes_an_empty_queue(serve: Serve, house: MemoryHouse) -> None:
    """One commit is never split: its frame may be large, and the limit is for what waits, not for one frame."""
    place = await serve(SMALL)
    async with place.client(
        ME, positions=MemoryPositions(Mark(epoch=house.history, position=0, acked=0))
    ) as client:
        for send_no in range(1, 400):
            house.arrive(send_no, ME)
        house.commit(changes=[(ME, send_no, "done") for send_no in range(1, 400)])

        assert house.expected(ME) == await documents(client, 798)


async def test_a_catch_up_waits_for_a_reader_that_takes_its_time(serve: Serve, house: MemoryHouse) -> None:
    """Pages are read as the socket takes them: a long history is no reason to be cut."""
    place = await serve(LiveLimits(freeze_every=0, kernel_queue_bytes=4_096, queue_max_bytes=150_000))
    for send_no in range(1, 2_001):
        house.arrive(send_no, ME)
    async with RawClient(place.port, receive_bytes=4_096) as raw, asyncio.timeout(WAIT_S):
        await hello(raw, house, position=0)
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
        before = -1
        while before != house.reads:
            before = house.reads
            for _ in range(20):
                await asyncio.sleep(0)
        assert house.reads < 10
        raw.writer.transport.resume_reading()  # type: ignore[attr-defined]
        seen = 0
        while seen < 2_000:
            changes = await raw.message()
            assert isinstance(changes, Changes)
            seen += len(changes.items)


async def test_a_reader_that_never_takes_its_catch_up_is_cut(serve: Serve, house: MemoryHouse) -> None:
    """The wait for the socket has an end."""
    place = await serve(
        LiveLimits(freeze_every=0, kernel_queue_bytes=4_096, slow_timeout_s=0.01, close_timeout_s=0.05)
    )
    for send_no in range(1, 2_001):
        house.arrive(send_no, ME)
    async with RawClient(place.port, receive_bytes=4_096) as raw:
        await hello(raw, house, position=0)
        raw.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await place.until(lambda: place.server.sessions_open == 0)


deflate = zlib.compressobj(wbits=-15)
BOMB = deflate.compress(b"0" * 1_000_000) + deflate.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (masked(b"x" * 5_000), 1009),
        (masked(b"x" * 70_000), 1009),
        (b"\x81\xff" + (2**40).to_bytes(8, "big") + bytes(4), 1009),
        (masked(b'{"type":"ack","note":"', 0x01) + masked(b"x" * 4_090, 0x80), 1009),
        (masked(b"\xff\xfe\xfd"), 1007),
        (masked(b"{"), 1007),
        (masked(b'{"type":"hello","x":' + b"[" * 4_000), 1007),
        (masked(b"{}"), 1008),
        (masked(b'{"type":"ack","position":1}'), 1008),
        (masked(b"binary", 0x82), 1003),
        (masked(BOMB[:4_000], 0xC1), 1002),
        (masked(b"", 0x83), 1002),
        (masked(b"", 0x80), 1002),
        (masked(b"x" * 126, 0x89), 1002),
        (masked(b"", 0x89) * 30, 4429),
        (masked(b'{"type":"ping"}') * 30, 4429),
    ],
)
async def test_hostile_bytes_end_their_own_session_only(
    serve: Serve, house: MemoryHouse, data: bytes, code: int
) -> None:
    """Each has its close code, and whoever else is connected notices nothing."""
    place = await serve()
    async with place.client(OTHER) as other, RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        await other.connect()
        raw.send(data)
        assert code == await raw.closed()
        house.arrive(1, OTHER)

        assert [(1, "to_do")] == await documents(other, 1)


async def test_bytes_may_come_one_by_one(serve: Serve, house: MemoryHouse) -> None:
    """Slicing changes nothing, fragments neither."""
    place = await serve()
    async with RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        text = f'{{"type":"hello","ticket":"{house.ticket(ME)}"}}'.encode()
        for one in masked(text[:20], 0x01) + masked(b"", 0x89) + masked(text[20:], 0x80):
            raw.send(bytes((one,)))
            await raw.writer.drain()

        assert isinstance(await raw.message(), Welcome)
        raw.say('{"type":"ping"}')
        assert isinstance(await raw.message(), Pong)


async def test_whoever_says_nothing_is_closed(serve: Serve) -> None:
    """A socket without a hello is not kept."""
    place = await serve(LiveLimits(freeze_every=0, sweep_s=0.005, session=SessionRules(hello_timeout_s=0.01)))
    async with RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        assert 4408 == await raw.closed()


async def test_a_dead_line_is_noticed_by_its_silence(serve: Serve, house: MemoryHouse) -> None:
    """It is pinged, and closed when nothing comes back: the other end may be gone without a word."""
    rules = SessionRules(heartbeat_s=0.02, silence_max_s=0.05)
    place = await serve(LiveLimits(freeze_every=0, sweep_s=0.005, close_timeout_s=0.05, session=rules))
    async with RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        await hello(raw, house)

        assert (9, b"") == await raw.frame()
        assert 4408 == await raw.closed()
        await place.until(lambda: place.server.sessions_open == 0)


async def test_a_line_that_vanishes_leaves_nothing_behind(serve: Serve, house: MemoryHouse) -> None:
    """Before the hello, after it, and in the middle of a frame."""
    place = await serve()
    async with RawClient(place.port):
        pass
    async with RawClient(place.port) as raw:
        await hello(raw, house)
    async with RawClient(place.port) as raw:
        raw.send(b"\x81")
    await place.until(lambda: place.server.sessions_open == 0)

    assert 0 == place.server.persons_online


async def test_more_nudges_than_fit_are_read_instead(serve: Serve, house: MemoryHouse) -> None:
    """The queue is bounded; what is dropped from it comes by a catch-up, to everybody, once."""
    place = await serve(LiveLimits(freeze_every=0, nudges_max=10))
    async with place.client(ME) as one, place.client(OTHER) as two:
        await asyncio.gather(one.connect(), two.connect())
        for send_no in range(1, 101):
            house.arrive(send_no, ME, *([OTHER] if send_no % 3 else []))

        assert house.expected(ME) == await documents(one, 100)
        assert house.expected(OTHER) == await documents(two, 67)


async def test_nudges_out_of_order_cost_a_reading_and_nothing_else(serve: Serve, house: MemoryHouse) -> None:
    """A relay that mixes up the order is no reason to lose or repeat anything."""
    place = await serve()
    async with place.client(ME) as client:
        await client.connect()
        house.listeners.remove(place.server.publish)
        for send_no in range(1, 6):
            house.arrive(send_no, ME)
        for commit_no in (1, 3, 2, 5, 4):
            place.server.publish(Nudge(commit_no, arrivals=(commit_no,)))
        house.listeners.append(place.server.publish)
        house.arrive(6, ME)

        assert house.expected(ME) == await documents(client, 6)


async def test_what_another_process_committed_is_read(serve: Serve, house: MemoryHouse) -> None:
    """A tool beside the server has nobody to tell; the next nudge says so, and everybody reads."""
    place = await serve()
    async with place.client(ME) as client:
        await client.connect()
        house.listeners.remove(place.server.publish)
        house.arrive(1, ME)
        house.arrive(2, ME)
        place.server.publish(Nudge(2, arrivals=(2,), foreign=True))
        house.listeners.append(place.server.publish)
        house.arrive(3, ME)

        assert house.expected(ME) == await documents(client, 3)


async def test_a_store_that_fails_for_a_moment_is_read_again(serve: Serve, house: MemoryHouse) -> None:
    """Nudges that cannot be read become catch-ups, and those are tried again before anybody is sent away."""
    place = await serve()
    async with place.client(ME) as client:
        await client.connect()
        house.broken = 2
        house.arrive(1, ME)
        house.arrive(2, ME)

        assert house.expected(ME) == await documents(client, 2)
        assert 0 == house.broken


async def test_a_stalled_store_stalls_nobody_elses_heartbeat(serve: Serve, house: MemoryHouse) -> None:
    """While nothing can be read, pings are answered and new sessions are welcomed."""
    place = await serve()
    async with RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        await hello(raw, house)
        house.readable.clear()
        house.arrive(1, ME)
        raw.say('{"type":"ping"}')

        assert isinstance(await raw.message(), Pong)
        async with RawClient(place.port) as fresh:
            assert 1 == (await hello(fresh, house, OTHER)).position
        house.readable.set()
        assert isinstance(await raw.message(), Changes)


async def test_many_clients_come_and_go_and_miss_nothing(serve: Serve, house: MemoryHouse) -> None:
    """A storm: twenty persons break and resume all the time while documents come in; each sees theirs once, in order."""
    place = await serve(LiveLimits(freeze_every=0, session=SessionRules(page_items=7, kept_max=3)))
    persons = range(1, 21)
    positions = {
        person: MemoryPositions(Mark(epoch=house.history, position=0, acked=0)) for person in persons
    }
    seen: dict[int, list[tuple[int, str]]] = {person: [] for person in persons}
    total = 120

    async def live(person: int) -> None:
        share = sum(1 for send_no in range(1, total + 1) if send_no % person % 3 != 1)
        while len(seen[person]) < share:
            async with place.client(person, positions=positions[person]) as client:
                for _ in range(3):
                    changes = await client.take()
                    seen[person] += [(item.document_id, item.state) for item in changes.items]
                    await client.done()
                    if len(seen[person]) >= share:
                        break

    async def city() -> None:
        for send_no in range(1, total + 1):
            house.arrive(send_no, *(person for person in persons if send_no % person % 3 != 1))
            if send_no % 4 == 0:
                await asyncio.sleep(0)

    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        for person in persons:
            group.create_task(live(person))
        group.create_task(city())

    assert {person: house.expected(person) for person in persons} == seen
