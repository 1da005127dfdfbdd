"""Copies that can be trusted: beside a running writer, synced, verified, under their name only when they are whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from inbox_store.embedded.runner import run_read
from inbox_store.nouns import Noun
from inbox_store.programs import trace
from inbox_store.statements import statements
from inbox_store.store import ATTACHMENTS, attachment_place

PAGES_PER_STEP = 2_560
"""10 MiB at a time: often enough to tell progress, seldom enough to cost nothing."""

BLOCK_BYTES = 1 << 20

DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""What a driver raises over a damaged file: its own errors, and a torn letter in the text of one."""

Tell = Callable[[str, int, int], None]
"""Progress: what is done, how much of it, out of how much (both in the same unit)."""


class CopyFault(Exception):
    """A backup or a restore was not done; nothing was changed. ``mend`` says what to do next."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.mend = mend


class Stand(Noun, frozen=True, kw_only=True):
    """Where a database file stands: its history's name, the last commit with its time and link, the schema's steps."""

    epoch: str
    commit_no: int
    at: int
    link: str
    steps: tuple[str, ...]


def open_quietly(file: Path) -> sqlite3.Connection:
    """A connection that only reads: it holds no writer and leaves the log as it is when it closes."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def stand_of(conn: sqlite3.Connection) -> Stand:
    """Where the file behind ``conn`` stands. Raises sqlite3.Error for what is no store."""
    steps = tuple(row[0] for row in conn.execute("select name from schema_step order by name"))
    ((epoch,),) = conn.execute("select epoch from installation").fetchall() or [("",)]
    rows = conn.execute("select commit_no, at, link from commit_log order by commit_no desc limit 1")
    commit_no, at, link = rows.fetchone() or (0, 0, b"")
    return Stand(epoch=epoch, commit_no=commit_no, at=at, link=link.hex(), steps=steps)


def size_of_database(file: Path) -> int:
    """How many bytes a copy of a database takes, what lies in its log included."""
    with closing(open_quietly(file)) as conn:
        ((pages,),), ((size,),) = conn.execute("pragma page_count"), conn.execute("pragma page_size")
    return int(pages) * int(size)


def must_have_room(folder: Path, needed: int) -> None:
    """Raises CopyFault where ``folder``'s disk has not so many bytes left, before anything is written."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CopyFault(
            f"{folder} 空间不足：需要 {needed / 1e6:.0f} MB，剩余 {free / 1e6:.0f} MB",
            "腾出空间，或换一块磁盘",
        )


def copy_database(source: Path, target: Path, tell: Tell) -> None:
    """Copy ``source`` as it stands now, durably, while others go on writing it.

    One snapshot is read in steps: the writer is never held, and since the snapshot is kept between the steps its
    commits do not send the copy back to the beginning. Only the log cannot be folded meanwhile.
    """
    with closing(open_quietly(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.execute("begin")
        origin.execute("select count(*) from sqlite_master").fetchone()
        copy.execute("pragma synchronous=off")  # synced once, at the end
        origin.backup(
            copy,
            pages=PAGES_PER_STEP,
            progress=lambda _, left, pages: tell("数据库", pages - left, pages),
        )
        # A copy is one file: without a log beside it nothing can be left behind.
        copy.execute("pragma journal_mode=delete")
    sync_file(target)


def faults_of_database(conn: sqlite3.Connection) -> list[str]:
    """What is wrong inside a file: its structure as SQLite sees it, then the whole trace; empty when all holds."""
    found = [row[0] for row in conn.execute("pragma quick_check(20)") if row[0] != "ok"]
    return found or list(run_read(conn, statements(), trace.verify()).faults)


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """Copy one file durably; returns its size in bytes and its SHA-256 in hexadecimal digits."""
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as origin, _fresh(target) as copy:
        while block := origin.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    return size, digest.hexdigest()


def _fresh(target: Path) -> BinaryIO:
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def digest_of(file: Path) -> tuple[int, str]:
    """The size in bytes and the SHA-256 of a file that lies there."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        return opened.tell(), digest


def attachment_path(folder: Path, file_id: str) -> Path:
    """Where the attachment with this id lies under a data folder or a backup."""
    return folder / ATTACHMENTS / attachment_place(file_id)


@contextmanager
def work_folder(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` to make it in; it becomes ``target`` at the end, or vanishes.

    Its name begins with a dot and ends with .part, so that nobody takes what a kill left there for the whole thing;
    the next run to the same target clears it. Raises CopyFault where another run is at it, or the target is there.
    """
    _must_be_free(target)
    work = target.with_name(f".{target.name}.part")
    work.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle, work)
        for left in work.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        try:
            yield work
            sync_tree(work)
            _must_be_free(target)
            work.rename(target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        sync_folder(target.parent)
    finally:
        os.close(handle)


def _must_be_free(target: Path) -> None:
    if not target.parent.is_dir():
        raise CopyFault(f"{target.parent} 不是目录", "先建立这个目录，或换一个位置")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise CopyFault(f"{target} 已存在，不会覆盖", "换一个名字，或先把它移走")


def _lock(handle: int, work: Path) -> None:
    busy = CopyFault(f"另一个进程正在写 {work}", "等它结束，或换一个名字")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise busy from None
    # The other run may have ended, and given the folder its name, between our two calls.
    if not work.exists() or os.fstat(handle).st_ino != work.stat().st_ino:
        raise busy


def sync_tree(folder: Path) -> None:
    """Make every folder below, and itself, durable; files are synced when they are written."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """A new name in a folder is only on the disk when the folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(file: Path) -> None:
    """Make the content of a file durable, whoever wrote it."""
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
