"""Is this installation sound: the folder, the disk, the trace, the figures; each as one finding."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from pathlib import Path

from gateway.house import House
from inbox_store.nouns import Noun
from inbox_store.programs import figures, trace

FREE_MIN_BYTES = 1 << 30
FSYNC_SLOW_S = 0.05
SQLITE_MIN = (3, 38, 0)


class Finding(Noun, frozen=True, kw_only=True):
    """One thing looked at: whether it is as it should be, and what was seen."""

    what: str
    good: bool
    seen: str


def machine(folder: Path) -> list[Finding]:
    """What the machine gives: SQLite, space, how long a durable write takes, who else may read the folder."""
    free = shutil.disk_usage(folder).free
    took_s = _fsync_s(folder)
    open_to = folder.stat().st_mode & 0o077
    return [
        Finding(
            what="SQLite 版本", good=sqlite3.sqlite_version_info >= SQLITE_MIN, seen=sqlite3.sqlite_version
        ),
        Finding(what="剩余空间", good=free >= FREE_MIN_BYTES, seen=f"{free / (1 << 30):.1f} GiB"),
        Finding(what="落盘用时", good=took_s <= FSYNC_SLOW_S, seen=f"{1000 * took_s:.1f} 毫秒"),
        Finding(
            what="数据目录权限",
            good=not open_to,
            seen="仅本用户" if not open_to else "他人可读，请执行 chmod 700",
        ),
    ]


def _fsync_s(folder: Path) -> float:
    """Seconds of the slowest of ten durable writes of 4 KiB."""
    path = folder / ".doctor"
    slowest = 0.0
    with path.open("wb") as file:
        for _ in range(10):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            slowest = max(slowest, time.perf_counter() - began)
    path.unlink()
    return slowest


async def records(house: House) -> list[Finding]:
    """What the store holds: the trace verifies, the figures agree with the history, the addressees with the posts."""
    engine = house.store.engine
    verdict = await engine.read(trace.verify())
    broken = await engine.read(figures.inconsistencies())
    hold = await engine.read(figures.addressees_hold(house.clock()))
    return [
        Finding(
            what="审计链",
            good=not verdict.faults,
            seen="；".join(verdict.faults[:3]) or f"{verdict.commits} 环完整",
        ),
        Finding(what="统计与历史", good=not broken, seen="；".join(broken[:3]) or "一致"),
        Finding(
            what="可收件人",
            good=hold,
            seen="与任职、帐户一致" if hold else "有过时的记录，重新导入组织机构即可更新",
        ),
    ]
