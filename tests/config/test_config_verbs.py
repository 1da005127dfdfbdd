"""`songda config`, `songda init` and `songda version` as an operator meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway import __version__
from gateway.cli.app import app

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str, **environ: str) -> Result:
    """One call of the command line with output kept apart from errors."""
    return CliRunner(env={"NO_COLOR": "1", "SONGDA_CONFIG": None, **environ}).invoke(app, words)


def program(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """One run as a process of its own, on a terminal that asks for colours against NO_COLOR."""
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_init_makes_a_folder_to_start_from(office: Path) -> None:
    """The configuration it writes is valid, the data folder is closed to others, and the next step is told."""
    told = run("init", "office")
    assert told.exit_code == 0
    assert "下一步：songda --config office/songda.toml" in told.stdout
    assert (office / "office" / "songda-data").stat().st_mode & 0o777 == 0o700
    assert run("--config", "office/songda.toml", "config", "check").exit_code == 0
    explained = run("--config", "office/songda.toml", "config", "explain", "store.path")
    assert str(office / "office" / "songda-data") in explained.stdout


@pytest.mark.parametrize("taken", ["songda.toml", "songda-data"])
def test_init_overwrites_nothing(office: Path, taken: str) -> None:
    """Where a file or data folder lies already, nothing is touched and the reason is told."""
    (office / taken).write_text("mine", encoding="utf-8")
    told = run("init")
    assert told.exit_code == 1
    assert "不会覆盖" in told.stderr
    assert [path.name for path in office.iterdir()] == [taken]
    assert (office / taken).read_text(encoding="utf-8") == "mine"


def test_check_lists_all_faults_and_what_to_do(office: Path) -> None:
    """Faults of file and environment come out together on standard error, and the exit code is 1."""
    (office / "songda.toml").write_text("[server]\nprot = 1\n[sms]\nprice_li = -1\n", encoding="utf-8")
    told = run("config", "check", SONGDA__LOG__LEVEL="loud")
    assert told.exit_code == 1
    assert told.stdout == ""
    assert "songda.toml 第 2 行：server.prot：没有这个设置项；是不是 server.port？" in told.stderr
    assert "songda.toml 第 4 行：sms.price_li" in told.stderr
    assert "环境变量 SONGDA__LOG__LEVEL：log.level" in told.stderr
    assert "配置有 3 处问题" in told.stderr


def test_check_warns_of_what_is_weak(office: Path) -> None:
    """Valid but weak settings are named and do not fail the check."""
    (office / "open.toml").write_text(
        "[server]\nhost = '0.0.0.0'\npublic_url = 'http://songda.example'\n"
        "[security]\naccess_minutes = 60\npassword_policy = 'asvs'\n[log]\nlevel = 'debug'\n",
        encoding="utf-8",
    )
    told = run("config", "check", "open.toml")
    assert told.exit_code == 0
    weak = (
        "server.host",
        "server.public_url",
        "security.access_minutes",
        "security.password_policy",
        "log.level",
    )
    assert [key for key in weak if f"提醒：{key}" not in told.stdout] == []
    assert "提醒" not in run("config", "check").stdout


def test_explain_tells_the_value_and_where_it_was_set(office: Path) -> None:
    """One key, a section, or everything; an unknown key names its neighbour."""
    one = run("config", "explain", "server.port", SONGDA__SERVER__PORT="9000")
    assert "监听端口" in one.stdout
    assert "当前  9000（环境变量 SONGDA__SERVER__PORT）" in one.stdout
    assert "当前  8080（默认）" in run("config", "explain", "server").stdout
    assert "audit.retention_days" in run("config", "explain").stdout
    wrong = run("config", "explain", "server.prot")
    assert wrong.exit_code == 1
    assert "songda config explain server.port" in wrong.stderr


def test_the_sample_is_printed(office: Path) -> None:
    """`config sample` prints the annotated file, ready to be redirected."""
    told = run("config", "sample")
    (office / "songda.toml").write_text(told.stdout, encoding="utf-8")
    assert "[server]" in told.stdout
    assert run("config", "check").exit_code == 0


def test_version() -> None:
    """Both ways to ask give the version."""
    assert f"songda {__version__}" in run("version").stdout
    assert run("--version").stdout == run("version").stdout


def test_wrong_usage_is_2() -> None:
    """An unknown verb or option is wrong usage, not a refusal."""
    assert [run("fly").exit_code, run("version", "--loud").exit_code] == [2, 2]


def test_the_program_says_no_more_than_it_must(office: Path) -> None:
    """As a process: exit codes hold, no trace is shown, and NO_COLOR leaves no escape codes."""
    (office / "songda.toml").write_text("[server\n", encoding="utf-8")
    told = program("from gateway.cli.app import main; main()", "config", "check")
    assert told.returncode == 1
    assert "不是有效的 TOML" in told.stderr
    assert "Traceback" not in told.stderr
    assert "\x1b" not in told.stderr + told.stdout


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            "from inbox_store.errors import Refused; raise Refused('unit_frozen', unit='0101')",
            "unit_frozen(unit='0101')",
        ),
        (
            "from config.faults import ConfigFault, Fault; raise ConfigFault((Fault('a.key', '', '密钥损坏'),))",
            "a.key：密钥损坏",
        ),
    ],
)
def test_what_no_verb_caught_is_still_a_refusal(fault: str, told: str) -> None:
    """A refusal or a configuration fault from deep inside ends the program with 1 and a sentence, not a trace."""
    script = (
        f"from gateway.cli.app import app, main\n@app.command()\ndef fail() -> None:\n    {fault}\nmain()"
    )
    result = program(script, "fail")
    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr
