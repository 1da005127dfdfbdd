"""A backup: one folder with the database, the attachments and the exported heads, and a manifest that proves them.

    backup/
      manifest.json          format, epoch, last commit with its link, every file with its size and SHA-256
      database               the store as one file; not called songda.db, so that no server takes the backup for its data
      attachments/ab/cd/...  what the database names, each compared with the SHA-256 it has there
      heads/                 the signed heads of the trace
      keys/                  only where they were asked for: whoever holds them opens every telephone number

The folder gets its name when all of it is written, synced and verified.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from inbox_store.embedded.copying import (
    CopyFault,
    Stand,
    Tell,
    attachment_path,
    copy_database,
    copy_file,
    digest_of,
    faults_of_database,
    must_have_room,
    open_quietly,
    size_of_database,
    stand_of,
    work_folder,
)
from inbox_store.nouns import Noun
from inbox_store.times import Clock, iso

FORMAT = "songda-backup/1"
MANIFEST = "manifest.json"
DATABASE = "database"


class Kept(Noun, frozen=True, kw_only=True):
    """One file of a backup; ``path`` is relative to it, ``sha256`` hexadecimal digits."""

    path: str
    size_bytes: int
    sha256: str


class Manifest(Noun, frozen=True, kw_only=True):
    """What a backup holds, and as of which commit. ``lacking`` names attachments that were lost before the backup."""

    format: str
    made_at: str
    stand: Stand
    with_keys: bool
    files: tuple[Kept, ...]
    lacking: tuple[str, ...]


def back_up(
    data: Path, file: str, target: Path, *, clock: Clock, tell: Tell, keys: Path | None = None
) -> Manifest:
    """Back the store in ``data`` up into the new folder ``target``, beside a running server or without one.

    ``file`` is the database's name in ``data``; ``keys`` is the folder of the keys where they are to be taken along.
    Everything acknowledged before the call is in it. Raises CopyFault, OSError, sqlite3.Error; nothing has the name
    ``target`` then, and ``data`` is as it was.
    """
    if target.absolute().is_relative_to(data.absolute()):
        raise CopyFault(f"{target} 在数据目录之内", "备份到另一个目录，最好是另一块磁盘")
    with work_folder(target) as work:
        attachments = sum(path.stat().st_size for path in data.glob("attachments/??/??/*"))
        must_have_room(work, size_of_database(data / file) + attachments)
        copy_database(data / file, work / DATABASE, tell)
        with closing(open_quietly(work / DATABASE)) as copy:
            stand = _verified(copy, tell)
            kept, lacking = _attachments(data, file, work, copy, tell)
        kept += [_kept(work, work / DATABASE)]
        kept += [_copied(work, path, f"heads/{path.name}") for path in sorted(data.glob("heads/*.json"))]
        kept += [_copied(work, path, f"keys/{path.name}") for path in key_files(keys)]
        manifest = Manifest(
            format=FORMAT,
            made_at=iso(clock()),
            stand=stand,
            with_keys=keys is not None,
            files=tuple(sorted(kept, key=lambda one: one.path)),
            lacking=tuple(lacking),
        )
        _write(work / MANIFEST, manifest)
    return manifest


def key_files(folder: Path | None) -> Iterator[Path]:
    """The key files in a folder; none where there is no folder."""
    for pattern in ("*.key", "token-*.pem") if folder else ():
        yield from sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))  # type: ignore[union-attr]  # nothing is asked of none


def _verified(copy: sqlite3.Connection, tell: Tell) -> Stand:
    """Where the copy stands. Raises CopyFault when it does not hold: the source is then damaged as well."""
    tell("校验", 0, 1)
    found = faults_of_database(copy)
    if found:
        raise CopyFault(
            f"数据文件已损坏，没有写成备份：{'；'.join(found[:3])}",
            "立即停止服务，保留原数据目录；执行 songda doctor 查看，从先前的备份恢复",
        )
    tell("校验", 1, 1)
    return stand_of(copy)


def _attachments(
    data: Path, file: str, work: Path, copy: sqlite3.Connection, tell: Tell
) -> tuple[list[Kept], list[str]]:
    """Copy each attachment that the copy names; returns them, and those that are gone or changed."""
    rows = copy.execute("select id, sha256 from attachment order by id").fetchall()
    kept, lacking = [], []
    for done, (file_id, sha256) in enumerate(rows, 1):
        source = attachment_path(data, file_id)
        if source.is_file():
            kept.append(_copied(work, source, str(attachment_path(Path(), file_id))))
        if not source.is_file() or kept[-1].sha256 != sha256.hex():
            lacking += _still_named(data / file, file_id)
        tell("附件", done, len(rows))
    return kept, lacking


def _still_named(database: Path, file_id: str) -> list[str]:
    """The id, unless an upload that no document took was given up since the snapshot: then nothing is lacking."""
    with closing(open_quietly(database)) as now:
        return [row[0] for row in now.execute("select id from attachment where id = ?", (file_id,))]


def _copied(work: Path, source: Path, name: str) -> Kept:
    size, sha256 = copy_file(source, work / name)
    return Kept(path=name, size_bytes=size, sha256=sha256)


def _kept(work: Path, file: Path) -> Kept:
    size, sha256 = digest_of(file)
    return Kept(path=str(file.relative_to(work)), size_bytes=size, sha256=sha256)


def _write(file: Path, manifest: Manifest) -> None:
    draft = file.with_suffix(".draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    copy_file(draft, file)
    draft.unlink()


def manifest_of(backup: Path) -> Manifest:
    """The manifest of a backup. Raises CopyFault for a folder that is none, or not a whole one."""
    try:
        told = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise CopyFault(f"{backup} 不是完整的备份：没有 {MANIFEST}", "换一份完整的备份") from None
    except (ValueError, RecursionError) as fault:
        raise CopyFault(f"{backup / MANIFEST} 已损坏：{fault}", "换一份完整的备份") from None
    if told.format != FORMAT:
        raise CopyFault(f"{backup} 的格式是 {told.format}，本版本只认 {FORMAT}", "用写出它的版本恢复")
    return told
