"""Before an upgrade changes a file that holds data, a copy of it is kept beside it: the way back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from inbox_store.embedded.copying import (
    CopyFault,
    copy_database,
    must_have_room,
    open_quietly,
    size_of_database,
    sync_folder,
)
from inbox_store.embedded.soundness import damaged, standing
from inbox_store.errors import StoreBroken
from inbox_store.statements import migrations

log = structlog.get_logger("inbox_store")


def keep_a_copy(file: Path) -> Path | None:
    """Copy ``file`` if this version has steps for it that it lacks; returns the copy, None where none is needed.

    The copy names the first step and the commit it stands at, so that a start that was cut off finds its own and takes
    no second one. Raises StoreBroken when there is no room for it, or when the file is damaged: then nothing is migrated.
    """
    stand = standing(file)
    known = [name for name, _ in migrations()]
    if stand is None or not stand.commit_no or not set(stand.steps) < set(known):
        return None  # new, empty, up to date, or of a newer version, which the migration itself refuses
    step = next(name for name in known if name not in stand.steps).partition("_")[0]
    copy = file.with_name(f"{file.name}.before-{step}-commit-{stand.commit_no}")
    if copy.exists():
        return copy
    _must_have_room(file, copy)
    draft = copy.with_name(f".{copy.name}.part")
    draft.unlink(missing_ok=True)
    try:
        copy_database(file, draft, lambda _what, _done, _total: None)
        _must_hold(draft)
    except (OSError, sqlite3.Error, StoreBroken):
        draft.unlink(missing_ok=True)
        raise
    draft.rename(copy)
    sync_folder(copy.parent)
    log.warning("store.kept_before_upgrade", copy=str(copy), first_step=step, commit_no=stand.commit_no)
    return copy


def _must_have_room(file: Path, copy: Path) -> None:
    try:
        # As much again for the log of the steps themselves.
        must_have_room(file.parent, 2 * size_of_database(file))
    except CopyFault as fault:
        raise StoreBroken(
            f"升级前要把 {file} 留一份副本 {copy.name}，{fault}。腾出空间后重新启动；"
            "数据未改动，也可用原来的版本启动 (no room for the copy before the upgrade)"
        ) from fault


def _must_hold(copy: Path) -> None:
    with closing(open_quietly(copy)) as conn:
        found = [row[0] for row in conn.execute("pragma quick_check(5)") if row[0] != "ok"]
    if found:
        raise damaged(copy, "；".join(found))
