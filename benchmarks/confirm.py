"""Confirmations through the store: signatures with receipt, tallies and trace, and acks of devices, saturated and offered.

Saturated: as many at once as the writer takes, so that commits are shared. Offered: 2,000 a second, one by one, each timed
from the call to the durable commit.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.fanout import CHUNK_ROWS, UNITS, due_soon, fill, submitted
from benchmarks.figures import figure, p99, tell
from inbox_store.embedded import FILE, open_store
from inbox_store.embedded.lanes import GROUP_MAX
from inbox_store.embedded.runner import Runner
from inbox_store.keys import Keys
from inbox_store.programs import cast, copies, dispatch, inbox, signing
from inbox_store.programs.copies import Actor
from inbox_store.programs.inbox import Delivered
from inbox_store.programs.signing import SignOrder
from inbox_store.statements import statements
from inbox_store.store import Store
from inbox_store.times import system_now

RUNS: Final = 5
PERSONS: Final = 36_100
AT_ONCE: Final = 512
OFFERED_PER_S: Final = 2_000
OFFERED_S: Final = 3


async def _sent(store: Store, units: list[int]) -> int:
    told = await submitted(store, units, PERSONS)
    while not await store.engine.write(
        dispatch.fan_out_chunk(told.dispatch_id, CHUNK_ROWS, due_soon, system_now()), bulk=True
    ):
        pass
    return told.document_id


async def _saturated(jobs: list[Any]) -> float:
    """Jobs a second, AT_ONCE of them waiting at any time."""
    left = iter(jobs)

    async def one() -> None:
        for job in left:
            await job()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return len(jobs) / (time.perf_counter() - began)


async def _offered(jobs: list[Any]) -> list[float]:
    """Seconds of each job, started OFFERED_PER_S a second whatever became of the one before."""
    took: list[float] = []

    async def one(job: Any) -> None:  # noqa: ANN401
        began = time.perf_counter()
        await job()
        took.append(time.perf_counter() - began)

    tasks = []
    start = time.perf_counter()
    for number, job in enumerate(jobs):
        pause = start + number / OFFERED_PER_S - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(one(job)))
    await asyncio.gather(*tasks)
    return took


def _entries(folder: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(folder / FILE)) as conn:
        query = "select person_id, commit_no from inbox_hot where delivered_at is null limit 60000"
        return conn.execute(query).fetchall()


class Recorder:
    """A connection that also keeps what it was told to do, so that the same can be done again bare."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        self.steps: list[tuple[bool, str, Any]] = []

    @property
    def in_transaction(self) -> bool:
        """As the connection has it."""
        return self._conn.in_transaction

    def execute(self, sql: str, params: Any = ()) -> sqlite3.Cursor:  # noqa: ANN401 - as the driver has it
        """One statement."""
        self.steps.append((False, sql, params))
        return self._conn.execute(sql, params)

    def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:  # noqa: ANN401
        """One statement for many rows."""
        told = list(rows)
        self.steps.append((True, sql, told))
        return self._conn.executemany(sql, told)


def _copy(folder: Path, name: str) -> sqlite3.Connection:
    """The store's file as it is now, beside it, opened as the writer opens it."""
    with closing(sqlite3.connect(folder / FILE)) as source, closing(sqlite3.connect(folder / name)) as target:
        source.backup(target)
    conn = sqlite3.connect(folder / name, isolation_level=None, cached_statements=512)
    for pragma in ("journal_mode=wal", "synchronous=full", "cache_size=-65536", "wal_autocheckpoint=0"):
        conn.execute(f"pragma {pragma}")
    return conn


def _bare(folder: Path, orders: list[SignOrder]) -> float:
    """Signatures a second when a bare loop runs the very statements that the store runs for them, commits included."""
    runner = Runner(statements("sqlite"), system_now, Keys.of(b"bench").receipts)
    with closing(_copy(folder, "recorded.db")) as conn:
        recorder = Recorder(conn)
        for at in range(0, len(orders), GROUP_MAX):
            program = signing.sign_each(orders[at : at + GROUP_MAX])
            runner.run(recorder, [program])  # type: ignore[arg-type]
    with closing(_copy(folder, "bare.db")) as conn:
        began = time.perf_counter()
        for many, sql, params in recorder.steps:
            (conn.executemany if many else conn.execute)(sql, params).fetchall()
        took = time.perf_counter() - began
    for left in folder.glob("recorded.db*"):
        left.unlink()
    for left in folder.glob("bare.db*"):
        left.unlink()
    return len(orders) / took


async def measure(runs: int) -> list[dict[str, Any]]:
    """Signatures and acks, fresh documents each run."""
    signs: list[float] = []
    bare: list[float] = []
    acks: list[float] = []
    waits: list[float] = []
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as scratch:
        folder = Path(scratch)
        async with open_store(folder, keys=Keys.of(b"bench")) as store:
            units = await fill(store, UNITS, PERSONS)
            clerks = await store.engine.read(cast.clerks("A", system_now()))
            for _ in range(runs):
                documents = [await _sent(store, units) for _ in range(8)]
                orders = [
                    _order(document, clerk)
                    for document in documents
                    for clerk in clerks
                    if clerk.unit_id != units[-1]
                ]
                # As in an office: the clerk opens the document before signing for it.
                opened = [_opening(store, order) for order in orders]
                await _saturated(opened)
                half = len(orders) // 2
                bare.append(await asyncio.to_thread(_bare, folder, orders[:half]))
                work = [_signature(store, order) for order in orders]
                signs.append(await _saturated(work[:half]))
                waits.append(1e3 * p99(await _offered(work[half : half + OFFERED_PER_S * OFFERED_S])))
                rows = await asyncio.to_thread(_entries, folder)
                acks.append(
                    await _saturated([_ack(store, rows[at : at + 32]) for at in range(0, len(rows), 32)]) * 32
                )
    shares = [one / limit for one, limit in zip(signs, bare, strict=True)]
    held = statistics.median
    return [
        figure("confirm.bare_signatures", bare, "per s", "the limit", holds=None),
        figure("confirm.signatures", signs, "per s", ">= 20,000", holds=held(signs) >= 20_000),
        figure("confirm.share_of_bare", shares, "x bare", ">= 0.4", holds=held(shares) >= 0.4),
        figure("confirm.acks", acks, "per s", ">= 50,000", holds=held(acks) >= 50_000),
        figure("confirm.signature_p99_offered", waits, "ms", "<= 5 at 2,000/s", holds=held(waits) <= 5),
    ]


def _order(document_id: int, clerk: cast.Player) -> SignOrder:
    actor = Actor(person_id=clerk.person_id, name=clerk.name)
    return SignOrder(document_id=document_id, unit_id=clerk.unit_id, actor=actor, now=system_now())


def _signature(store: Store, order: SignOrder) -> Any:  # noqa: ANN401
    return lambda: store.engine.write_each(signing.sign_each, order)


def _opening(store: Store, order: SignOrder) -> Any:  # noqa: ANN401
    return lambda: store.engine.write(copies.open_document(order.document_id, order.actor, order.now))


def _ack(store: Store, rows: list[tuple[int, int]]) -> Any:  # noqa: ANN401
    batch = [Delivered(person_id=person, after=commit - 1, to=commit) for person, commit in rows]
    return lambda: store.engine.write(inbox.deliver(batch, system_now()))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        tell(loop.run(measure(RUNS)))
