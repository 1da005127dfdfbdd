"""Attempts in doubt that a carrier's file shows: charged once, with its id and time; the others stay in doubt."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from gateway.flows import billing, reconciling
from gateway.flows.reconciling import Reconciled, Wanted
from inbox_store.embedded import FILE
from inbox_store.messages import Answered, Claiming, Go
from inbox_store.programs import ledger, sms, trace
from inbox_store.times import DAY_US, parse_iso
from tests.gateway.bill_world import APRIL, CHANNEL, MAY, SOURCE, Office, office, written
from tests.inbox_store.world import rows_of


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """The installation of April 2018."""
    async with office(tmp_path / "data") as opened:
        yield opened


async def doubted(here: Office) -> list[int]:
    """Messages to three people of which no answer came."""
    await here.alert("U1", ["U2"])
    attempts = await here.leave()
    await here.world.write(sms.in_doubt(here.clock.now))
    return attempts


async def settled(here: Office, folder: Path, lines: Sequence[str]) -> tuple[Reconciled, int]:
    """The file compared, and what it shows settled."""
    file = written(folder / "detail.csv", lines)

    def tell(_what: str, _done: int, _total: int) -> None:
        pass

    told = await reconciling.reconcile_file(here.house, Wanted(file=file, channel=CHANNEL), tell)
    return told, await reconciling.settle_found(here.house, told, file.name, "ops", tell)


async def test_what_the_file_shows_is_charged_once(here: Office, tmp_path: Path) -> None:
    """Accepted at the file's time under its id, with its final state; what it refused or does not have costs nothing."""
    attempts = await doubted(here)
    lines = [
        here.detail_line(attempts[0], "DELIVRD", message_id="x1"),
        here.detail_line(attempts[1], "REJECTD", message_id="x2"),
    ]
    here.clock.now = APRIL + DAY_US
    told, count = await settled(here, tmp_path, lines)
    assert (count, told.matched.kinds) == (2, {"found": 2, "not_found": 1})
    sums = await here.world.read(ledger.sums(201804, 201804))
    assert [(one.segments, one.amount_li) for one in sums] == [(1, 50)]
    rows = await here.world.read(rows_of("ledger_rows", low=0, high=2**60))
    assert [(row[17], row[24], row[25]) for row in rows] == [("x1", APRIL, 201804)]
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as conn:
        orders = [row[0] for row in conn.execute("select state from sms_order order by id")]
    assert sorted(orders) == ["delivered", "failed", "in_doubt"]
    again, count = await settled(here, tmp_path, lines)
    assert (count, again.matched.agreed) == (0, 1)
    assert again.matched.kinds["not_found"] == 1
    assert await here.world.read(ledger.inconsistencies()) == []
    assert (await here.world.read(trace.verify())).faults == ()


async def test_an_answer_that_came_meanwhile_stays(here: Office, tmp_path: Path) -> None:
    """What was settled between the comparison and its settling is not settled, nor charged, a second time."""
    attempts = await doubted(here)
    file = written(tmp_path / "detail.csv", [here.detail_line(one, message_id=f"x{one}") for one in attempts])

    def tell(_what: str, _done: int, _total: int) -> None:
        pass

    told = await reconciling.reconcile_file(here.house, Wanted(file=file), tell)
    assert len(told.found) == len(attempts)
    answer = Answered(attempt_id=attempts[0], outcome="accepted", message_id="late", at=here.clock.now)
    await here.world.write(sms.settling(await here.price())([answer]))
    assert await reconciling.settle_found(here.house, told, "f", "ops", tell) == len(attempts) - 1
    sums = await here.world.read(ledger.sums(201804, 201804))
    assert [one.segments for one in sums] == [len(attempts)]


async def test_found_after_the_close(here: Office, tmp_path: Path) -> None:
    """Once the month is closed, what the file shows becomes an adjustment in the open one; the closed one stays."""
    attempts = await doubted(here)
    here.clock.now = MAY
    await billing.close_month(here.house, 201804, "ops")
    _, count = await settled(
        here, tmp_path, [here.detail_line(one, message_id=f"x{one}") for one in attempts]
    )
    assert count == len(attempts)
    sums = await here.world.read(ledger.sums(201801, 201812))
    assert [(one.month, one.kind, one.segments) for one in sums] == [(201805, "adjustment", len(attempts))]


async def test_a_known_id_is_settled_too(here: Office, tmp_path: Path) -> None:
    """An attempt that left under an id of our own (SGIP) is found by it; a line from the future settles nothing."""
    await here.alert("U1", ["U2"])
    claiming = Claiming(channel=CHANNEL, routes=("mobile",), free=1000, own_ids=("own1", "own2", "own3"))
    leaving = await here.world.write(
        sms.claim(claiming, lambda _: Go(segments=1, source=SOURCE), here.clock.now)
    )
    assert len(leaving) == 3
    await here.world.write(sms.in_doubt(here.clock.now))
    lines = [
        f"own1,1,{SOURCE},2018-04-07 10:00:05,1,",
        f"own2,1,{SOURCE},2018-04-29 10:00:00,1,DELIVRD",
        f"own3,1,{SOURCE},,1,DELIVRD",
    ]
    here.clock.now = APRIL + DAY_US
    told, count = await settled(here, tmp_path, lines)
    assert (told.matched.kinds["found"], count) == (3, 1)
    rows = await here.world.read(rows_of("ledger_rows", low=0, high=2**60))
    assert [(row[17], row[24]) for row in rows] == [("own1", parse_iso("2018-04-07T10:00:05"))]
