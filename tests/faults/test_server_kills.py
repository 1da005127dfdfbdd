"""kill -9 of the whole server behind its HTTP door: what a client was told holds, what it was not told it can ask again."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from inbox_store.orgrows import OrgRows
from tests.faults.callers import LOST, Office, Told, ledger_path, notice, office, rows_in
from tests.faults.invariants import check_invariants
from tests.faults.ledger import Ledger, facts, read
from tests.faults.load import Load
from tests.faults.server import Server, found, serving
from tests.faults.wide_city import more_units, wide_city
from tests.inbox_store.small_city import ROWS

Road = Callable[[Office], Awaitable[None]]

UNITS: Final = 800
EVERYBODY: Final = more_units(UNITS)


def checked(folder: Path, city: OrgRows = ROWS) -> None:
    """The invariants over a copy of the folder: what waits is left for the server itself to finish."""
    copy = folder.with_name(f"{folder.name}.copy")
    shutil.copytree(folder, copy)
    check_invariants(copy, read(ledger_path(folder)), city)
    shutil.rmtree(copy)


def asked(server: Server, what: Callable[[Office], Awaitable[Any]]) -> Any:  # noqa: ANN401 - whatever is asked for
    """One short visit to the doors."""

    async def visit() -> Any:  # noqa: ANN401
        async with office(server) as people:
            return await what(people)

    return asyncio.run(visit())


def killed_in(folder: Path, failpoint: str, what: Road) -> None:
    """A server that dies at the failpoint under ``what``, whose last call gets no answer."""
    with serving(folder, failpoint=failpoint) as server:
        with pytest.raises(LOST):
            asked(server, what)
        assert server.wait() == -signal.SIGKILL, server.said()


async def hand_in(people: Office) -> Told:
    """A document to two units."""
    people.ledger.tell("tried", key="1-1", units=["U1", "U2"])
    return await people.ask("s0-a", "POST", "dispatches", notice("1-1", ["U1", "U2"]), key="1-1")


async def road(people: Office) -> None:
    """From handing in to filing: ten calls under keys of their own."""
    told = await people.submit("1-1", ["U1", "U2"])
    await people.sent(told.dispatch_id)
    document = told.document_id
    await people.open(document, "u1-a")
    await people.sign(document, "U1", "u1-a")
    await people.transfer(document, "U1", "u1-staff", "u1-a")
    await people.archive(document, "U1", "u1-a")
    await people.give_back(document, "U2", "u2-a")
    await people.supplement(document, ["U2", "U3"], key="1-1-more")
    await people.sign(document, "U3", "u3-b")
    await people.recall(document, key="1-1-back")


STEPS: Final = 9


def test_a_kill_before_the_commit_leaves_nothing(tmp_path: Path) -> None:
    """The client hears nothing, nothing is stored, and the same call again makes the one document (1)."""
    folder = tmp_path / "data"
    found(folder)

    async def lost(people: Office) -> None:
        await hand_in(people)

    killed_in(folder, "before_accept:1", lost)
    checked(folder)
    with serving(folder) as server:

        async def again(people: Office) -> None:
            assert people.rows("select count(*) from document") == [(0,)]
            assert people.rows("select count(*) from idempotency") == [(0,)]
            told = await people.submit("1-1", ["U1", "U2"])
            await people.sent(told.dispatch_id)
            assert people.rows("select count(*) from document") == [(1,)]

        asked(server, again)
        server.stop()
    checked(folder)


def test_a_kill_after_the_commit_is_answered_on_asking_again(tmp_path: Path) -> None:
    """The document stands though nobody was told; the same key is told its stored answer, another body is refused (2)."""
    folder = tmp_path / "data"
    found(folder)

    async def lost(people: Office) -> None:
        await hand_in(people)

    killed_in(folder, "after_accept:1", lost)
    with serving(folder) as server:

        async def again(people: Office) -> None:
            ((first, kept),) = people.rows("select d.id, i.answer from document d, idempotency i")
            other = await people.ask("s0-a", "POST", "dispatches", notice("1-1", ["U3"]), key="1-1")
            assert (other.status, other.code) == (422, "idempotency_mismatch")
            told = await hand_in(people)
            assert (told.status, told.replayed, told.raw) == (201, True, kept)
            one = await people.submit("1-1", ["U1", "U2"])
            assert one.document_id == first
            await people.sent(one.dispatch_id)
            assert people.rows("select count(*) from document") == [(1,)]

        asked(server, again)
        server.stop()
    checked(folder)


def walked_twice(folder: Path, failpoint: str) -> None:
    """The road cut off by a kill, then walked anew with the same keys: every answer already given comes again."""
    found(folder)
    answers: dict[tuple[str, str], bytes] = {}

    async def walk(people: Office) -> None:
        people.answers = answers
        await road(people)

    killed_in(folder, failpoint, walk)
    checked(folder)
    with serving(folder) as server:
        asked(server, walk)
        server.stop()
    assert not list(facts(read(ledger_path(folder)), "declined"))
    checked(folder)


@pytest.mark.parametrize("failpoint", ["before_accept:3", "after_accept:7"])
def test_a_road_cut_off_is_walked_again(tmp_path: Path, failpoint: str) -> None:
    """Whatever call was cut off, before or after its commit: asked again in order, the road ends as if never cut."""
    walked_twice(tmp_path / "data", failpoint)


@pytest.mark.long
@pytest.mark.parametrize("nth", range(1, STEPS + 1))
@pytest.mark.parametrize("name", ["before_accept", "after_accept"])
def test_every_step_of_the_road_may_be_cut(tmp_path: Path, name: str, nth: int) -> None:
    """The same at every step."""
    walked_twice(tmp_path / "data", f"{name}:{nth}")


async def changes(people: Office, who: str, after: int) -> tuple[int, list[int]]:
    """What a reader finds above a position: the next position and the documents, in order."""
    told = await people.done(who, "GET", f"inbox/changes?after={after}&limit=500")
    assert not told["more"]
    return told["position"], [one["document_id"] for one in told["items"] if one["change"] == "arrived"]


def test_a_kill_in_the_middle_of_a_fan_out_is_taken_up(tmp_path: Path) -> None:
    """A document to 2,400 people in many parts: killed after the fourth, the next server goes on at the cursor (3).

    Nobody gets it twice, nobody is missed, and a reader who had looked in between sees it once, and whole.
    """
    folder, city = tmp_path / "data", wide_city(UNITS)
    found(folder, city)
    small = {"SONGDA__DISPATCH__CHUNK_ROWS": "200"}

    async def lost(people: Office) -> None:
        told = await people.submit("1-1", EVERYBODY)
        await people.sent(told.dispatch_id)

    with serving(folder, failpoint="after_chunk:4", environ=small) as server:
        with pytest.raises(LOST):
            asked(server, lost)
        assert server.wait() == -signal.SIGKILL
    reached = _copies(folder)
    assert 0 < reached < UNITS
    with serving(folder, environ=small) as server:
        asked(server, lambda people: read_whole(people, EVERYBODY[0], EVERYBODY[-1]))
        server.stop()
    assert _copies(folder) == UNITS
    checked(folder, city)


async def read_whole(people: Office, first: str, last: str) -> None:
    """Readers of the first and the last unit: each finds the document once, can read all of it and sign for it."""
    before, seen = await changes(people, f"{first.lower()}-lead", 0)
    assert seen == [1]
    told = await people.submit("1-1", EVERYBODY)
    await people.sent(told.dispatch_id)
    assert (await changes(people, f"{first.lower()}-lead", before))[1] == []
    assert (await changes(people, f"{last.lower()}-lead", 0))[1] == [1]
    for unit in (first, last):
        clerk = f"{unit.lower()}-a"
        assert (await people.done(clerk, "GET", "documents/1"))["body"] == "请各单位认真落实。"
        assert await people.sign(1, unit, clerk)
    people.head()


def _copies(folder: Path) -> int:
    ((count,),) = rows_in(folder, "select count(*) from distribution")
    return int(count)


class Fatal(Ledger):
    """A ledger that sets a kill in motion at one of its lines."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.left = -1
        self.then: Callable[[], None] = lambda: None

    def tell(self, fact: str, **told: object) -> None:
        """One line; perhaps the fatal one."""
        super().tell(fact, **told)
        self.left -= 1
        if self.left == 0:
            self.then()


def lives(folder: Path, seed: int, kills: int) -> None:
    """A server killed so many times under load at places that the seed chooses, then one that ends in peace."""
    found(folder)
    dice, load, ledger = random.Random(seed), Load(seed), Fatal(ledger_path(folder))

    async def under_load(server: Server) -> None:
        async with office(server, ledger, answers=load.answers) as people:
            ledger.left = dice.randint(5, 150)
            # A little later than the line, beside the loop that asks: the answers under way are at any place then.
            delay_s = dice.random() / 50
            ledger.then = lambda: threading.Timer(delay_s, server.kill).start()
            await load.run(people)

    async def in_peace(server: Server) -> None:
        async with office(server, ledger, answers=load.answers) as people:
            await load.finish(people)

    for _ in range(kills):
        with serving(folder) as server:
            asyncio.run(under_load(server))
            assert server.wait() == -signal.SIGKILL, server.said()
        checked(folder)
    with serving(folder) as server:
        asyncio.run(in_peace(server))
        assert server.stop() < 10
        assert "Traceback" not in server.said(), server.said()
    ledger.close()
    check_invariants(folder, read(ledger_path(folder)))


@pytest.mark.parametrize("seed", range(1, 6))
def test_seeded_kills_under_load_lose_nothing(tmp_path: Path, seed: int) -> None:
    """The seed stands in the name: SIGKILL while many ask at once, and everything that anybody was told is there (10)."""
    lives(tmp_path / "data", seed, 1)


@pytest.mark.long
@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", range(101, 151))
def test_many_seeded_kills_under_load_lose_nothing(tmp_path: Path, seed: int) -> None:
    """The same for fifty seeds, killed twice each."""
    lives(tmp_path / "data", seed, 2)
