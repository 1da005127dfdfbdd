"""Nothing grows for ever (I10): after any load the server holds what it held before, and stops at once when told."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from inbox_store.embedded import open_store
from inbox_store.embedded.engine import EmbeddedEngine
from inbox_store.engine import Audit, Program
from inbox_store.errors import StoreBroken
from tests.faults.bounds import DEFAULT, MIB, Usage, check_bounds, check_stop, settled
from tests.faults.callers import Office, ledger_path, office
from tests.faults.invariants import check_invariants
from tests.faults.ledger import read
from tests.faults.server import Server, found, serving
from tests.inbox_store.world import KEYS

AT_ONCE: Final = 32
QUIET: Final = Usage(
    resident_bytes=80 * MIB, descriptors=20, threads=8, tasks=30, sessions=0, waiting=0, in_flight=1
)


async def requests(people: Office, count: int, dice: random.Random) -> None:
    """Reads, refusals, faults of HTTP, a few documents: by so many callers at once."""
    left = iter(range(count))
    run = dice.getrandbits(32)

    async def caller() -> None:
        for no in left:
            match no % 50:
                case 0:
                    told = await people.submit(f"{run}-{no}", ["U1", "U2"])
                    await people.open(told.document_id, "u1-a")
                    await people.sign(told.document_id, "U1", "u1-a")
                case 1 | 2:
                    assert (await people.ask("u1-a", "GET", "documents/999999")).status == 404
                case 3 | 4:
                    assert (await people.ask("", "GET", "inbox")).status == 401
                case 5:
                    told_wrong = await people.ask("s0-a", "POST", "dispatches", key=f"w{no}", raw=b"{")
                    assert told_wrong.code in {"body_invalid", "bad_request"}
                case _:
                    await people.done("u1-a", "GET", "inbox/entries?limit=20")

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))


async def sessions(people: Office, count: int, dice: random.Random) -> None:
    """Live sessions that come and go: closed in order, broken off, or never introduced."""
    left = iter(range(count))
    url = f"{people.server.url}/api/v1/live"

    async def device() -> None:
        for _ in left:
            way = dice.choice(("closed", "broken", "silent"))
            async with aiohttp.ClientSession() as own, own.ws_connect(url) as line:
                if way != "silent":
                    await line.send_json({"type": "hello", "token": people.tokens["u1-a"]})
                    assert (await line.receive_json())["type"] == "welcome"
                if way == "closed":
                    await line.close()
                else:
                    # As a cable that is pulled: no closing frame.
                    connection = line._response.connection
                    assert connection is not None
                    assert isinstance(connection.transport, asyncio.Transport)
                    connection.transport.abort()

    await asyncio.gather(*(device() for _ in range(8)))


def loaded(server: Server, count: int, live: int, seed: int) -> None:
    """So many requests and sessions together; returns when the last has ended."""

    async def everything() -> None:
        dice = random.Random(seed)
        async with office(server, connections=AT_ONCE) as people:
            await asyncio.gather(requests(people, count, dice), sessions(people, live, dice))

    asyncio.run(everything())


def held(folder: Path, count: int, live: int) -> tuple[Usage, Usage]:
    """What the server holds before and after the load, a smaller one having warmed it up; it stops in time."""
    found(folder)
    with serving(folder) as server:
        loaded(server, count // 4, live // 4, 1)
        before = settled(server)
        loaded(server, count, live, 2)
        after = settled(server)
        check_bounds(before, after)
        check_stop(server)
        assert "Traceback" not in server.said(), server.said()[-4000:]
    check_invariants(folder, read(ledger_path(folder)))
    return before, after


def test_after_a_load_all_is_given_back(tmp_path: Path) -> None:
    """Some thousand requests and sessions that come and go leave no descriptor, thread or task behind."""
    held(tmp_path / "data", 1_500, 120)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_after_a_long_load_all_is_given_back(tmp_path: Path) -> None:
    """The same for ten times as many."""
    held(tmp_path / "data", 20_000, 2_000)


@pytest.mark.parametrize("what", ["resident_bytes", "descriptors", "threads", "tasks", "sessions", "waiting"])
def test_what_has_grown_is_named(what: str) -> None:
    """One more than the bound allows is a fault, exactly the bound is none."""
    most = getattr(DEFAULT, what, 0)
    if most:
        check_bounds(QUIET, replace(QUIET, **{what: getattr(QUIET, what) + most}))
    with pytest.raises(AssertionError):
        check_bounds(QUIET, replace(QUIET, **{what: getattr(QUIET, what) + most + 1}))


async def test_who_waits_for_a_writer_that_ended_is_told(tmp_path: Path) -> None:
    """A bug that ends the writer is a broken store: nobody waits for ever, what comes later is refused, all closes."""

    def bug(_commit_no: int) -> None:
        raise LookupError("a bug beside the transaction")

    async with open_store(tmp_path, keys=KEYS, readers=1) as store:
        engine = store.engine
        assert isinstance(engine, EmbeddedEngine)
        engine.witness(bug)
        asked = [asyncio.ensure_future(engine.write(one_commit())) for _ in range(3)]
        async with asyncio.timeout(10):
            told = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in told] == [StoreBroken] * 3
        assert engine.broken is not None
        with pytest.raises(StoreBroken):
            await engine.write(one_commit())


def one_commit() -> Program[None]:
    """A fact with a line in the trace."""
    yield Audit(action="test", actor=0, subject="test:1", detail={})
