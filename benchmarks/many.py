"""The store of an office that has run for years: ten million entries, a quarter of 285,597 copies.

Beside it the plain design, one table keyed by recipient with an index by document, grown to the same size.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.fanout import PERSONS, UNITS, fill, product, submitted
from benchmarks.figures import figure, p99, tell
from gateway.rules.rate_tables import table
from gateway.rules.rates import figures as rate_figures
from inbox_store.embedded import FILE, open_store
from inbox_store.engine import CommitNo, Program
from inbox_store.keys import Keys
from inbox_store.programs import figures, inbox, organisation, tallies
from inbox_store.store import Store
from inbox_store.times import DAY_US, parse_iso

RUNS: Final = 5
ENTRIES: Final = 10_000_000
READS: Final = 3_000
SYNCS: Final = 1_000
SLICE_BYTES: Final = 1024 * 1024
QUARTER: Final = (20180101, 20180331)
CUTOFF: Final = 20180409
COPIES: Final = 285_597
ANY: Final = inbox.EntryFilter()
HOT: Final = inbox.HOT_SENDS_MAX

GROW: Final = (
    "insert into inbox (person_id, send_no, commit_no, folder, state) select x.person_id, s.value, 1,"
    " case s.value % 4 when 0 then 'brief' when 1 then 'supervision' else 'from_above' end,"
    " case when s.value > :pending then 'to_read' else 'read' end"
    " from (select distinct person_id from addressee order by person_id) x cross join json_each(:sends) s"
)
COUNT: Final = (
    "insert or replace into inbox_count (person_id, folder, total, pending) select person_id, folder, count(*),"
    " sum(state in ('to_do', 'to_read')) from inbox group by person_id, folder"
)
PLAIN: Final = (
    "create table plain (person_id integer not null, document_id integer not null, folder text not null, state text not null,"
    " delivered_at integer, opened_at integer, done_at integer, primary key (person_id, document_id)) without rowid;"
    "create index plain_document on plain (document_id);"
)


def _connect(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, isolation_level=None)
    conn.executescript(
        "pragma journal_mode=wal; pragma synchronous=full; pragma cache_size=-65536; pragma wal_autocheckpoint=0"
    )
    return conn


def _grow(folder: Path, sends: list[int]) -> int:
    """Put ten million merged entries of ``sends`` into the store; returns how many there are."""
    with closing(_connect(folder / FILE)) as conn:
        conn.execute("pragma synchronous=off")
        conn.execute("delete from inbox_hot")
        conn.execute("delete from hot_send")
        conn.execute(GROW, {"pending": sends[-20], "sends": str(sends)})
        conn.execute(COUNT)
        conn.execute("pragma wal_checkpoint(truncate)").fetchall()
        return int(conn.execute("select count(*) from inbox").fetchone()[0])


def _plain(path: Path, people: list[int], documents: int) -> sqlite3.Connection:
    """The plain table with as many entries, filled in the order of its key."""
    conn = _connect(path)
    conn.executescript("pragma synchronous=off; pragma cache_size=-262144;" + PLAIN)
    conn.execute("begin")
    conn.executemany(
        "insert into plain select ?, value, 'from_above', 'read', null, null, null from json_each(?)",
        ((person, str(list(range(1, documents + 1)))) for person in people),
    )
    conn.execute("commit")
    conn.executescript(
        "pragma wal_checkpoint(truncate); pragma synchronous=full; pragma cache_size=-65536;"
        "create table audience (person_id integer primary key)"
    )
    conn.executemany("insert into audience values (?)", ((person,) for person in people))
    return conn


def _plain_fan_out(conn: sqlite3.Connection, document_id: int) -> float:
    began = time.perf_counter()
    conn.execute("begin immediate")
    conn.execute(
        "insert into plain select person_id, ?, 'from_above', 'to_read', null, null, null from audience",
        (document_id,),
    )
    conn.execute("commit")
    took = time.perf_counter() - began
    conn.execute("pragma wal_checkpoint(truncate)").fetchall()
    return took


async def _reads(people: list[int], read: Callable[[int], Awaitable[object]]) -> float:
    """p99 (ms) of reads for random people, one after another."""
    dice, took = random.Random(1), []
    for _ in range(READS):
        person = dice.choice(people)
        began = time.perf_counter()
        await read(person)
        took.append(1e3 * (time.perf_counter() - began))
    return p99(took)


async def _merge(store: Store) -> list[float]:
    """Milliseconds of each slice of one round over the hot sends."""
    took, more = [], True
    while more:
        began = time.perf_counter()
        more = bool(await store.engine.write(inbox.merge_slice(0), bulk=True))
        took.append(1e3 * (time.perf_counter() - began))
    return took


def _syncs(folder: Path) -> list[float]:
    """Milliseconds of writing and syncing as much as a slice of the merge does, with nothing else to it."""
    took = []
    with (folder / "syncs").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            began = time.perf_counter()
            file.write(bytes(SLICE_BYTES))
            os.fdatasync(file.fileno())
            took.append(1e3 * (time.perf_counter() - began))
    (folder / "syncs").unlink()
    return took


async def inboxes(runs: int) -> list[dict[str, Any]]:
    """Fan-out, reads and merge on ten million entries, the plain table beside them."""
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as scratch:
        folder = Path(scratch)
        async with open_store(folder, keys=Keys.of(b"bench")) as store:
            units = await fill(store, UNITS, PERSONS)
            people = await _people(folder)
            documents = -(-ENTRIES // len(people))
            for _ in range(documents):
                await submitted(store, units, PERSONS)
        with closing(_connect(folder / FILE)) as conn:
            conn.execute("update dispatch set state = 'sent', sent_at = submitted_at")
            sends = [row[0] for row in conn.execute("select send_no from dispatch order by send_no")]
        entries = await asyncio.to_thread(_grow, folder, sends)
        plain = _plain(folder / "plain.db", people, documents)
        ours: list[float] = []
        bare: list[float] = []
        longest: list[float] = []
        pages: list[float] = []
        counts: list[float] = []
        slices: list[float] = []
        worst: list[float] = []
        disk: list[float] = []
        rounds: list[float] = []
        async with open_store(folder, keys=Keys.of(b"bench")) as store:
            for run in range(runs):
                for _ in range(HOT - 1 if run == 0 else HOT // 2):
                    await product(store, units, PERSONS)
                took, step, _ = await product(store, units, PERSONS)
                ours.append(1e3 * took)
                longest.append(1e3 * step)
                bare.append(1e3 * _plain_fan_out(plain, documents + 1 + run))
                page = await _reads(
                    people, lambda who: store.engine.read(inbox.page(who, ANY, inbox.NO_BOUND, 20))
                )
                count = await _reads(people, lambda who: store.engine.read(inbox.counts(who)))
                pages.append(page)
                counts.append(count)
                merged = await _merge(store)
                slices.append(p99(merged))
                worst.append(max(merged))
                disk.append(max(await asyncio.to_thread(_syncs, folder)))
                rounds.append(sum(merged))
        plain.close()
    ratios = [limit / one for one, limit in zip(ours, bare, strict=True)]
    held = statistics.median
    return [
        figure("many.entries", [float(entries)], "entries", "10 million", holds=None),
        figure("many.plain_fan_out", bare, "ms", "the plain design", holds=None),
        figure("many.fan_out", ours, "ms", "<= 60", holds=held(ours) <= 60),
        figure("many.fan_out_ratio", ratios, "x plain", ">= 5", holds=held(ratios) >= 5),
        figure("many.longest_step", longest, "ms", "<= 20", holds=held(longest) <= 20),
        figure("many.merge_slice_p99", slices, "ms", "<= 20", holds=held(slices) <= 20),
        figure("many.merge_slice_longest", worst, "ms", "<= 20", holds=held(worst) <= 20),
        figure("many.disk_longest_sync", disk, "ms", "the limit: 1 MiB each", holds=None),
        figure("many.merge_round", rounds, "ms", "in idle time", holds=None),
        figure("many.first_page_p99", pages, "ms", "<= 2", holds=held(pages) <= 2),
        figure("many.folder_counts_p99", counts, "ms", "<= 2", holds=held(counts) <= 2),
    ]


async def _people(folder: Path) -> list[int]:
    with closing(_connect(folder / FILE)) as conn:
        return [row[0] for row in conn.execute("select distinct person_id from addressee order by person_id")]


def _quarter(folder: Path, units: list[int]) -> None:
    """A quarter's copies, signed at random: most soon, some late, some after the cut-off, a few never or sent back."""
    dice, start = random.Random(2018), parse_iso("2018-01-01T09:00")
    rows = []
    with closing(_connect(folder / FILE)) as conn:
        documents = [row[0] for row in conn.execute("select id from document order by id")]
        for document_id in documents:
            sent_at = start + dice.randrange(89) * DAY_US
            for unit_id in units[: COPIES // len(documents) + 1]:
                signed_at = sent_at + int(dice.expovariate(1 / 2) * DAY_US)
                state = dice.choices(("signed", "unsigned", "returned"), (95, 4, 1))[0]
                rows.append((document_id, unit_id, state, sent_at, sent_at + DAY_US, signed_at))
        conn.execute("begin")
        conn.executemany(
            "insert into distribution (document_id, unit_id, dispatch_id, role, counted, state, sent_at, sign_due_at, signed_at,"
            " returned_at) select ?1, ?2, ?1, 'to', 1, ?3, ?4, ?5, iif(?3 = 'signed', ?6, null), iif(?3 = 'returned', ?6, null)",
            rows[:COPIES],
        )
        conn.execute("commit")


def _take_up() -> Program[int]:
    """Tally the history as if each fact had been counted when it happened."""
    yield CommitNo()
    moves: tallies.Moves = Counter()
    for one in (yield from figures.recount()):
        if one.kind:
            moves[one.unit_id, one.kind, one.outcome, one.day, one.outcome_day] += one.history  # type: ignore[index]
    yield from tallies.move(moves)
    return len(moves)


async def quarter(runs: int) -> list[dict[str, Any]]:
    """The rates of 1,027 units for a quarter as of its cut-off, and the recount that proves them."""
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as scratch:
        async with open_store(Path(scratch), keys=Keys.of(b"bench")) as store:
            units = await fill(store, UNITS, UNITS * 6)
            for _ in range(-(-COPIES // len(units))):
                await submitted(store, units, 0)
            await asyncio.to_thread(_quarter, Path(scratch), units)
            rows = await store.engine.write(_take_up(), bulk=True)
            city = await store.engine.read(organisation.snapshot())
            took, by_days, recounted, agreed = [], [], [], True
            for _ in range(runs):
                began = time.perf_counter()
                told = await store.engine.read(tallies.sums(*QUARTER, CUTOFF))
                by_unit = rate_figures(told, city.units)
                took.append(1e3 * (time.perf_counter() - began))
                began = time.perf_counter()
                # One day less is no whole quarter: the same is summed up from the tallies of the days.
                await store.engine.read(tallies.sums(QUARTER[0], QUARTER[1] - 1, CUTOFF))
                by_days.append(1e3 * (time.perf_counter() - began))
                began = time.perf_counter()
                differences = await store.engine.read(figures.recount())
                recounted.append(1e3 * (time.perf_counter() - began))
                (total,) = table(by_unit, city, "total")
                agreed = agreed and not differences and total.figures.sent == COPIES
    return [
        figure("rates.tally_rows", [float(rows)], "rows", "285,597 copies", holds=None),
        figure("rates.quarter", took, "ms", "<= 10", holds=statistics.median(took) <= 10),
        figure("rates.by_days", by_days, "ms", "any other period", holds=None),
        figure("rates.recount", recounted, "ms", "equal", holds=agreed),
    ]


async def measure(runs: int) -> list[dict[str, Any]]:
    """Both."""
    return [*await inboxes(runs), *await quarter(runs)]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        tell(loop.run(measure(RUNS)))
