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

from benchmarks.fanout import CHUNK_ROWS, UNITS, due_soon, fill, submitted
from benchmarks.figures import figure
from inbox_store.embedded import FILE, open_store
from inbox_store.keys import Keys
from inbox_store.programs import cast, dispatch, inbox, signing
from inbox_store.programs.copies import Actor
from inbox_store.programs.inbox import Delivered
from inbox_store.store import Store
from inbox_store.times import system_now

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
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: Any) -> None:  # noqa: ANN401 - a call that gives a coroutine
        async with gate:
            await job()

    began = time.perf_counter()
    await asyncio.gather(*(one(job) for job in jobs))
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


def _p99_ms(seconds: list[float]) -> float:
    return 1e3 * statistics.quantiles(seconds, n=100)[98]


def _entries(folder: Path) -> list[tuple[int, int]]:
    with closing(sqlite3.connect(folder / FILE)) as conn:
        query = "select person_id, commit_no from inbox_hot where delivered_at is null limit 60000"
        return conn.execute(query).fetchall()


async def measure(runs: int) -> list[dict[str, Any]]:
    """Signatures and acks, fresh documents each run."""
    signs: list[float] = []
    acks: list[float] = []
    waits: list[float] = []
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as scratch:
        folder = Path(scratch)
        async with open_store(folder, keys=Keys.of(b"bench")) as store:
            units = await fill(store, UNITS, PERSONS)
            clerks = await store.engine.read(cast.clerks("A", system_now()))
            for _ in range(runs):
                documents = [await _sent(store, units) for _ in range(8)]
                work = [
                    _signature(store, document, clerk)
                    for document in documents
                    for clerk in clerks
                    if clerk.unit_id != units[-1]
                ]
                half = len(work) // 2
                signs.append(await _saturated(work[:half]))
                waits.append(_p99_ms(await _offered(work[half : half + OFFERED_PER_S * OFFERED_S])))
                rows = await asyncio.to_thread(_entries, folder)
                acks.append(
                    await _saturated([_ack(store, rows[at : at + 32]) for at in range(0, len(rows), 32)]) * 32
                )
    return [
        figure("confirm.signatures", signs, "per s", ">= 20,000", holds=statistics.median(signs) >= 20_000),
        figure("confirm.acks", acks, "per s", ">= 50,000", holds=statistics.median(acks) >= 50_000),
        figure(
            "confirm.signature_p99_offered",
            waits,
            "ms",
            "<= 5 at 2,000/s",
            holds=statistics.median(waits) <= 5,
        ),
    ]


def _signature(store: Store, document_id: int, clerk: cast.Player) -> Any:  # noqa: ANN401
    actor = Actor(person_id=clerk.person_id, name=clerk.name)
    return lambda: store.engine.write(signing.sign(document_id, clerk.unit_id, actor, system_now()))


def _ack(store: Store, rows: list[tuple[int, int]]) -> Any:  # noqa: ANN401
    batch = [Delivered(person_id=person, after=commit - 1, to=commit) for person, commit in rows]
    return lambda: store.engine.write(inbox.deliver(batch, system_now()))
