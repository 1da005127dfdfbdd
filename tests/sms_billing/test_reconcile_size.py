"""A year's lines against a carrier's file, in bounded time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def measured(lines: int, folder: Path) -> dict[str, float]:
    """The figures of a reconciliation in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sms_billing.many_lines", str(lines), str(folder / "detail.csv")],
        capture_output=True,
        check=True,
        text=True,
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def test_a_file_of_thirty_thousand_lines(tmp_path: Path) -> None:
    """Each planted difference is found, and nothing else."""
    told = measured(30_000, tmp_path)
    assert (told["ours_only"], told["status_differs"], told["found"]) == (10, 10, 10)
    assert (told["differences"], told["agreed"]) == (30, 29_970)


@pytest.mark.long
def test_a_year_of_lines(tmp_path: Path) -> None:
    """1.65 million lines take at most 512 MiB, and every planted difference is found."""
    told = measured(1_650_000, tmp_path)
    assert told["differences"] == 1650
    assert told["mib"] <= 512
