"""A disk that fails, is slow, or is full: nothing is acknowledged that is not there, and the rest goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from inbox_store.embedded import FILE
from tests.faults.callers import SENDER, Office, Told, ledger_path, notice, office
from tests.faults.invariants import check_invariants
from tests.faults.ledger import read
from tests.faults.process import ROOT, worker
from tests.faults.server import Server, found, serving
from tests.faults.strace import after_the_fault, injecting, store_files
from tests.faults.worker import BROKEN, ledger_of

SEED = 21
EIO = "error=EIO:when={}"
TELLS_NOTHING = ("tried", "declined", "refused")
"""Lines of a worker's ledger that need no commit."""


# fsync and fdatasync fail


@pytest.mark.needs_program("strace")
@pytest.mark.parametrize("when", ["9+", "40+", "40"])
def test_a_worker_whose_syncs_fail_acknowledges_nothing_more(tmp_path: Path, when: str) -> None:
    """From the first failed sync on nothing is told, no sync is tried anew, the log stays; what was told is there."""
    folder, trace = tmp_path / "store", tmp_path / "trace"
    watched = [*store_files(folder), ledger_of(folder)]
    wrap = injecting("fdatasync", EIO.format(when), watched, trace, also="write,unlink")
    with worker(folder, SEED, wrap=wrap) as running:
        assert running.wait() == BROKEN, (folder / "stderr").read_text("utf-8")
    after = after_the_fault(trace)
    assert [line for line in after if "fdatasync(" in line or "unlink(" in line] == []
    told = [line for line in after if " write(" in line]
    assert all(any(f'{{\\"fact\\": \\"{word}\\"' in line for word in TELLS_NOTHING) for line in told), told
    if when.startswith("40"):
        check_invariants(folder, read(ledger_of(folder)))
    with worker(folder, SEED, "--rounds", "1") as running:
        assert running.wait() == 0, (folder / "stderr").read_text("utf-8")
    check_invariants(folder, read(ledger_of(folder)))


@pytest.mark.needs_program("strace")
def test_a_sync_that_fails_while_the_log_is_folded_ends_all_writing(tmp_path: Path) -> None:
    """The file's own sync counts as much as the log's: after it no sync is tried anew and nothing more is told."""
    folder, trace = tmp_path / "store", tmp_path / "trace"
    wrap = injecting("fdatasync", EIO.format("2"), [folder / FILE], trace)
    with worker(folder, SEED, "--folds", wrap=wrap) as running:
        assert running.wait() == BROKEN, (folder / "stderr").read_text("utf-8")
    assert after_the_fault(trace) == []
    assert (folder / f"{FILE}-wal").stat().st_size > 0
    check_invariants(folder, read(ledger_of(folder)))


async def holds(folder: Path, ledger: Path) -> None:
    """Every invariant over the files in ``folder``, for all that ``ledger`` tells."""
    await asyncio.to_thread(check_invariants, folder, read(ledger))


async def work(people: Office, key: str) -> int:
    """One document from its sender to a signature."""
    told = await people.submit(key, ["U1", "U2"])
    await people.sent(told.dispatch_id)
    assert await people.sign(told.document_id, "U1", "u1-a")
    return told.document_id


async def until_refused(people: Office, name: str, rounds: int = 400) -> Told:
    """Documents until one is not taken; its answer."""
    for no in range(rounds):
        key = f"{name}-{no}"
        people.ledger.tell("tried", key=key, units=["U1"])
        told = await people.ask(SENDER, "POST", "dispatches", notice(key, ["U1"]), key=key)
        if told.status != 201:
            return told
        one = told.json
        where = {"document_id": one["document_id"], "dispatch_id": one["dispatch_id"]}
        people.ledger.tell("submitted", key=key, units=["U1"], **where)
    raise AssertionError(f"{rounds} documents were taken")


async def expect_broken(people: Office) -> None:
    """The server says why it takes nothing in, refuses every write, and goes on answering reads."""
    ready = await people.ask("", "GET", "/readyz")
    assert (ready.status, ready.json["status"]) == (503, "not_ready")
    assert "数据库不可写" in ready.json["reasons"]["store"]
    assert (await people.ask("", "GET", "/healthz")).status == 200
    again = await until_refused(people, "again")
    assert (again.status, again.code) == (503, "store_broken")
    assert await people.inbox("u1-a")


@pytest.mark.needs_program("strace")
async def test_a_server_whose_syncs_fail_says_so_and_stops_taking_in(tmp_path: Path) -> None:
    """503 with a problem, /readyz with the reason, reads go on, no sync anew; a restart finds all that was told."""
    folder, trace = tmp_path / "store", tmp_path / "trace"
    await asyncio.to_thread(found, folder)
    wrap = injecting("fdatasync,fsync", EIO.format("12+"), store_files(folder), trace, also="unlink")
    with serving(folder, wrap=wrap) as server:
        async with office(server) as people:
            await work(people, "whole")
            told = await until_refused(people, "more")
            assert (told.status, told.code) == (503, "store_broken")
            assert told.headers["Content-Type"] == "application/problem+json"
            await expect_broken(people)
        server.stop()
    assert after_the_fault(trace) == []
    with serving(folder) as server:
        async with office(server) as people:
            await work(people, "after")
        server.stop()
    await holds(folder, ledger_path(folder))


@pytest.mark.needs_program("strace")
@pytest.mark.parametrize("when", ["1+", "2+"])
async def test_an_upload_whose_sync_fails_is_refused_and_leaves_no_file(tmp_path: Path, when: str) -> None:
    """503 with a problem, whether the file's own sync fails or its folder's; nothing but what was told lies there."""
    folder = tmp_path / "store"
    await asyncio.to_thread(found, folder)
    with serving(folder, wrap=injecting("fsync", EIO.format(when), [], tmp_path / "trace")) as server:
        async with office(server) as people:
            told = [await upload(people, f"upload-{no}") for no in range(6)]
            kept = {one.json["id"] for one in told if one.status == 201}
            refused = [one for one in told if one.status != 201]
            assert {(one.status, one.code) for one in refused} == {(503, "store_broken")}
            assert {path.name for path in (folder / "attachments").rglob("*") if path.is_file()} == kept
            await work(people, "others")
        server.stop()
    assert "attachment.not_kept" in server.said()


@pytest.mark.needs_program("strace")
async def test_slow_syncs_make_everything_slow_and_nothing_wrong(tmp_path: Path) -> None:
    """With 0.3 s a sync the answer to a write comes after its sync, and reads are answered meanwhile."""
    folder, trace = tmp_path / "store", tmp_path / "trace"
    await asyncio.to_thread(found, folder)
    wrap = injecting("fdatasync", "delay_exit=300000", store_files(folder), trace)
    with serving(folder, wrap=wrap) as server:
        async with office(server) as people:
            began, reads = time.monotonic(), 0
            writing = asyncio.create_task(people.submit("slow", ["U1"]))
            while not writing.done():
                await people.inbox("u1-a")
                reads += not writing.done()
            assert time.monotonic() - began >= 0.3
            assert reads >= 2
            await people.sent((await writing).dispatch_id)
            people.head()
        server.stop()
    await holds(folder, ledger_path(folder))


# The disk is full

MOUNTED = """
set -e
mkdir "$1.disk"
mount -t tmpfs -o size="$2" none "$1.disk"
cp -a "$1/." "$1.disk/"
mount --bind "$1.disk" "$1"
shift 2
exec "$@"
"""
"""Run a command with a small disk of its own where the folder is; the disk is gone with the process."""

BLOCK = 4096


def on_a_disk_of(size: str, folder: Path) -> list[str]:
    """Put before a command. Who is not root becomes so in a name space of users, where the kernel allows it."""
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    return [*alone, "sh", "-c", MOUNTED, "sh", str(folder), size]


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """The disk under a running server, seen from outside its name space."""

    server: Server

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return Path(f"/proc/{self.server.pid}/root{self.server.folder}")

    @property
    def ballast(self) -> Path:
        """What fills it."""
        return self.folder / "ballast"

    def fill(self) -> None:
        """Take all that is left."""
        with self.ballast.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(BLOCK)) == BLOCK:
                    pass
            except OSError:
                return

    def free(self, blocks: int) -> None:
        """Give a few blocks back."""
        os.truncate(self.ballast, self.ballast.stat().st_size - blocks * BLOCK)

    def attachments(self) -> list[str]:
        """Every file that an upload left."""
        return [path.name for path in (self.folder / "attachments").rglob("*") if path.is_file()]

    @contextmanager
    def copied(self, to: Path) -> Iterator[Path]:
        """The files as a kill at this moment would leave them."""
        self.server.send(signal.SIGSTOP)
        try:
            shutil.copytree(self.folder, to, ignore=shutil.ignore_patterns("ballast", "*-shm"))
        finally:
            self.server.send(signal.SIGCONT)
        yield to
        shutil.rmtree(to)


async def upload(people: Office, key: str) -> Told:
    """A small PDF."""
    headers = {
        "Authorization": f"Bearer {people.tokens[SENDER]}",
        "Idempotency-Key": f"key-{key}",
        "Content-Type": "application/octet-stream",
    }
    url, content = f"{people.server.url}/api/v1/attachments?name=a.pdf", b"%PDF-1.7\n" + bytes(3_000)
    async with people.session.post(url, headers=headers, data=content) as answer:
        return Told(answer.status, dict(answer.headers), await answer.read())


def expect_full(told: Told) -> None:
    """507 with a problem document."""
    assert (told.status, told.code) == (507, "storage_full"), told.raw
    assert told.headers["Content-Type"] == "application/problem+json"


@pytest.mark.needs_program("unshare")
@pytest.mark.needs_program("mount")
async def test_a_full_disk_refuses_and_is_got_over(tmp_path: Path) -> None:
    """Full: 507, nothing half written, reads go on. With space again the same call succeeds, without a restart."""
    folder = tmp_path / "store"
    await asyncio.to_thread(found, folder)
    with serving(folder, wrap=on_a_disk_of("6m", folder)) as server:
        disk = SmallDisk(server)
        async with office(server) as people:
            await work(people, "before")
            disk.fill()
            expect_full(await until_refused(people, "full"))
            expect_full(await upload(people, "full-upload"))
            assert disk.attachments() == []
            assert (await people.ask("", "GET", "/readyz")).status == 200
            assert await people.inbox("u1-a")
            with disk.copied(tmp_path / "copy") as copy:
                await holds(copy, ledger_path(folder))
            disk.ballast.unlink()
            for line in [one for one in read(ledger_path(folder)) if one["fact"] == "tried"]:
                one = await people.submit(line["key"], line["units"])
                await people.sent(one.dispatch_id)
            assert (await upload(people, "full-upload")).status == 201
            await work(people, "after")
            # More than the file has room for: the log cannot be folded into it at the end.
            await people.submit("long", ["U1"], body="通知" * 20_000)
            with disk.copied(tmp_path / "copy") as copy:
                await holds(copy, ledger_path(folder))
            disk.fill()
        server.stop()
    assert "store.checkpoint_failed" in server.said()


@pytest.mark.needs_program("unshare")
@pytest.mark.needs_program("mount")
async def test_an_upload_that_cannot_be_recorded_leaves_no_file(tmp_path: Path) -> None:
    """Where the file fits and its record does not, the answer is 507 and the file is gone again."""
    folder = tmp_path / "store"
    await asyncio.to_thread(found, folder)
    with serving(folder, wrap=on_a_disk_of("6m", folder)) as server:
        disk = SmallDisk(server)
        async with office(server) as people:
            # The log has no room in blocks it already has, and the folders of attachments are there.
            disk.fill()
            expect_full(await until_refused(people, "full"))
            for no in range(8):
                disk.free(1)
                expect_full(await upload(people, f"upload-{no}"))
                assert disk.attachments() == []
                disk.fill()
            disk.ballast.unlink()
            assert (await upload(people, "upload-0")).status == 201
            assert len(disk.attachments()) == 1


LOOK = """
import sys
from pathlib import Path
from gateway.flows.health import machine
folder = Path(sys.argv[1])
findings = {one.what: one for one in machine(folder)}
assert not findings["落盘用时"].good and "不能写入" in findings["落盘用时"].seen, findings
assert [path.name for path in folder.iterdir()] == ["much"]
"""


@pytest.mark.needs_program("unshare")
@pytest.mark.needs_program("mount")
def test_the_doctor_says_that_nothing_can_be_written(tmp_path: Path) -> None:
    """On a full disk the doctor's own writes are a finding, and leave nothing behind."""
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "much").write_bytes(bytes(16 * BLOCK))
    command = [*on_a_disk_of(str(17 * BLOCK), folder), sys.executable, "-c", LOOK, str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=60)


async def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """With output and log on a full disk the server starts, serves and stops as always."""
    folder = tmp_path / "store"
    await asyncio.to_thread(found, folder)
    wrap = ["sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh"]
    with serving(folder, wrap=wrap, environ={"SONGDA__LOG__LEVEL": "debug"}) as server:
        async with office(server) as people:
            await work(people, "unheard")
            assert (await people.refused("unheard")).code == "classified_refused"
        server.stop()
    await holds(folder, ledger_path(folder))
