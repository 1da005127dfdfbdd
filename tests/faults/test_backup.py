"""Fault 33: a backup taken while the store is written, restored elsewhere; kills in the middle; backups that do not hold."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE, copying, open_store
from inbox_store.embedded.backup import DATABASE, MANIFEST, back_up, manifest_of
from inbox_store.embedded.copying import CopyFault, attachment_path
from inbox_store.embedded.restore import KeySource, restore
from inbox_store.keys import load_keys
from inbox_store.programs import trace
from inbox_store.times import system_now
from tests.faults.invariants import check_invariants
from tests.faults.ledger import Line, facts, read
from tests.faults.process import worker
from tests.faults.stores import content_of, copier, worked, write_keys
from tests.faults.worker import WallClock, ledger_of
from tests.inbox_store.test_engine import add_line
from tests.inbox_store.world import KEYS

SEED = 33
REPORTS = 40
"""More reports of progress than any of these copies makes."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store at rest: read, never changed, by the tests of this file."""
    return worked(tmp_path_factory.mktemp("source") / "data", SEED)


@pytest.fixture(scope="module")
def backup(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it with its keys: copied before it is broken."""
    target = tmp_path_factory.mktemp("backup") / "backup"
    back_up(source, FILE, target, clock=system_now, tell=silent, keys=source / "keys")
    return target


def restored(backup: Path, data: Path) -> Path:
    """A data folder from a backup that holds its keys."""
    restore(backup, data, FILE, clock=system_now, tell=silent, keys=KeySource())
    return data


def expected(before: list[Line], after: list[Line]) -> list[Line]:
    """What must be in a backup: all that was acknowledged before it began; what was tried later may be."""
    return [*before, *facts(after[len(before) :], "tried")]


@pytest.mark.parametrize("seed", [1, 3])
def test_a_backup_beside_a_writing_process_loses_nothing_before_it(tmp_path: Path, seed: int) -> None:
    """Whatever was acknowledged when the backup began is in what is restored elsewhere, and nothing is torn."""
    data, target = tmp_path / "data", tmp_path / "backup"
    with worker(data, seed) as running:
        running.until(40 * seed)
        before = running.lines()
        back_up(data, FILE, target, clock=system_now, tell=silent)
        running.until(len(running.lines()) + 10)
        running.send(signal.SIGTERM)
        assert running.wait() == 0
    lines = read(ledger_of(data))
    keys = KeySource(folder=write_keys(tmp_path / "keys"))
    told = restore(target, tmp_path / "new", FILE, clock=system_now, tell=silent, keys=keys)
    check_invariants(tmp_path / "new", expected(before, lines))
    check_invariants(data, lines)
    assert told.now.epoch != told.before.epoch == next(facts(lines, "opened_store"))["epoch"]
    assert told.now.commit_no == told.before.commit_no + 1


async def test_the_writer_goes_on_while_the_copy_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit between any two steps of the copy neither waits for it, nor sends it back to its beginning, nor is in it."""
    monkeypatch.setattr(copying, "PAGES_PER_STEP", 8)
    loop, reports = asyncio.get_running_loop(), []
    async with open_store(tmp_path / "data", clock=WallClock(), keys=KEYS, readers=1) as store:
        await store.engine.write(add_line("before"))
        begun = store.engine.position

        def tell(what: str, done: int, total: int) -> None:
            if what == "数据库":
                reports.append((done, total))
                fact = store.engine.write(add_line(f"during-{len(reports)}"))
                asyncio.run_coroutine_threadsafe(fact, loop).result(10)

        manifest = await asyncio.to_thread(
            back_up, tmp_path / "data", FILE, tmp_path / "backup", clock=system_now, tell=tell
        )
        assert store.engine.position == begun + len(reports)
    assert len(reports) > 5
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    assert len({total for _, total in reports}) == 1
    assert manifest.stand.commit_no == begun


def test_a_restored_store_is_whole_and_a_new_history(source: Path, backup: Path, tmp_path: Path) -> None:
    """Attachments, keys and facts are those of the source; the epoch is new, log-ins have ended, the trace says so."""
    data = restored(backup, tmp_path / "data")
    lines = read(ledger_of(source))
    check_invariants(data, lines)
    for file_id in (f"{1:032x}", f"{2:032x}"):
        assert attachment_path(data, file_id).read_bytes() == attachment_path(source, file_id).read_bytes()
    told = manifest_of(backup)
    head = next(line for line in reversed(lines) if line["fact"] == "head")

    async def look() -> None:
        async with open_store(data, clock=WallClock(), readers=1) as store:
            assert store.keys.receipts.key_id == load_keys(source / "keys").receipts.key_id
            assert store.engine.epoch not in ("", told.stand.epoch)
            row, *_ = await store.engine.read(
                trace.page(
                    before=(1 << 60, 0),
                    limit=1,
                    subject="",
                    actor=0,
                    action="store.restored",
                    from_at=0,
                    to_at=1 << 60,
                )
            )
            detail = json.loads(row.detail)
            assert (detail["from_epoch"], detail["from_commit"]) == (told.stand.epoch, told.stand.commit_no)
            # A head that was told before the backup is still on the way of the chain.
            verdict = await store.engine.read(trace.verify(bytes.fromhex(head["link"]), head["commit_no"]))
            assert (verdict.faults, verdict.commits) == ((), told.stand.commit_no + 1)

    asyncio.run(look())
    with closing(sqlite3.connect(data / FILE)) as now, closing(sqlite3.connect(source / FILE)) as then:
        raised = "select login, token_epoch from account order by login"
        assert now.execute(raised).fetchall() == [
            (login, epoch + 1) for login, epoch in then.execute(raised).fetchall()
        ]


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_kill_in_the_middle_leaves_nothing_that_looks_good(
    source: Path, backup: Path, tmp_path: Path, verb: str
) -> None:
    """Killed at any report of progress: the source is as it was, the target is not there, the next run completes."""
    origin = source if verb == "backup" else backup
    before, target, killed = content_of(origin), tmp_path / "target", 0
    for nth in (1, 4, 9, REPORTS):
        status = copier(verb, origin, target, nth)
        assert content_of(origin) == before
        if status == 0:
            break
        assert status == -signal.SIGKILL
        killed += 1
        assert not target.exists()
        assert all(path.name.startswith(".") for path in tmp_path.iterdir())
    assert killed >= 2
    if not target.exists():
        assert copier(verb, origin, target) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    if verb == "backup":
        restored(target, tmp_path / "data")
    check_invariants(tmp_path / "data" if verb == "backup" else target, read(ledger_of(source)))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _other_commit(path: Path) -> None:
    told = json.loads(path.read_text("utf-8"))
    told["stand"]["commit_no"] += 1
    path.write_text(json.dumps(told), "utf-8")


def _led_out(path: Path) -> None:
    told = json.loads(path.read_text("utf-8"))
    told["files"][0]["path"] = "../elsewhere"
    path.write_text(json.dumps(told), "utf-8")


BROKEN: dict[str, tuple[str | Path, Callable[[Path], object], str]] = {
    "no manifest": (MANIFEST, Path.unlink, "不是完整的备份"),
    "a torn manifest": (MANIFEST, _cut, "已损坏|不是完整"),
    "another commit": (MANIFEST, _other_commit, "应到提交"),
    "a path that leads out": (MANIFEST, _led_out, "备份之外"),
    "no database": (DATABASE, Path.unlink, "缺少"),
    "a changed database": (DATABASE, _flip, "与清单不符"),
    "a cut database": (DATABASE, _cut, "与清单不符"),
    "a changed attachment": (attachment_path(Path(), f"{2:032x}"), _flip, "与清单不符"),
    "no attachment": (attachment_path(Path(), f"{2:032x}"), Path.unlink, "缺少"),
    "no phone key": ("keys/phone-1.key", Path.unlink, "缺少"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_backup_that_does_not_hold_is_refused(backup: Path, tmp_path: Path, what: str) -> None:
    """Each fault is named with its file, and nothing is left where the data folder would be."""
    name, act, words = BROKEN[what]
    broken = tmp_path / "broken"
    shutil.copytree(backup, broken)
    act(broken / name)
    if what == "a torn manifest":
        (broken / name).write_bytes((broken / name).read_bytes()[:-20])
    with pytest.raises(CopyFault, match=words) as told:
        restored(broken, tmp_path / "data")
    assert told.value.mend
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_a_damaged_store_is_not_backed_up_as_if_it_were_sound(source: Path, tmp_path: Path) -> None:
    """A changed row of the trace stops the backup: the good one of yesterday is not replaced by a bad one."""
    data = tmp_path / "data"
    shutil.copytree(source, data)
    with closing(sqlite3.connect(data / FILE)) as conn:
        conn.execute("drop trigger audit_no_update")
        ((last,),) = conn.execute("select max(commit_no) from audit")
        conn.execute("update audit set detail = '{}' where commit_no = ?", (last,))
        conn.commit()
    with pytest.raises(CopyFault, match=f"audit {last}/0"):
        back_up(data, FILE, tmp_path / "backup", clock=system_now, tell=silent)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_two_backups_to_one_place_do_not_mix(source: Path, tmp_path: Path) -> None:
    """The second is refused while the first runs, and the first completes."""
    faults = []

    def tell(what: str, done: int, _total: int) -> None:
        if what == "附件" and done == 1:
            with pytest.raises(CopyFault, match="另一个进程") as told:
                back_up(source, FILE, tmp_path / "backup", clock=system_now, tell=silent)
            faults.append(told.value)

    back_up(source, FILE, tmp_path / "backup", clock=system_now, tell=tell)
    assert len(faults) == 1
    assert manifest_of(tmp_path / "backup").lacking == ()


def test_a_full_disk_is_said_before_anything_is_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without room nothing is begun, and how much is needed is told."""
    full = shutil.disk_usage(tmp_path)._replace(free=100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    with pytest.raises(CopyFault, match=r"空间不足：需要 1 MB"):
        back_up(source, FILE, tmp_path / "backup", clock=system_now, tell=silent)
    assert list(tmp_path.iterdir()) == []
