"""One server to a data folder: two would hold each other's messages for lost, and send beyond a carrier's window."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from inbox_store.embedded.mark import Mark
from inbox_store.errors import StoreBroken

WAIT_S: Final = 1.0
"""A server that is restarted may still be closing."""

_LOOK_EVERY_S: Final = 0.02


@contextlib.asynccontextmanager
async def held(folder: Path) -> AsyncIterator[None]:
    """Hold the folder against other servers, tools at the machine not concerned; made where there is none.

    The kernel lets go of it with the process, also after kill -9. Raises StoreBroken where another server holds it, OSError.
    """
    handle = await asyncio.to_thread(_opened, folder)
    try:
        await _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _opened(folder: Path) -> int:
    """The mark, which is never replaced; of the database itself any closing would end SQLite's own locks."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(Mark.file_of(folder), os.O_RDWR | os.O_CREAT, 0o600)


async def _lock(handle: int, folder: Path) -> None:
    ends = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                raise StoreBroken(
                    f"数据目录 {folder} 上已有一个服务在运行；先停掉它，或换一个数据目录 (another server holds this folder)"
                ) from None
            await asyncio.sleep(_LOOK_EVERY_S)
        else:
            return
