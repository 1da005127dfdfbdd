"""kill -9 at every place that matters, at seeded places, and again: what was acknowledged is there, once."""

from __future__ import annotations

import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE
from inbox_store.statements import migrations
from tests.faults.invariants import check_invariants
from tests.faults.ledger import facts, read
from tests.faults.process import worker
from tests.faults.worker import BROKEN, ledger_of

SEED = 2026


def goes_on(folder: Path, seed: int, rounds: int = 1) -> None:
    """A process started after the kill completes its rounds, and everything holds."""
    with worker(folder, seed, "--rounds", str(rounds)) as running:
        assert running.wait() == 0, (folder / "stderr").read_text("utf-8")
    check_invariants(folder, read(ledger_of(folder)))


@pytest.mark.parametrize(
    "failpoint",
    [
        "before_commit:3",  # in the import
        "before_commit:20",
        "after_commit:9",
        "after_commit:26",
        "after_chunk:1",  # in the middle of the first fan-out
        "after_chunk:2",
        "after_chunk:7",
    ],
)
def test_a_kill_at_a_failpoint_loses_nothing(tmp_path: Path, failpoint: str) -> None:
    """Killed there, the process that follows finds everything acknowledged, and completes what was begun, once."""
    with worker(tmp_path, SEED, failpoint=failpoint) as running:
        assert running.wait() == -signal.SIGKILL, (tmp_path / "stderr").read_text("utf-8")
    if any(facts(read(ledger_of(tmp_path)), "imported")):
        check_invariants(tmp_path, read(ledger_of(tmp_path)))
    goes_on(tmp_path, SEED)


@pytest.mark.parametrize("step", range(1, len(migrations()) + 1))
def test_a_kill_in_a_migration_leaves_the_step_undone(tmp_path: Path, step: int) -> None:
    """Killed at the end of any step, the file has the steps before it and nothing of this one; the next start completes."""
    with worker(tmp_path, SEED, failpoint=f"migrate:{step}") as running:
        assert running.wait() == -signal.SIGKILL, (tmp_path / "stderr").read_text("utf-8")
    with closing(sqlite3.connect(tmp_path / FILE)) as conn:
        assert conn.execute("select count(*) from schema_step").fetchall() == [(step - 1,)]
        tables = {row[0] for row in conn.execute("select name from sqlite_master where type = 'table'")}
        assert tables == expected_tables(step - 1)
    if step in (1, len(migrations())):
        goes_on(tmp_path, SEED)


def expected_tables(steps: int) -> set[str]:
    """The tables that so many steps make."""
    with closing(sqlite3.connect(":memory:")) as conn:
        for _, text in migrations()[:steps]:
            conn.executescript(text)
        rows = conn.execute("select name from sqlite_master where type = 'table'").fetchall()
    return {row[0] for row in rows} | {"schema_step"}


def kill_twice(folder: Path, seed: int) -> None:
    """Two kills at places which the seed chooses by counting lines of the ledger, then a whole round."""
    dice = random.Random(seed)
    written = 0
    for _ in range(2):
        with worker(folder, seed) as running:
            running.until(written + dice.randint(1, 60))
            running.send(signal.SIGKILL)
            assert running.wait() == -signal.SIGKILL
        written = len(read(ledger_of(folder)))
        if any(facts(read(ledger_of(folder)), "imported")):
            check_invariants(folder, read(ledger_of(folder)))
    goes_on(folder, seed)


@pytest.mark.parametrize("seed", range(1, 6))
def test_seeded_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    """The seed stands in the name of the test: SIGKILL at any time, and again, loses nothing and doubles nothing."""
    kill_twice(tmp_path, seed)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(101, 151))
def test_many_seeded_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    """The same for fifty seeds."""
    kill_twice(tmp_path, seed)


def test_sigterm_ends_in_order(tmp_path: Path) -> None:
    """Told to stop, the process finishes what it has begun, folds the log into the file and ends with 0, soon."""
    with worker(tmp_path, SEED) as running:
        running.until(30)
        running.send(signal.SIGTERM)
        assert running.wait(10) == 0
    lines = read(ledger_of(tmp_path))
    assert lines[-1]["fact"] == "closed"
    assert not (tmp_path / f"{FILE}-wal").exists()
    check_invariants(tmp_path, lines)


def test_a_disk_that_refuses_ends_the_process_in_order(tmp_path: Path) -> None:
    """When writes begin to fail nothing more is acknowledged, the process says so and ends; afterwards all is there."""
    with worker(tmp_path, SEED, "--file-max", str(4 * 1024 * 1024)) as running:
        assert running.wait() == BROKEN, (tmp_path / "stderr").read_text("utf-8")
    lines = read(ledger_of(tmp_path))
    assert len(lines) > 10
    assert lines[-1]["fact"] != "closed"
    check_invariants(tmp_path, lines)
    goes_on(tmp_path, SEED)
