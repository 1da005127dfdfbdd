"""The import of 101,800 people from one spreadsheet through the command line: time and memory of the whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import figure, tell
from gateway.demo.city import build_city, write_city_xlsx

RUNS: Final = 5
PERSONS: Final = 101_800
SECONDS_MAX: Final = 60
MEMORY_MAX_MIB: Final = 1_024


def _once(book: Path, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory (MiB, the largest single process) of one import into an empty store."""
    command = [sys.executable, "-m", "gateway.cli", "org", "import", str(book), "--data", str(folder)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    if status:
        raise RuntimeError(f"the import ended with status {status}")
    return took, usage.ru_maxrss / 1024


def measure(runs: int) -> list[dict[str, Any]]:
    """Import the same book into fresh stores."""
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as scratch:
        book = Path(scratch) / "city.xlsx"
        write_city_xlsx(build_city(persons=PERSONS), book)
        told = [_once(book, Path(scratch) / f"store-{run}") for run in range(runs)]
    seconds, memory = [one for one, _ in told], [one for _, one in told]
    return [
        figure("import.seconds", seconds, "s", f"<= {SECONDS_MAX}", holds=max(seconds) <= SECONDS_MAX),
        figure("import.memory", memory, "MiB", f"<= {MEMORY_MAX_MIB}", holds=max(memory) <= MEMORY_MAX_MIB),
    ]


if __name__ == "__main__":
    tell(measure(RUNS))
