"""How far was acknowledged, kept beside the database: what tells that a log was cut or an old file put back.

One line in a file of its own, written in place after each commit and not synced: it outlives the death of the
process, and after a power cut it may lag behind but never be ahead. So it is a lower bound, and costs no sync.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import NamedTuple, Self

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
    """The mark of an open store; durable and let go of at the end of the ``with``."""

    def __init__(self, folder: Path, epoch: str) -> None:
        self._epoch = epoch
        before = read_mark(folder)
        # Another history's mark is evidence of an exchanged file: it stays until a restore makes a new folder.
        self._foreign = before is not None and before.epoch != epoch
        self._commit_no = before.commit_no if before else 0
        self._handle = os.open(self.file_of(folder), os.O_WRONLY | os.O_CREAT, 0o600)

    @staticmethod
    def file_of(folder: Path) -> Path:
        """Where the mark of a data folder lies."""
        return folder / NAME

    def move(self, commit_no: int) -> None:
        """Note that everything up to ``commit_no`` is durable; never back."""
        if commit_no > self._commit_no and not self._foreign and self._handle >= 0:
            self._commit_no = commit_no
            # A disk that cannot take it is told of by the store itself; the mark stays a lower bound.
            with contextlib.suppress(OSError):
                os.pwrite(self._handle, _line(self._epoch, commit_no), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A commit may still end after this: its number must not go to whatever gets the descriptor next.
        handle, self._handle = self._handle, -1
        try:
            with contextlib.suppress(OSError):
                os.fsync(handle)
        finally:
            os.close(handle)
