"""The search for a Python: the first that works is taken, and what is missing is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT

OLD = "exit 1"
BARE = 'case "$2" in *version_info*) exit 0 ;; *) exit 1 ;; esac'
GOOD = 'case "$2" in *executable*) echo "$0" ;; esac'


@pytest.mark.parametrize(
    ("candidates", "found", "told"),
    [
        ({"python3.11": GOOD, "python3": GOOD}, "python3.11", ""),
        ({"python3.11": OLD, "python3.12": BARE, "python3": GOOD}, "python3", ""),
        (
            {"python3": BARE},
            None,
            "python3 has no venv module. On Debian or Ubuntu: apt-get install python3-venv",
        ),
        ({"python3": OLD}, None, "no Python 3.11 or later found"),
        ({}, None, "no Python 3.11 or later found"),
    ],
)
def test_find_python(tmp_path: Path, candidates: dict[str, str], found: str | None, told: str) -> None:
    """Old ones and ones without venv are passed over; when none is left, the line says what to install."""
    for name, script in candidates.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    run = subprocess.run(
        ["/bin/sh", ROOT / ".ci" / "find-python"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == (0 if found else 1)
    assert run.stdout.strip() == (str(tmp_path / found) if found else "")
    assert told in run.stderr
