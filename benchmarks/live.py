"""Live sockets at full size: broadcast, acked round trips, idle sessions; each beside its limit in the same run.

    python -m benchmarks.live broadcast --sockets 7000
    python -m benchmarks.live trips --sockets 10000
    python -m benchmarks.live idle --sockets 7000

The server is the product's own, on uvloop, over a feed in memory; clients are processes with raw epoll. What is compared
is CPU time of the serving process, user and system: wall-clock time is shared with the clients.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.figures import figure
from benchmarks.live_city import ITEM, Served, served
from benchmarks.live_crowd import Crowd, Worker, cpu_s
from benchmarks.nchan import SUBSCRIBE, Nchan
from realtime.fanout import delivery
from realtime.housekeeping import raise_descriptor_limit
from realtime.server import LIVE_PATH

WINDOW: Final = 512
"""Round trips under way at once."""
SENDS: Final = 36_000
"""Of one run of broadcasts; a tenth of a second is too short to time on a machine that others use too."""
COUNTS_HELD_S: Final = 3_600
"""Folder counts, which the product sends after a change, are held back: the bare loop sends none."""
IDLE_WINDOW_S: Final = 60
"""Two heartbeats and one question about the log-in of every session."""
IDLE_STEP_S: Final = 10
Figures = list[dict[str, Any]]
Timed = tuple[float, float]
"""CPU seconds of the server, and seconds until the last client had it."""


async def enter(crowd: Crowd, here: Served, waves: Sequence[int]) -> tuple[list[float], list[float]]:
    """Open sessions in waves; handshakes a second and KiB a session of each wave."""
    rates, sizes, first = [], [], 1
    for count in waves:
        before, began = resident_bytes(), time.monotonic()
        ended = await crowd.obey(f"enter {here.port} {LIVE_PATH} {first} {count}")
        rates.append(count / (ended - began))
        sizes.append((resident_bytes() - before) / count / 1024)
        first += count
    return rates, sizes


def waves_of(sockets: int, count: int) -> list[int]:
    """``sockets`` in ``count`` nearly equal parts."""
    return [sockets * (one + 1) // count - sockets * one // count for one in range(count)]


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def timed(crowd: Crowd, order: str, pid: int, send: Callable[[], Awaitable[None] | None]) -> Timed:
    """Have the crowd obey ``order`` while ``send`` sends."""
    crowd.order(order)
    await asyncio.sleep(0.05)  # the reader waits in epoll by now
    gc.collect(0)
    began, cpu = time.monotonic(), cpu_s(pid)
    sending = send()
    if sending is not None:
        await sending
    ended = await crowd.done()
    return cpu_s(pid) - cpu, ended - began


# -- one alert to all


async def broadcast(sockets: int, runs: int) -> Figures:
    """One alert to all: a bare loop of writes to the same sockets, the product, and nchan in turn."""
    bare: list[Timed] = []
    ours: list[Timed] = []
    theirs: list[Timed] = []
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(served(sockets))
        crowd = await stack.enter_async_context(await Crowd.of(sockets))
        await enter(crowd, here, [sockets])
        nchan = await audience_of_nchan(stack, sockets)
        for _ in range(runs):
            bare.append(await several(sockets, lambda: bare_loop(crowd, here)))
            ours.append(await several(sockets, lambda: our_broadcast(crowd, here)))
            if nchan:
                theirs.append(await several(sockets, lambda: nchan_broadcast(*nchan, sockets)))
    return broadcast_figures(sockets, bare, ours, theirs)


async def several(sockets: int, once: Callable[[], Awaitable[Timed]]) -> Timed:
    """One run: as many broadcasts as make about ``SENDS``; CPU seconds of one on average, and the slowest of them."""
    told = [await once() for _ in range(max(1, SENDS // sockets))]
    return statistics.mean(cpu for cpu, _ in told), max(took for _, took in told)


async def audience_of_nchan(stack: AsyncExitStack, sockets: int) -> tuple[Crowd, Nchan] | None:
    """The peer with as many sockets; None, and a word about it, where it is not installed."""
    peer = await Nchan.start(sockets)
    if peer is None:
        print("nchan is left out: nginx or its module is missing (libnginx-mod-nchan)", file=sys.stderr)
        return None
    await stack.enter_async_context(peer)
    crowd = await stack.enter_async_context(await Crowd.of(sockets))
    await crowd.obey(f"subscribe {peer.port} {SUBSCRIBE} {sockets}")
    return crowd, peer


async def bare_loop(crowd: Crowd, here: Served) -> Timed:
    """The limit: the same frame to the same sockets by a bare loop of writes."""
    frame = delivery(((here.city.commit_no, ITEM),)).frame

    def send() -> None:
        write = os.write
        for one in here.descriptors:
            write(one, frame)

    return await timed(crowd, f"count {len(here.descriptors)}", os.getpid(), send)


async def our_broadcast(crowd: Crowd, here: Served) -> Timed:
    """The product's road from the commit on."""
    nudge = here.city.next(arrivals=(1,))
    return await timed(crowd, f"count {len(here.descriptors)}", os.getpid(), lambda: here.live.publish(nudge))


async def nchan_broadcast(listeners: Crowd, peer: Nchan, sockets: int) -> Timed:
    """The same payload through nchan."""
    payload = delivery(((1_000_000, ITEM),)).frame[4:]
    return await timed(listeners, f"count {sockets}", peer.pid, lambda: peer.publish(payload))


def broadcast_figures(
    sockets: int, bare: Sequence[Timed], ours: Sequence[Timed], theirs: Sequence[Timed]
) -> Figures:
    """The figures as lines; those of nchan only where it was there."""
    name = f"live.{sockets}"

    def per_send(runs: Sequence[Timed]) -> list[float]:
        return [cpu / sockets * 1e6 for cpu, _ in runs]

    def against(limit: Sequence[Timed], most: float, told: str) -> dict[str, Any]:
        ratios = [one / other for (one, _), (other, _) in zip(ours, limit, strict=True)]
        holds = statistics.median(ratios) <= most
        return figure(f"{name}.broadcast_to_{told}", ratios, f"x {told}", f"<= {most}", holds=holds)

    last = [took * 1e3 for _, took in ours]
    goal, holds = ("<= 120", statistics.median(last) <= 120) if sockets <= 7_000 else ("", None)
    rows = [
        figure(f"{name}.bare_send", per_send(bare), "us CPU/send", "the limit", holds=None),
        figure(f"{name}.broadcast", per_send(ours), "us CPU/send", "", holds=None),
        against(bare, 1.4, "bare"),
        figure(f"{name}.last_of_all", last, "ms", goal, holds=holds),
    ]
    if theirs:
        rows.insert(2, figure(f"{name}.nchan", per_send(theirs), "us CPU/send", "the peer", holds=None))
        rows.insert(4, against(theirs, 1.1, "nchan"))
    return rows


# -- one user and the ack back


async def round_trips(sockets: int, runs: int, trips: int) -> Figures:
    """An item to one user and the ack back: a bare Protocol in a process of its own, and the product, in turn."""
    limit: list[Timed] = []
    ours: list[Timed] = []
    async with (
        served(sockets, counts_linger_s=COUNTS_HELD_S) as here,
        await Crowd.of(sockets) as crowd,
        await Worker.start("benchmarks.live_bare", "--sockets", str(sockets)) as bare,
        await Crowd.of(sockets) as others,
    ):
        bare.order("port")
        (port,) = await bare.answer()
        await others.obey(f"enter {port} / 1 {sockets}")
        await enter(crowd, here, [sockets])
        for _ in range(runs):
            limit.append(await bare_trips(others, bare, trips))
            ours.append(await our_trips(crowd, here, trips))
    return trip_figures(sockets, trips, limit, ours)


async def bare_trips(others: Crowd, bare: Worker, trips: int) -> Timed:
    """The limit."""
    others.order(f"ack {trips}")
    await asyncio.sleep(0.05)
    bare.order(f"trips {trips} {WINDOW}")
    cpu, took = await bare.answer()
    await others.done()
    return float(cpu), float(took)


async def our_trips(crowd: Crowd, here: Served, trips: int) -> Timed:
    """The product, with a window of users under way."""
    crowd.order(f"ack {trips}")
    await asyncio.sleep(0.05)
    gc.collect(0)
    count, city = len(here.descriptors), here.city
    began, cpu = time.monotonic(), time.process_time()
    sent, back, due = 0, 0, min(WINDOW, count // 4)
    while back < trips:
        due = min(due, trips - sent)
        for turn in range(sent, sent + due):
            here.live.publish(city.next(changed=((1 + turn % count, 1),)))
        sent += due
        async with asyncio.timeout(30):
            due = len(
                await city.acked.get()
            )  # nobody's turn comes again before their ack: each line is a trip
        back += due
    took = time.process_time() - cpu, time.monotonic() - began
    await crowd.done()
    return took


def trip_figures(sockets: int, trips: int, limit: Sequence[Timed], ours: Sequence[Timed]) -> Figures:
    """The figures as lines. The share is one of CPU time: on the clock the clients would be the limit of both."""
    rates = [trips / took for _, took in ours]
    shares = [one / other for (one, _), (other, _) in zip(limit, ours, strict=True)]
    name = f"live.{sockets}"
    return [
        figure(f"{name}.bare_trips", [trips / took for _, took in limit], "per s", "the limit", holds=None),
        figure(
            f"{name}.bare_trip_cpu",
            [cpu / trips * 1e6 for cpu, _ in limit],
            "us CPU",
            "the limit",
            holds=None,
        ),
        figure(f"{name}.trips", rates, "per s", ">= 30,000", holds=statistics.median(rates) >= 30_000),
        figure(f"{name}.trip_cpu", [cpu / trips * 1e6 for cpu, _ in ours], "us CPU", "", holds=None),
        figure(
            f"{name}.trips_to_bare", shares, "of bare (CPU)", ">= 0.3", holds=statistics.median(shares) >= 0.3
        ),
    ]


# -- nobody says anything


async def idle(sockets: int, runs: int) -> Figures:
    """Sessions that only stand, with the default heartbeat; windows of a minute that begin ten seconds apart."""
    async with served(sockets) as here, await Crowd.of(sockets) as crowd:
        rates, sizes = await enter(crowd, here, waves_of(sockets, runs))
        marks = []
        for _ in range(IDLE_WINDOW_S // IDLE_STEP_S + runs):
            marks.append(time.process_time())
            await asyncio.sleep(IDLE_STEP_S)
    return idle_figures(sockets, marks, rates, sizes)


def idle_figures(
    sockets: int, marks: Sequence[float], rates: Sequence[float], sizes: Sequence[float]
) -> Figures:
    """The figures as lines."""
    steps = IDLE_WINDOW_S // IDLE_STEP_S
    spent = [
        (ended - began) / IDLE_WINDOW_S / sockets * 1e6
        for began, ended in zip(marks, marks[steps:], strict=False)
    ]
    name = f"live.{sockets}"
    return [
        figure(f"{name}.idle_cpu", spent, "us CPU/s", "<= 3", holds=statistics.median(spent) <= 3),
        figure(f"{name}.idle_memory", sizes, "KiB", "<= 16", holds=statistics.median(sizes) <= 16),
        figure(
            f"{name}.handshakes", rates, "per s", ">= 7,000 in 3 s", holds=statistics.median(rates) >= 2_334
        ),
    ]


def main() -> None:
    """Measure, print the lines as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["broadcast", "trips", "idle"])
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--trips", type=int, default=30_000)
    told = parser.parse_args()
    raise_descriptor_limit(told.sockets + 200)
    stages = {
        "broadcast": lambda: broadcast(told.sockets, told.runs),
        "trips": lambda: round_trips(told.sockets, told.runs, told.trips),
        "idle": lambda: idle(told.sockets, told.runs),
    }
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        for line in loop.run(stages[told.stage]()):
            print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
