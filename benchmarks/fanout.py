"""The fan-out of one document to 101,800 inboxes, beside one bare INSERT ... SELECT into the same layout.

Both write the same rows into the same tables of the same kind of file (WAL, synchronous=FULL); the product also writes
the copies, tallies and trace, in steps that let everybody else go first, and is durable after each step.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.figures import figure, tell
from gateway.demo.city import build_city
from inbox_store.embedded import FILE, open_store
from inbox_store.keys import Keys
from inbox_store.nouns import AudienceUnit, NewDocument
from inbox_store.programs import dispatch, figures, organisation
from inbox_store.programs.announcing import Due
from inbox_store.programs.dispatch import DocumentHead, Plan
from inbox_store.store import Store
from inbox_store.times import system_now

RUNS: Final = 7
PERSONS: Final = 101_800
UNITS: Final = 1_027
CHUNK_ROWS: Final = 8_000
GOAL: Final = 0.5

BARE: Final = (
    "insert into inbox_hot (send_no, person_id, commit_no, folder, state)"
    " select ?, x.person_id, 1, a.folder, case when x.is_clerk = 1 then 'to_do' else 'to_read' end"
    " from audience a join addressee x on x.unit_id = a.unit_id where a.dispatch_id = ? on conflict do nothing"
)


async def fill(store: Store, units_count: int, persons: int) -> list[int]:
    """Import the fictional city; gives the ids of its units, the one outside last."""
    rows = build_city(units=units_count, persons=persons)
    now = system_now()
    count = await store.engine.write(organisation.import_structure(rows, now, 0))
    for people, posts in organisation.people_in_steps(rows):
        await store.engine.write(organisation.import_people(people, posts, store.keys.phones, now), bulk=True)
    units = await store.engine.read(organisation.unit_ids())
    await store.engine.write(organisation.rebuild_addressees(units[0], units[-1], system_now()), bulk=True)
    await store.engine.write(organisation.import_finished(count, 0, system_now()))
    return units


def due_soon(_head: DocumentHead, now: int) -> Due:
    """An hour to sign, whatever the calendar says."""
    return Due(sign_due_at=now + 3_600_000_000, handle_due_at=None)


async def submitted(store: Store, units: list[int], persons: int) -> dispatch.Submitted:
    """A document to every person of the units but the last, which sends it."""
    document = NewDocument(
        kind="notice", title="关于做好防汛工作的通知", body="请落实。", sender_unit_id=units[-1]
    )
    audience = tuple(AudienceUnit(unit_id=unit, role="to", folder="from_above") for unit in units[:-1])
    plan = Plan(
        scope="{}",
        audience=audience,
        reach="everyone",
        leader_mask=0,
        general=True,
        held=False,
        sms_reminder=False,
        persons=persons,
        segments=0,
        amount_li=0,
    )
    return await store.engine.write(dispatch.submit(document, None, plan, 1, "", "防汛办", system_now()))


async def product(store: Store, units: list[int], persons: int) -> tuple[float, float, int]:
    """Seconds of the whole fan-out, the longest single step, and how many inboxes it reached."""
    told = await submitted(store, units, persons)
    began, longest = time.perf_counter(), 0.0
    while True:
        step = time.perf_counter()
        done = await store.engine.write(
            dispatch.fan_out_chunk(told.dispatch_id, CHUNK_ROWS, due_soon, system_now()), bulk=True
        )
        longest = max(longest, time.perf_counter() - step)
        if done:
            break
    took = time.perf_counter() - began
    _, entries = await store.engine.read(figures.reached(told.document_id))
    return took, longest, entries


def _bare(path: Path, send_no: int) -> float:
    """Seconds of the bare statement in one durable transaction, beside the open store."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("pragma synchronous=full")
    conn.execute("pragma cache_size=-65536")
    conn.execute("pragma wal_autocheckpoint=0")
    (dispatch_id,) = conn.execute("select max(id) from dispatch").fetchone()
    began = time.perf_counter()
    conn.execute("begin immediate")
    conn.execute(BARE, (send_no, dispatch_id))
    conn.execute("commit")
    took = time.perf_counter() - began
    conn.execute("delete from inbox_hot where send_no = ?", (send_no,))
    conn.close()
    return took


async def measure(runs: int) -> list[dict[str, Any]]:
    """Product and bare statement in turn."""
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as folder:
        async with open_store(Path(folder), keys=Keys.of(b"bench")) as store:
            units = await fill(store, UNITS, PERSONS)
            await product(store, units, PERSONS)
            ours: list[float] = []
            bare: list[float] = []
            steps: list[float] = []
            entries = 0
            for run in range(runs):
                took, longest, entries = await product(store, units, PERSONS)
                ours.append(took)
                steps.append(longest)
                bare.append(await asyncio.to_thread(_bare, Path(folder) / FILE, 9_000_000 + run))
    ratios = [limit / one for one, limit in zip(ours, bare, strict=True)]
    return [
        figure("fanout.entries", [float(entries)], "inboxes", "what is written", holds=None),
        figure("fanout.bare_insert", [1e3 * one for one in bare], "ms", "the limit", holds=None),
        figure(
            "fanout.product",
            [1e3 * one for one in ours],
            "ms",
            "<= 2 x bare",
            holds=statistics.median(ratios) >= GOAL,
        ),
        figure(
            "fanout.share_of_bare", ratios, "x bare", f">= {GOAL}", holds=statistics.median(ratios) >= GOAL
        ),
        figure(
            "fanout.longest_step",
            [1e3 * one for one in steps],
            "ms",
            "<= 20",
            holds=statistics.median(steps) <= 0.02,
        ),
    ]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        tell(loop.run(measure(RUNS)))
