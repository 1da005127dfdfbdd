"""`songda backup` and `songda restore`: beside a running server, refusing what would mislead, saying what is missing."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from config.loading import load
from gateway.assembly import open_parts, running
from gateway.flows.account_desk import Operator
from inbox_store.embedded.copying import attachment_path
from inbox_store.errors import StoreBroken
from realtime.client import Credential, LiveClient
from realtime.positions import Mark, MemoryPositions
from tests.cli.conftest import Town


@pytest.fixture(scope="module")
def backup(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the running town, without keys, from a folder with one attachment."""
    _attach(town, b"%PDF-1.7 " + b"content" * 100)
    target = tmp_path_factory.mktemp("backup") / "backup"
    told = town.done("backup", str(target), "--data", str(town.data))
    assert "已备份到" in told
    return target


def _attach(town: Town, content: bytes) -> str:
    file = town.data.parent / "annex.pdf"
    file.write_bytes(content)
    words = [
        "--to-unit",
        "E01",
        "--title",
        "带附件",
        "--body",
        "请认真落实。",
        "--attach",
        str(file),
        "--yes",
    ]
    town.done("send", *words, who="sclerk")
    with closing(sqlite3.connect(town.data / "songda.db")) as conn:
        ((file_id,),) = conn.execute("select id from attachment order by uploaded_at desc limit 1")
    return str(file_id)


def restored(town: Town, backup: Path, data: Path) -> Path:
    """A data folder from the backup, with the town's own keys."""
    told = town.done("restore", str(backup), "--data", str(data), "--keys", str(town.data / "keys"))
    assert "已恢复到" in told
    return data


def test_a_backup_comes_back_whole(town: Town, backup: Path, tmp_path: Path) -> None:
    """The restored folder passes the doctor, with its attachment, and says in the trace where it came from."""
    data = restored(town, backup, tmp_path / "data")
    told = json.loads(town.done("doctor", "--data", str(data), "--json"))
    assert [one for one in told if not one["good"] and one["what"] != "剩余空间"] == []
    assert {one["what"] for one in told} >= {"数据文件", "已答复的提交", "公文内容", "附件", "电话号码"}
    assert not (backup / "keys").exists()
    with closing(sqlite3.connect(data / "songda.db")) as conn:
        ids = [row[0] for row in conn.execute("select id from attachment")]
    assert ids
    assert all(attachment_path(data, one).is_file() for one in ids)


def test_what_would_overwrite_or_mislead_is_refused(town: Town, backup: Path, tmp_path: Path) -> None:
    """Nothing is overwritten, a backup is no data folder, and every refusal says what to do."""
    inside = str(town.data / "backup")
    tries = [
        (["backup", str(backup), "--data", str(town.data)], "已存在"),
        (["backup", inside, "--data", str(town.data)], "在数据目录之内"),
        (["backup", str(tmp_path / "no" / "x"), "--data", str(town.data)], "不是目录"),
        (["backup", str(tmp_path / "x"), "--data", str(tmp_path)], "不是数据目录"),
        (["restore", str(backup), "--data", str(town.data)], "已存在"),
        (["restore", str(tmp_path / "none"), "--data", str(tmp_path / "x")], "找不到备份"),
        (["restore", str(town.data), "--data", str(tmp_path / "x")], "不是完整的备份"),
        (["restore", str(backup), "--data", str(tmp_path / "x")], "缺少密钥"),
        (["doctor", "--data", str(backup)], "不是数据目录"),
    ]
    for words, reason in tries:
        told = town.songda(*words)
        assert (told.exit_code, reason in told.stderr, "处理：" in told.stderr) == (1, True, True), (
            told.output
        )
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_not_served(backup: Path) -> None:
    """A server that is pointed at a backup refuses, instead of beginning an empty store in it."""
    settings = load(None, {}, {"store.path": str(backup)}).settings

    async def start() -> None:
        async with running(settings):
            pass

    with pytest.raises(StoreBroken, match=r"manifest\.json"):
        asyncio.run(start())
    assert not (backup / "keys").exists()


def test_keys_of_another_installation_are_refused(town: Town, backup: Path, tmp_path: Path) -> None:
    """Keys that do not open the stored numbers are named, at the restore and at a start; lost ones are replaced only when asked."""
    with closing(sqlite3.connect(backup / "database")) as conn:
        numbers = conn.execute("select count(*) from person where phone_sealed is not null").fetchone()[0]
        # Those who were reported for a meeting have numbers too.
        for (attendees,) in conn.execute("select attendees from meeting_receipt"):
            numbers += sum(bool(one.get("phone_sealed")) for one in json.loads(attendees))
    assert numbers > 0
    other = tmp_path / "other"
    asyncio.run(_opened(other))
    foreign = ["--keys", str(other / "keys")]
    told = town.songda("restore", str(backup), "--data", str(tmp_path / "x"), *foreign)
    assert (told.exit_code, "phone-1.key、receipt.key 不是这份备份的密钥" in told.stderr) == (1, True), (
        told.output
    )
    data = restored(town, backup, tmp_path / "data")
    for path in (other / "keys").glob("*.key"):
        shutil.copy(path, data / "keys")
    with pytest.raises(StoreBroken, match=r"phone-1\.key.*receipt\.key 不是"):
        asyncio.run(_opened(data))
    (data / "keys" / "receipt.key").unlink()
    with pytest.raises(StoreBroken, match=r"缺少 receipt\.key"):
        asyncio.run(_opened(data))
    assert not (data / "keys" / "receipt.key").exists()
    renewed = tmp_path / "renewed"
    words = ["restore", str(backup), "--data", str(renewed), "--new-keys", "--json"]
    found = json.loads(town.done(*words))["restored"]
    assert found["numbers_forgotten"] == numbers
    asyncio.run(_opened(renewed))
    assert town.songda("audit", "verify", "--data", str(renewed)).exit_code == 0


async def _opened(data: Path) -> None:
    async with open_parts(load(None, {}, {"store.path": str(data)}).settings):
        pass


def test_heads_from_before_a_restore_still_prove(town: Town, tmp_path: Path) -> None:
    """A head exported before the backup holds in the restored chain; one from after it says which commits were lost."""
    early, late = tmp_path / "early.json", tmp_path / "late.json"
    town.done("audit", "export-head", str(early), "--data", str(town.data))
    town.done("backup", str(tmp_path / "backup"), "--data", str(town.data))
    _attach(town, b"%PDF-1.7 later")
    town.done("audit", "export-head", str(late), "--data", str(town.data))
    data = restored(town, tmp_path / "backup", tmp_path / "data")
    assert town.songda("audit", "verify", "--data", str(data), "--head", str(early)).exit_code == 0
    told = town.songda("audit", "verify", "--data", str(data), "--head", str(late))
    assert (told.exit_code, "恢复时失去了提交" in told.stderr) == (1, True), told.output


def test_a_lost_attachment_is_told_and_the_rest_is_kept(town: Town, tmp_path: Path) -> None:
    """A missing file does not keep the others from being backed up; the verb names it and ends with 1, here and at the restore."""
    file_id = _attach(town, b"%PDF-1.7 to be lost")
    path = attachment_path(town.data, file_id)
    path.rename(tmp_path / "hidden")
    try:
        told = town.songda("backup", str(tmp_path / "backup"), "--data", str(town.data))
    finally:
        (tmp_path / "hidden").rename(path)
    assert (told.exit_code, file_id in told.stderr) == (1, True), told.output
    words = ["restore", str(tmp_path / "backup"), "--data", str(tmp_path / "data")]
    told = town.songda(*words, "--keys", str(town.data / "keys"))
    assert (told.exit_code, file_id in told.stderr, "已恢复到" in told.stdout) == (1, True, True)
    doctor = town.songda("doctor", "--data", str(tmp_path / "data"))
    assert (doctor.exit_code, file_id in doctor.stdout) == (1, True)


def test_a_live_client_of_the_lost_history_begins_anew(town: Town, backup: Path, tmp_path: Path) -> None:
    """A client that holds a later position of the old epoch is not resumed on the restored server: it reads all anew."""
    data = restored(town, backup, tmp_path / "data")
    settings = load(None, {}, {"store.path": str(data), "server.port": "0"}).settings
    with closing(sqlite3.connect(town.data / "songda.db")) as conn:
        ((epoch,),) = conn.execute("select epoch from installation")
        ((position,),) = conn.execute("select max(commit_no) from commit_log")

    async def ask() -> tuple[int, Mark | None]:
        positions = MemoryPositions()
        positions.save(Mark(epoch=epoch, position=position, acked=position))
        async with running(settings) as server:
            told = await server.parts.access.trial_token(Operator(name="ops"), "sclerk")

            async def credential() -> Credential:
                return Credential(token=told.text)

            url = f"ws://127.0.0.1:{server.port}/api/v1/live"
            async with LiveClient(url, credential, positions=positions) as live, asyncio.timeout(20):
                await live.connect()
                return live.restarts, live.mark

    restarts, mark = asyncio.run(ask())
    assert restarts == 1
    assert mark is not None
    assert mark.epoch != epoch
