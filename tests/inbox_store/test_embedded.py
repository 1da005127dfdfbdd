"""The embedded variant alone: a full disk, a broken one, files of another version, a second process beside the first."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE, open_store
from inbox_store.embedded.engine import EmbeddedEngine, hop
from inbox_store.engine import Audit, Changed, Nudge, Program, Sql
from inbox_store.errors import Refused, StoreBroken, StoreFull
from inbox_store.nouns import Attendee
from inbox_store.programs import inbox, meetings, trace
from inbox_store.store import Store
from tests.inbox_store.test_engine import Gate, add_line, lines
from tests.inbox_store.world import KEYS, Clock, World


@pytest.fixture
async def embedded(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    """An empty embedded store."""
    async with open_store(tmp_path, clock=clock, keys=KEYS, readers=2) as store:
        yield store


def engine_of(store: Store) -> EmbeddedEngine:
    """The embedded engine behind the port."""
    assert isinstance(store.engine, EmbeddedEngine)
    return store.engine


async def pages_max(store: Store, more: int) -> None:
    """Let the file grow by ``more`` pages from here, as a disk with so much room would."""

    def limit(conn: sqlite3.Connection) -> None:
        ((count,),) = conn.execute("pragma page_count")
        conn.execute(f"pragma max_page_count={count + more}")

    await hop(engine_of(store)._writer, limit)


def bulky(code: str) -> Program[None]:
    """A fact of some 100 KiB."""
    yield Sql("org_line_upsert", {"code": code, "name": "满" * 33_000})
    yield Audit(action="line.add", actor=0, subject=f"line:{code}", detail={"name": "满" * 100})


async def test_a_full_disk_undoes_whole_facts_and_is_got_over(embedded: Store) -> None:
    """Without space nothing of a group is acknowledged or half written; with space again all goes on."""
    await embedded.engine.write(bulky("A"))
    await pages_max(embedded, 10)
    gate = Gate()
    holding = asyncio.create_task(embedded.engine.write(gate.hold()))
    await gate.reached()
    told = [asyncio.create_task(embedded.engine.write(fact)) for fact in (add_line("small"), bulky("B"))]
    await asyncio.sleep(0)
    gate.open()
    await holding
    faults = await asyncio.gather(*told, return_exceptions=True)
    assert [type(fault) for fault in faults] == [StoreFull, StoreFull]
    assert await lines(embedded) == {"A"}
    assert embedded.engine.broken is None
    with pytest.raises(StoreFull):
        await embedded.engine.write(bulky("C"))
    await pages_max(embedded, 100_000)
    await embedded.engine.write(bulky("C"))
    assert await lines(embedded) == {"A", "C"}
    assert (await embedded.engine.read(trace.verify())).faults == ()


def disk_fault() -> Program[None]:
    """What the driver raises when the disk answers with an error."""
    fault = sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    yield Sql("org_line_upsert", {"code": "lost", "name": "lost"})
    raise fault


async def test_a_broken_disk_ends_all_writing(embedded: Store) -> None:
    """After an I/O error nothing more is acknowledged: not what shares the commit, not what waits, not what comes."""
    await embedded.engine.write(add_line("A"))
    gate = Gate()
    holding = asyncio.create_task(embedded.engine.write(gate.hold()))
    await gate.reached()
    facts = [asyncio.create_task(embedded.engine.write(fact)) for fact in (add_line("B"), disk_fault())]
    facts.append(asyncio.create_task(embedded.engine.write(add_line("C"), bulk=True)))
    await asyncio.sleep(0)
    gate.open()
    await holding
    faults = await asyncio.gather(*facts, return_exceptions=True)
    # The bulk fact may have had its turn before the fault; what was not acknowledged then is refused.
    assert [type(fault) for fault in faults[:2]] == [StoreBroken, StoreBroken]
    assert faults[2] == 2 or isinstance(faults[2], StoreBroken)
    with pytest.raises(StoreBroken):
        await embedded.engine.write(add_line("D"))
    with pytest.raises(StoreBroken):
        await embedded.engine.write(add_line("D"), bulk=True)
    assert isinstance(embedded.engine.broken, StoreBroken)
    assert await lines(embedded) == {"A"} | ({"C"} if faults[2] == 2 else set())


async def test_what_waits_behind_a_broken_disk_is_not_tried(embedded: Store) -> None:
    """A failed write is never followed by another as if nothing had happened (faults.md 12)."""
    gate = Gate()
    holding = asyncio.create_task(embedded.engine.write(gate.hold()))
    await gate.reached()
    facts = [disk_fault(), add_line("A"), add_line("B")]
    waiting = [asyncio.create_task(embedded.engine.write(fact, bulk=True)) for fact in facts]
    await asyncio.sleep(0)
    gate.open()
    await holding
    faults = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(fault) for fault in faults] == [StoreBroken] * 3
    assert await lines(embedded) == set()


async def test_a_broken_store_closes(tmp_path: Path, clock: Clock) -> None:
    """Closing a store whose disk failed ends, and the file opens again with what was acknowledged."""
    async with open_store(tmp_path, clock=clock, keys=KEYS) as store:
        await store.engine.write(add_line("A"))
        with pytest.raises(StoreBroken):
            await store.engine.write(disk_fault())
    async with open_store(tmp_path, clock=clock, keys=KEYS) as store:
        assert await lines(store) == {"A"}


async def test_a_file_that_is_no_store_is_refused(tmp_path: Path, clock: Clock) -> None:
    """A damaged file is named and refused; no thread is left behind, the file is untouched."""
    (tmp_path / FILE).write_bytes(b"not a database, whatever it is called" * 200)
    before, threads = (tmp_path / FILE).read_bytes(), set(threading.enumerate())
    with pytest.raises(StoreBroken, match=FILE):
        async with open_store(tmp_path, clock=clock, keys=KEYS):
            pass
    for left in set(threading.enumerate()) - threads:
        left.join(timeout=5)  # a closed connection's thread ends a moment after it has said so
    assert set(threading.enumerate()) <= threads
    assert (tmp_path / FILE).read_bytes() == before


async def test_keys_are_made_once_and_found_again(tmp_path: Path, clock: Clock) -> None:
    """A store opened a second time with its own key files signs with the same key and opens its own numbers."""
    async with open_store(tmp_path, clock=clock) as store:
        key, sealed = store.keys.receipts.key_id, store.keys.phones.seal("19900000001")
        lookup = store.keys.phones.lookup("19900000001")
    async with open_store(tmp_path, clock=clock) as again:
        assert again.keys.receipts.key_id == key
        assert again.keys.phones.open(sealed, 1) == "19900000001"
        assert again.keys.phones.lookup("19900000001") == lookup
        assert [row[0] for row in await again.engine.read(trace.public_keys())] == [key]


async def test_a_new_phone_key_seals_and_the_old_one_opens(tmp_path: Path, clock: Clock) -> None:
    """Keys rotate by number: a new file seals from now on, what the old one sealed is still read and found."""
    async with open_store(tmp_path, clock=clock) as store:
        sealed, lookup = store.keys.phones.seal("19900000001"), store.keys.phones.lookup("19900000001")
    second = tmp_path / "keys" / "phone-2.key"
    second.write_bytes(bytes(range(128, 192)))
    second.chmod(0o600)
    async with open_store(tmp_path, clock=clock) as store:
        vault = store.keys.phones
        assert (vault.current, vault.open(sealed, 1), vault.lookup("19900000001")) == (
            2,
            "19900000001",
            lookup,
        )
        assert vault.open(vault.seal("19900000002"), 2) == "19900000002"
        with pytest.raises(ValueError, match="cannot be opened"):
            vault.open(sealed, 2)


async def test_a_tool_may_write_beside_the_server(tmp_path: Path, clock: Clock) -> None:
    """Two processes on one folder take turns: no fact fails, the chain has no gap, neither writes over the other."""
    async with (
        open_store(tmp_path, clock=clock, keys=KEYS) as server,
        open_store(tmp_path, clock=clock, keys=KEYS) as tool,
    ):
        told = [await one.engine.write(add_line(f"A{no}")) for no, one in enumerate([server, tool] * 3)]
        assert told == [1, 2, 3, 4, 5, 6]
        facts = [one.engine.write(add_line(f"B{no}")) for no, one in enumerate([server, tool] * 20)]
        await asyncio.gather(*facts)
        assert len(await lines(server)) == len(await lines(tool)) == 46
        assert (await server.engine.read(trace.verify())).faults == ()


def changed_entry() -> Program[None]:
    """A fact that changes somebody's entry."""
    yield Changed(1, 1)


@pytest.mark.parametrize("refused", [False, True])
async def test_what_a_tool_did_is_noticed(tmp_path: Path, clock: Clock, refused: bool) -> None:  # noqa: FBT001
    """With the next transaction, even a failing one, the listeners hear that another process has committed; once."""
    heard: list[Nudge] = []
    async with (
        open_store(tmp_path, clock=clock, keys=KEYS) as server,
        open_store(tmp_path, clock=clock, keys=KEYS) as tool,
    ):
        server.engine.subscribe(heard.append)
        await server.engine.write(add_line("A"))
        assert heard == []
        await tool.engine.write(add_line("B"))
        with contextlib.suppress(Refused):
            await server.engine.write(add_line("C", refuse=refused))
        assert [(nudge.org, nudge.foreign) for nudge in heard] == [(True, False)]
        await server.engine.write(add_line("D"))
        assert len(heard) == 1
        await tool.engine.write(changed_entry())
        await server.engine.write(add_line("E"))
        assert [(nudge.org, nudge.foreign) for nudge in heard[1:]] == [(True, True)]
        assert server.engine.position == await server.engine.read(inbox.position())


async def test_a_notice_survives_a_full_disk(tmp_path: Path, clock: Clock) -> None:
    """A transaction that could not commit has told nobody: the next one does."""
    heard: list[Nudge] = []
    async with (
        open_store(tmp_path, clock=clock, keys=KEYS) as server,
        open_store(tmp_path, clock=clock, keys=KEYS) as tool,
    ):
        server.engine.subscribe(heard.append)
        await tool.engine.write(add_line("B"))
        await pages_max(server, 0)
        with pytest.raises(StoreFull):
            await server.engine.write(bulky("C"))
        await pages_max(server, 100_000)
        await server.engine.write(add_line("D"))
    assert [nudge.org for nudge in heard] == [True]


async def test_phone_numbers_are_never_in_clear(tmp_path: Path, clock: Clock) -> None:
    """No byte sequence of the files shows a number, neither of a person nor of a meeting receipt."""
    async with open_store(tmp_path, clock=clock, keys=KEYS) as store:
        world = await World.of(store, clock)
        document_id = await world.send(["U1"], document=world.document(kind="meeting_notice"))
        names = [Attendee(name="王芳", mode="attend", phone="19900008888")]
        answer = meetings.answer(
            document_id, world.units["U1"], names, "", store.keys.phones, world.actor("u1-a"), clock.now
        )
        await world.write(answer)
        assert b"1990000" not in whole(tmp_path)
    assert b"1990000" not in whole(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as conn:
        ((sealed,),) = conn.execute("select count(*) from person where phone_sealed is not null")
    assert sealed == len(world.people)


def whole(folder: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
