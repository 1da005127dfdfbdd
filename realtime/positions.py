"""Where a client keeps how far it has come."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import msgspec


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """All up to ``position`` of the history ``epoch`` was taken. ``acked``: the server surely knows it up to here."""

    epoch: str
    position: int
    acked: int


class PositionStore(Protocol):
    """Keeps one mark between connections, or between runs of a program."""

    def load(self) -> Mark | None:
        """The mark, or None when there is none yet."""
        ...

    def save(self, mark: Mark) -> None:
        """Keep ``mark`` in place of the former one."""
        ...


class MemoryPositions:
    """Keeps the mark as long as the process lives."""

    def __init__(self, mark: Mark | None = None) -> None:
        self._mark = mark

    def load(self) -> Mark | None:
        """The mark, if any."""
        return self._mark

    def save(self, mark: Mark) -> None:
        """Keep ``mark``."""
        self._mark = mark


class FilePositions:
    """Keeps marks in one JSON file, each under its ``key`` (whose inbox, on which server).

    A file that cannot be read counts as none: the session then begins at the present, and the inbox has everything.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key

    def load(self) -> Mark | None:
        """The mark under the key, if any."""
        return self._all().get(self._key)

    def save(self, mark: Mark) -> None:
        """Keep ``mark``; the file is replaced as a whole, so that a kill never leaves half of it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(f".{os.getpid()}.new")
        fresh.write_bytes(msgspec.json.encode(self._all() | {self._key: mark}))
        fresh.replace(self._path)

    def _all(self) -> dict[str, Mark]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Mark])
        except (OSError, ValueError, RecursionError):
            return {}
