"""Every verb of the command line explains itself, and answers before any heavy room is imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from gateway.cli import app as command_line

runner = CliRunner(env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120"})


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - typer's own click
    """Every verb and group below `command`, with the words that lead to it."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, (*path, name))


VERBS = dict(verbs(get_command(command_line.app)))


@pytest.mark.parametrize("path", VERBS, ids=lambda path: " ".join(path) or "songda")
def test_every_verb_has_help(path: tuple[str, ...]) -> None:
    """Each verb and group says in Chinese what it does, each option and argument what it is for."""
    command = VERBS[path]
    assert any("一" <= letter <= "鿿" for letter in command.help or "")
    told = runner.invoke(command_line.app, [*path, "--help"])
    assert told.exit_code == 0
    assert [one.name for one in command.params if not getattr(one, "help", None)] == []


def test_help_imports_nothing_heavy() -> None:
    """Loading all verbs brings in neither a server, a driver, cryptography nor the office calendar."""
    heavy = {
        "aiohttp",
        "aiosqlite",
        "sqlite3",
        "cryptography",
        "argon2",
        "uvloop",
        "pydantic",
        "chinese_calendar",
    }
    heavy |= {"xlsxwriter", "python_calamine", "websockets", "prometheus_client", "structlog", "asyncio"}
    script = f"import sys, gateway.cli.app; print(*sorted({heavy!r} & set(sys.modules)))"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.split() == []


def test_all_named_modules_bring_verbs() -> None:
    """A module that is there has a `register`; its name stands once in the list."""
    assert len(set(command_line.MODULES)) == len(command_line.MODULES)
    assert {"config", "init", "version"} <= {path[0] for path in VERBS if path}
