"""Writes data/first.db.sql: a store of the first version with the whole road in it, as text.

    python -m tests.inbox_store.make_first

Made once for the first release and kept: every later version must bring this file to its own schema and find
everything in it again (test_migrations.py). It is made anew only as long as the first version is not released.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from inbox_store.embedded import FILE, open_store
from inbox_store.times import DAY_US
from tests.inbox_store.world import KEYS, START, Clock, World

FIRST = Path(__file__).parent / "data" / "first.db.sql"


async def road(folder: Path) -> None:
    """One of everything: sent, signed, late, returned and sent again, handled, filed, recalled, merged and hot."""
    clock = Clock(START)
    async with open_store(folder, clock=clock, keys=KEYS) as store:
        world = await World.of(store, clock)
        first = await world.send(["U1", "U2", "U3"])
        await world.open(first, "u1-a")
        await world.sign(first, "U1", "u1-a")
        await world.transfer(first, "U1", "u1-staff", "u1-a")
        await world.give_back(first, "U2", "u2-a")
        clock.forward(2 * DAY_US)
        again = await world.supplement(first, ["U2", "U4"])
        await world.fan_out(again.dispatch_id)
        await world.sign(first, "U3", "u3-b")
        await world.archive(first, "U1", "u1-a")
        taken = await world.send(["U1", "U5"], document=world.document("关于开展检查的通知"))
        await world.recall(taken)
        await world.withdraw()
        await world.send(["U1", "U2"], document=world.document("会议通知", kind="meeting_notice"))
        await world.merge(2)
        await world.submit(["U5"], document=world.document("尚未分发的通知"))
        await world.must_agree()


def dump(folder: Path) -> str:
    """The file as SQL text."""
    with closing(sqlite3.connect(folder / FILE)) as conn:
        return "\n".join(conn.iterdump()) + "\n"


def restore(text: str, folder: Path) -> None:
    """A database file from the text."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / FILE)) as conn:
        conn.executescript(text)


def main() -> None:
    """Make the file."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(road(Path(folder)))
        FIRST.write_text(dump(Path(folder)), "utf-8")


if __name__ == "__main__":
    main()
