"""`songda account` at the machine itself: real command line, real data folder."""

from __future__ import annotations

import asyncio
import csv
import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from config.loading import load
from gateway.assembly import open_parts
from gateway.cli.app import app
from gateway.flows.access import LoggedIn
from gateway.rules.access import Principal
from inbox_store.embedded import open_store
from inbox_store.times import day_of, system_now
from tests.access.conftest import PASSWORD, settle

CODE = re.compile(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}")
FAR_DAY = "2199-01-01"

runner = CliRunner(env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the small city, closed again."""
    folder = tmp_path / "data"

    async def fill() -> None:
        async with open_store(folder, readers=1) as store:
            await settle(store, system_now())

    asyncio.run(fill())
    return folder


def songda(data: Path, *words: str) -> Result:
    """Run one verb on the data folder."""
    return runner.invoke(app, ["account", *words, "--data", str(data)])


def done(data: Path, *words: str) -> str:
    """What a verb that must succeed prints."""
    told = songda(data, *words)
    assert told.exit_code == 0, told.output
    return str(told.stdout)


def bearer(data: Path, token: str) -> Principal:
    """Whom the server behind the same folder takes the token for."""

    async def ask() -> Principal:
        async with open_parts(load(None, {}, {"store.path": str(data)}).settings) as parts:
            return await parts.access.principal_of_bearer(token)

    return asyncio.run(ask())


def test_codes_are_printed_and_open_their_accounts(data: Path) -> None:
    """One line for everybody who waits; a code of the list activates its account under the real argon2."""
    told = done(data, "codes", "--unit", "E01")
    lines = [line.split("\t") for line in told.splitlines()[1:]]
    assert [line[1:3] for line in lines] == [
        ["刘洋", "both"],
        ["王芳", "clerk"],
        ["李强", "second"],
        ["张敏", "staff"],
    ]

    async def activate() -> LoggedIn:
        async with open_parts(load(None, {}, {"store.path": str(data)}).settings) as parts:
            return await parts.access.activate(lines[1][2], lines[1][3], PASSWORD)

    assert asyncio.run(activate()).name == "王芳"


def test_codes_are_written_where_only_this_user_reads_them(data: Path, tmp_path: Path) -> None:
    """A CSV of mode 600; a file that is there is not touched and no code is spent on it."""
    out = tmp_path / "codes.csv"
    told = done(data, "codes", "--unit", "E01", "--out", str(out))
    assert CODE.search(told) is None
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert rows[1] == ["人员编号", "姓名", "登录名", "激活码"]
    assert all(CODE.fullmatch(row[3]) for row in rows[2:])
    again = songda(data, "codes", "--unit", "E01", "--anew", "--out", str(out))
    assert (again.exit_code, "已存在" in again.stderr) == (1, True)
    assert "此前已发放" in done(data, "codes", "--unit", "E01")


def test_codes_that_cannot_be_written_are_shown(data: Path, tmp_path: Path) -> None:
    """They exist only once: where the file cannot be made they go to the screen."""
    told = songda(data, "codes", "--unit", "E01", "--out", str(tmp_path / "no folder" / "codes.csv"))
    assert told.exit_code == 1
    assert len(CODE.findall(told.stdout)) == 4


def test_freeze_by_date_and_back(data: Path) -> None:
    """A day to come is announced, a day that has come holds, and a freeze can be lifted."""
    assert done(data, "freeze", "clerk", "--from", FAR_DAY).splitlines() == [
        "clerk（王芳）：待激活。",
        f"将于 {FAR_DAY} 冻结。",
    ]
    today = day_of(system_now()).isoformat()
    assert done(data, "freeze", "clerk", "--from", today) == "clerk（王芳）：已冻结。\n"
    assert done(data, "unfreeze", "clerk") == "clerk（王芳）：待激活。\n"
    assert done(data, "close", "clerk") == "clerk（王芳）：已注销。\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("freeze", "clerk", "--from", "tomorrow"), "日期 tomorrow 无法识别"),
        (("freeze", "ghost"), "没有找到：ghost"),
        (("codes", "--unit", "X99"), "没有找到：X99"),
        (("token", "ghost"), "没有找到：ghost"),
        (("api-key", "revoke", "00000000"), "没有找到：00000000"),
        (
            (
                "api-key",
                "create",
                "--unit",
                "E01",
                "--name",
                "x",
                "--login",
                "clerk",
                "--action",
                "org.read",
                "--role",
                "king",
            ),
            "没有职责 king",
        ),
    ],
)
def test_what_cannot_be_done_says_why(data: Path, words: tuple[str, ...], reason: str) -> None:
    """Exit code 1, and the reason in Chinese on standard error, without a trace of calls."""
    told = songda(data, *words)
    assert told.exit_code == 1
    assert reason in told.stderr
    assert "Traceback" not in told.output


def test_a_trial_token_is_all_that_is_printed(data: Path) -> None:
    """The token alone, so that a script can take it; the server takes it for the person."""
    token = done(data, "token", "clerk", "--hours", "1").strip()
    assert bearer(data, token).name == "王芳"


def test_a_replaced_key_logs_nobody_out(data: Path) -> None:
    """A token minted before the rotation still holds after it."""
    token = done(data, "token", "clerk").strip()
    assert "共 2 个" in done(data, "rotate-key")
    assert bearer(data, token).name == "王芳"


def test_revoke_and_unlock(data: Path) -> None:
    """Both name the account they acted on."""
    assert "clerk" in done(data, "revoke", "clerk")
    assert "clerk" in done(data, "unlock", "clerk")
    assert CODE.fullmatch(done(data, "code", "clerk").strip())


def test_a_key_is_made_listed_and_revoked(data: Path) -> None:
    """The key is told once; the list names it by its prefix only."""
    text = done(
        data,
        "api-key",
        "create",
        "--unit",
        "E01",
        "--name",
        "县教育局办公系统",
        "--login",
        "clerk",
        "--action",
        "org.read",
        "--action",
        "dispatch.submit",
    ).strip()
    prefix = text.split("_")[1]
    told = done(data, "api-key", "list")
    assert text not in told
    assert told.split("\t")[:3] == [prefix, "县教育局办公系统", "有效"]
    assert told.rstrip().endswith("dispatch.submit org.read")
    done(data, "api-key", "revoke", prefix)
    assert done(data, "api-key", "list").split("\t")[2] == "失效"
