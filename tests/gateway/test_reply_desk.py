"""The desk for replies from phones: stored before the carrier is answered, put together over restarts, never lost."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loading import load
from gateway.assembly import open_parts
from gateway.flows.sms_replies import ReplyDesk
from gateway.house import House
from inbox_store.embedded import FILE
from inbox_store.errors import Refused
from inbox_store.programs import reply_lists
from inbox_store.programs.inbox import NO_BOUND
from push.sms.carrier import Reply
from push.sms.text import Part, header
from tests.inbox_store.reply_world import CHANNEL, PHONES, asked, names
from tests.inbox_store.world import HOUR, Clock, World

S = 1_000_000
DAY = 24 * HOUR

LONG = "3 " + "外出" * 80
"""Longer than one message holds."""


@asynccontextmanager
async def house_at(folder: Path, clock: Clock) -> AsyncIterator[tuple[House, World]]:
    """An installation of the small city; opened again over the same folder it goes on."""
    told = load(None, {}, {"store.path": str(folder)}).settings
    async with open_parts(told, clock) as parts:
        yield parts.house, await World.of(parts.store, clock)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[tuple[House, World]]:
    """An installation with nothing asked yet."""
    async with house_at(tmp_path / "data", Clock()) as opened:
        yield opened


def short(text: str, source: str, who: str = "u1-a") -> Reply:
    """A reply that fits into one message."""
    return Reply(sender=PHONES[who], source=source, content=text.encode("utf-16-be"), coding="ucs2")


def long(text: str, source: str, who: str = "u1-a", reference: int = 7) -> list[Reply]:
    """A reply in parts of 67 characters."""
    pieces = [text[at : at + 67] for at in range(0, len(text), 67)]
    fronts = [
        header(Part(reference=reference, total=len(pieces), number=number))
        for number in range(1, len(pieces) + 1)
    ]
    return [
        Reply(
            sender=PHONES[who],
            source=source,
            content=front + piece.encode("utf-16-be"),
            coding="ucs2",
            header=True,
        )
        for front, piece in zip(fronts, pieces, strict=True)
    ]


async def rows(world: World, document_id: int) -> list[tuple[str, int, str, bool]]:
    """The replies to a document: text, when, why refused, complete."""
    page = reply_lists.document_page(document_id, NO_BOUND, 100, world.store.keys.phones)
    return [(one.text, one.received_at, one.refused, one.complete) for one in await world.read(page)]


async def test_parts_in_any_order_with_repeats(here: tuple[House, World]) -> None:
    """The last part makes the reply; parts that come again, before and after, make no second one."""
    house, world = here
    document_id, source = await asked(world)
    desk = ReplyDesk(house)
    await desk.start()
    parts, now = long(LONG, source), world.clock.now
    assert len(parts) == 3
    for at, place in enumerate((2, 0, 2)):
        await desk.take(CHANNEL, [(parts[place], now + at)])
    assert (await rows(world, document_id), desk.waiting) == ([], 1)
    await desk.take(CHANNEL, [(parts[1], now + 9), (parts[0], now + 10)])
    assert await rows(world, document_id) == [(LONG, now + 9, "", True)]
    await desk.take(CHANNEL, [(part, now + 60 * S) for part in parts])
    assert (len(await rows(world, document_id)), desk.waiting) == (1, 0)
    assert [row[1] for row in await names(world, document_id)] == ["leave"]


async def test_a_restart_loses_no_part(tmp_path: Path) -> None:
    """What was stored before it is put together with what comes after it."""
    clock = Clock()
    async with house_at(tmp_path / "data", clock) as (house, world):
        document_id, source = await asked(world)
        desk = ReplyDesk(house)
        await desk.start()
        parts = long(LONG, source)
        await desk.take(CHANNEL, [(part, clock.now) for part in parts[:2]])
    async with house_at(tmp_path / "data", clock) as (house, world):
        desk = ReplyDesk(house)
        await desk.start()
        await desk.take(CHANNEL, [(parts[2], clock.now + S)])
        assert await rows(world, document_id) == [(LONG, clock.now + S, "", True)]


async def test_what_lacks_parts_for_a_day_is_given_up(here: tuple[House, World]) -> None:
    """Told as it is, as of its last part, and not applied; a restart does not begin the day anew."""
    house, world = here
    document_id, source = await asked(world)
    parts, now = long(LONG, source), world.clock.now
    first = ReplyDesk(house)
    await first.start()
    await first.take(CHANNEL, [(parts[0], now), (parts[2], now)])
    desk = ReplyDesk(house)
    await desk.start()
    await desk.sweep(now + DAY - S)
    assert await rows(world, document_id) == []
    await desk.sweep(now + DAY)
    ((text, at, refused, complete),) = await rows(world, document_id)
    assert (at, refused, complete) == (now + 1, "reply_incomplete", False)
    assert text == LONG[:67] + "……" + LONG[134:]
    assert await names(world, document_id) == []
    await desk.sweep(now + 4 * DAY)
    await desk.take(CHANNEL, [(parts[0], now + 4 * DAY)])
    assert desk.waiting == 1, "the part of another message: the first was long ago"


async def test_the_order_at_the_carrier_is_kept(here: tuple[House, World]) -> None:
    """What waited at the carrier comes at one instant: the last word is still the last."""
    house, world = here
    document_id, source = await asked(world)
    desk = ReplyDesk(house)
    now = world.clock.now
    await desk.take(CHANNEL, [(short(text, source), now) for text in ("3 出差", "2 李强", "1")])
    assert [row[1] for row in await names(world, document_id)] == ["attend"]


async def test_a_fault_nobody_foresaw_harms_one_reply(here: tuple[House, World], tmp_path: Path) -> None:
    """It is kept unread; the others that came with it are applied."""
    house, world = here
    spoilt, to_spoilt = await asked(world)
    document_id, source = await asked(world, ("U2",))
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as conn:
        conn.execute("update meeting set fields = 'no json' where document_id = ?", (spoilt,))
        conn.commit()
    now = world.clock.now
    desk = ReplyDesk(house)
    await desk.take(CHANNEL, [(short("1", to_spoilt), now), (short("1", source, "u2-a"), now)])
    assert [row[1] for row in await names(world, document_id)] == ["attend"]
    page = reply_lists.unmatched_page(NO_BOUND, 10, house.store.keys.phones)
    assert [(one.text, one.refused) for one in await world.read(page)] == [("1", "reply_unread")]


async def test_a_store_that_refuses_is_told(tmp_path: Path) -> None:
    """Nothing is acknowledged: the carrier sends it again, and a desk over the mended store takes it."""
    clock = Clock()
    async with house_at(tmp_path / "data", clock) as (house, world):
        document_id, source = await asked(world)
        desk = ReplyDesk(house)
    parts = long(LONG, source)
    for told in ([(short("1", source), clock.now)], [(part, clock.now) for part in parts]):
        with pytest.raises(Refused, match="busy"):
            await desk.take(CHANNEL, told)
    assert desk.waiting == 0
    async with house_at(tmp_path / "data", clock) as (house, world):
        desk = ReplyDesk(house)
        await desk.start()
        assert await rows(world, document_id) == []
        await desk.take(CHANNEL, [(part, clock.now) for part in parts])
        assert len(await rows(world, document_id)) == 1


Step = tuple[int, bool]
"""Which of the messages comes next, and whether the process ends before it."""


@given(
    steps=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=6), order=st.permutations(range(6))
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_history_of_parts_ends_alike(steps: list[Step], order: Sequence[int]) -> None:
    """Two long replies and a short one between them, parts in any order, repeated, with restarts: the same rows."""
    history = [*steps, *((place, False) for place in order)]
    assert asyncio.run(_history(history)) == asyncio.run(_history([(place, False) for place in range(6)]))


async def _history(steps: Sequence[Step]) -> object:
    """The rows and the list after these messages."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        async with house_at(Path(folder) / "data", clock) as (house, world):
            document_id, source = await asked(world)
            came = [
                *long("3 " + "病" * 70, source),
                short("2 李强", source),
                *long("3 " + "忙" * 140, source, reference=8),
            ]
            desk = ReplyDesk(house)
            for place, restarts in steps:
                if restarts:
                    desk = ReplyDesk(house)
                    await desk.start()
                await desk.take(CHANNEL, [(came[place], clock.now + place * S)])
            return sorted(await rows(world, document_id)), await names(world, document_id)
