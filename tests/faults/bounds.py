"""What a served process holds, and that it gives it back (I10): memory, descriptors, threads, tasks, queues, time to stop.

before = settled(server)
...  # any load or fault
check_bounds(before, settled(server))
check_stop(server)
"""

from __future__ import annotations

import re
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from tests.faults.server import Server
from tests.faults.watch import descriptors, resident_bytes

MIB: Final = 1 << 20
LOOK_EVERY_S: Final = 0.05
LOOKS: Final = 6
SETTLE_S: Final = 15.0

_GAUGE: Final = re.compile(r"^(songda_\w+) ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a server holds at one moment."""

    resident_bytes: int
    descriptors: int
    threads: int
    tasks: int
    sessions: int
    waiting: int
    in_flight: int
    """Requests inside; the question itself is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """By how much each may have grown when all is quiet again."""

    resident_bytes: int = 24 * MIB
    descriptors: int = 0
    threads: int = 0
    tasks: int = 0
    stop_s: float = 10.0


DEFAULT: Final = Bounds()


def usage(line: HTTPConnection, server: Server) -> Usage:
    """What the server holds now, from /proc and /metrics; ``line`` is asked over and stays, so that it always counts."""
    line.request("GET", "/metrics")
    told = {name: float(value) for name, value in _GAUGE.findall(line.getresponse().read().decode())}
    pid = server.pid
    return Usage(
        resident_bytes=resident_bytes(pid),
        descriptors=descriptors(pid),
        threads=sum(1 for _ in Path(f"/proc/{pid}/task").iterdir()),
        tasks=int(told["songda_tasks"]),
        sessions=int(told["songda_live_sessions"]),
        waiting=int(told["songda_store_waiting"]),
        in_flight=int(told["songda_http_in_flight"]),
    )


def _busy(told: Usage) -> tuple[int, ...]:
    return (told.descriptors, told.threads, told.tasks, told.sessions, told.waiting, told.in_flight)


def settled(server: Server, within_s: float = SETTLE_S) -> Usage:
    """What it holds once nothing of it changes any more and nobody waits. Raises AssertionError when that never comes."""
    ends = time.monotonic() + within_s
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=5)) as line:
        seen = [usage(line, server)]
        while not _quiet(seen):
            assert time.monotonic() < ends, f"not quiet after {within_s} s: {seen[-1]}"
            time.sleep(LOOK_EVERY_S)
            seen.append(usage(line, server))
    return seen[-1]


def _quiet(seen: list[Usage]) -> bool:
    last = seen[-LOOKS:]
    same = len(last) == LOOKS and len({_busy(told) for told in last}) == 1
    return same and (last[-1].sessions, last[-1].waiting, last[-1].in_flight) == (0, 0, 1)


def check_bounds(before: Usage, after: Usage, bounds: Bounds = DEFAULT) -> None:
    """Raise AssertionError naming what has grown beyond its bound between two quiet moments."""
    was, now, most = asdict(before), asdict(after), asdict(bounds)
    grown = {
        name: f"{was[name]} -> {now[name]}, at most {most[name]} more"
        for name in ("resident_bytes", "descriptors", "threads", "tasks")
        if now[name] > was[name] + most[name]
    }
    assert not grown, grown
    assert (after.sessions, after.waiting) == (0, 0), after


def check_stop(server: Server, bounds: Bounds = DEFAULT) -> float:
    """Stop the server; returns the seconds it took. Raises AssertionError beyond the bound or for a status but 0."""
    took_s = server.stop(bounds.stop_s + 5)
    assert took_s <= bounds.stop_s, f"stopped after {took_s:.1f} s"
    return took_s
