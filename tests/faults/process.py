"""Workers as real processes: started, watched by their ledger, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from inbox_store.failpoints import VARIABLE
from tests.faults.ledger import Line, read
from tests.faults.worker import ledger_of

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.002


class Running:
    """A worker that runs."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._ledger = ledger_of(folder)

    def lines(self) -> list[Line]:
        """What it has written down."""
        return read(self._ledger)

    def until(self, count: int) -> None:
        """Wait for so many lines in its ledger. Raises TimeoutError, or AssertionError when it ended before."""
        ends = time.monotonic() + TIMEOUT_S
        while len(self.lines()) < count:
            assert self._process.poll() is None, f"the worker ended with {self._process.returncode}"
            if time.monotonic() > ends:
                raise TimeoutError(f"{len(self.lines())} lines of {count}")
            time.sleep(LOOK_EVERY_S)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Wait for its end; returns the status, negative for a signal."""
        return self._process.wait(timeout_s)


@contextmanager
def worker(
    folder: Path, seed: int, *options: str, failpoint: str = "", wrap: Sequence[str] = ()
) -> Iterator[Running]:
    """A worker on the store in ``folder``; killed at the latest when the context is left.

    ``wrap`` stands before the command (``["strace", ...]``) and is killed with it.
    """
    folder.mkdir(exist_ok=True)
    command = [*wrap, sys.executable, "-m", "tests.faults.worker", str(folder), str(seed), *options]
    with (folder / "stderr").open("ab") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, VARIABLE: failpoint},
            stdout=errors,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield Running(process, folder)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(TIMEOUT_S)
