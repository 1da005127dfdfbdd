"""An upgrade in a process of its own: this version's steps and some that a later version might have.

    python -m tests.faults.upgrader steps FILE NTH     the bare migration, killed before its nth statement (0: never)
    python -m tests.faults.upgrader start FOLDER 0     a start of the product; SONGDA_FAILPOINT=migrate:n kills it

It says at the end how many statements it ran.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

from inbox_store.embedded import before, engine, open_store
from inbox_store.embedded.migrate import migrate
from inbox_store.statements import migrations
from tests.inbox_store.world import KEYS, START, Clock

LATER: Final = [
    (
        "9001_later.sql",
        (
            "-- A column with a value for every row; a table filled from another; an index.\n"
            "alter table document add column shelf text not null default '';\n"
            "update document set shelf = 'shelf ' || id;\n"
            "create table shelf (name text not null primary key, title text not null);\n"
            "insert into shelf select shelf, title from document;\n"
            "create index document_shelf on document (shelf);\n"
        ),
    ),
    (
        "9002_rebuilt.sql",
        (
            "-- A table made anew with its rows, as SQLite asks for a changed check.\n"
            "create table shelf_new (name text not null primary key check (name <> ''), title text not null) without rowid;\n"
            "insert into shelf_new select name, title from shelf;\n"
            "drop table shelf;\n"
            "alter table shelf_new rename to shelf;\n"
            "create trigger shelf_stays before delete on shelf when old.name = 'x;y' begin select raise(abort, 'no; never'); end;\n"
        ),
    ),
]
"""What later versions do to a schema: rows are changed, a table is rebuilt."""


def steps() -> list[tuple[str, str]]:
    """The steps of the version that is upgraded to."""
    return [*migrations(), *LATER]


def run_steps(file: Path, nth: int) -> int:
    """Migrate a file, with the settings of the product's writer; returns the number of statements."""
    seen = 0

    def count(_statement: str) -> None:
        nonlocal seen
        seen += 1
        if seen == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    with closing(sqlite3.connect(file, isolation_level=None)) as conn:
        for pragma in ("busy_timeout=5000", "journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            conn.execute(f"pragma {pragma}")
        conn.set_trace_callback(count)
        migrate(conn, steps(), START)
    return seen


async def start(folder: Path) -> None:
    """Open the store as the later version does."""
    engine.migrations = before.migrations = steps  # type: ignore[attr-defined]  # this process is the later version
    async with open_store(folder, clock=Clock(START), keys=KEYS, readers=1):
        pass


def main(verb: str, place: Path, nth: int) -> None:
    """Do it."""
    if verb == "steps":
        sys.stdout.write(f"{run_steps(place, nth)}\n")
    else:
        asyncio.run(start(place))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
