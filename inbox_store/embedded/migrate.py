"""Brings a database file to this version's schema: each step whole or not at all, never backwards."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence

from inbox_store.errors import StoreBroken
from inbox_store.failpoints import failpoint


class SchemaMismatch(StoreBroken):
    """The file was made by another version: nothing was changed; the message says what to do."""


def split(script: str) -> Iterator[str]:
    """The statements of a script one by one; a trigger's inner semicolons do not cut it."""
    waiting = ""
    for line in script.splitlines(keepends=True):
        waiting += line
        if sqlite3.complete_statement(waiting):
            yield waiting
            waiting = ""
    if waiting.strip():
        yield waiting


def _applied(conn: sqlite3.Connection) -> dict[str, str]:
    conn.execute(
        "create table if not exists schema_step (name text primary key, sha256 text not null, at bigint not null)"
    )
    return dict(conn.execute("select name, sha256 from schema_step"))


def _check(applied: dict[str, str], steps: Sequence[tuple[str, str]]) -> None:
    known = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in steps}
    strange = sorted(applied.keys() - known.keys())
    if strange:
        raise SchemaMismatch(
            f"数据文件由更新的版本建立 (made by a newer version: {strange[0]}); 请用该版本启动, 或从备份恢复:"
            " 升级前的副本 songda.db.before-… 可用 songda restore 恢复到新目录. 数据未改动"
        )
    changed = sorted(name for name, told in applied.items() if known[name] != told)
    if changed:
        raise SchemaMismatch(
            f"迁移步骤 {changed[0]} 与当时执行的不同 (the migration's text has changed since it was applied)"
        )


def migrate(conn: sqlite3.Connection, steps: Sequence[tuple[str, str]], now: int) -> list[str]:
    """Apply the missing steps, each in one transaction; return their names. Raises SchemaMismatch."""
    applied = _applied(conn)
    _check(applied, steps)
    done = []
    for name, text in steps:
        if name in applied:
            continue
        conn.execute("begin immediate")
        try:
            # Two processes that start at the same time: whoever waited here finds the step done.
            if name in dict(conn.execute("select name, sha256 from schema_step")):
                conn.execute("rollback")
                continue
            for statement in split(text):
                conn.execute(statement)
            row = (name, hashlib.sha256(text.encode()).hexdigest(), now)
            conn.execute("insert into schema_step (name, sha256, at) values (?, ?, ?)", row)
            failpoint("migrate")
            conn.execute("commit")
        except BaseException:
            conn.execute("rollback")
            raise
        done.append(name)
    return done
