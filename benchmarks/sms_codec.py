"""Codec, window and sockets of an SMS channel against a gateway in another process, beside bare echoes of the same bytes.

    python -m benchmarks.sms_codec --window 16 --trips 20000 --runs 5

One round trip is a CMPP 3.0 SUBMIT, its answer, the delivery report and our answer to it: 241 bytes there, 204 back.
Nothing is stored. 16 is the protocols' own window. Two bare limits are measured in the same run, over the same processes, window and bytes, without
looking at a byte: one that writes each PDU by itself, as a plain asyncio echo does, and one that writes all it has to
say at once, as the product does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, cast

import uvloop

from benchmarks.figures import figure
from push.sms.bucket import Pace
from push.sms.carrier import Inbound, Report, Segment, Submitted
from push.sms.cmpp import CmppAccount, CmppClient, CmppServer
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.listener import Caller, Listener, ListenerHandlers, ListenerLimits
from push.sms.ports import Address, Handlers, LinkLimits, Outcome

THERE: Final = (217, 24)
"""Bytes of a SUBMIT of the text below and of a DELIVER_RESP."""
BACK: Final = (24, 180)
"""Bytes of a SUBMIT_RESP and of a DELIVER with a report."""

ACCOUNT: Final = CmppAccount(sp_id="900001", secret="888888", service_id="OANOTICE")  # noqa: S106 - of the sheet
SEGMENT: Final = Segment(
    to="13800138000",
    source="106573339001",
    content="【平凉市委办】会议通知".encode("utf-16-be"),
    coding="ucs2",
)
TIMEOUT_S: Final = 60


class Bare(asyncio.Protocol):
    """An echo that knows sizes only: for so many bytes it says the same number of PDUs of its own."""

    def __init__(self, hears: int, says: Sequence[int], *, at_once: bool) -> None:
        self._hears = hears
        self._says = [bytes(size) for size in says]
        self._at_once = at_once
        self._rest = 0
        self.transport: asyncio.Transport | None = None
        self.left = 0
        self.over: asyncio.Future[None] | None = None
        self._whole = b"".join(self._says)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note."""
        self.transport = cast("asyncio.Transport", transport)

    def say(self, count: int) -> None:
        """``count`` round trips' worth."""
        assert self.transport
        if self._at_once:
            self.transport.write(self._whole * count)
            return
        for _ in range(count):
            for one in self._says:
                self.transport.write(one)

    def data_received(self, data: bytes) -> None:
        """Count, and answer."""
        count, self._rest = divmod(self._rest + len(data), self._hears)
        if self.over is None:
            self.say(count)
            return
        self.left -= count
        if self.left > 0:
            self.say(min(count, self.left))
        elif not self.over.done():
            self.over.set_result(None)


class Far:
    """The gateway's process: answers each submit and reports it at once."""

    def __init__(self, window: int) -> None:
        handlers = ListenerHandlers(lambda _caller, _hello: (0, ACCOUNT.secret), submitted=self.submitted)
        limits = ListenerLimits(session=SessionRules(window=4 * window))
        self.listener = Listener(CmppServer, handlers, limits)
        self._ids = 0

    def submitted(self, caller: Caller, asked: Submitted) -> None:
        """Take it, and deliver it."""
        self._ids += 1
        message_id = f"{self._ids:016x}"
        caller.answer(asked, message_id, 0)
        report = Report(
            message_id=message_id,
            to=asked.numbers[0],
            state="delivered",
            stat="DELIVRD",
            done_at=1_764_000_000_000_000,
        )
        if not caller.report(report, asked.segment.source, 1_764_000_000_000_000):
            raise RuntimeError("the window of reports is full")


async def far(window: int) -> None:
    """Listen on three ports, tell them, until the other process lets go."""
    gateway, loop = Far(window), asyncio.get_running_loop()
    await gateway.listener.start("127.0.0.1", 0)
    ports = [gateway.listener.port]
    for at_once in (False, True):
        making = partial(Bare, sum(THERE), BACK, at_once=at_once)
        server = await loop.create_server(making, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    print(*ports, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


async def bare(port: int, window: int, trips: int, *, at_once: bool) -> float:
    """Round trips a second of an echo."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(
        lambda: Bare(sum(BACK), THERE, at_once=at_once), "127.0.0.1", port
    )
    protocol.over, protocol.left = loop.create_future(), trips
    began = time.perf_counter()
    protocol.say(window)
    await asyncio.wait_for(protocol.over, TIMEOUT_S)
    took = time.perf_counter() - began
    assert protocol.transport
    protocol.transport.abort()
    return trips / took


class Near:
    """Our side: as many segments as the window takes, until all are answered and reported."""

    def __init__(self, port: int, window: int) -> None:
        self.reported = 0
        self.answered = 0
        self._due = 0
        self._trips = 0
        self._over: asyncio.Future[None] | None = None
        self.up = asyncio.Event()
        limits = LinkLimits(session=SessionRules(window=window), pace=Pace(rate_per_s=1e9))
        self.link = ChannelLink(
            "bench",
            lambda _lane, _lanes: CmppClient(ACCOUNT),
            Address("127.0.0.1", port),
            limits,
            Handlers(self.stored, lambda _state: self.up.set()),
        )

    async def stored(self, inbounds: Sequence[Inbound]) -> None:
        """Count the reports."""
        self.reported += len(inbounds)
        self.look()

    def done(self, outcomes: list[Outcome]) -> None:
        """One was answered: the next leaves."""
        assert getattr(outcomes[0], "verdict", "") == "accepted", outcomes
        self.answered += 1
        if self._due > 0:
            self._due -= 1
            self.link.post((SEGMENT,), self.done)
        else:
            self.look()

    def look(self) -> None:
        """Whether all is over."""
        if self._over and not self._over.done() and self.answered == self.reported == self._trips:
            self._over.set_result(None)

    async def run(self, window: int, trips: int) -> float:
        """Round trips a second."""
        self.answered = self.reported = 0
        self._trips, self._due = trips, trips - window
        self._over = asyncio.get_running_loop().create_future()
        began = time.perf_counter()
        for _ in range(window):
            self.link.post((SEGMENT,), self.done)
        await asyncio.wait_for(self._over, TIMEOUT_S)
        return trips / (time.perf_counter() - began)


async def measure(loop: str, window: int, trips: int, runs: int) -> list[dict[str, object]]:
    """All figures."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "benchmarks.sms_codec", "--far", "--loop", loop, "--window", str(window))
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    port, single, at_once = map(int, (await process.stdout.readline()).split())
    near = Near(port, window)
    await near.link.start()
    await near.up.wait()
    ways: list[Callable[[], Awaitable[float]]] = [
        lambda: near.run(window, trips),
        lambda: bare(single, window, trips, at_once=False),
        lambda: bare(at_once, window, trips, at_once=True),
    ]
    for way in ways:
        await way()
    rows = [[await way() for way in ways] for _ in range(runs)]
    await near.link.stop()
    process.stdin.close()
    await process.wait()
    return report(f"sms.codec.{loop}.w{window}", *(list(column) for column in zip(*rows, strict=True)))


def report(
    name: str, ours: list[float], single: list[float], at_once: list[float]
) -> list[dict[str, object]]:
    """The figures as lines."""
    ratios = [one / limit for one, limit in zip(ours, single, strict=True)]
    shares = [one / limit for one, limit in zip(ours, at_once, strict=True)]
    return [
        figure(f"{name}.echo", single, "round trips/s", "the limit, a write for each PDU", holds=None),
        figure(f"{name}.echo_at_once", at_once, "round trips/s", "the limit, one write for all", holds=None),
        figure(f"{name}.ours", ours, "round trips/s", ">= 20,000", holds=statistics.median(ours) >= 20_000),
        figure(f"{name}.ratio", ratios, "x echo", ">= 0.4", holds=statistics.median(ratios) >= 0.4),
        figure(f"{name}.ratio_at_once", shares, "x echo at once", "", holds=None),
    ]


def main() -> None:
    """Measure, print the lines as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--trips", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--far", action="store_true")
    told = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if told.loop == "uvloop" else None) as loop:
        if told.far:
            loop.run(far(told.window))
            return
        for line in loop.run(measure(told.loop, told.window, told.trips, told.runs)):
            print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
