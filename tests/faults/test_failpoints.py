"""Failpoints: silent unless asked for, and then exactly there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from inbox_store import failpoints
from inbox_store.failpoints import VARIABLE
from tests.house.tree import ROOT, modules

NAMED = re.compile(r"\bfailpoint\(\"([a-z_]+)\"\)")
TRY = "from inbox_store.failpoints import failpoint as f\nf('a')\nf('b')\nf('a')\nprint('alive')"


@pytest.mark.parametrize(
    ("told", "status"), [("", 0), ("a:1", -9), ("a:2", -9), ("a:3", 0), ("b:1", -9), ("c:1", 0)]
)
def test_it_kills_at_its_time_only(told: str, status: int) -> None:
    """Without the variable, before its count and at other places nothing happens."""
    done = subprocess.run(
        [sys.executable, "-c", TRY],
        cwd=ROOT,
        env={VARIABLE: told},
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == status


def test_a_slip_in_the_variable_is_told() -> None:
    """A setting that is no name and count stops the start."""
    with pytest.raises(ValueError, match="many"):
        failpoints._armed("after_commit:many")


def test_every_failpoint_is_in_the_documents() -> None:
    """The page on testing lists exactly the failpoints there are."""
    page = Path(ROOT / "docs" / "testing.md").read_text("utf-8")
    found = {name for path in modules() for name in NAMED.findall(path.read_text("utf-8"))}
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE))
    assert found == listed
