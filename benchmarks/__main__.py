"""`python -m benchmarks`: every measurement in turn; the figures as a table and in benchmarks/results.json."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks import confirm, fanout, imports, many

RESULTS: Final = Path(__file__).with_name("results.json")
RUNS: Final = 7
CONFIRM_RUNS: Final = 5
MANY_RUNS: Final = 5
IMPORT_RUNS: Final = 5
LIVE: Final = (("broadcast", 7_000), ("broadcast", 18_000), ("trips", 10_000), ("idle", 7_000))
LIVE_TIMEOUT_S: Final = 240
WHOLE_TIMEOUT_S: Final = 480


def _live() -> list[dict[str, Any]]:
    """The live sockets, each stage in a process of its own: descriptors, memory and loop stay out of the others' way."""
    rows = []
    for stage, sockets in LIVE:
        command = [sys.executable, "-m", "benchmarks.live", stage, "--sockets", str(sockets)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIVE_TIMEOUT_S, check=True)  # noqa: S603
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


def _whole() -> list[dict[str, Any]]:
    """The whole server under load, driven from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.whole"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WHOLE_TIMEOUT_S, check=True)  # noqa: S603
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _shown(rows: list[dict[str, Any]]) -> Table:
    table = Table(
        title=f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores"
    )
    for title in ("figure", "median", "unit", "goal", "holds", "spread"):
        table.add_column(title, justify="right" if title in {"median", "spread"} else "left")
    words = {True: "yes", False: "NO", None: ""}
    for row in rows:
        spread = " .. ".join(f"{one:g}" for one in row["spread"])
        table.add_row(row["name"], f"{row['value']:g}", row["unit"], row["goal"], words[row["holds"]], spread)
    return table


def main() -> None:
    """Measure, show, write."""
    screen = Console(width=max(Console().width, 110))
    rows: list[dict[str, Any]] = []
    screen.print("fan-out ...")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        rows += loop.run(fanout.measure(RUNS))
        screen.print("confirmations ...")
        rows += loop.run(confirm.measure(CONFIRM_RUNS))
        screen.print("ten million entries, a quarter's rates ...")
        rows += loop.run(many.measure(MANY_RUNS))
    screen.print("import ...")
    rows += imports.measure(IMPORT_RUNS)
    screen.print("live sockets ...")
    rows += _live()
    screen.print("the whole server ...")
    rows += _whole()
    RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    screen.print(_shown(rows))


main()
