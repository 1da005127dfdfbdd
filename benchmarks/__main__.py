"""`python -m benchmarks`: every measurement in turn; the figures as a table and in benchmarks/results.json."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

RESULTS: Final = Path(__file__).with_name("results.json")
STAGES: Final = (
    ("fan-out", ("fanout",)),
    ("confirmations", ("confirm",)),
    ("ten million entries, a quarter's rates", ("many",)),
    ("import", ("imports",)),
    ("broadcast to 7,000 sockets", ("live", "broadcast", "--sockets", "7000")),
    ("broadcast to 18,000 sockets", ("live", "broadcast", "--sockets", "18000")),
    ("acked round trips of 10,000 users", ("live", "trips", "--sockets", "10000")),
    ("idle sockets", ("live", "idle", "--sockets", "7000")),
    ("the whole server", ("whole",)),
    ("short messages: channels beside an echo", ("sms_codec",)),
    ("short messages: the whole durable road", ("sms_durable",)),
    ("short messages: beside Kannel", ("kannel",)),
    ("short messages: a city at a set rate", ("sms_rate",)),
    ("finance over 6.6 million lines", ("bills",)),
    ("alerts to browsers, beside the bare limit", ("webpush",)),
    ("alerts over HTTP/2", ("apns",)),
    ("mails coming in", ("smtp_in",)),
)
"""What is measured and by which module, each in a process of its own: memory, descriptors and loop stay out of the others' way."""

TIMEOUT_S: Final = 600


def _measured(module: str, *words: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", f"benchmarks.{module}", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_S, check=True)  # noqa: S603
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
    screen = Console(width=max(Console().width, 130))
    rows: list[dict[str, Any]] = []
    for title, words in STAGES:
        screen.print(f"{title} ...")
        rows += _measured(*words)
        # Written after each stage: who stops early keeps what was measured.
        RESULTS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    screen.print(_shown(rows))


main()
