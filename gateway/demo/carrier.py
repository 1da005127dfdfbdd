"""The demo's carriers: `songda carrier-sim` in a process of its own, and the channels of the server towards it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from gateway.demo.far import far_end

SCRIPT: Final = """\
seed = 2018
failures = ["UNDELIV/029", "EXPIRED/022"]

[reports]
duplicate = 0.02
reordered = 0.02

[delays]
report = [20, 300]
reordered = [100, 300]
again = [20, 200]

[[cases]]
prefix = "1540000013"
failed = "UNDELIV/029"

[[cases]]
prefix = "154000170"
failed = "EXPIRED/022"

[[cases]]
prefix = "154000021"
twists = ["lost"]

[[cases]]
prefix = "15400201"
twists = ["lost"]
"""
"""Phones that are off, reports that are lost, late or come twice. By number, so that every demo tells the same figures."""

CHANNELS: Final = """\
[[channel]]
name = "mobile"
protocol = "cmpp3"
host = "127.0.0.1"
port = {cmpp}
account = "900001"
source = "106575000001"
extension_digits = 4
carriers = ["mobile"]
rate_per_s = 800
window = 32

[[channel]]
name = "telecom"
protocol = "smgp"
host = "127.0.0.1"
port = {smgp}
account = "900001"
source = "106590000001"
extension_digits = 4
carriers = ["mobile", "unicom", "telecom"]
weight = 5
rate_per_s = 400
window = 32
"""
"""Two ways to the same phones, two messages to one; no real carrier has the numbers of the fictional people."""


@asynccontextmanager
async def carrier(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """A carrier with its papers in the data ``folder``; gives the settings of a server that sends through it."""
    script, detail = folder / "carrier.toml", folder / "carrier-detail.csv"
    secret = secrets.token_hex(4)
    await asyncio.to_thread(script.write_text, SCRIPT, "utf-8")
    options = ["--protocol", "cmpp", "--protocol", "smgp", "--account", f"900001:{secret}"]
    async with far_end("carrier-sim", [*options, "--script", str(script), "--detail", str(detail)]) as told:
        yield await asyncio.to_thread(_settings, folder, told["listening"], secret)


def _settings(folder: Path, ports: Mapping[str, int], secret: str) -> dict[str, str]:
    keys = folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    for name in ("mobile", "telecom"):
        file = keys / f"sms-{name}.secret"
        file.touch(mode=0o600)
        file.write_text(secret, "utf-8")
    channels = folder / "channels.toml"
    channels.write_text(CHANNELS.format(**ports), "utf-8")
    # Whatever the hour at which somebody tries it, the messages leave.
    return {"SONGDA__SMS__CHANNELS_FILE": str(channels), "SONGDA__SMS__QUIET_HOURS": ""}
