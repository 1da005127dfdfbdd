"""An organisation file from disk into raw cells, such that no file can stall, fill or break the server.

The parent looks at the size and the envelope (cheap, bounded), then lets a clean child process parse under the kernel's
limits of memory, processor time and output, and under a wall clock. Faults of the file come back as values.
The call blocks for at most ``child_wall_max_s`` and a second or two: an event loop calls it in a thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from gateway.orgfile import child
from gateway.orgfile.envelope import OLE_MAGIC, ZIP_MAGIC, archive_fault
from gateway.orgfile.faults import Fault, fault
from gateway.orgfile.limits import DEFAULT_LIMITS, MIB, ReadLimits
from gateway.orgfile.raw import Format, RawFile

_ROOT: Final = Path(__file__).resolve().parents[2]
_DECODER: Final = msgspec.msgpack.Decoder(RawFile)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHER_MAGIC: Final = {
    b"%PDF": "PDF",
    b"\x89PNG": "图片",
    b"\xff\xd8\xff": "图片",
    b"Rar!": "压缩包",
    b"{\\rtf": "RTF 文档",
}


def read_file(path: Path, limits: ReadLimits = DEFAULT_LIMITS) -> RawFile:
    """The cells of the XLSX or CSV file at ``path`` (told apart by content), or the fault that forbids reading it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return _failed(fault("file_missing", value=str(path)))
    except (OSError, ValueError) as error:
        return _failed(fault("file_unreadable", value=str(path), detail=_told(error)))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return _failed(fault("file_unreadable", value=str(path), detail="不是普通文件"))
    with os.fdopen(descriptor, "rb") as stream:
        return _read_open(stream, path.suffix.lower(), limits)


def _told(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _failed(found: Fault) -> RawFile:
    return RawFile(faults=(found,))


def _read_open(stream: BinaryIO, suffix: str, limits: ReadLimits) -> RawFile:
    size_bytes = os.fstat(stream.fileno()).st_size
    if size_bytes == 0:
        return _failed(fault("file_empty"))
    if size_bytes > limits.file_max_bytes:
        size_mib, max_mib = -(-size_bytes // MIB), limits.file_max_bytes // MIB
        return _failed(fault("file_too_large", size_mib=size_mib, max_mib=max_mib))
    form = _format(stream, suffix)
    if isinstance(form, Fault):
        return _failed(form)
    found = archive_fault(stream, size_bytes, limits) if form == "xlsx" else None
    return _failed(found) if found else _parsed(stream, form, limits)


def _format(stream: BinaryIO, suffix: str) -> Format | Fault:
    """Told by content; a text that calls itself a workbook is refused rather than guessed at."""
    head = stream.read(4096)
    if head.startswith(ZIP_MAGIC):
        return "xlsx"
    if head.startswith(OLE_MAGIC):
        stream.seek(0)
        encrypted = _ENCRYPTED in stream.read()
        return fault("encrypted") if encrypted else fault("not_xlsx", seen="旧版 XLS 工作簿")
    seen = next((kind for magic, kind in _OTHER_MAGIC.items() if head.startswith(magic)), None)
    if seen is None and suffix in (".xlsx", ".xlsm", ".xls"):
        seen = "文本文件" if b"\0" not in head else "未知格式"
    return fault("not_xlsx", seen=seen) if seen else "csv"


@contextlib.contextmanager
def _result_file() -> Iterator[BinaryIO]:
    """A file without a name for the child's answer, in memory where the system can: it holds phone numbers."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("songda-orgfile", os.MFD_CLOEXEC), "w+b") as file:
            yield file
    else:
        with tempfile.TemporaryFile() as file:
            yield file


def _command(form: Format, limits: ReadLimits) -> list[str]:
    kernel = (limits.child_memory_max_bytes, limits.child_cpu_max_s, limits.result_max_bytes)
    told = msgspec.json.encode(limits).decode()
    clean = (sys.executable, "-P", "-s", "-X", "utf8", "-m", "gateway.orgfile.child")
    return [*clean, form, told, *map(str, kernel)]


def _parsed(stream: BinaryIO, form: Format, limits: ReadLimits) -> RawFile:
    stream.seek(0)
    os.lseek(stream.fileno(), 0, os.SEEK_SET)
    with _result_file() as result:
        try:
            done = subprocess.run(  # noqa: S603 - fixed program, no shell, no word of the user's
                _command(form, limits),
                stdin=stream.fileno(),
                stdout=result.fileno(),
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
                cwd="/",
                timeout=limits.child_wall_max_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _failed(fault("read_slow", seconds=f"{limits.child_wall_max_s:g}"))
        if done.returncode != 0:
            return _failed(_ended(done.returncode, limits))
        return _decoded(result)


def _ended(status: int, limits: ReadLimits) -> Fault:
    """What the end of a child means: the kernel stops at its limits by signals; a failed allocation aborts."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return fault("read_slow", seconds=limits.child_cpu_max_s)
    if status in (child.MEMORY, -signal.SIGABRT):
        return fault("read_memory")
    if status == child.RESULT_TOO_LARGE:
        return fault("too_many_rows", max_rows=limits.rows_max, max_cells=limits.cells_max)
    return fault("read_broken", detail=f"状态 {status}")


def _decoded(result: BinaryIO) -> RawFile:
    result.seek(0)
    try:
        return _DECODER.decode(result.read())
    except msgspec.DecodeError:
        return _failed(fault("read_broken", detail="结果不完整"))
