"""The schema's steps: whole or not at all, once, never backwards; every version from the first on is brought along."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE, open_store
from inbox_store.embedded import engine as embedded_engine
from inbox_store.embedded.migrate import SchemaMismatch, migrate, split
from inbox_store.programs import dispatch, figures, inbox, trace
from inbox_store.statements import migrations
from tests.inbox_store.make_first import FIRST, restore
from tests.inbox_store.world import KEYS, START, Clock, World

STEPS = migrations()
NAMES = [name for name, _ in STEPS]


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An empty database file."""
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as opened:
        yield opened


def schema(conn: sqlite3.Connection) -> list[str]:
    """Everything that was created, as text, in order of name."""
    return [
        row[0] for row in conn.execute("select sql from sqlite_master where sql is not null order by name")
    ]


def test_from_nothing_once(conn: sqlite3.Connection) -> None:
    """All steps are applied in order to an empty file; a second run has nothing to do."""
    assert migrate(conn, STEPS, START) == NAMES == sorted(NAMES)
    before = schema(conn)
    assert migrate(conn, STEPS, START + 1) == []
    assert schema(conn) == before
    assert conn.execute("select name, at from schema_step order by name").fetchall() == [
        (name, START) for name in NAMES
    ]


def test_a_new_step_comes_on_top(conn: sqlite3.Connection) -> None:
    """A later version applies only what is new to it."""
    migrate(conn, STEPS, START)
    later = [*STEPS, ("9999_later.sql", "create table later (id integer primary key);")]
    assert migrate(conn, later, START + 1) == ["9999_later.sql"]


def test_a_newer_file_is_refused(conn: sqlite3.Connection) -> None:
    """A file with a step this version does not know is named, with what to do, and left alone."""
    migrate(conn, STEPS, START)
    conn.execute("insert into schema_step values ('9999_later.sql', 'x', 0)")
    before = schema(conn)
    with pytest.raises(SchemaMismatch, match=r"newer version: 9999_later\.sql.*备份"):
        migrate(conn, STEPS, START)
    assert schema(conn) == before


def test_a_changed_step_is_refused(conn: sqlite3.Connection) -> None:
    """A step whose text is no longer what was applied stops the start, named."""
    migrate(conn, STEPS, START)
    changed = [*STEPS[:-1], (STEPS[-1][0], STEPS[-1][1] + "\n-- one word more\n")]
    with pytest.raises(SchemaMismatch, match=STEPS[-1][0]):
        migrate(conn, changed, START)


@pytest.mark.parametrize("broken", range(len(STEPS)))
def test_a_step_that_fails_leaves_nothing(conn: sqlite3.Connection, broken: int) -> None:
    """A fault at the end of any step undoes that step whole and keeps those before it; the next run completes."""
    name, text = STEPS[broken]
    failing = [
        *STEPS[:broken],
        (name, text + "\ninsert into no_such_table values (1);\n"),
        *STEPS[broken + 1 :],
    ]
    with pytest.raises(sqlite3.Error, match="no_such_table"):
        migrate(conn, failing, START)
    assert [row[0] for row in conn.execute("select name from schema_step order by name")] == NAMES[:broken]
    assert migrate(conn, STEPS, START) == NAMES[broken:]
    whole = schema(conn)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, STEPS, START)
        assert whole == schema(fresh)


def test_a_script_is_cut_at_its_statements() -> None:
    """Comments, several lines, semicolons in text and in triggers cut nothing; what has no semicolon counts too."""
    script = (
        "-- a; comment\ncreate table a (\n  x text default ';'\n);\n"
        "create trigger t before delete on a begin select raise(abort, 'no; never'); end;\n"
        "select 1"
    )
    parts = list(split(script))
    assert [part.split()[0] for part in parts] == ["--", "create", "select"]
    with closing(sqlite3.connect(":memory:")) as conn:
        for part in parts:
            conn.execute(part)


async def test_the_engine_says_why_it_does_not_start(tmp_path: Path, clock: Clock) -> None:
    """Opening the store of a newer version raises with the reason, and the version that made it opens it again."""
    async with open_store(tmp_path, clock=clock, keys=KEYS):
        pass
    later = [*STEPS, ("9999_later.sql", "create table later (id integer primary key);")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_engine, "migrations", lambda: later)
        async with open_store(tmp_path, clock=clock, keys=KEYS):
            pass
    with pytest.raises(SchemaMismatch, match=r"9999_later\.sql"):
        async with open_store(tmp_path, clock=clock, keys=KEYS):
            pass


async def test_the_first_version_is_brought_along(tmp_path: Path) -> None:
    """A file of the first version opens, keeps every entry, figure, receipt and link, and goes on working."""
    restore(FIRST.read_text("utf-8"), tmp_path)
    clock = Clock(START + 10 * 86_400_000_000)
    async with open_store(tmp_path, clock=clock, keys=KEYS) as store:
        world = await World.of(store, clock)
        await world.must_agree()
        told = await world.read(trace.verify())
        assert (told.receipts, told.faults) == (2, ())
        assert await world.copy_states(1) == {
            "U1": "archived",
            "U2": "unsigned",
            "U3": "signed",
            "U4": "unsigned",
        }
        assert await world.copy_states(2) == {"U1": "recalled", "U5": "recalled"}
        assert [entry.state for entry in await world.inbox("u1-a")] == ["to_do", "withdrawn", "done"]
        assert len(await world.inbox("u1-a", text="会议")) == 2
        assert await world.read(figures.reached(1)) == (4, 13)
        ((open_id, _),) = await world.read(dispatch.open_dispatches())
        await world.fan_out(open_id)
        await world.sign(1, "U4", "u4-a")
        await world.merge()
        assert (await world.read(trace.verify(bytes.fromhex(told.head), told.commits))).faults == ()
        assert len(await world.catch_up("mixed", 0)) == 4
        assert world.store.engine.position == await world.read(inbox.position())
