"""The carrier's side of the short message figures: `songda carrier-sim` in a process of its own, told when to end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, Self

STARTS_WITHIN_S: Final = 20
ENDS_WITHIN_S: Final = 20
PROMPT: Final = "[delays]\nreport = [10, 50]\n"
"""Everything is accepted and delivered; a report comes 10 to 50 ms after its submit."""


class CarrierSim:
    """A running simulator; ``port`` is where ``protocol`` is spoken."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, script: Path) -> None:
        self._process = process
        self._script = script
        self.port = port
        self.pid = process.pid

    @classmethod
    async def start(cls, protocol: str, script: str = PROMPT, window: int = 64) -> Self:
        """Listen on any free port."""
        with tempfile.NamedTemporaryFile("w", prefix="songda-sim-", suffix=".toml", delete=False) as file:
            file.write(script)
        words = ("carrier-sim", "--protocol", protocol, "--window", str(window), "--script", file.name)
        command = (sys.executable, "-m", "gateway.cli", *words)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        told = json.loads(await _line(process, STARTS_WITHIN_S))
        return cls(process, told["listening"][protocol], Path(file.name))

    async def end(self) -> dict[str, Any]:
        """Stop it; its counts by protocol."""
        self._process.send_signal(signal.SIGTERM)
        told: dict[str, Any] = json.loads(await _line(self._process, ENDS_WITHIN_S))["ended"]
        return told

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_why: object) -> None:
        """End it whatever happened."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._script.unlink(missing_ok=True)


async def _line(process: asyncio.subprocess.Process, within_s: float) -> bytes:
    assert process.stdout
    async with asyncio.timeout(within_s):
        return await process.stdout.readline()
