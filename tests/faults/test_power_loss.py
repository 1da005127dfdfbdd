"""Power loss at every system call: what was acknowledged is on the disk, and the file is sound."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE, open_store
from tests.faults.invariants import check_invariants
from tests.faults.ledger import Line, facts
from tests.faults.power import DROPPED, LOSSES, SUBSET, TORN, Moment, lay_down, moments
from tests.faults.process import ROOT, worker
from tests.faults.strace import recording, store_files
from tests.faults.worker import ledger_of
from tests.inbox_store.world import KEYS

SEED = 11


def recorded(folder: Path, rounds: int) -> Path:
    """The trace of a worker that imports the city and works so many rounds, folding its log in each."""
    trace = folder.with_name("trace")
    folder.mkdir()
    watched = [folder, *store_files(folder), folder / f"{FILE}-shm", ledger_of(folder)]
    with worker(folder, SEED, "--rounds", str(rounds), "--folds", wrap=recording(watched, trace)) as running:
        assert running.wait() == 0, (folder / "stderr").read_text("utf-8")
    return trace


def rows_are_there(conn: sqlite3.Connection, told: list[Line]) -> None:
    """The quick check: what was told last of each kind stands in the tables. The last line tells of all before it."""
    assert conn.execute("pragma integrity_check").fetchall() == [("ok",)]
    for line in facts(told, "submitted"):
        found = conn.execute("select title from document where id = ?", [line["document_id"]]).fetchall()
        assert found == [(f"通知 {line['key']}",)]
    for line in facts(told, "signed"):
        found = conn.execute(
            "select 1 from sign_receipt r join unit u on u.id = r.unit_id where r.document_id = ? and u.code = ?",
            [line["document_id"], line["unit"]],
        ).fetchall()
        assert found == [(1,)]
    for line in facts(told, "head"):
        found = conn.execute(
            "select link from commit_log where commit_no = ?", [line["commit_no"]]
        ).fetchall()
        assert found == [(bytes.fromhex(line["link"]),)]


async def opens(folder: Path) -> None:
    """The product takes up whatever a loss in its first steps has left."""
    async with open_store(folder, keys=KEYS, readers=1):
        pass


def survives(moment: Moment, loss: str, folder: Path, *, wholly: bool) -> None:
    """After this loss the store opens and holds all that had been told; the failure names the place."""
    where = f"moment {moment.no}, {loss}, before {moment.call}"
    lay_down(moment.after(loss, random.Random(f"{SEED}/{moment.no}/{loss}")), folder)
    try:
        with closing(sqlite3.connect(folder / FILE)) as conn:
            rows_are_there(conn, moment.told)
        if wholly and any(facts(moment.told, "imported")):
            check_invariants(folder, moment.told)
        elif wholly:
            asyncio.run(opens(folder))
    except BaseException as fault:
        fault.add_note(where)
        raise


def survive(
    trace: Path, folder: Path, looks: Callable[[Moment], bool], wholly: Callable[[Moment], bool]
) -> int:
    """Every moment that ``looks`` chooses, in each model of loss; returns how many states were checked."""
    checked = 0
    for moment in moments(trace, folder, ledger_of(folder).name):
        for loss in LOSSES if looks(moment) else ():
            survives(moment, loss, folder.with_name("after"), wholly=wholly(moment))
            checked += 1
    assert moment.told[-1]["fact"] == "closed"
    return checked


@pytest.mark.needs_program("strace")
def test_power_may_fail_at_any_sync(tmp_path: Path) -> None:
    """Before every sync, and at places between, nothing acknowledged is lost and nothing is half there."""
    trace = recorded(tmp_path / "store", 1)
    checked = survive(
        trace,
        tmp_path / "store",
        lambda moment: moment.before_sync or moment.no % 40 == 0 or moment.call is None,
        lambda moment: moment.no % 3 == 0 or moment.call is None,
    )
    assert checked > 150


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.needs_program("strace")
def test_power_may_fail_at_any_call(tmp_path: Path) -> None:
    """The same before every single call that changes a file, over rounds that fold the log and begin it anew."""
    trace = recorded(tmp_path / "store", 3)
    checked = survive(
        trace,
        tmp_path / "store",
        lambda _: True,
        lambda moment: moment.before_sync or moment.no % 20 == 0 or moment.call is None,
    )
    assert checked > 3_000


CLIENT = """
import json, os, sqlite3, sys
folder, level = sys.argv[1:]
told = os.open(f"{folder}/told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
conn = sqlite3.connect(f"{folder}/plain.db", isolation_level=None)
for pragma in ("journal_mode=wal", f"synchronous={level}", "wal_autocheckpoint=20"):
    conn.execute(f"pragma {pragma}").fetchall()
conn.execute("create table fact (no integer primary key)")
for no in range(40):
    conn.execute("insert into fact values (?)", (no,))
    os.write(told, json.dumps({"fact": "row", "no": no}).encode() + b"\\n")
"""


def rows_lost(tmp_path: Path, level: str) -> tuple[int, int]:
    """Of plain SQLite with this ``synchronous``: at most so many acknowledged rows lost, so many states corrupt."""
    folder, trace, after = tmp_path / level, tmp_path / f"{level}.trace", tmp_path / "after"
    folder.mkdir()
    files = [folder / name for name in ("", "plain.db", "plain.db-wal", "plain.db-journal", "told")]
    command = [*recording(files, trace), sys.executable, "-c", CLIENT, str(folder), level]
    subprocess.run(command, check=True, cwd=ROOT, timeout=60)
    worst = corrupt = 0
    for moment in moments(trace, folder, "told"):
        for loss in LOSSES:
            lay_down(moment.after(loss, random.Random(f"{moment.no}/{loss}")), after)
            try:
                worst = max(worst, len(moment.told) - _rows(after))
            except sqlite3.DatabaseError:
                corrupt += 1
    return worst, corrupt


def _rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "plain.db")) as conn:
        if conn.execute("pragma integrity_check").fetchall() != [("ok",)]:
            raise sqlite3.DatabaseError("not sound")
        if not conn.execute("select 1 from sqlite_master where name = 'fact'").fetchall():
            return 0
        return int(conn.execute("select count(*) from fact").fetchone()[0])


@pytest.mark.needs_program("strace")
def test_the_replay_finds_what_a_store_without_syncs_loses(tmp_path: Path) -> None:
    """The proof that these tests can fail: plain SQLite loses rows when it syncs less, and only then."""
    assert rows_lost(tmp_path, "full") == (0, 0)
    assert rows_lost(tmp_path, "normal")[0] > 5
    worst, corrupt = rows_lost(tmp_path, "off")
    assert worst > 20
    assert corrupt > 0


# The model itself, on traces written by hand.


def hexed(told: str | bytes) -> str:
    """As strace -xx writes it."""
    raw = told.encode() if isinstance(told, str) else told
    return "".join(f"\\x{byte:02x}" for byte in raw)


def on(name: str) -> str:
    """A descriptor of a file in the folder of these traces."""
    return f"7<{hexed(f'/d/{name}' if name else '/d')}>"


def made(name: str) -> str:
    """The line that makes a file."""
    return f'1 openat(AT_FDCWD, "{hexed(f"/d/{name}")}", O_RDWR|O_CREAT, 0600) = 7{on(name)[1:]}'


def last(tmp_path: Path, *lines: str, loss: str = DROPPED, seed: int = 1) -> dict[str, bytes]:
    """What is left when power fails after the last of these lines."""
    trace = tmp_path / "trace"
    trace.write_text("\n".join(lines) + "\n", "ascii")
    *_, moment = moments(trace, Path("/d"), "told")
    return moment.after(loss, random.Random(seed))


SYNC_FOLDER = f"1 fsync({on('')}) = 0"


def test_only_what_was_synced_is_certain(tmp_path: Path) -> None:
    """A write before the sync stays, one after it may go; a change of size is such a write."""
    lines = [
        made("a"),
        SYNC_FOLDER,
        f'1 pwrite64({on("a")}, "{hexed(b"abc")}", 3, 0) = 3',
        f"1 fdatasync({on('a')}) = 0",
        f'1 pwrite64({on("a")}, "{hexed(b"XY")}", 2, 4) = 2',
        f"1 ftruncate({on('a')}, 1) = 0",
    ]
    assert last(tmp_path, *lines) == {"a": b"abc"}
    found = {last(tmp_path, *lines, loss=SUBSET, seed=seed)["a"] for seed in range(20)}
    assert found == {b"abc", b"abc\0XY", b"a"}


def test_a_sync_covers_what_was_written_before_it_began(tmp_path: Path) -> None:
    """What another thread writes while the sync runs is not certain by it, nor is anything before it has returned."""
    lines = [
        made("a"),
        SYNC_FOLDER,
        f'1 pwrite64({on("a")}, "{hexed(b"a")}", 1, 0) = 1',
        f"1 fdatasync({on('a')} <unfinished ...>",
        f'2 pwrite64({on("a")}, "{hexed(b"b")}", 1, 1) = 1',
    ]
    assert last(tmp_path, *lines) == {"a": b""}
    assert last(tmp_path, *lines, "1 <... fdatasync resumed>) = 0") == {"a": b"a"}
    assert last(tmp_path, *lines, "1 <... fdatasync resumed>) = -1 EIO (Input/output error)") == {"a": b""}


def test_a_name_is_certain_when_its_folder_is(tmp_path: Path) -> None:
    """A new file, a renamed one and a removed one are so only after a sync of the folder."""
    new = [made("a"), f'1 pwrite64({on("a")}, "{hexed(b"x")}", 1, 0) = 1', f"1 fsync({on('a')}) = 0"]
    assert last(tmp_path, *new) == {}
    assert last(tmp_path, *new, SYNC_FOLDER) == {"a": b"x"}
    renamed = [*new, SYNC_FOLDER, f'1 rename("{hexed("/d/a")}", "{hexed("/d/b")}") = 0']
    assert last(tmp_path, *renamed) == {"a": b"x"}
    assert last(tmp_path, *renamed, SYNC_FOLDER) == {"b": b"x"}
    removed = [*new, SYNC_FOLDER, f'1 unlink("{hexed("/d/a")}") = 0']
    assert last(tmp_path, *removed) == {"a": b"x"}
    assert last(tmp_path, *removed, SYNC_FOLDER) == {}


def test_a_torn_write_is_there_by_sectors(tmp_path: Path) -> None:
    """Of one write some sectors are there and some are not; a sector is never cut."""
    lines = [made("a"), SYNC_FOLDER, f'1 pwrite64({on("a")}, "{hexed(b"x" * 2048)}", 2048, 256) = 2048']
    found = last(tmp_path, *lines, loss=TORN, seed=3)["a"]
    parts = [found[0:256], *(found[at : at + 512] for at in range(512, 2304, 512))]
    assert all(len(set(part)) <= 1 for part in parts)
    assert {b"x"[0], 0} <= set(found)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1 nonsense", "no call"),
        (f'1 pwrite64({on("a")}, "{hexed(b"x")}"..., 9, 0) = 9', "cut off"),
        (f"1 fallocate({on('a')}, 0, 0, 4096) = 0", "not modelled"),
    ],
)
def test_a_trace_that_cannot_be_replayed_is_refused(tmp_path: Path, line: str, words: str) -> None:
    """What the model does not know is an error and never silently left out."""
    with pytest.raises(ValueError, match=words):
        last(tmp_path, made("a"), line)
