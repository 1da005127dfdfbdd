"""Simulated carriers as processes of their own (`songda carrier-sim`), with the scripts that tests give them.

No kill of ours ends them; their detail files hold every segment they accepted, written before we were answered.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.server import ROOT
from tests.gateway.sms_city import ACCOUNT, SECRET

PROMPT: Final = """
[delays]
report = [1, 20]
"""
TWISTED: Final = """
[reports]
failed = 0.02
lost = 0.01
early = 0.05
interim = 0.03
late = 0.02
reordered = 0.05
duplicate = 0.05
contradicting = 0.02
[delays]
report = [1, 30]
late = [300, 900]
reordered = [20, 60]
again = [1, 40]
"""
UNRELIABLE: Final = f"""
refusals = [9]
[answers]
refuse = 0.01
throttle = 0.005
drop = 0.001
drop_accepted = 0.002
{TWISTED}
"""


@dataclass(slots=True)
class Carrier:
    """A carrier that runs; ``detail`` is its invoice."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]
    detail: Path
    restart: Callable[[], Carrier]
    """The same carrier again, on its ports and its invoice."""

    read: int = 0
    lines: int = -1
    """As far as the invoice was read: bytes, and lines below the headings."""

    def accepted(self) -> int:
        """Segments on the invoice."""
        with self.detail.open("rb") as file:
            file.seek(self.read)
            more = file.read()
        self.read += len(more)
        self.lines += more.count(b"\n")
        return max(0, self.lines)

    def kill(self) -> None:
        """Gone, without a word."""
        self.process.kill()
        self.process.communicate(timeout=10)

    def stop(self) -> dict[str, Counter[str]]:
        """End it; returns what happened at each desk: submits by what befell them, reports told and taken."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=15)
        told: dict[str, dict[str, int]] = json.loads(out.splitlines()[-1])["ended"]
        return {name: Counter(counts) for name, counts in told.items()}


def carrier(
    folder: Path,
    ports: Mapping[str, int],
    script: str = PROMPT,
    *,
    listening: int = 0,
    name: str = "carrier",
    host: str = "127.0.0.1",
    wrap: Sequence[str] = (),
) -> Carrier:
    """Start a carrier that speaks at these ports, and return when it listens; ``wrap`` stands before the command."""
    detail, written = folder / f"{name}.csv", folder / f"{name}.toml"
    written.write_text(script, "utf-8")
    told = [
        "--script",
        str(written),
        "--detail",
        str(detail),
        "--account",
        f"{ACCOUNT}:{SECRET}",
        "--host",
        host,
    ]
    for spoken, port in ports.items():
        told += ["--protocol", spoken, "--port", str(port)]
    if listening:
        told += ["--report-to", f"{ACCOUNT}=127.0.0.1:{listening}:{ACCOUNT}:{SECRET}"]
    command = [*wrap, sys.executable, "-m", "gateway.cli", "carrier-sim", *told]
    with (folder / f"{name}.stderr").open("ab") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first, (folder / f"{name}.stderr").read_text("utf-8")
    listens: dict[str, int] = json.loads(first)["listening"]

    def again() -> Carrier:
        return carrier(folder, listens, script, listening=listening, name=name, host=host, wrap=wrap)

    return Carrier(process, listens, detail, again)
