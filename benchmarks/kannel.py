"""The peer for short messages: Kannel's bearerbox and smsbox with a spool on disk, beside our own road over the same SMPP.

    python -m benchmarks.kannel --messages 10000 --runs 5

Kannel runs in a temporary folder on ports of its own. Messages are handed in as its users do, over ``sendsms`` on kept
connections, each answered when the bearerbox has it in its spool; ours begin with the writing of their orders. Both go to
a simulated carrier of their own, which reports each after 10 to 50 ms, and end with the last answer kept. Kannel's spool is
a file for each message, which is never synced: what the disk has not written by itself a power cut takes. Ours is synced.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

import uvloop

from benchmarks.figures import figure, tell
from benchmarks.live_crowd import cpu_s
from benchmarks.nchan import free_port
from benchmarks.sms_carrier import CarrierSim
from benchmarks.sms_road import TEXT, Sent, road
from benchmarks.sms_spoken import ACCOUNT, SECRET, SOURCE
from gateway.demo.names import phone_number

STARTS_WITHIN_S: Final = 20
ENDS_WITHIN_S: Final = 60
CONNECTIONS: Final = 64
"""Kept connections that hand messages in."""
POLL_S: Final = 0.02
WINDOW: Final = 64
"""Submits without an answer, of both. Kannel is the faster the wider it is; at 16 it sent 2,500 a second here."""

CONFIG: Final = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = bench
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = "{folder}/bearerbox.log"
log-level = 3
store-type = spool
store-location = "{folder}/spool"
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = sim
host = 127.0.0.1
port = {carrier}
transceiver-mode = true
smsc-username = {account}
smsc-password = {secret}
system-type = OA
max-pending-submits = {window}

group = smsbox
smsbox-id = box
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 3

group = sendsms-user
username = bench
password = bench
"""


class Status(NamedTuple):
    """What the bearerbox says of itself."""

    sent: int
    """Messages that the carrier has accepted."""
    stored: int
    """Messages in the spool."""
    reports_due: int
    """Delivery reports that are waited for."""


def programs() -> tuple[str, str] | None:
    """Where bearerbox and smsbox are, when both are."""
    found = [
        shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin") for name in ("bearerbox", "smsbox")
    ]
    return (found[0], found[1]) if found[0] and found[1] else None


def configured(folder: str, **numbers: int) -> Path:
    """The configuration, written into ``folder``, and the spool's own folder."""
    Path(folder, "spool").mkdir()
    path = Path(folder, "kannel.conf")
    path.write_text(CONFIG.format(folder=folder, account=ACCOUNT, secret=SECRET, **numbers), encoding="utf-8")
    return path


class Kannel:
    """A running bearerbox with its smsbox; ``pids`` are theirs, whose CPU time counts."""

    def __init__(self, folder: str, admin: int, sendsms: int) -> None:
        self._folder = folder
        self._admin = admin
        self._sendsms = sendsms
        self._processes: list[asyncio.subprocess.Process] = []

    @classmethod
    async def start(cls, carrier_port: int, window: int) -> Self | None:
        """Towards the carrier at ``carrier_port``; None where Kannel is missing."""
        found = programs()
        if found is None:
            return None
        folder = tempfile.mkdtemp(prefix="songda-kannel-")
        admin, boxes, sendsms = free_port(), free_port(), free_port()
        config = configured(
            folder, admin=admin, boxes=boxes, sendsms=sendsms, carrier=carrier_port, window=window
        )
        one = cls(folder, admin, sendsms)
        try:
            for program, port in zip(found, (admin, sendsms), strict=True):
                await one._run(program, str(config), port)
            await one._online()
        except BaseException:
            await one.__aexit__()
            raise
        return one

    @property
    def pids(self) -> list[int]:
        """Bearerbox and smsbox."""
        return [process.pid for process in self._processes]

    async def _run(self, program: str, config: str, port: int) -> None:
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(program, "-v", "4", config, stdout=quiet, stderr=quiet)
        self._processes.append(process)
        async with asyncio.timeout(STARTS_WITHIN_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return

    async def _online(self) -> None:
        async with asyncio.timeout(STARTS_WITHIN_S):
            told = ""
            while "<status>online" not in told:
                await asyncio.sleep(0.05)
                told = await self._told()

    async def _told(self) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._admin)
        writer.write(
            b"GET /status.xml?password=bench HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        told = await reader.read()
        writer.close()
        return told.decode()

    async def status(self) -> Status:
        """How far it is."""
        told = await self._told()
        smsc = told[told.index("<smscs>") :]
        return Status(
            _number("sent", smsc), _number("storesize", told), _number("queued", told[told.index("<dlr>") :])
        )

    async def send(self, numbers: Sequence[str], text: str) -> float:
        """Hand in a message to each number; seconds until the carrier's last answer is kept."""
        before = (await self.status()).sent
        line = iter([_request(number, text) for number in numbers])
        began = time.perf_counter()
        async with asyncio.TaskGroup() as crew:
            for _ in range(CONNECTIONS):
                crew.create_task(_hand_in(self._sendsms, line))
        async with asyncio.timeout(ENDS_WITHIN_S):
            while True:
                now = await self.status()
                if now.sent - before >= len(numbers) and now.stored == 0:
                    return time.perf_counter() - began
                await asyncio.sleep(POLL_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_why: object) -> None:
        """End both and remove the folder."""
        for process in reversed(self._processes):
            process.kill()
            await process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _number(name: str, told: str) -> int:
    found = re.search(rf"<{name}>(\d+)", told)
    if found is None:
        raise ValueError(f"kannel's status has no {name}: {told[:500]}")
    return int(found[1])


def _request(number: str, text: str) -> bytes:
    told = {
        "username": "bench",
        "password": "bench",
        "from": SOURCE,
        "to": f"86{number}",
        "text": text,
    }
    query = urlencode({**told, "coding": "2", "charset": "UTF-8", "dlr-mask": "3", "dlr-url": ""})
    return f"GET /cgi-bin/sendsms?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def _hand_in(port: int, line: Iterator[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in line:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(f"kannel answered {head!r}")
        size = re.search(rb"(?i)content-length: *(\d+)", head)
        assert size
        await reader.readexactly(int(size[1]))
    writer.close()


class Theirs(NamedTuple):
    """One run of Kannel: messages a second, and CPU seconds of both boxes for each."""

    rate: float
    cpu_s: float


async def of_kannel(peer: Kannel, messages: int) -> Theirs:
    """One run."""
    before = sum(map(cpu_s, peer.pids))
    took = await peer.send([phone_number(number) for number in range(messages)], TEXT)
    return Theirs(messages / took, (sum(map(cpu_s, peer.pids)) - before) / messages)


async def measure(messages: int, runs: int) -> list[dict[str, Any]]:
    """Both in turn, after one run of each that is not counted. Nothing where Kannel is missing."""
    mine: list[Sent] = []
    theirs: list[Theirs] = []
    async with AsyncExitStack() as stack:
        far, near = [await stack.enter_async_context(await CarrierSim.start("smpp")) for _ in range(2)]
        peer = await Kannel.start(far.port, WINDOW)
        if peer is None:
            print("kannel is left out: it is not installed (kannel)", file=sys.stderr)
            return []
        await stack.enter_async_context(peer)
        here = await stack.enter_async_context(road("smpp", near.port, messages, window=WINDOW))
        for _ in range(runs + 1):
            theirs.append(await of_kannel(peer, messages))
            mine.append(await here.send(messages))
    return report(mine[1:], theirs[1:])


def report(mine: Sequence[Sent], theirs: Sequence[Theirs]) -> list[dict[str, Any]]:
    """The figures as lines."""
    rates = [one.messages / one.answered_s for one in mine]
    ratios = [one / other.rate for one, other in zip(rates, theirs, strict=True)]
    spent = [one.cpu_s / one.messages * 1e6 for one in mine]
    ahead = statistics.median(ratios) > 1
    return [
        figure(
            "sms.kannel", [one.rate for one in theirs], "messages/s", "the peer, never synced", holds=None
        ),
        figure(
            "sms.kannel.cpu", [one.cpu_s * 1e6 for one in theirs], "us CPU/message", "the peer", holds=None
        ),
        figure("sms.smpp_durable", rates, "messages/s", "", holds=None),
        figure("sms.smpp_durable.cpu", spent, "us CPU/message", "", holds=None),
        figure("sms.smpp_durable.to_kannel", ratios, "x kannel", "> 1", holds=ahead),
    ]


def main() -> None:
    """Measure, print the lines as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    told = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        tell(loop.run(measure(told.messages, told.runs)))


if __name__ == "__main__":
    main()
