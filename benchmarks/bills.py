"""Finance over 6.6 million lines: the statement of a year, the close of a month, a carrier's file of 1.65 million lines.

What is measured is what `songda bill` does behind its words, without the start of Python. The reconciliation runs in a
process of its own, whose memory is told; CPU seconds stand beside wall seconds.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.bills_store import (
    CLOSE_LINES,
    CLOSED_LAST,
    FULL,
    RECONCILED,
    YEAR,
    Size,
    build,
    unclosed,
    written,
)
from benchmarks.figures import figure, tell
from gateway.assembly import open_offline
from gateway.bill_pages import statement_page
from gateway.bill_sheets import statement_files
from gateway.flows import billing, reconciling
from gateway.flows.billing import Bills
from gateway.house import House
from inbox_store.embedded import FILE
from sms_billing.statement import Statement

RUNS: Final = 5
CLOSES: Final = 3
RECONCILES: Final = 2
MIB_MAX: Final = 512


async def _timed(times: int, work: Callable[[], Awaitable[object]]) -> tuple[list[float], list[float]]:
    """Wall and CPU seconds of each time."""
    wall, cpu = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time()
        await work()
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    return wall, cpu


def _files(told: Bills, one: Statement) -> int:
    """The three files of a county; their bytes."""
    share_li = told.apportionment.shares_li[one.payer_id]
    page = statement_page(one, told.whose, "", share_li, told.made_at)
    return sum(len(file.content) for file in (*statement_files(one, told.whose, "", told.made_at), page))


async def statement(house: House) -> list[dict[str, Any]]:
    """A year's statements, and the files of the county that has most."""
    last: list[Bills] = []

    async def year() -> None:
        told = await billing.bills(house, YEAR)
        last[:] = [told]

    wall, cpu = await _timed(RUNS, year)
    county = max(last[0].statements, key=lambda one: one.whole.segments)

    async def files() -> None:
        await asyncio.to_thread(_files, last[0], county)

    page, _ = await _timed(RUNS, files)
    lines = sum(one.whole.segments for one in last[0].statements)
    return [
        figure("bills.year_lines", [float(lines)], "lines", "6.6 million", holds=None),
        figure("bills.year_statement", wall, "s", "<= 5", holds=sorted(wall)[len(wall) // 2] <= 5),
        figure("bills.year_statement_cpu", cpu, "s", "", holds=None),
        figure("bills.county_files", page, "s", "XLSX, CSV, DOCX of the largest", holds=None),
    ]


async def close(folder: Path, lines: int) -> list[dict[str, Any]]:
    """A month closed, opened again by force, closed again."""
    wall: list[float] = []
    cpu: list[float] = []
    for _ in range(CLOSES):
        async with open_offline(folder) as parts:
            house = parts.house

            async def once(house: House = house) -> None:
                told = await billing.close_month(house, CLOSED_LAST, "bench")
                if told.lines != lines:
                    raise AssertionError(told)

            one, used = await _timed(1, once)
            wall += one
            cpu += used
        await asyncio.to_thread(unclosed, folder)
    return [
        figure("bills.month_close", wall, "s", "<= 10", holds=sorted(wall)[len(wall) // 2] <= 10),
        figure("bills.month_close_cpu", cpu, "s", "", holds=None),
    ]


async def _reconciled(folder: Path, file: Path) -> None:
    """One reconciliation, told as JSON: run in a process of its own."""

    def quiet(_what: str, _done: int, _total: int) -> None:
        pass

    async with open_offline(folder) as parts:
        wanted = reconciling.Wanted(file=file, month=RECONCILED)
        began, used = time.perf_counter(), time.process_time()
        told = await reconciling.reconcile_file(parts.house, wanted, quiet)
        wall, cpu = time.perf_counter() - began, time.process_time() - used
    figures = {
        "wall": wall,
        "cpu": cpu,
        "mib": _peak_mib(),
        "lines": told.matched.lines,
        "kinds": told.matched.kinds,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _peak_mib() -> float:
    """The most memory this program took; getrusage would tell the peak of whoever started it too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


async def reconciled(folder: Path, file: Path, times: int) -> list[dict[str, Any]]:
    """The carrier's file against the attempts of its month."""
    told: list[dict[str, Any]] = []
    for _ in range(times):
        command = [sys.executable, "-m", "benchmarks.bills", "reconcile", str(folder), str(file)]
        done = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, check=True, text=True)
        told.append(json.loads(done.stdout))
    wall, mib = [one["wall"] for one in told], [one["mib"] for one in told]
    return [
        figure("bills.reconcile_lines", [float(told[0]["lines"])], "lines", "1.65 million", holds=None),
        figure("bills.reconcile", wall, "s", "<= 45", holds=sorted(wall)[len(wall) // 2] <= 45),
        figure("bills.reconcile_cpu", [one["cpu"] for one in told], "s", "", holds=None),
        figure("bills.reconcile_memory", mib, "MiB", f"<= {MIB_MAX}", holds=max(mib) <= MIB_MAX),
    ]


async def measure(size: Size, close_lines: int) -> list[dict[str, Any]]:
    """Everything over one store."""
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as scratch:
        folder, file = Path(scratch), Path(scratch) / "detail.csv"
        began = time.perf_counter()
        phones = await build(folder, size, close_lines)
        await asyncio.to_thread(written, folder, phones, file)
        built = time.perf_counter() - began
        gib = (folder / FILE).stat().st_size / 2**30
        rows = [
            figure("bills.built_in", [built], "s", "the data", holds=None),
            figure("bills.store", [gib], "GiB", "the data", holds=None),
        ]
        async with open_offline(folder) as parts:
            rows += await statement(parts.house)
        rows += await close(folder, close_lines)
        return rows + await reconciled(folder, file, RECONCILES)


def main(words: list[str]) -> None:
    """Measure; a first word that is a number makes everything that many times smaller."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        if words[:1] == ["reconcile"]:
            loop.run(_reconciled(Path(words[1]), Path(words[2])))
            return
        part = int(words[0]) if words else 1
        size = Size(FULL.month // part, FULL.reconciled // part)
        tell(loop.run(measure(size, CLOSE_LINES // part)))


if __name__ == "__main__":
    main(sys.argv[1:])
