"""Fault 34: files cut, lost, exchanged or changed by a bit: refused, or found by the doctor; never a fact lost in silence."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.loading import load
from config.settings import Settings
from gateway.assembly import open_parts, running
from gateway.flows import health
from inbox_store.embedded import FILE
from inbox_store.embedded.copying import attachment_path
from inbox_store.embedded.mark import NAME as MARK
from inbox_store.embedded.mark import read_mark
from inbox_store.errors import StoreBroken
from tests.cli.conftest import await_ready, free_port, start_server
from tests.faults.stores import content_of, songda, worked
from tests.faults.worker import WallClock, clerk_of
from tests.inbox_store.world import World

LOG = f"{FILE}-wal"
FLIPS, FLIPS_LONG = 25, 1_500
PROVEN = {"audit", "commit_log", "sign_receipt"}
"""Every column of these is under the chain: a changed bit is always found."""


def settings_of(data: Path) -> Settings:
    """The settings of a server over this folder."""
    return load(None, {}, {"store.path": str(data), "server.port": "0"}).settings


async def _serve(data: Path) -> int:
    """Start as a server does; returns where the store stands."""
    async with running(settings_of(data)) as server:
        return server.parts.store.engine.position


def serve(data: Path) -> int:
    """The same for a test that is no coroutine."""
    return asyncio.run(_serve(data))


async def _crash(data: Path, crashed: Path) -> None:
    """Send and sign, and copy the files in the middle: as a kill leaves them."""
    async with open_parts(settings_of(data)) as parts:
        world = await World.of(parts.store, WallClock())
        document_id = await world.send(["U1", "U2", "U3"])
        for unit in ("U1", "U2", "U3"):
            await world.sign(document_id, unit, clerk_of(unit, "A" if unit != "U3" else "B"))
        shutil.copytree(data, crashed, ignore=shutil.ignore_patterns("*-shm"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store at rest, served once, with keys and two attachments: read, never changed, by the tests of this file."""
    data = worked(tmp_path_factory.mktemp("sound") / "data", 34)
    serve(data)
    return data


@pytest.fixture(scope="module")
def crashed(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after some more facts and a kill: what was acknowledged last lies in the log alone."""
    folder = tmp_path_factory.mktemp("crashed")
    shutil.copytree(sound, folder / "live")
    asyncio.run(_crash(folder / "live", folder / "data"))
    assert (folder / "data" / LOG).stat().st_size > 4096
    return folder / "data"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another installation, crashed as well."""
    folder = tmp_path_factory.mktemp("other")

    async def make() -> None:
        async with open_parts(settings_of(folder / "live")) as parts:
            world = await World.of(parts.store, WallClock())
            await world.send(["U1", "U2"])
            shutil.copytree(folder / "live", folder / "data", ignore=shutil.ignore_patterns("*-shm"))

    asyncio.run(make())
    return folder / "data"


def test_a_crash_alone_loses_nothing(crashed: Path, tmp_path: Path) -> None:
    """Whole files start after a kill, looked through once, with everything that the mark says was acknowledged."""
    shutil.copytree(crashed, tmp_path / "data")
    told = read_mark(crashed)
    assert told is not None
    assert serve(tmp_path / "data") >= told.commit_no
    assert not (tmp_path / "data" / LOG).exists()


def cut(file: Path, share: float) -> None:
    """Keep this share of a file."""
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])


def flip(file: Path, at: int, bit: int = 1) -> None:
    """Change one bit."""
    content = bytearray(file.read_bytes())
    content[at] ^= bit
    file.write_bytes(content)


def take(*names: str) -> Callable[[Path, Path], None]:
    """Put these files of the other installation in the place of our own; what it has not is gone."""

    def act(data: Path, other: Path) -> None:
        for name in names:
            (data / name).unlink(missing_ok=True)
            if (other / name).exists():
                shutil.copy(other / name, data / name)

    return act


def both(data: Path, *acts: Callable[[Path], object]) -> None:
    """Several at once."""
    for act in acts:
        act(data)


DAMAGED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "the log is gone": (lambda data, _: (data / LOG).unlink(), "缺少 .* 次提交"),
    "the log is empty": (lambda data, _: (data / LOG).write_bytes(b""), "缺少 .* 次提交"),
    "the log is cut in half": (lambda data, _: cut(data / LOG, 0.5), "缺少 .* 次提交"),
    "the log lost its last frame": (lambda data, _: cut(data / LOG, 0.99), "缺少 .* 次提交"),
    "a bit of the log's middle": (
        lambda data, _: flip(data / LOG, (data / LOG).stat().st_size // 2),
        "缺少 .* 次提交",
    ),
    "a bit of the log's head": (lambda data, _: flip(data / LOG, 9), "缺少 .* 次提交"),
    "the log of another store": (take(LOG), "已损坏|密钥|另一套系统|缺少"),
    "the file is gone": (lambda data, _: (data / FILE).unlink(), "不见了"),
    "file and log are gone": (
        lambda data, _: both(data, lambda at: (at / FILE).unlink(), lambda at: (at / LOG).unlink()),
        "不见了",
    ),
    "the file is empty": (lambda data, _: (data / FILE).write_bytes(b""), "是空的"),
    "the file is cut in half": (lambda data, _: cut(data / FILE, 0.5), "已损坏"),
    "the file is cut within a page": (lambda data, _: cut(data / FILE, 0.503), "已损坏"),
    "the file is garbage": (lambda data, _: (data / FILE).write_bytes(b"\xa5" * 300_000), "不是数据库文件"),
    "the first page is gone": (
        lambda data, _: (data / FILE).write_bytes(bytes(4096) + (data / FILE).read_bytes()[4096:]),
        "不是数据库文件",
    ),
    "the file of another store": (take(FILE), "密钥|已损坏|另一套系统"),
    "file and log of another store": (take(FILE, LOG), "密钥|另一套系统"),
    "file, log and keys of another store": (
        lambda data, other: both(
            data,
            lambda at: take(FILE, LOG)(at, other),
            lambda at: shutil.rmtree(at / "keys"),
            lambda at: shutil.copytree(other / "keys", at / "keys"),
        ),
        "另一套系统",
    ),
    "no phone key": (lambda data, _: (data / "keys" / "phone-1.key").unlink(), "缺少 phone-1.key"),
    "no receipt key": (lambda data, _: (data / "keys" / "receipt.key").unlink(), "缺少 receipt.key"),
    "no keys at all": (lambda data, _: shutil.rmtree(data / "keys"), "缺少 .*codes.key"),
    "a bit of the phone key": (lambda data, _: flip(data / "keys" / "phone-1.key", 5), "phone-1.key"),
    "a bit of the receipt key": (lambda data, _: flip(data / "keys" / "receipt.key", 5), "receipt.key"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_server_refuses_what_is_not_whole(crashed: Path, other: Path, tmp_path: Path, what: str) -> None:
    """The line names a file and the mend; nothing is made in its place, and nothing of what is left is changed."""
    act, words = DAMAGED[what]
    data = tmp_path / "data"
    shutil.copytree(crashed, data)
    act(data, other)
    before = content_of(data)
    with pytest.raises(StoreBroken, match=words) as told:
        serve(data)
    assert re.search(r"songda\.db|\.key", str(told.value))
    assert re.search(r"恢复|找回|放回|换上", str(told.value)), told.value
    assert content_of(data) == before


def test_an_old_file_put_back_is_refused(sound: Path, crashed: Path, tmp_path: Path) -> None:
    """Yesterday's file under today's name is noticed: it would give new commits the numbers of lost ones."""
    data = tmp_path / "data"
    shutil.copytree(crashed, data)
    (data / LOG).unlink()
    shutil.copy(sound / FILE, data / FILE)
    with pytest.raises(StoreBroken, match="或换上了旧文件"):
        serve(data)


def test_the_refusal_of_a_shortened_history_can_be_followed(crashed: Path, tmp_path: Path) -> None:
    """Its mend works: back the rest up, restore it as a new history, and serve that."""
    data, backup, new = tmp_path / "data", tmp_path / "backup", tmp_path / "new"
    shutil.copytree(crashed, data)
    (data / LOG).unlink()
    assert songda("backup", backup, "--data", data).exit_code == 0
    assert songda("restore", backup, "--data", new, "--keys", data / "keys").exit_code == 0
    assert serve(new) > 0
    doctor = songda("doctor", "--data", data)
    assert (doctor.exit_code, "缺少" in doctor.stdout) == (1, True)


def test_a_torn_mark_stops_nobody(crashed: Path, tmp_path: Path) -> None:
    """The mark is only a witness: without it, or with half a line of it, a start goes on and writes it anew."""
    for number, content in enumerate((b"", b"songda-position/1 abc", b"\x00" * 60)):
        data = tmp_path / str(number)
        shutil.copytree(crashed, data)
        (data / MARK).write_bytes(content)
        position = serve(data)
        told = read_mark(data)
        assert told is not None
        assert told.commit_no == position


def test_the_command_says_it_in_words(crashed: Path, tmp_path: Path) -> None:
    """`songda serve` itself ends with 1, one line on what is wrong and the mend in it, and no trace of code."""
    data = tmp_path / "data"
    shutil.copytree(crashed, data)
    (data / LOG).unlink()
    process = start_server(data, free_port())
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "不能启动" in told
    assert "songda.db-wal" in told
    assert "songda restore" in told
    assert "Traceback" not in told
    token = tmp_path / "token"
    shutil.copytree(crashed, token)
    (next((token / "keys").glob("token-*.pem"))).write_text("torn", "ascii")
    process = start_server(token, free_port())
    told, _ = process.communicate(timeout=30)
    assert (process.returncode, "密钥文件已损坏" in told, "Traceback" in told) == (1, True, False)


def test_a_lost_and_a_changed_attachment_are_found(sound: Path, tmp_path: Path) -> None:
    """The doctor names each; the server serves on, since every other fact is there."""
    data = tmp_path / "data"
    shutil.copytree(sound, data)
    first, second = f"{1:032x}", f"{2:032x}"
    attachment_path(data, first).unlink()
    flip(attachment_path(data, second), 7)
    told = songda("doctor", "--data", data)
    assert (told.exit_code, first in told.stdout, second in told.stdout) == (1, True, True), told.output
    port = free_port()
    process = start_server(data, port)
    await_ready(process, f"http://127.0.0.1:{port}")
    process.terminate()
    process.communicate(timeout=20)


def doctor(data: Path) -> list[str]:
    """What the doctor finds wrong with the data, by the name of the look; "start" where the folder does not open."""
    found = health.files(data / FILE)
    if all(one.good for one in found):
        try:
            found = asyncio.run(_records(data))
        except StoreBroken:
            return ["start"]
    return [one.what for one in found if not one.good]


async def _records(data: Path) -> list[health.Finding]:
    async with open_parts(settings_of(data)) as parts:
        return await health.records(parts.house)


def rows_in(file: Path) -> dict[str, list[str]]:
    """Every row of every table, as text, whatever it holds."""
    with closing(sqlite3.connect(file)) as conn:
        conn.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
        tables = conn.execute("select name from sqlite_master where type = 'table'").fetchall()
        return {name: sorted(map(repr, conn.execute(f"select * from {name}"))) for (name,) in tables}  # noqa: S608


def places(file: Path, count: int) -> Iterator[tuple[int, int]]:
    """Seeded (offset, bit) pairs, in bytes that hold something: most of a small file is empty."""
    content = file.read_bytes()
    used = [at for at, byte in enumerate(content) if byte]
    dice = random.Random(34)
    for _ in range(count):
        yield dice.choice(used), 1 << dice.randrange(8)


def flip_and_look(sound: Path, tmp_path: Path, count: int) -> int:
    """Flip, let the doctor look, and check what he did not see; returns how many he saw."""
    before, seen, data = rows_in(sound / FILE), 0, tmp_path / "data"
    for at, bit in places(sound / FILE, count):
        shutil.copytree(sound, data)
        flip(data / FILE, at, bit)
        if doctor(data):
            seen += 1
        else:
            one_value_at_most(before, rows_in(data / FILE), f"byte {at}, bit {bit}")
        shutil.rmtree(data)
    return seen


def one_value_at_most(before: dict[str, list[str]], after: dict[str, list[str]], where: str) -> None:
    """Unseen may stay a changed value in a row that nothing else repeats: no row less or more, none of the trace."""
    changed = {name for name, rows in before.items() if rows != after.get(name)}
    assert len(changed) <= 1, where
    assert not changed & PROVEN, where
    for name in changed:
        assert len(before[name]) == len(after[name]), where
        assert len(set(before[name]) - set(after[name])) == 1, where


def test_a_flipped_bit_is_found_or_changes_one_value(sound: Path, tmp_path: Path) -> None:
    """Wherever a bit is changed, the doctor finds it, or at the most one value that nothing repeats differs."""
    assert flip_and_look(sound, tmp_path, FLIPS) >= 0.8 * FLIPS


@pytest.mark.long
@pytest.mark.timeout(300)
def test_many_flipped_bits_are_found_or_change_one_value(sound: Path, tmp_path: Path) -> None:
    """The same for many places."""
    assert flip_and_look(sound, tmp_path, FLIPS_LONG) >= 0.8 * FLIPS_LONG
