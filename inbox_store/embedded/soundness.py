"""What a start looks at before anything is written: the files that belong together, the keys, what was acknowledged."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import structlog

from inbox_store.embedded.copying import DAMAGE, Stand, open_quietly, stand_of
from inbox_store.embedded.mark import Mark, read_mark
from inbox_store.embedded.migrate import migrate
from inbox_store.errors import StoreBroken
from inbox_store.keys import Keys, load_keys
from inbox_store.statements import migrations

CHECKED_MAX_BYTES = 512 << 20
"""Up to this size a file is looked through before a server starts after a crash; beyond, `songda doctor` does it."""

MAGIC = b"SQLite format 3\x00"

log = structlog.get_logger("inbox_store")


def keys_for(file: Path, folder: Path) -> Keys:
    """The keys of a store: made with it, and never for one that has had others.

    Raises StoreBroken for lost and for foreign keys, and for a lost or damaged file; ConfigFault for a damaged key.
    """
    refuse_a_lost_file(file)
    try:
        refuse_lost_keys(file, folder)
        keys = load_keys(folder)
        refuse_foreign_keys(file, folder, keys)
    except DAMAGE as fault:
        raise damaged(file, str(fault)) from fault
    return keys


def must_be_fit_to_serve(file: Path) -> None:
    """What a server asks beyond what a tool asks. Raises StoreBroken naming the file and the mend."""
    refuse_a_lost_file(file)
    try:
        refuse_a_shortened_history(file)
        look_through_after_a_crash(file)
    except DAMAGE as fault:
        raise damaged(file, str(fault)) from fault


def refuse_a_lost_file(file: Path) -> None:
    """Refuse to begin a new, empty store where one has been. Raises StoreBroken naming the file and the mend."""
    size = file.stat().st_size if file.exists() else 0
    if size == 0:
        if left := _traces_of_a_store(file):
            lost = "不见了" if not file.exists() else "是空的"
            raise StoreBroken(
                f"数据文件 {file} {lost}，但旁边还有 {left}：这里有过数据，不会另建空库。"
                "找回数据文件（连同 -wal 文件）放回原处；找不回的，把整个目录移走，用 songda restore 从备份恢复"
                " (the database file is lost)"
            )
        return
    with file.open("rb") as opened:
        if opened.read(len(MAGIC)) != MAGIC:
            raise StoreBroken(
                f"数据文件 {file} 无法使用：不是数据库文件，内容已被覆盖或损坏。"
                "把整个目录移走保存，用 songda restore 从备份恢复 (the file is not a database)"
            )


def _traces_of_a_store(file: Path) -> str:
    """What shows that a store was here, or nothing."""
    wal, folder = log_of(file), file.parent
    signs = [path for path in (wal, Mark.file_of(folder)) if path.exists() and path.stat().st_size]
    # The manifest of a backup, too: what is served must have been restored first.
    signs += [
        *folder.glob("manifest.json"),
        *folder.glob("heads/*.json"),
        *folder.glob("attachments/??/??/*"),
    ][:1]
    return signs[0].relative_to(folder).as_posix() if signs else ""


def log_of(file: Path) -> Path:
    """SQLite's write-ahead log of a database file: there only while it is open, or after a crash."""
    return file.with_name(f"{file.name}-wal")


def standing(file: Path) -> Stand | None:
    """Where a file stands, without changing anything; None where there is no store yet."""
    if not file.exists() or not file.stat().st_size:
        return None
    with closing(open_quietly(file)) as conn, suppress(sqlite3.OperationalError):
        if conn.execute("select 1 from sqlite_master where name = 'commit_log'").fetchone():
            return stand_of(conn)
    return None


def missing_keys(folder: Path) -> list[str]:
    """The key files that an installation has and this folder lacks."""
    names = ["phone-lookup.key", "receipt.key", "codes.key"]
    found = [] if any(folder.glob("phone-[0-9]*.key")) else ["phone-1.key"]
    return [*found, *(name for name in names if not (folder / name).exists())]


def refuse_lost_keys(file: Path, folder: Path) -> None:
    """Refuse to make new keys for a store that has had others. Raises StoreBroken naming the files and the mend."""
    lost = missing_keys(folder)
    if lost and standing(file) is not None:
        raise StoreBroken(
            f"密钥目录 {folder} 缺少 {'、'.join(lost)}，而 {file} 是用原来的密钥建立的：不会另生成新密钥。"
            "把备份的密钥文件放回该目录（权限 600）；确实丢失的，用 songda backup 备份后以"
            " songda restore --new-keys 恢复到新目录 (key files are missing)"
        )


def keys_misfit(conn: sqlite3.Connection, keys: Keys) -> list[str]:
    """Which keys are not those of this store: tried on the first and the last number, and against the published ones."""
    wrong = []
    rows = conn.execute(
        "select phone_sealed, phone_key, phone_lookup from person where id in"
        " (select min(id) from person where phone_sealed is not null"
        " union select max(id) from person where phone_sealed is not null)"
    )
    for sealed, number, lookup in rows.fetchall():
        try:
            fits = keys.phones.lookup(keys.phones.open(sealed, number)) == lookup
            wrong += [] if fits else ["phone-lookup.key"]
        except ValueError:
            wrong.append(f"phone-{number}.key")
    published = {row[0] for row in conn.execute("select key_id from receipt_key")}
    if published and keys.receipts.key_id not in published:
        wrong.append("receipt.key")
    return list(dict.fromkeys(wrong))


def refuse_foreign_keys(file: Path, folder: Path, keys: Keys) -> None:
    """Refuse the keys of another installation. Raises StoreBroken naming the files and the mend."""
    if standing(file) is None:
        return
    with closing(open_quietly(file)) as conn:
        wrong = keys_misfit(conn, keys)
    if wrong:
        raise StoreBroken(
            f"密钥目录 {folder} 的 {'、'.join(wrong)} 不是 {file} 的密钥（数据文件或密钥来自另一套系统）。"
            "核对数据目录和密钥目录是否属于同一套系统，换上原来的密钥文件 (the keys belong to another store)"
        )


def refuse_a_shortened_history(file: Path) -> None:
    """Refuse to serve from a file that holds less than was acknowledged. Raises StoreBroken with what is missing."""
    told, stand = read_mark(file.parent), standing(file)
    if told is None:
        return
    found = stand or Stand(epoch="", commit_no=0, at=0, link="", steps=())
    if told.epoch != found.epoch:
        reason = f"数据文件 {file} 属于另一套系统，或是另行恢复的（{found.epoch or '空'}，应为 {told.epoch}）"
    elif told.commit_no > found.commit_no:
        reason = (
            f"数据文件 {file} 只到提交 {found.commit_no}，而已答复到提交 {told.commit_no}："
            f"缺少 {told.commit_no - found.commit_no} 次提交，日志 {file.name}-wal 被截断、删除，或换上了旧文件"
        )
    else:
        return
    raise StoreBroken(
        f"{reason}。停止服务，找回原来的 {file.name} 和 {file.name}-wal 放回原处；找不回的，"
        "用 songda backup 备份现状，再以 songda restore 恢复到新目录，缺失的事项会记入审计 (the history is shortened)"
    )


def look_through_after_a_crash(file: Path) -> None:
    """After a stop that was none, look through the whole file once. Raises StoreBroken with the first faults.

    An orderly stop folds the log into the file and removes it: a log that is there tells of a crash. A file beyond
    CHECKED_MAX_BYTES is only reported, so that a start takes seconds at the most.
    """
    wal = log_of(file)
    if not file.exists() or not wal.exists() or not wal.stat().st_size:
        return
    size = file.stat().st_size
    if size > CHECKED_MAX_BYTES:
        log.warning("store.not_looked_through", bytes=size, mend="songda doctor")
        return
    began = time.perf_counter()
    with closing(open_quietly(file)) as conn:
        found = [row[0] for row in conn.execute("pragma quick_check(5)") if row[0] != "ok"]
    log.warning(
        "store.looked_through_after_a_crash", seconds=round(time.perf_counter() - began, 3), found=found
    )
    if found:
        raise damaged(file, "；".join(found))


def integrity_faults(file: Path) -> list[str]:
    """What SQLite finds wrong when it looks at every page, row, index and reference; empty when all is sound."""
    with closing(open_quietly(file)) as conn:
        conn.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        found = [str(row[0]) for row in conn.execute("pragma integrity_check(20)") if row[0] != "ok"]
        # A row that refers to nothing: (table, row, the table it should be in, which reference).
        found += [f"{row[0]} {row[1]} -> {row[2]}" for row in conn.execute("pragma foreign_key_check")]
    return found


def schema_faults(file: Path) -> list[str]:
    """Tables, indexes and triggers that are not what the steps of the file make: a changed letter renames a column."""
    query = (
        "select name, type || ' ' || tbl_name || ' ' || sql from sqlite_master where name not like 'sqlite_%'"
    )
    with closing(open_quietly(file)) as conn:
        conn.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        applied = {row[0] for row in conn.execute("select name from schema_step")}
        found = dict(conn.execute(query))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, [(name, text) for name, text in migrations() if name in applied], 0)
        expected = dict(fresh.execute(query))
    changed = sorted(name for name in expected if found.get(name) != expected[name])
    return [f"{name}: 定义被改动或缺失 (the definition was changed)" for name in changed]


def damaged(file: Path, reason: str) -> StoreBroken:
    """A file that SQLite cannot use, with the mend."""
    return StoreBroken(
        f"数据文件 {file} 已损坏，无法使用：{reason}。"
        "停止服务，把整个数据目录移走保存，用 songda restore 从备份恢复 (the database is damaged)"
    )
