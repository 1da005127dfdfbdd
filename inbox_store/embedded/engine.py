"""The embedded engine: one SQLite file, one writer with group commit, a few readers, all through aiosqlite.

Facts queue in two lanes. Everything interactive that waits becomes one transaction; bulk facts (a chunk of a fan-out,
a slice of the merge) run one at a time between those, so that nobody waits longer than one chunk.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import structlog

from inbox_store.embedded.lanes import Batch, Lanes, Waiting
from inbox_store.embedded.migrate import migrate
from inbox_store.embedded.runner import Runner, run_read, store_fault
from inbox_store.engine import Each, Nudge, Program, Sql
from inbox_store.errors import Refused, StoreBroken, StoreFull
from inbox_store.keys import ReceiptKey
from inbox_store.statements import migrations, statements
from inbox_store.times import Clock

T = TypeVar("T")
Order = TypeVar("Order")

CHECKPOINT_PAGES = 4_000
"""Pages of the log above which it is folded into the file."""

LOG_PAGES = 4 * CHECKPOINT_PAGES
"""Above this the writer stands still for a moment, so that the log can begin anew: under load folding alone never ends it."""

REST_PAGES = 512
"""Pages still to be folded for which the writer may be held: a few milliseconds."""

LOG_PAGES_MAX = 128 * 1024
"""Half a GiB: above this the log begins anew however long that holds the writer."""

KEEP_EVERY_S = 1.0
"""How often the log's size and other processes' commits are looked at."""

log = structlog.get_logger("inbox_store")


async def hop(conn: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run ``work`` on the connection's own thread: one hop for a whole transaction.

    aiosqlite's public calls hop once per statement (60-180 us each, limits.md); its ``_execute`` is the one way to do a
    whole fact in one. It is used here and nowhere else; aiosqlite is pinned, and the contract tests would notice.
    """
    return await conn._execute(work, conn._conn)  # type: ignore[no-any-return, no-untyped-call]  # noqa: SLF001 - see above


async def _connect(path: Path, *, writer: bool) -> aiosqlite.Connection:
    conn = await aiosqlite.connect(path, isolation_level=None, cached_statements=512)
    pragmas = ["busy_timeout=5000", "temp_store=memory", f"cache_size={-65536 if writer else -16384}"]
    if writer:
        # FULL: an acknowledged fact survives power loss (faults.md, finding 1); group commit makes it cheap.
        pragmas += ["journal_mode=wal", "synchronous=full", "foreign_keys=on", "wal_autocheckpoint=0"]
    else:
        pragmas += ["query_only=on"]
    try:
        for pragma in pragmas:
            await conn.execute(f"pragma {pragma}")
    except BaseException:
        await conn.close()
        raise
    return conn


class EmbeddedEngine:
    """Runs programs over one database file; see ``inbox_store.engine.Engine``."""

    def __init__(self, path: Path, *, clock: Clock, receipt_key: ReceiptKey, readers: int = 3) -> None:
        self._path = path
        self._clock = clock
        self._sql = statements("sqlite")
        self._runner = Runner(self._sql, clock, receipt_key)
        self._reader_count = readers
        self._free: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._open: list[aiosqlite.Connection] = []
        self._lanes = Lanes()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._listeners: list[Callable[[Nudge], None]] = []
        self._witnesses: list[Callable[[int], None]] = []
        self._broken: StoreBroken | None = None
        self._closing = False
        self._receipt_key = receipt_key
        self._epoch = ""

    @property
    def position(self) -> int:
        """The number of the last durable commit."""
        return self._runner.commit_no

    @property
    def epoch(self) -> str:
        """Names this history of commits; known after ``start``."""
        return self._epoch

    @property
    def broken(self) -> StoreBroken | None:
        """Why nothing more is accepted, or None while all is well."""
        return self._broken

    @property
    def waiting(self) -> int:
        """Facts that wait for the writer, both lanes."""
        return len(self._lanes)

    def subscribe(self, listener: Callable[[Nudge], None]) -> None:
        """Call ``listener`` on the loop after each commit that concerns anybody, in commit order."""
        self._listeners.append(listener)

    def witness(self, told: Callable[[int], None]) -> None:
        """Call ``told`` with the number of each durable commit, before anybody is told of its outcome."""
        self._witnesses.append(told)

    async def start(self) -> None:
        """Open the file, bring its schema up to date, take up the chain, start the writer.

        Raises SchemaMismatch for a file of another version, StoreBroken for one that cannot be used; nothing stays open.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            await self._open_all()
        except sqlite3.Error as fault:
            self._broken = StoreBroken(
                f"数据文件 {self._path} 无法使用; 请检查磁盘和权限, 或从备份恢复 (the store cannot be opened: {fault})"
            )
            await self._close_all()
            raise self._broken from fault
        except BaseException:
            await self._close_all()
            raise
        self._tasks = [asyncio.create_task(self._write_loop()), asyncio.create_task(self._keep_loop())]

    async def _open_all(self) -> None:
        self._writer = await _connect(self._path, writer=True)
        self._open.append(self._writer)
        await hop(self._writer, lambda conn: migrate(conn, migrations(), self._clock()))
        await hop(self._writer, self._publish_key)
        self._epoch = await hop(self._writer, _epoch_of)
        await hop(self._writer, self._runner.begin_from)  # not foreign: nobody has been told anything yet
        self._keeper = await _connect(self._path, writer=True)
        self._open.append(self._keeper)
        for _ in range(self._reader_count):
            reader = await _connect(self._path, writer=False)
            self._open.append(reader)
            self._free.put_nowait(reader)

    def _publish_key(self, conn: sqlite3.Connection) -> None:
        """Old public keys are kept for ever (architecture, Decided 6): a new one is added beside them."""
        row = (self._receipt_key.key_id, self._receipt_key.public, self._clock())
        conn.execute(
            "insert into receipt_key (key_id, public_key, from_at) values (?,?,?) on conflict do nothing", row
        )

    async def stop(self) -> None:
        """Finish what waits, fold the log into the file, close. Nothing acknowledged is lost without it either."""
        self._closing = True
        self._wake.set()
        if self._tasks:
            writer, keeper = self._tasks
            await writer
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        if self._open:
            await self._checkpoint(self._keeper, _end_log)
        await self._close_all()

    async def _close_all(self) -> None:
        with _unfolded(self._path) if self._broken is not None else contextlib.nullcontext():
            for conn in self._open:
                await conn.close()
        self._open.clear()

    async def write(self, program: Program[T], *, bulk: bool = False) -> T:
        """Run one fact; it is durable when this returns. Raises Refused("busy") when too much waits."""
        told: T = await self._wait(Waiting(asyncio.get_running_loop().create_future(), program), bulk=bulk)
        return told

    async def write_each(self, each: Each[Order, T], order: Order) -> T:
        """Run one order of a fact that takes many at once; those that wait together are one program."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        told: T = await self._wait(Waiting(future, order, each), bulk=False)
        return told

    async def _wait(self, waiting: Waiting, *, bulk: bool) -> Any:  # noqa: ANN401 - as the program has it
        if self._broken is not None:
            raise self._broken
        if self._closing:
            raise Refused("busy")
        self._lanes.add(waiting, bulk=bulk)
        self._wake.set()
        return await waiting.future

    async def read(self, program: Program[T]) -> T:
        """Run a program of queries over one snapshot on a free reader."""
        conn = await self._free.get()
        task = asyncio.ensure_future(self._read_on(conn, program))
        # The connection goes back when its thread is done with it, not when a caller loses patience.
        task.add_done_callback(lambda _: self._free.put_nowait(conn))
        return await asyncio.shield(task)

    async def _read_on(self, conn: aiosqlite.Connection, program: Program[T]) -> T:
        result: T = await hop(conn, lambda raw: run_read(raw, self._sql, program))
        return result

    async def _write_loop(self) -> None:
        group: list[Batch] = []
        try:
            await self._write_on(group)
        except Exception as fault:
            # A bug of ours beside a transaction: without a writer, whoever waits or comes later would wait for ever.
            log.exception("store.writer_ended")
            self._fail(
                [*group, *self._lanes.everything()],
                StoreBroken(f"写入已停止; 请重新启动 (the writer ended: {fault!r})"),
            )

    async def _write_on(self, group: list[Batch]) -> None:
        """Commit group after group; ``group`` holds the present one, for who must tell its callers."""
        while True:
            group[:] = self._lanes.group()
            if group:
                await self._commit(group)
            elif self._closing:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _commit(self, group: list[Batch]) -> None:
        if self._broken is not None:
            # What waited when the disk failed is not tried as if nothing had happened.
            self._fail(group, self._broken)
            return
        programs = [batch.program for batch in group]
        try:
            outcomes, nudge = await hop(self._writer, lambda conn: self._runner.run(conn, programs))
        except Exception as fault:  # noqa: BLE001 - whatever kept it from committing, all of the group are told
            self._fail(group, fault)
            return
        if nudge is not None:
            for witness in self._witnesses:
                witness(nudge.commit_no)
        for batch, outcome in zip(group, outcomes, strict=True):
            self._lanes.again(batch.settle(outcome))
        if nudge:
            self._tell(nudge)

    def _tell(self, nudge: Nudge) -> None:
        """A listener that fails is its own affair: the commit stands and the others hear of it."""
        for listener in self._listeners:
            try:
                listener(nudge)
            except Exception:
                log.exception("store.listener_failed", commit_no=nudge.commit_no)

    def _fail(self, group: list[Batch], fault: Exception) -> None:
        """Nothing of the group is acknowledged: each is told; a broken store accepts nothing more."""
        if isinstance(fault, StoreBroken):
            self._broken = fault
        log.error("store.commit_failed", facts=len(group), reason=str(fault))
        for batch in group:
            batch.fail(fault)

    async def _keep_loop(self) -> None:
        """Fold the log into the file beside the writer, which is never held for it; notice commits of other processes."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            with contextlib.suppress(Refused, StoreBroken, StoreFull):
                await self.write(_look())
            wal = self._path.with_name(self._path.name + "-wal")
            pages = wal.stat().st_size // 4096 if wal.exists() else 0
            if pages > CHECKPOINT_PAGES:
                left = await self.fold()
                if pages > LOG_PAGES_MAX or (pages > LOG_PAGES and left < REST_PAGES):
                    await self._checkpoint(self._writer, _begin_log_anew)

    async def fold(self) -> int:
        """Fold the log into the file as far as no reader needs it; done by itself when the log is long.

        Returns how many pages are left to fold.
        """
        return await self._checkpoint(self._keeper, _fold)

    async def _checkpoint(self, conn: aiosqlite.Connection, how: Callable[[sqlite3.Connection], int]) -> int:
        """A full disk leaves the log for a later time; one that fails ends all writing, here as in a commit.

        A sync that failed is not tried again: the system may have dropped the pages and call the next one good.
        """
        if self._broken is not None:
            return LOG_PAGES_MAX
        try:
            return await hop(conn, how)
        except sqlite3.Error as fault:
            told = store_fault(fault)
            if isinstance(told, StoreBroken):
                self._broken = told
            log.exception("store.checkpoint_failed")
            return LOG_PAGES_MAX


def _checkpointed(conn: sqlite3.Connection, how: str) -> int:
    """Fold; returns how many pages of the log are left."""
    ((_, pages, folded),) = conn.execute(f"pragma wal_checkpoint({how})")
    return int(pages - folded)


def _fold(conn: sqlite3.Connection) -> int:
    return _checkpointed(conn, "passive")


def _end_log(conn: sqlite3.Connection) -> int:
    return _checkpointed(conn, "truncate")


def _begin_log_anew(conn: sqlite3.Connection) -> int:
    """Fold the little that came since and let the next commit write at the log's beginning; never wait for a reader."""
    conn.execute("pragma busy_timeout=0")
    try:
        return _checkpointed(conn, "restart")
    finally:
        conn.execute("pragma busy_timeout=5000")


@contextlib.contextmanager
def _unfolded(path: Path) -> Iterator[None]:
    """Keep SQLite from folding the log into the file when its last writing connection closes.

    It would sync anew what has failed to sync, be told that all is well, and remove the log. The last to close is a
    connection that may not write; the next start folds what it then reads from the disk.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(sqlite3.Error):
            address = f"{path.resolve().as_uri()}?mode=ro"
            last = stack.enter_context(contextlib.closing(sqlite3.connect(address, uri=True)))
            last.execute("select 1 from sqlite_master").fetchone()
        yield


def _epoch_of(conn: sqlite3.Connection) -> str:
    """The name of this history of commits, given when the file is made."""
    conn.execute(
        "insert into installation (one, epoch) values (1, ?) on conflict do nothing", (secrets.token_hex(8),)
    )
    ((epoch,),) = conn.execute("select epoch from installation")
    return str(epoch)


def _look() -> Program[None]:
    """A transaction that changes nothing: its begin takes notice of foreign commits, its end costs no sync."""
    yield Sql("position")
