"""Processes that obey orders given as lines, and the CPU time of any process: the benchmark's other ends."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Self

ANSWER_WITHIN_S = 120


def cpu_s(pid: int) -> float:
    """User and system seconds of process ``pid`` to the nanosecond: its clock by number, as clock_getcpuclockid(3) makes it."""
    return time.clock_gettime((~pid << 3) | 2)


class Worker:
    """One process of ours, started as a module; an order is a line, and so is its answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, module: str, *words: str) -> Self:
        """Start ``python -m module words``."""
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *words, stdin=pipe, stdout=pipe
            )
        )

    def order(self, line: str) -> None:
        """Give an order; ``answer`` waits for its end."""
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")

    async def answer(self) -> list[str]:
        """The words after the order's own name. Raises RuntimeError when the process has ended."""
        assert self._process.stdout
        async with asyncio.timeout(ANSWER_WITHIN_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("a process of the benchmark has ended before its time")
        return line.decode().split()[1:]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_why: object) -> None:
        """End the process."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


class Crowd(Worker):
    """The clients (benchmarks.live_reader)."""

    @classmethod
    async def of(cls, sockets: int) -> Self:
        """Clients for so many sockets."""
        return await cls.start("benchmarks.live_reader", "--sockets", str(sockets))

    async def done(self) -> float:
        """When the order was carried out, on the clock that all processes share."""
        return float((await self.answer())[0])

    async def obey(self, line: str) -> float:
        """Give an order and wait for its end."""
        self.order(line)
        return await self.done()
