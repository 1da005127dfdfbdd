"""How far was acknowledged, kept beside the database: what tells that a log was cut or an old file put back.

One line in a file of its own, written in place after each commit and not synced: it outlives the death of the
process, and after a power cut it may lag behind but never be ahead. So it is a lower bound, and costs no sync.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

NAME = "songda.position"
FORMAT = "songda-position/1"


class Told(NamedTuple):
    """Up to which commit of which history something was acknowledged."""

    epoch: str
    commit_no: int


def _line(epoch: str, commit_no: int) -> bytes:
    told = f"{FORMAT} {epoch} {commit_no:020d}"
    return f"{told} {hashlib.sha256(told.encode()).hexdigest()[:8]}\n".encode()


def read_mark(folder: Path) -> Told | None:
    """What the mark of a data folder says; None without one, or with one that a power cut has torn."""
    try:
        epoch, number = (folder / NAME).read_text("ascii").split()[1:3]
        whole = (folder / NAME).read_bytes() == _line(epoch, int(number))
    except (OSError, ValueError):
        return None
    return Told(epoch, int(number)) if whole else None


class Mark:
    """The mark of an open store."""

    def __init__(self, folder: Path, epoch: str) -> None:
        self._epoch = epoch
        before = read_mark(folder)
        self._commit_no = before.commit_no if before and before.epoch == epoch else 0
        self._handle = os.open(self.file_of(folder), os.O_WRONLY | os.O_CREAT, 0o600)

    @staticmethod
    def file_of(folder: Path) -> Path:
        """Where the mark of a data folder lies."""
        return folder / NAME

    def move(self, commit_no: int) -> None:
        """Note that everything up to ``commit_no`` is durable; never back."""
        if commit_no > self._commit_no:
            self._commit_no = commit_no
            os.pwrite(self._handle, _line(self._epoch, commit_no), 0)

    def close(self) -> None:
        """Make it durable and let go of it."""
        os.fsync(self._handle)
        os.close(self._handle)
