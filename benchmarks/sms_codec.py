"""Codec, window and sockets of an SMS channel against a gateway in another process, beside a bare echo of the same bytes.

    python -m benchmarks.sms_codec --protocol cmpp --window 16 --trips 20000 --runs 5

One round trip is a submit, its answer, the delivery report and our answer to it; nothing is stored. 16 is the protocols'
own window. The echo is of asyncio's own loop, a write for each PDU, with both ends on one core: there it is cheapest and
always alike; on two it costs up to three times as much, as chance cuts its windows into many reads. The share is one of CPU
time of our process, user and system: on the clock each process is the other's limit.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple, get_args

import uvloop

from benchmarks.figures import figure, tell
from benchmarks.sms_gateway import BareClient, on_one_core
from benchmarks.sms_spoken import OUR_NODE, SECRET, SEGMENT, ours, sizes
from push.sms.bucket import Pace
from push.sms.carrier import Inbound
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.listener import Listener, ListenerHandlers
from push.sms.ports import Address, Handlers, LinkLimits, Outcome
from push.sms.sgip import SgipListener
from push.sms.simulator.protocols import Name

TIMEOUT_S: Final = 60
RATE_GOAL: Final = 20_000
SHARE_GOAL: Final = 0.4


class Timed(NamedTuple):
    """One run: round trips a second, and CPU seconds of this process for each."""

    rate: float
    cpu_s: float


class Near:
    """Our side: as many segments as the window takes, until all are answered and reported."""

    def __init__(self, name: Name, window: int) -> None:
        self.up = asyncio.Event()
        self._name = name
        self._limits = LinkLimits(session=SessionRules(window=window), pace=Pace(rate_per_s=1e9))
        self._answered = self._reported = self._trips = self._due = 0
        self._over: asyncio.Future[None] | None = None
        self._link: ChannelLink | None = None
        handlers = ListenerHandlers(lambda _caller, _hello: (0, SECRET), self._stored)
        self._listener = Listener(lambda: SgipListener(OUR_NODE), handlers) if name == "sgip" else None

    async def listen(self) -> int:
        """The port on which reports are taken; 0 where they come over the connection that is submitted on."""
        if self._listener is None:
            return 0
        await self._listener.start("127.0.0.1", 0)
        return self._listener.port

    async def connect(self, port: int) -> None:
        """Log in."""
        handlers = Handlers(self._stored, lambda _state: self.up.set())
        self._link = ChannelLink(
            "bench", ours(self._name), Address("127.0.0.1", port), self._limits, handlers
        )
        await self._link.start()
        await asyncio.wait_for(self.up.wait(), TIMEOUT_S)

    async def stop(self) -> None:
        """Log out."""
        for one in (self._link, self._listener):
            if one is not None:
                await one.stop()

    async def _stored(self, inbounds: Sequence[Inbound]) -> None:
        self._reported += len(inbounds)
        self._look()

    def _done(self, outcomes: list[Outcome]) -> None:
        """One was answered: the next leaves."""
        assert getattr(outcomes[0], "verdict", "") == "accepted", outcomes
        self._answered += 1
        if self._due > 0:
            self._due -= 1
            self._post()
        else:
            self._look()

    def _post(self) -> None:
        assert self._link
        self._link.post((SEGMENT,), self._done)

    def _look(self) -> None:
        if self._over and not self._over.done() and self._answered == self._reported == self._trips:
            self._over.set_result(None)

    async def run(self, window: int, trips: int) -> Timed:
        """``trips`` round trips."""
        self._answered = self._reported = 0
        self._trips, self._due = trips, trips - window
        self._over = asyncio.get_running_loop().create_future()
        cpu, began = time.process_time(), time.perf_counter()
        for _ in range(window):
            self._post()
        await asyncio.wait_for(self._over, TIMEOUT_S)
        return Timed(trips / (time.perf_counter() - began), (time.process_time() - cpu) / trips)


async def bare(name: Name, port: int, window: int, trips: int) -> Timed:
    """The limit: as many PDUs of the same sizes, which nobody reads."""
    loop, told = asyncio.get_running_loop(), sizes(name)
    _, client = await loop.create_connection(
        lambda: BareClient(told.back, told.there, window), "127.0.0.1", port
    )
    with on_one_core():
        cpu, began = time.process_time(), time.perf_counter()
        client.begin(trips // window)
        await asyncio.wait_for(client.over, TIMEOUT_S)
        took = Timed(trips / (time.perf_counter() - began), (time.process_time() - cpu) / trips)
    client.stop()
    return took


@contextmanager
def other(name: Name, window: int, *words: str) -> Iterator[int]:
    """The other process; its port."""
    command = (sys.executable, "-m", "benchmarks.sms_gateway", "--protocol", name, "--window", str(window))
    with subprocess.Popen((*command, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdin
        assert process.stdout
        yield int(process.stdout.readline())
        process.stdin.close()


def measure(name: Name, window: int, trips: int, runs: int) -> list[dict[str, Any]]:
    """Both in turn, each on its own loop, after one run of each that is not counted."""
    limit: list[Timed] = []
    mine: list[Timed] = []
    with (
        asyncio.Runner() as plain,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as quick,
        ExitStack() as stack,
    ):
        near = quick.run(_made(name, window))
        report_to = quick.run(near.listen())
        gateway = stack.enter_context(other(name, window, "--report-to", str(report_to)))
        echo = stack.enter_context(other(name, window, "--echo"))
        quick.run(near.connect(gateway))
        for _ in range(runs + 1):
            limit.append(plain.run(bare(name, echo, window, trips)))
            mine.append(quick.run(near.run(window, trips)))
        quick.run(near.stop())
    return report(f"sms.{name}", limit[1:], mine[1:])


async def _made(name: Name, window: int) -> Near:
    return Near(name, window)


def report(name: str, limit: Sequence[Timed], mine: Sequence[Timed]) -> list[dict[str, Any]]:
    """The figures as lines."""
    rates = [one.rate for one in mine]
    shares = [one.cpu_s / other.cpu_s for one, other in zip(limit, mine, strict=True)]
    rate_holds, share_holds = statistics.median(rates) >= RATE_GOAL, statistics.median(shares) >= SHARE_GOAL
    return [
        figure(f"{name}.echo", [one.rate for one in limit], "round trips/s", "the limit", holds=None),
        figure(
            f"{name}.echo_cpu", [one.cpu_s * 1e6 for one in limit], "us CPU/trip", "the limit", holds=None
        ),
        figure(f"{name}.trips", rates, "round trips/s", f">= {RATE_GOAL:,}", holds=rate_holds),
        figure(f"{name}.trip_cpu", [one.cpu_s * 1e6 for one in mine], "us CPU/trip", "", holds=None),
        figure(f"{name}.share", shares, "of the echo (CPU)", f">= {SHARE_GOAL}", holds=share_holds),
    ]


def main() -> None:
    """Measure, print the lines as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protocol", choices=get_args(Name), action="append")
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--trips", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    told = parser.parse_args()
    for name in told.protocol or get_args(Name):
        tell(measure(name, told.window, told.trips // told.window * told.window, told.runs))


if __name__ == "__main__":
    main()
