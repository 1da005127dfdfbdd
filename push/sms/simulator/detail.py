"""The simulated carrier's detail file (详单): one line per accepted segment, in the kernel's hands before the answer leaves.

It outlives a kill of the process, not of the machine: it is a carrier's paper, not our ledger.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from inbox_store.times import moment

HEADINGS: Final = "消息编号,手机号码,接入号,接收时间,计费条数,状态"
_SECOND: Final = 1_000_000


class DetailFile:
    """Lines are collected by ``add`` and appended by ``flush``, all at once. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        # Two carriers in one file would write over each other.
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._lines: list[str] = []
        self._second = -1
        self._time = ""
        self._size = _whole_lines(self._file, path)
        if not self._size:
            self._append(f"{HEADINGS}\n".encode())

    def add(self, message_id: str, number: str, source: str, accepted_at: int, stat: str) -> None:
        """One accepted segment; ``accepted_at`` in UTC microseconds."""
        if accepted_at // _SECOND != self._second:
            self._second = accepted_at // _SECOND
            self._time = f"{moment(accepted_at):%Y-%m-%d %H:%M:%S}"
        # Where a network says "rejected" an invoice says "failed": the word is kept for what was never accepted.
        word = "UNDELIV" if stat == "REJECTD" else stat
        self._lines.append(f"{message_id},{_cell(number)},{_cell(source)},{self._time},1,{_cell(word)}\n")

    def flush(self) -> None:
        """Append what was added. Where it raises, nothing of it stands in the file."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._append("".join(lines).encode("utf-8", "replace"))

    def close(self) -> None:
        """Nothing more is written."""
        os.close(self._file)

    def _append(self, data: bytes) -> None:
        try:
            done = 0
            while done < len(data):
                done += os.pwrite(self._file, data[done:], self._size + done)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)


def _whole_lines(file: int, path: Path) -> int:
    """Cut off a line that a kill has left half written: no answer has left for it. Returns the size then."""
    size = os.fstat(file).st_size
    data = path.read_bytes()[-4096:] if size else b""
    size -= len(data) - (data.rfind(b"\n") + 1)
    os.ftruncate(file, size)
    return size


def _cell(text: str) -> str:
    """A field of CSV: what a client sends may hold anything."""
    if text.isalnum() or not any(letter in text for letter in ',"\r\n'):
        return text
    quoted = text.replace('"', '""')
    return f'"{quoted}"'
