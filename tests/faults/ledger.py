"""What a worker was told: each acknowledged fact as one line of JSON, on disk before the next thing is done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Ledger:
    """Appends lines that survive the writer's death."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def tell(self, fact: str, **told: object) -> None:
        """One line, synced."""
        os.write(self._handle, json.dumps({"fact": fact, **told}, ensure_ascii=False).encode() + b"\n")
        os.fsync(self._handle)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def read(path: Path) -> list[Line]:
    """Every whole line; one that was cut off in the middle was never acknowledged."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def facts(lines: list[Line], fact: str) -> Iterator[Line]:
    """The lines of one kind of fact."""
    return (line for line in lines if line["fact"] == fact)
