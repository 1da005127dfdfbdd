"""Reads organisation files as the product's child process does, without paying for a new interpreter each time.

A process that has imported what the child imports; for each request it forks, and the fork binds itself to the
kernel's limits and runs the product's own ``child.main``. One line in (form, file, result), one line out (exit status,
and the name of the exception where one ended the child).
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gateway.orgfile import cellread, child, read
from gateway.orgfile.envelope import archive_fault
from gateway.orgfile.faults import Fault
from gateway.orgfile.limits import MIB, ReadLimits
from gateway.orgfile.raw import RawFile
from tests.house.tree import ROOT

LIMITS: Final = ReadLimits(
    child_cpu_max_s=3, child_memory_max_bytes=512 * MIB, rows_max=20_000, cells_max=200_000
)
"""Tighter than the product's, so that what would stall it is found with smaller files."""

OURS: Final = (cellread.__name__,)


def read_in_fork(form: str, source: str, target: str) -> str:
    """The exit status of a child that read ``source`` into ``target``, and the exception that ended it, if any."""
    told, telling = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(told)
        os._exit(_child(form, source, target, telling))
    os.close(telling)
    with os.fdopen(told) as words:
        why = words.read()
    return f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])} {why}"


def _child(form: str, source: str, target: str, telling: int) -> int:
    """What a fresh interpreter would do: an exception that nobody catches is exit status 1."""
    with open(source, "rb", buffering=0) as given, open(target, "wb", buffering=0) as result:  # noqa: PTH123
        os.dup2(given.fileno(), 0)
        os.dup2(result.fileno(), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"))
    limits = (LIMITS.child_memory_max_bytes, LIMITS.child_cpu_max_s, LIMITS.result_max_bytes)
    try:
        return child.main([form, msgspec.json.encode(LIMITS).decode(), *map(str, limits)])
    except BaseException as fault:  # noqa: BLE001 - whatever it is, the test is to know its name
        os.write(
            telling, f"{type(fault).__name__}: {fault}".replace("\n", " ")[:300].encode(errors="replace")
        )
        return 1


class Reader:
    """The reader of the product over a zygote: ``read`` is ``read_file`` of bytes."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._source, self._target = folder / "source", folder / "target"
        self.why = ""

    def read(self, data: bytes, suffix: str = "") -> RawFile:
        """What the product makes of a file of these bytes; ``why`` names the exception that ended the child, if any."""
        self.why = ""
        form = read._format(io.BytesIO(data), suffix)
        if isinstance(form, Fault):
            return read._failed(form)
        found = archive_fault(io.BytesIO(data), len(data), LIMITS) if form == "xlsx" else None
        return read._failed(found) if found else self._parsed(data, form)

    def _parsed(self, data: bytes, form: str) -> RawFile:
        self._source.write_bytes(data)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{form} {self._source} {self._target}\n")
        self._process.stdin.flush()
        status, _, self.why = self._process.stdout.readline().strip().partition(" ")
        if status != "0":
            return read._failed(read._ended(int(status), LIMITS))
        with self._target.open("rb") as result:
            return read._decoded(result)


@contextmanager
def reader() -> Iterator[Reader]:
    """A reader, ended with the block."""
    command = [sys.executable, "-m", __name__]
    with (
        tempfile.TemporaryDirectory(prefix="songda-fuzz-") as folder,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process,
    ):
        try:
            yield Reader(process, Path(folder))
        finally:
            process.kill()


def serve(requests: BinaryIO) -> None:
    """Answers requests until their end."""
    for line in requests:
        form, source, target = line.decode().split()
        sys.stdout.write(read_in_fork(form, source, target) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer)
