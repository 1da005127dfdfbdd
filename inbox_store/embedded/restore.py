"""A restore: a data folder made from a backup, or from the copy that an upgrade kept; always under a new epoch.

What was acknowledged after the backup is not in it, while clients hold positions beyond it: under the old epoch they
would wait for commits above a number that other commits get. A new epoch voids those positions, so that each reads its
inbox anew. Log-ins end as well: what was taken back since the backup must not be honoured again.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path, PurePosixPath

from inbox_store.embedded.backup import DATABASE, Manifest, key_files, manifest_of
from inbox_store.embedded.copying import (
    CopyFault,
    Stand,
    Tell,
    attachment_path,
    copy_file,
    faults_of_database,
    must_have_room,
    stand_of,
    sync_file,
    work_folder,
)
from inbox_store.embedded.migrate import migrate
from inbox_store.embedded.runner import Runner
from inbox_store.embedded.soundness import keys_misfit, missing_keys
from inbox_store.engine import Audit, Many, Program, Sql
from inbox_store.keys import Keys, load_keys
from inbox_store.nouns import Noun
from inbox_store.statements import migrations, statements
from inbox_store.times import Clock


class KeySource(Noun, frozen=True, kw_only=True):
    """Where a restore takes its keys from.

    ``folder``: copied from there, or, ``elsewhere``, left there; None: those in the backup. ``anew``: what is missing is
    made, and what only the lost keys could open is forgotten.
    """

    folder: Path | None = None
    elsewhere: bool = False
    anew: bool = False


class Restored(Noun, frozen=True, kw_only=True):
    """What was restored: where the copy stood, where the new store stands, which attachments are lost."""

    before: Stand
    now: Stand
    lacking: tuple[str, ...]
    numbers_forgotten: int


def restore(source: Path, data: Path, file: str, *, clock: Clock, tell: Tell, keys: KeySource) -> Restored:
    """Make the data folder ``data`` from ``source``; ``file`` is the database's name in it.

    Raises CopyFault, SchemaMismatch, ConfigFault for a key file, OSError, sqlite3.Error; ``data`` is not there then.
    """
    with work_folder(data) as work:
        lacking = _bring(source, work, file, tell)
        before, numbers, now = _take_up(source, work, file, clock, tell, keys)
        sync_file(work / file)
    return Restored(before=before, now=now, lacking=lacking, numbers_forgotten=numbers)


def _bring(source: Path, work: Path, file: str, tell: Tell) -> tuple[str, ...]:
    """Copy the files; returns the attachments that are lost. Raises CopyFault for a file that is not as it was."""
    if source.is_dir():
        manifest = manifest_of(source)
        must_have_room(work, sum(one.size_bytes for one in manifest.files))
        for done, one in enumerate(manifest.files, 1):
            name = _safe(one.path)
            where = source / name
            if not where.is_file():
                raise CopyFault(f"备份不完整：缺少 {where}", "换一份完整的备份")
            told = copy_file(where, work / (file if one.path == DATABASE else name))
            if told != (one.size_bytes, one.sha256):
                raise CopyFault(f"备份中的 {where} 已损坏：内容与清单不符", "换一份完整的备份")
            tell("文件", done, len(manifest.files))
        return manifest.lacking
    if not source.is_file():
        raise CopyFault(f"找不到备份 {source}", "核对路径")
    copy_file(source, work / file)
    return _bring_what_lies_beside(source.parent, work, file, tell)


def _safe(path: str) -> PurePosixPath:
    """A path of the manifest. Raises CopyFault for one that leads out of the folder: somebody wrote it by hand."""
    told = PurePosixPath(path)
    if told.is_absolute() or ".." in told.parts or not told.parts:
        raise CopyFault(f"清单中的路径 {path} 指向备份之外", "换一份可信的备份")
    return told


def _bring_what_lies_beside(folder: Path, work: Path, file: str, tell: Tell) -> tuple[str, ...]:
    """For a single database file of a data folder: the attachments it names, the heads and the keys of that folder."""
    with closing(sqlite3.connect(work / file)) as copy:
        rows = copy.execute("select id from attachment order by id").fetchall()
    lacking = []
    for done, (file_id,) in enumerate(rows, 1):
        source = attachment_path(folder, file_id)
        if source.is_file():
            copy_file(source, attachment_path(work, file_id))
        else:
            lacking.append(str(file_id))
        tell("附件", done, len(rows))
    for path in (*folder.glob("heads/*.json"), *key_files(folder / "keys")):
        copy_file(path, work / path.relative_to(folder))
    return tuple(lacking)


def _take_up(
    source: Path, work: Path, file: str, clock: Clock, tell: Tell, ours: KeySource
) -> tuple[Stand, int, Stand]:
    """Bring the copied file to this version, prove it, fit the keys, and begin its new history."""
    with closing(sqlite3.connect(work / file, isolation_level=None)) as conn:
        conn.execute("pragma synchronous=off")  # synced once, at the end; until then nobody relies on it
        before = stand_of(conn)
        migrate(conn, migrations(), clock())
        tell("校验", 0, 1)
        _prove(source, conn, before)
        tell("校验", 1, 1)
        keys, misfits = _keys(conn, work, ours)
        numbers = _begin_anew(conn, before, clock, keys, misfits)
        return before, numbers, stand_of(conn)


def _prove(source: Path, conn: sqlite3.Connection, stand: Stand) -> None:
    """Raises CopyFault unless the file holds and ends where the manifest says."""
    found = faults_of_database(conn)
    manifest: Manifest | None = manifest_of(source) if source.is_dir() else None
    if manifest is not None and manifest.stand != stand:
        found.append(f"应到提交 {manifest.stand.commit_no}，实到 {stand.commit_no}")
    if found:
        raise CopyFault(f"备份 {source} 已损坏：{'；'.join(found[:3])}", "换一份备份")


def _keys(conn: sqlite3.Connection, work: Path, ours: KeySource) -> tuple[Keys, list[str]]:
    """The keys of the new folder, and which of them are not the store's own. Raises CopyFault unless new ones were asked for."""
    folder = work / "keys"
    if ours.folder is not None and ours.elsewhere:
        folder = ours.folder
    elif ours.folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        for path in key_files(ours.folder):
            copy_file(path, folder / path.name)
    lost = missing_keys(folder)
    if lost and not ours.anew:
        raise CopyFault(
            f"缺少密钥 {'、'.join(lost)}",
            "用 --keys 指明原来的密钥所在目录；确实丢失的加 --new-keys，丢失的密钥重新生成，只有它能解开的电话号码清空",
        )
    keys = load_keys(folder)
    wrong = keys_misfit(conn, keys)
    if wrong and not ours.anew:
        raise CopyFault(
            f"{'、'.join(wrong)} 不是这份备份的密钥（来自另一套系统）", "用 --keys 指明原来的密钥所在目录"
        )
    return keys, sorted({*lost, *wrong})


def _begin_anew(
    conn: sqlite3.Connection, before: Stand, clock: Clock, keys: Keys, new_keys: list[str]
) -> int:
    """One commit: the new epoch, the ended log-ins, the line in the trace; returns how many numbers were forgotten."""
    runner = Runner(statements(), clock, keys.receipts)
    (outcome,), _ = runner.run(conn, [_new_history(before, keys, new_keys, clock())])
    if outcome.fault is not None:
        raise outcome.fault
    numbers: int = outcome.value
    return numbers


def _new_history(before: Stand, keys: Keys, new_keys: list[str], now: int) -> Program[int]:
    yield Sql("restore_epoch", {"epoch": secrets.token_hex(8)})
    ((sessions,),) = yield Sql("restore_sessions", {"now": now})
    yield Sql("restore_tokens")
    numbers = 0
    if new_keys:
        public = {"key_id": keys.receipts.key_id, "public_key": keys.receipts.public, "now": now}
        yield Sql("restore_key", public)
        numbers = (yield from _forget_numbers(keys)) + (yield from _forget_attendees(keys))
    told = {"from_epoch": before.epoch, "from_commit": before.commit_no, "from_at": before.at}
    told |= {"link": before.link, "sessions_ended": sessions}
    told |= {"new_keys": new_keys, "numbers_forgotten": numbers}
    yield Audit(action="store.restored", actor=0, subject="store:0", detail=told)
    return numbers


def _forget_numbers(keys: Keys) -> Program[int]:
    """Forget the telephone numbers that no key opens; an import brings them back."""
    rows = yield Sql("restore_numbers")
    lost, found = [], []
    for person_id, sealed, key in rows:
        number = _opened(keys, sealed, key)
        if number is None:
            lost.append({"id": person_id})
        else:
            found.append({"id": person_id, "lookup": keys.phones.lookup(number)})
    yield Many("restore_forget_number", lost)
    yield Many("restore_lookup", found)  # the key of the look-up may be among the lost ones
    return len(lost)


def _forget_attendees(keys: Keys) -> Program[int]:
    """The same for the people named in meeting receipts."""
    lost = 0
    for document_id, unit_id, version, text in (yield Sql("restore_attendees")):
        people = json.loads(text)
        for one in people:
            sealed = one["phone_sealed"]
            if sealed and _opened(keys, base64.b64decode(sealed), one["phone_key"]) is None:
                one["phone_sealed"] = one["phone_key"] = None
                lost += 1
        where = {"document_id": document_id, "unit_id": unit_id, "version": version}
        yield Sql("restore_forget_attendees", {**where, "attendees": json.dumps(people, ensure_ascii=False)})
    return lost


def _opened(keys: Keys, sealed: bytes, key: int) -> str | None:
    try:
        return keys.phones.open(sealed, key)
    except ValueError:
        return None
