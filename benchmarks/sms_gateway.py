"""The other end of `benchmarks.sms_codec`, a process of its own: a gateway without a store, or a bare echo.

The gateway answers each submit and reports it at once. It is leaner than the simulator, which plays a script and is the
limit long before a channel is. The echo runs on asyncio's own loop, where each write is a system call. Ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, cast

import uvloop

from benchmarks.sms_spoken import NOW, SECRET, report_of, sizes
from inbox_store.times import system_now
from push.sms.bucket import Pace
from push.sms.carrier import ClientDialect, Inbound, Report, Submitted
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.listener import Caller, Listener, ListenerHandlers, ListenerLimits
from push.sms.ports import Address, Handlers, LinkLimits, Outcome
from push.sms.sgip import SgipCarrierClient
from push.sms.simulator.protocols import NODE, SPOKEN, Name

REPORTER: Final = "smg"
"""The name under which the gateway logs in to us to report (SGIP)."""


class Echo(asyncio.Protocol):
    """The gateway's half of a bare exchange: for a whole window heard it says its PDUs, a write for each, reading none.

    Whole windows, because what comes in parts would be answered in parts, and chance decides how many.
    """

    def __init__(self, hears: Sequence[int], says: Sequence[int], window: int, late: int = 0) -> None:
        self._whole = sum(hears) * window
        self._says = [bytes(size) for size in says]
        # Of a window ``late`` bytes of each trip come after the next window has begun, and nobody waits for them.
        self._had = 2 * late * window
        self._window = window
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Count."""
        self._had += len(data)
        if self._had >= self._whole:
            self._had -= self._whole
            self.window_came()

    def window_came(self) -> None:
        """Answer it."""
        self.say(*self._says)

    def say(self, *pdus: bytes) -> None:
        """A window of these PDUs."""
        assert self._transport
        write = self._transport.write
        for _ in range(self._window):
            for one in pdus:
                write(one)


class BareClient(Echo):
    """Our half: the answers to reports leave a turn of the loop after the next submits, for what came is stored between."""

    def __init__(self, hears: Sequence[int], says: tuple[int, int], window: int) -> None:
        super().__init__(hears, says, window)
        self._submit, self._answer = self._says
        self.left = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self, windows: int) -> None:
        """Say the first of so many."""
        self.left = windows
        self.say(self._submit)

    def window_came(self) -> None:
        """Say the next, and answer this one."""
        self.left -= 1
        if self.left > 0:
            self.say(self._submit)
        elif not self.over.done():
            self.over.set_result(None)
        asyncio.get_running_loop().call_soon(self.say, self._answer)

    def stop(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


class Gateway:
    """Takes everything and reports it delivered."""

    def __init__(self, name: Name, window: int, report_to: int) -> None:
        spoken = SPOKEN[name]
        handlers = ListenerHandlers(lambda _caller, _hello: (0, SECRET), submitted=self._submitted)
        limits = ListenerLimits(session=SessionRules(window=4 * window))
        self.listener = Listener(spoken.dialect, handlers, limits)
        self._ids = spoken.ids(system_now())
        self._push = self._reporting(window, report_to) if report_to else None

    def _reporting(self, window: int, port: int) -> ChannelLink:
        """SGIP reports over a connection of the gateway's own."""
        return ChannelLink(
            "reports",
            lambda _lane, _lanes: SgipCarrierClient(NODE, REPORTER, SECRET),
            Address("127.0.0.1", port),
            LinkLimits(session=SessionRules(window=window), pace=Pace(rate_per_s=1e9)),
            Handlers(_nothing),
        )

    async def start(self) -> None:
        """Listen, and connect to where reports go."""
        await self.listener.start("127.0.0.1", 0)
        if self._push is not None:
            await self._push.start()

    def _submitted(self, caller: Caller, asked: Submitted) -> None:
        (message_id,) = self._ids.of(asked, NOW)
        caller.answer(asked, message_id, 0)
        report, source = report_of(message_id, asked.numbers[0]), asked.segment.source
        if self._push is not None:
            self._push.post([partial(_built, report, source)], _taken)
        elif not caller.report(report, source, NOW):
            raise RuntimeError("the window of reports is full")


def _built(report: Report, source: str, dialect: ClientDialect, sequence: int) -> bytes:
    return cast("SgipCarrierClient", dialect).report(sequence, report, source, NOW)


def _taken(outcomes: list[Outcome]) -> None:
    if not getattr(outcomes[0], "ok", False):
        raise RuntimeError(f"a report was not taken: {outcomes}")


async def _nothing(_inbounds: Sequence[Inbound]) -> None:
    """We report nothing to a gateway."""


@contextmanager
def on_one_core() -> Iterator[None]:
    """Run on the first of the cores that there are: the same one in every process."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def serve(name: Name, window: int, report_to: int) -> None:
    """Listen, tell the port, until the other process lets go."""
    gateway = Gateway(name, window, report_to)
    await gateway.start()
    await _served(gateway.listener.port)


async def echo(name: Name, window: int) -> None:
    """The same without a gateway."""
    told = sizes(name)

    def making() -> Echo:
        return Echo(told.there, told.back, window, late=told.there[1])

    server = await asyncio.get_running_loop().create_server(making, "127.0.0.1", 0)
    await _served(server.sockets[0].getsockname()[1])


async def _served(port: int) -> None:
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """One of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protocol", default="cmpp")
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--report-to", type=int, default=0)
    parser.add_argument("--echo", action="store_true")
    told = parser.parse_args()
    if told.echo:
        with on_one_core():
            asyncio.run(echo(told.protocol, told.window))
    else:
        uvloop.run(serve(told.protocol, told.window, told.report_to))


if __name__ == "__main__":
    main()
