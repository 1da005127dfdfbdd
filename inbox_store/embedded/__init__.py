"""The embedded variant: one process, one SQLite file (WAL, synchronous=FULL, group commit) through aiosqlite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from inbox_store.embedded.before import keep_a_copy
from inbox_store.embedded.copying import DAMAGE
from inbox_store.embedded.engine import EmbeddedEngine
from inbox_store.embedded.soundness import damaged, refuse_a_lost_file, refuse_lost_keys
from inbox_store.keys import Keys, load_keys
from inbox_store.store import Store
from inbox_store.times import Clock, system_now

FILE = "songda.db"


@asynccontextmanager
async def open_store(
    folder: Path, *, clock: Clock = system_now, keys: Keys | None = None, readers: int = 3
) -> AsyncIterator[Store]:
    """Open (and on first use make) the store in ``folder``. Raises SchemaMismatch, StoreBroken, ValueError for keys."""
    _look(folder, keys)
    told = keys or load_keys(folder / "keys")
    engine = EmbeddedEngine(folder / FILE, clock=clock, receipt_key=told.receipts, readers=readers)
    await engine.start()
    try:
        yield Store(engine, told, folder)
    finally:
        await engine.stop()


def _look(folder: Path, keys: Keys | None) -> None:
    """What is to be seen before anything is made or changed. It blocks: nothing else runs yet."""
    refuse_a_lost_file(folder / FILE)
    try:
        if keys is None:
            refuse_lost_keys(folder / FILE, folder / "keys")
        keep_a_copy(folder / FILE)
    except DAMAGE as fault:
        raise damaged(folder / FILE, str(fault)) from fault
