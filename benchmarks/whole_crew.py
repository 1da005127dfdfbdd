"""The processes of one measurement: servers and clients as children that obey orders in lines of JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

ORDER_TIMEOUT_S: Final = 120
LINE_MAX_BYTES: Final = 1 << 26


class Child:
    """A process that answers each order with one line; a server answers several at once, told apart by number."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._orders = 0
        self._reader: asyncio.Task[None] | None = None

    async def line(self) -> dict[str, Any]:
        """The next line. Raises RuntimeError when the process has ended."""
        assert self._process.stdout
        async with asyncio.timeout(ORDER_TIMEOUT_S):
            told = await self._process.stdout.readline()
        if not told:
            raise RuntimeError(f"a process of the measurement ended: {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(told)
        return answer

    def say(self, order: dict[str, Any]) -> None:
        """Give an order."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def obey(self, do: str, **terms: Any) -> dict[str, Any]:  # noqa: ANN401 - the terms of an order
        """Give an order and wait for its end: one after another."""
        self.say({"do": do} | terms)
        return await self.line()

    async def ask(self, do: str, **terms: Any) -> dict[str, Any]:  # noqa: ANN401
        """Give a server an order beside others and wait for its answer."""
        self._orders += 1
        number = self._orders
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        if self._reader is None:
            self._reader = asyncio.create_task(self._read())
        self.say({"do": do, "id": number} | terms)
        answer: dict[str, Any] = await future
        return answer

    async def _read(self) -> None:
        try:
            while True:
                answer = await self.line()
                self._waiting.pop(answer["id"]).set_result(answer)
        except Exception as fault:  # noqa: BLE001 - whatever ended it, all who wait are told
            for future in self._waiting.values():
                future.set_exception(fault)
            self._waiting.clear()

    async def stop(self) -> None:
        """End its input and wait for its end."""
        if self._reader is not None:
            self._reader.cancel()
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()


@asynccontextmanager
async def child(module: str, *words: str) -> AsyncIterator[Child]:
    """A process of ``python -m module``; killed at the latest when the context is left."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words, stdin=pipe, stdout=pipe, limit=LINE_MAX_BYTES
    )
    told = Child(process)
    try:
        yield told
        await told.stop()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def client(nice: int = 0) -> Any:  # noqa: ANN401 - an asynchronous context manager
    """A process of clients."""
    return child("benchmarks.whole_client", str(nice))
