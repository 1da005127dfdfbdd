"""Fault 30: an upgrade of a file that holds data, killed at any statement; the way back; versions that are not ours."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from inbox_store.embedded import FILE, before, open_store
from inbox_store.embedded.migrate import SchemaMismatch
from inbox_store.embedded.restore import KeySource, restore
from inbox_store.errors import StoreBroken
from inbox_store.failpoints import VARIABLE
from inbox_store.programs import dispatch, trace
from inbox_store.times import system_now
from tests.faults import upgrader
from tests.faults.process import ROOT, TIMEOUT_S
from tests.faults.stores import write_keys
from tests.inbox_store.make_first import FIRST
from tests.inbox_store.make_first import restore as load_text
from tests.inbox_store.world import KEYS, START, Clock, World

PLACES = 5
"""Places at which `make test` kills the bare migration, spread evenly; `make test-long` takes every one."""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the first version with the whole road in it, as that version leaves it."""
    folder = tmp_path_factory.mktemp("first")
    load_text(FIRST.read_text("utf-8"), folder)
    return folder


class Peace(NamedTuple):
    """The upgrade without a kill: every row and definition afterwards, and how many statements it took."""

    rows: list[str]
    statements: int


@pytest.fixture(scope="module")
def peace(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Peace:
    """What every interrupted upgrade must come to."""
    folder = copied(first, tmp_path_factory.mktemp("peace") / "data")
    done = run("steps", folder / FILE)
    assert done.returncode == 0, done.stderr
    return Peace(rows_in(folder), int(done.stdout))


def copied(first: Path, folder: Path) -> Path:
    """A copy of the first version's folder."""
    shutil.copytree(first, folder)
    return folder


def run(verb: str, place: Path, nth: int = 0, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    """The upgrade in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.upgrader", verb, str(place), str(nth)],
        cwd=ROOT,
        env={**os.environ, VARIABLE: failpoint},
        timeout=TIMEOUT_S,
        check=False,
        capture_output=True,
        text=True,
    )


def rows_in(folder: Path) -> list[str]:
    """Every row and definition of a file, as text, in no order; when a step was done is left out."""
    with closing(sqlite3.connect(folder / FILE)) as conn:
        assert conn.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert conn.execute("pragma foreign_key_check").fetchall() == []
        return sorted(line for line in conn.iterdump() if '"schema_step" VALUES' not in line)


def steps_in(file: Path) -> list[str]:
    """The steps that a file has."""
    with closing(sqlite3.connect(file)) as conn:
        return [row[0] for row in conn.execute("select name from schema_step order by name")]


def pending(first: Path) -> list[str]:
    """The steps that an upgrade of the first version's file takes, those of the later version among them."""
    return [name for name, _ in upgrader.steps() if name not in steps_in(first / FILE)]


def kill_and_complete(first: Path, folder: Path, peace: Peace, places: Sequence[int]) -> None:
    """Kill the bare migration before each of these statements; the next run must come to the same rows."""
    names = [name for name, _ in upgrader.steps()]
    for nth in places:
        data = copied(first, folder / str(nth))
        assert run("steps", data / FILE, nth).returncode == -signal.SIGKILL
        done = steps_in(data / FILE)
        assert done == names[: len(done)]
        upgrader.run_steps(data / FILE, 0)
        assert rows_in(data) == peace.rows, f"killed before statement {nth}"


def test_a_kill_at_any_statement_of_an_upgrade_loses_nothing(
    first: Path, tmp_path: Path, peace: Peace
) -> None:
    """Killed before a statement of any step, the file has whole steps only, and the next start comes to the same rows."""
    places = sorted({1 + (peace.statements - 1) * part // (PLACES - 1) for part in range(PLACES)})
    kill_and_complete(first, tmp_path, peace, places)


@pytest.mark.long
def test_a_kill_at_every_statement_of_an_upgrade_loses_nothing(
    first: Path, tmp_path: Path, peace: Peace
) -> None:
    """The same at every statement there is."""
    kill_and_complete(first, tmp_path, peace, range(1, peace.statements + 1))


def test_a_start_killed_in_each_step_completes_with_one_copy(
    first: Path, tmp_path: Path, peace: Peace
) -> None:
    """The product's own start, killed at the end of each step in turn: whole steps, one copy of the file as it was."""
    data = copied(first, tmp_path / "data")
    missing, old = pending(first), rows_in(first)
    copies: list[Path] = []
    for step in missing:
        assert run("start", data, failpoint="migrate:1").returncode == -signal.SIGKILL
        assert steps_in(data / FILE)[-1] < step
        # The copy is of the file before any step: not of one that a killed upgrade left half way.
        copies = list(data.glob(f"{FILE}.before-{missing[0][:4]}-*"))
        assert [steps_in(copy) for copy in copies] == [steps_in(first / FILE)]
        goes_one_step(data, step)
    assert run("start", data).returncode == 0
    assert set(steps_in(data / FILE)) >= set(missing)
    assert rows_but_keys(data) == rows_but(peace.rows)
    (tmp_path / "old").mkdir()
    shutil.copy(copies[0], tmp_path / "old" / FILE)
    assert rows_in(tmp_path / "old") == old


def goes_one_step(data: Path, step: str) -> None:
    """Complete one step and no more: killed in the one after it, where there is one."""
    done = run("start", data, failpoint="migrate:2")
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    assert steps_in(data / FILE)[-1] >= step


def rows_but(rows: list[str]) -> list[str]:
    """Rows without those that a start adds: the published key."""
    return [row for row in rows if '"receipt_key" VALUES' not in row]


def rows_but_keys(data: Path) -> list[str]:
    """The same for a folder."""
    return rows_but(rows_in(data))


def test_two_starts_at_once_upgrade_once(first: Path, tmp_path: Path, peace: Peace) -> None:
    """A tool and a server that start together take turns at the steps; neither fails."""
    data = copied(first, tmp_path / "data")
    command = [sys.executable, "-m", "tests.faults.upgrader", "steps", str(data / FILE), "0"]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "ab"]
    for one in both:
        _, errors = one.communicate(timeout=TIMEOUT_S)
        assert one.returncode == 0, errors.decode()
    assert rows_in(data) == peace.rows


async def test_the_way_back_from_an_upgrade(first: Path, tmp_path: Path) -> None:
    """The older version refuses the upgraded file, says what to do, and that works: the kept copy, restored."""
    data = copied(first, tmp_path / "data")
    write_keys(data / "keys")
    assert run("start", data).returncode == 0
    upgraded = rows_in(data)
    with pytest.raises(SchemaMismatch, match=r"9001_later\.sql.*songda\.db\.before-.*songda restore"):
        async with open_store(data, clock=Clock(START), readers=1):
            pass
    assert rows_in(data) == upgraded
    (copy,) = data.glob(f"{FILE}.before-*")
    told = restore(copy, tmp_path / "back", FILE, clock=system_now, tell=lambda *_: None, keys=KeySource())
    clock = Clock(START + 10 * 86_400_000_000)
    async with open_store(tmp_path / "back", clock=clock, readers=1) as store:
        world = await World.of(store, clock)
        await world.must_agree()
        verdict = await world.read(trace.verify())
        assert (verdict.faults, verdict.receipts) == ((), 2)
        assert store.engine.epoch == told.now.epoch != told.before.epoch
        ((open_id, _),) = await world.read(dispatch.open_dispatches())
        await world.fan_out(open_id)


async def test_no_room_for_the_copy_stops_the_upgrade(
    first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk without room for the copy is said with how much is needed, and nothing is changed."""
    data = copied(first, tmp_path / "data")
    monkeypatch.setattr(before, "migrations", upgrader.steps)
    full = shutil.disk_usage(data)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(StoreBroken, match="空间不足"):
        async with open_store(data, clock=Clock(START), keys=KEYS, readers=1):
            pass
    assert rows_in(data) == rows_in(first)
    assert [path.name for path in data.iterdir() if "before" in path.name] == []
