"""Tests that need a program of the operating system: left out by name where it is missing, failed under CI=true.

`@pytest.mark.needs_program("strace")` asks for a program of tests/system-packages.txt. A machine without it runs all
other tests and is told at the end which were left out and what would bring them in; the gate never leaves any out.
Fixtures of a room live in tests/<room>/conftest.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of the code under test: properties have no deadline, the whole test has one.
settings.register_profile("songda", deadline=None)
settings.load_profile("songda")

LIST = Path(__file__).with_name("system-packages.txt")
LEFT_OUT = pytest.StashKey[dict[str, str]]()


def packages() -> dict[str, str]:
    """The Debian package of each listed program."""
    rows = (
        line.split() for line in LIST.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    )
    return {row[0]: row[1] for row in rows if row}


def missing_programs(item: pytest.Item) -> Iterator[str]:
    """How to get each program the test needs and this machine lacks."""
    for mark in item.iter_markers("needs_program"):
        for program in mark.args:
            if shutil.which(program) is None:
                yield f"needs {program}: apt-get install {packages().get(program, program)}"


def in_gate() -> bool:
    """Whether this run must leave nothing out."""
    return os.environ.get("CI") == "true"


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing left out."""
    config.stash[LEFT_OUT] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what cannot run here, and remember it by name."""
    if in_gate():
        return
    left_out = {item.nodeid: ", ".join(missing_programs(item)) for item in items}
    config.stash[LEFT_OUT] = {name: reason for name, reason in left_out.items() if reason}
    config.hook.pytest_deselected(items=[item for item in items if left_out[item.nodeid]])
    items[:] = [item for item in items if not left_out[item.nodeid]]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """In the gate a missing program is a failure: .ci/run should have installed it."""
    if reason := ", ".join(missing_programs(item)):
        pytest.fail(reason, pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker left out to the process that prints the summary."""
    workeroutput = getattr(session.config, "workeroutput", None)
    if workeroutput is not None:
        workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Collect what a worker of pytest-xdist left out."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    config.stash[LEFT_OUT].update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name every test that was left out and what would bring it in."""
    if left_out := config.stash[LEFT_OUT]:
        terminalreporter.section("left out on this machine")
        for name, reason in sorted(left_out.items()):
            terminalreporter.write_line(f"{name}: {reason}")
