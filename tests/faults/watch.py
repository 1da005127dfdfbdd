"""What a process costs, read from /proc, and waiting for a condition with a deadline."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 0.01
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def descriptors(pid: int) -> int:
    """How many files and sockets the process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def resident_bytes(pid: int) -> int:
    """The memory of the process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE


def cpu_s(pid: int) -> float:
    """The CPU time the process has used, in seconds, user and system."""
    after_name = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


def settled_descriptors(pid: int) -> int:
    """How many descriptors the process has when it has nothing to do: the same number for a fifth of a second."""
    seen: list[int] = []
    while len(seen) < 20 or len(set(seen[-20:])) > 1:
        seen.append(descriptors(pid))
        time.sleep(LOOK_EVERY_S)
    return seen[-1]


async def until(holds: Callable[[], bool], what: str, within_s: float = 20.0) -> float:
    """Wait until ``holds``; returns how long it took. Raises AssertionError with ``what`` was waited for."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < within_s, f"not within {within_s} s: {what}"
        await asyncio.sleep(LOOK_EVERY_S)
    return time.monotonic() - began
