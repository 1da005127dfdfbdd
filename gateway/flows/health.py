"""Is this installation sound: the folder, the disk, the trace, the figures; each as one finding."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.house import House
from inbox_store.embedded.copying import DAMAGE, attachment_path, digest_of
from inbox_store.embedded.soundness import integrity_faults, refuse_a_shortened_history, schema_faults
from inbox_store.engine import Program, Row, Sql
from inbox_store.errors import StoreBroken
from inbox_store.nouns import NewDocument, Noun
from inbox_store.programs import figures, trace
from inbox_store.programs.dispatch import content_digest

FREE_MIN_BYTES = 1 << 30
FSYNC_SLOW_S = 0.05
SQLITE_MIN = (3, 38, 0)
DOCUMENTS_PER_STEP = 500
SHOWN_MAX = 3


class Finding(Noun, frozen=True, kw_only=True):
    """One thing looked at: whether it is as it should be, and what was seen."""

    what: str
    good: bool
    seen: str


def machine(folder: Path) -> list[Finding]:
    """What the machine gives: SQLite, space, how long a durable write takes, who else may read the folder."""
    free = shutil.disk_usage(folder).free
    open_to = folder.stat().st_mode & 0o077
    return [
        Finding(
            what="SQLite 版本", good=sqlite3.sqlite_version_info >= SQLITE_MIN, seen=sqlite3.sqlite_version
        ),
        Finding(what="剩余空间", good=free >= FREE_MIN_BYTES, seen=f"{free / (1 << 30):.1f} GiB"),
        _durable_writes(folder),
        Finding(
            what="数据目录权限",
            good=not open_to,
            seen="仅本用户" if not open_to else "他人可读，请执行 chmod 700",
        ),
    ]


def _durable_writes(folder: Path) -> Finding:
    """How long a durable write takes; a disk that is full or fails is what was found, and nothing stays behind."""
    path = folder / ".doctor"
    try:
        took_s = _fsync_s(path)
    except OSError as fault:
        return Finding(what="落盘用时", good=False, seen=f"不能写入：{fault.strerror}")
    finally:
        path.unlink(missing_ok=True)
    return Finding(what="落盘用时", good=took_s <= FSYNC_SLOW_S, seen=f"{1000 * took_s:.1f} 毫秒")


def _fsync_s(path: Path) -> float:
    """Seconds of the slowest of ten durable writes of 4 KiB."""
    slowest = 0.0
    with path.open("wb", buffering=0) as file:
        for _ in range(10):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            slowest = max(slowest, time.perf_counter() - began)
    return slowest


def files(file: Path) -> list[Finding]:
    """The database file before anybody opens it: its pages and definitions, and whether it is all that was acknowledged."""
    return [
        _finding("数据文件", _seen(integrity_faults, file), "每页、每个索引完好"),
        _finding("表结构", _seen(schema_faults, file), "与建立时一致"),
        _finding("已答复的提交", _seen(_lost_commits, file), "都在文件中"),
    ]


def _seen(look: Callable[[Path], list[str]], file: Path) -> list[str]:
    try:
        return look(file)
    except DAMAGE as fault:
        return [f"无法读取：{fault}"]


def _lost_commits(file: Path) -> list[str]:
    try:
        refuse_a_shortened_history(file)
    except StoreBroken as fault:
        return [str(fault)]
    return []


async def records(house: House) -> list[Finding]:
    """What the store holds: the trace verifies, figures agree with the history, content with its digests."""
    looks = (
        ("审计链", _trace, "每一环完整"),
        ("统计与历史", _figures, "一致"),
        ("可收件人", _addressees, "与任职、帐户一致"),
        ("公文内容", _documents, "与签收时的摘要一致"),
        ("附件", _attachments, "都在，内容未变"),
        ("电话号码", _numbers, "都能用密钥解开"),
    )
    return [_finding(what, await _faults(look, house), good) for what, look, good in looks]


def _finding(what: str, faults: list[str], good: str) -> Finding:
    more = f"；……共 {len(faults)} 处" if len(faults) > SHOWN_MAX else ""
    return Finding(what=what, good=not faults, seen="；".join(faults[:SHOWN_MAX]) + more or good)


async def _faults(look: Callable[[House], Awaitable[list[str]]], house: House) -> list[str]:
    try:
        return await look(house)
    except Exception as fault:  # noqa: BLE001 - whatever a damaged row makes a look stumble over is what it found
        return [f"无法读取：{type(fault).__name__} {fault}"]


async def _trace(house: House) -> list[str]:
    return list((await house.store.engine.read(trace.verify())).faults)


async def _figures(house: House) -> list[str]:
    return await house.store.engine.read(figures.inconsistencies())


async def _addressees(house: House) -> list[str]:
    hold = await house.store.engine.read(figures.addressees_hold(house.clock()))
    return [] if hold else ["有过时的记录，重新导入组织机构即可更新"]


async def _documents(house: House) -> list[str]:
    return await house.store.engine.read(changed_documents())


def changed_documents() -> Program[list[str]]:
    """The documents whose elements, body or attachments no longer give the digest that was signed for."""
    files: dict[int, list[Row]] = {}
    for row in (yield Sql("health_attachments")):
        files.setdefault(row[4], []).append(row[1:])
    found: list[str] = []
    after = 0
    while rows := (yield Sql("health_documents", {"after": after, "limit": DOCUMENTS_PER_STEP})):
        # An attachment's row as the digest takes it: name first, the hash behind media type and size.
        found += [
            f"document:{row[0]}"
            for row in rows
            if _digest(row, [(one[0], "", *one[1:3]) for one in files.get(row[0], [])]) != row[9]
        ]
        after = rows[-1][0]
    return found


def _digest(row: Row, files: list[Row]) -> bytes:
    try:
        told = json.loads(row[7])
        names = ("kind", "title", "doc_no", "urgency", "duty", "body")
        fields = dict(zip(names, row[1:7], strict=True))
        document = NewDocument(
            **fields,
            elements=told["elements"],
            co_issuers=tuple(told["co_issuers"]),
            sender_unit_id=row[8],
        )
        return content_digest(document, files)
    except (ValueError, KeyError, TypeError, AttributeError):
        return b""  # a column holds what was never written there


async def _attachments(house: House) -> list[str]:
    rows = await house.store.engine.read(_rows("health_attachments"))
    folder = house.store.folder
    return await asyncio.to_thread(
        lambda: [
            f"{row[0]}（{row[1]}）" for row in rows if not _is_whole(attachment_path(folder, row[0]), row)
        ]
    )


def _is_whole(path: Path, row: Row) -> bool:
    return path.is_file() and digest_of(path) == (row[2], row[3].hex())


async def _numbers(house: House) -> list[str]:
    vault = house.store.keys.phones
    rows = await house.store.engine.read(_rows("health_numbers"))

    def opens(row: Row) -> bool:
        try:
            return vault.lookup(vault.open(row[1], row[2])) == bytes(row[3])
        except (ValueError, TypeError):
            return False

    return await asyncio.to_thread(lambda: [f"person:{row[0]}" for row in rows if not opens(row)])


def _rows(name: str) -> Program[list[Row]]:
    return (yield Sql(name))
