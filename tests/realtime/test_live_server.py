"""The live server over real sockets: resume, several devices, tickets, counts, drain."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
import uvloop

from realtime.client import ClientOptions, Credential, LiveClient, LiveRefusedError
from realtime.limits import LiveLimits
from realtime.positions import MemoryPositions
from realtime.rules import SessionRules
from realtime.server import LIVE_PATH
from tests.realtime.conftest import WAIT_S, Place, Serve, at_once, serving
from tests.realtime.memory_house import MemoryHouse
from tests.realtime.raw_client import RawClient

ME, OTHER = 7, 8


async def taken(client: LiveClient, count: int) -> list[tuple[int, str]]:
    """The next items of a client, as document and state."""
    async with asyncio.timeout(WAIT_S):
        items = [await anext(client) for _ in range(count)]
        await client.done()
    return [(item.document_id, item.state) for item in items]


async def test_what_arrives_is_told_at_once_and_acked(serve: Serve, house: MemoryHouse) -> None:
    """Both arrivals and state changes come in commit order; the ack is written down for the device."""
    place = await serve()
    async with place.client(ME, device="手机") as client:
        await client.connect()
        house.arrive(1, ME, OTHER)
        house.arrive(2, OTHER)
        house.change(ME, 1, "done")

        assert house.expected(ME) == await taken(client, 2)
        await place.until(lambda: house.acked_to(ME, "手机") == 3)
    assert all(one.person_id == ME for one in house.written)


async def test_a_client_resumes_without_gap_or_repetition(serve: Serve, house: MemoryHouse) -> None:
    """What happened while it was away comes first, over several pages, then what happens now."""
    place = await serve(LiveLimits(freeze_every=0, session=SessionRules(page_items=5)))
    positions = MemoryPositions()
    async with place.client(ME, positions=positions) as client:
        await client.connect()
        house.arrive(1, ME)
        assert [(1, "to_do")] == await taken(client, 1)
    for send_no in range(2, 25):
        house.arrive(send_no, ME, OTHER)
    async with place.client(ME, positions=positions) as client:
        await client.connect()
        house.arrive(25, ME)

        assert house.expected(ME, after=1) == await taken(client, 24)
        assert 0 == client.restarts


async def test_what_happens_while_the_page_is_read_follows_it(serve: Serve, house: MemoryHouse) -> None:
    """Nudges that come during the catch-up are neither lost nor told twice."""
    place = await serve()
    positions = MemoryPositions()
    async with place.client(ME, positions=positions) as client:
        await client.connect()
    house.arrive(1, ME)
    house.readable.clear()
    async with place.client(ME, positions=positions) as client:
        await client.connect()
        before = house.reads
        house.arrive(2, ME)
        house.arrive(3, ME)
        await place.until(lambda: house.reads > before)
        house.readable.set()
        house.arrive(4, ME)

        assert house.expected(ME) == await taken(client, 4)


async def test_all_devices_of_a_person_are_in_step(serve: Serve, house: MemoryHouse) -> None:
    """Each gets everything in the same order and acks for itself; the person counts once."""
    place = await serve()
    async with place.client(ME, "手机") as phone, place.client(ME, "电脑") as desk:
        await asyncio.gather(phone.connect(), desk.connect())
        assert (1, 2) == (place.server.persons_online, place.server.sessions_open)
        for send_no in range(1, 20):
            house.arrive(send_no, ME)

        assert house.expected(ME) == await taken(phone, 19) == await taken(desk, 19)
        await place.until(lambda: house.acked_to(ME, "手机") == house.acked_to(ME, "电脑") == 19)


async def test_of_too_many_devices_the_oldest_gives_way(serve: Serve, house: MemoryHouse) -> None:
    """It is told so, and does not come back to push out another."""
    place = await serve(LiveLimits(freeze_every=0, devices_max=1))
    async with place.client(ME, "旧") as old, place.client(ME, "新") as new:
        await old.connect()
        await new.connect()
        async with asyncio.timeout(WAIT_S):
            with pytest.raises(LiveRefusedError, match="让出"):
                await old.take()
        house.arrive(1, ME)

        assert [(1, "to_do")] == await taken(new, 1)


async def test_a_ticket_opens_one_session(serve: Serve, house: MemoryHouse) -> None:
    """Shown again it is refused, and a client with nothing else gives up."""
    place = await serve()
    ticket = house.ticket(ME)

    async def same_ticket() -> Credential:
        return Credential(ticket=ticket)

    async with LiveClient(place.url, same_ticket) as first:
        await first.connect()
        async with LiveClient(place.url, same_ticket, options=ClientOptions(pause=at_once)) as second:
            async with asyncio.timeout(WAIT_S):
                with pytest.raises(LiveRefusedError, match="重新登录"):
                    await second.connect()
        assert 1 == place.server.persons_online


async def test_an_expired_login_opens_nothing(serve: Serve, house: MemoryHouse) -> None:
    """A ticket may outlive the log-in behind it by a moment; that moment is not given."""
    place = await serve()
    async with RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        raw.say(f'{{"type":"hello","ticket":"{house.ticket(ME, lasts_to=1)}"}}')

        assert 4401 == await raw.closed()


async def test_a_revoked_login_is_cut_off(serve: Serve, house: MemoryHouse) -> None:
    """A standing session's log-in is asked about again and again."""
    place = await serve(LiveLimits(freeze_every=0, sweep_s=0.005, session=SessionRules(recheck_s=0.01)))
    async with RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        raw.say(f'{{"type":"hello","ticket":"{house.ticket(ME)}"}}')
        await raw.message()
        house.revoked.add(f"login-{ME}")

        assert 4401 == await raw.closed()


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_foreign_page_is_turned_away_before_the_upgrade(serve: Serve, origin: str) -> None:
    """403 with a problem document; the listed origin and programs without one come in."""
    place = await serve(origins=("https://oa.example",))
    url = f"http://127.0.0.1:{place.port}{LIVE_PATH}"
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(url, origin=origin)
        async with http.ws_connect(url, origin="https://oa.example") as socket:
            assert not socket.closed
        async with http.ws_connect(url) as socket:
            assert not socket.closed

    assert 403 == caught.value.status


async def test_a_full_house_says_when_to_come_again(serve: Serve) -> None:
    """503 with Retry-After and a problem document in Chinese and English."""
    place = await serve(LiveLimits(freeze_every=0, sessions_max=1, retry_after_s=9))
    url = f"http://127.0.0.1:{place.port}{LIVE_PATH}"
    async with RawClient(place.port), aiohttp.ClientSession() as http, http.get(url) as answer:
        problem = await answer.json()

    assert (503, "9") == (answer.status, answer.headers["Retry-After"])
    assert "application/problem+json" == answer.content_type
    assert problem["status"] == 503
    assert problem["title"]
    assert problem["title_en"]


async def test_folder_counts_follow_the_changes(serve: Serve, house: MemoryHouse) -> None:
    """A change of state brings the new counts; one frame for many changes."""
    place = await serve(LiveLimits(freeze_every=0, counts_linger_s=0.001))
    for send_no in range(1, 4):
        house.arrive(send_no, ME)
    async with place.client(ME) as client:
        await client.connect()
        house.commit(changes=[(ME, 1, "done"), (ME, 2, "done")])
        assert [(1, "done"), (2, "done")] == await taken(client, 2)
        await place.until(lambda: house.acked_to(ME) == 4)
        house.arrive(4, ME)
        await taken(client, 1)
        house.change(ME, 4, "done")
        await taken(client, 1)
        while client.counts is None or client.counts.position < 6:
            house.arrive(house.commit_no + 1, ME)
            await taken(client, 1)

    total, pending = client.counts.folders["from_above"]
    assert 3 == total - pending


async def test_counts_come_when_asked_for(serve: Serve, house: MemoryHouse) -> None:
    """A page that has just been opened asks once."""
    place = await serve(LiveLimits(freeze_every=0, counts_linger_s=0))
    house.arrive(1, ME, folder="brief", state="to_read")
    async with RawClient(place.port) as raw, asyncio.timeout(WAIT_S):
        raw.say(f'{{"type":"hello","token":"person-{ME}"}}')
        await raw.message()
        raw.say('{"type":"counts"}')

        assert {"brief": (1, 1)} == (await raw.message()).folders  # type: ignore[union-attr]


async def test_drain_says_when_to_come_back_and_loses_no_ack(house: MemoryHouse) -> None:
    """Every client hears a moment of its own; the acks under way are durable when the server is down."""
    async with serving(house) as place:
        async with RawClient(place.port) as raw, place.client(ME) as client, asyncio.timeout(WAIT_S):
            raw.say(f'{{"type":"hello","ticket":"{house.ticket(OTHER)}"}}')
            await raw.message()
            await client.connect()
            house.arrive(1, ME)
            await taken(client, 1)
            draining = asyncio.create_task(place.server.drain(chance=lambda: 0.5))
            bye = await raw.message()
            assert ("restart", 2_500) == (bye.reason, bye.reconnect_ms)  # type: ignore[union-attr]
            assert 1012 == await raw.closed()
            raw.send(b"\x88\x82\x00\x00\x00\x00\x03\xf4")
            await draining
            assert 1 == house.acked_to(ME)
            assert 0 == place.server.sessions_open
        async with aiohttp.ClientSession() as http, http.get(place.url.replace("ws", "http", 1)) as answer:
            assert 503 == answer.status


async def test_a_client_waits_as_long_as_the_bye_says_and_finds_the_next_server(house: MemoryHouse) -> None:
    """A restart is no loss: what happened meanwhile comes from the store."""
    pauses: list[float] = []
    back = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await back.wait()

    async def credential() -> Credential:
        return Credential(ticket=house.ticket(ME))

    async with serving(house) as first:
        client = LiveClient(first.url, credential, options=ClientOptions(pause=pause))
        await client.connect()
        house.arrive(1, ME)
        await taken(client, 1)
        port = first.port
        waits = asyncio.create_task(taken(client, 2))
        await first.server.drain(chance=lambda: 0.4)
    house.arrive(2, ME)
    async with serving(house, port=port):
        back.set()
        house.arrive(3, ME)
        assert [(2, "to_do"), (3, "to_do")] == await waits
        await client.close()

    assert 2.0 == pauses[0]


async def test_a_restored_backup_makes_positions_void(serve: Serve, house: MemoryHouse) -> None:
    """Another history, another epoch: the client is told to read its inbox anew, and follows from the present."""
    place = await serve()
    positions = MemoryPositions()
    async with place.client(ME, positions=positions) as client:
        await client.connect()
        house.arrive(1, ME)
        await taken(client, 1)
    house.history = "history-2"
    house.arrive(2, ME)
    async with place.client(ME, positions=positions) as client:
        await client.connect()
        house.arrive(3, ME)

        assert [(3, "to_do")] == await taken(client, 1)
        assert 1 == client.restarts


async def test_the_online_peak_is_kept_when_the_server_stops(house: MemoryHouse) -> None:
    """Distinct persons, not sockets."""
    async with (
        serving(house) as place,
        place.client(ME, "a") as one,
        place.client(ME, "b") as two,
        place.client(OTHER) as three,
    ):
        await asyncio.gather(one.connect(), two.connect(), three.connect())

    assert 2 == max(persons for _, persons in house.peaks)


def test_all_of_it_runs_on_uvloop_too(house: MemoryHouse) -> None:
    """The loop that serves in production: live, resumed, drained."""

    async def story() -> list[tuple[int, str]]:
        async with serving(house) as place:
            positions = MemoryPositions()
            async with place.client(ME, positions=positions) as client:
                await client.connect()
                house.arrive(1, ME)
                seen = await taken(client, 1)
            house.arrive(2, ME)
            async with place.client(ME, positions=positions) as client:
                await client.connect()
                house.arrive(3, ME)
                return seen + await taken(client, 2)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(story())

    assert house.expected(ME) == seen


async def test_two_servers_over_one_history_tell_the_same(house: MemoryHouse) -> None:
    """A client may resume at any node: positions are of the history, not of the server."""
    positions = MemoryPositions()
    async with serving(house) as one, serving(house) as two:

        async def visit(place: Place, count: int) -> list[tuple[int, str]]:
            async with place.client(ME, positions=positions) as client:
                await client.connect()
                house.arrive(house.commit_no + 1, ME)
                return await taken(client, count)

        seen = await visit(one, 1)
        house.arrive(2, ME)
        seen += await visit(two, 2)

    assert house.expected(ME) == seen
