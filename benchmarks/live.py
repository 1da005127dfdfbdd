"""Live sockets: broadcast of one alert and acked round trips, beside a bare loop of sock.send in the same run.

    python -m benchmarks.live --sockets 1000 --runs 5

The server is the product's own, on uvloop, over a feed in memory; the clients are one process with raw epoll.
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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import uvloop
from aiohttp import web

from benchmarks.figures import figure
from inbox_store.engine import Nudge
from realtime.fanout import delivery
from realtime.frames import Hello
from realtime.housekeeping import raise_descriptor_limit
from realtime.items import Header, Item, arrived
from realtime.limits import LiveLimits
from realtime.ports import Admitted, Arrival, Arrivals, CountsRead, Delivered, LivePorts, Page
from realtime.server import LIVE_PATH, LiveServer

YEAR_2100 = 4_102_444_800_000_000
HEADER = Header(
    document_id=4_711,
    title="关于做好今冬明春森林草原防火工作的紧急通知",
    urgency="extra_urgent",
    sender="市应急管理局",
    sent_at=1_764_000_000_000_000,
    sign_due_at=1_764_014_400_000_000,
)
ITEM: Item = arrived(HEADER, "from_above", "to_read")
WINDOW = 512
"""Round trips under way at once."""


class City:
    """The ports, as cheap as they can be: what is measured is the live room."""

    def __init__(self) -> None:
        self.commit_no = 1_000_000
        self.epoch = "bench"
        self.rows: list[Arrival] = []
        self.acked: asyncio.Queue[Sequence[Delivered]] = asyncio.Queue()

    async def authenticate(self, hello: Hello) -> Admitted:
        """Everybody."""
        person_id = int((hello.token or "").removeprefix("person-"))
        return Admitted(person_id=person_id, name="", token_id="bench", expires_at=YEAR_2100)  # noqa: S106 - a name

    async def still_valid(self, token_id: str) -> bool:
        """Always."""
        return bool(token_id)

    def position(self) -> int:
        """The newest commit."""
        return self.commit_no

    async def since(self, person_id: int, after: int, limit: int) -> Page:
        """Nothing was missed."""
        del person_id, after, limit
        return Page(items=(), position=self.commit_no, more=False)

    async def arrivals(self, send_no: int, commit_no: int, online: AbstractSet[int]) -> Arrivals:
        """Everybody online got it; the rows are made once, as the store's are not what is measured."""
        del send_no, commit_no
        if len(self.rows) != len(online):
            self.rows = [Arrival(person, "from_above", "to_read") for person in online]
        return Arrivals(header=HEADER, rows=self.rows)

    async def items(self, wanted: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], Item]:
        """The same for all."""
        return dict.fromkeys(wanted, ITEM)

    async def counts(self, person_ids: Sequence[int]) -> CountsRead:
        """None."""
        return CountsRead(position=self.commit_no, by_person={one: {} for one in person_ids})

    async def delivered(self, batch: Sequence[Delivered]) -> None:
        """Hand the acks to whoever measures."""
        self.acked.put_nowait(batch)

    def next(self, **what: tuple[object, ...]) -> Nudge:
        """The nudge of the next commit."""
        self.commit_no += 1
        return Nudge(self.commit_no, **what)  # type: ignore[arg-type]


class Crowd:
    """The process of clients, obeying orders."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> Crowd:
        """Start the process."""
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.live_reader", stdin=pipe, stdout=pipe
            )
        )

    def order(self, line: str) -> None:
        """Give an order; ``done`` waits for its end."""
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")

    async def done(self) -> float:
        """When the order was carried out, on the clock that both processes share."""
        assert self._process.stdout
        async with asyncio.timeout(120):
            answer = await self._process.stdout.readline()
        return float(answer.split()[1])

    async def obey(self, line: str) -> float:
        """Give an order and wait for its end."""
        self.order(line)
        return await self.done()

    async def stop(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()


async def timed(crowd: Crowd, order: str, send: Callable[[], Awaitable[None] | None]) -> tuple[float, float]:
    """CPU seconds of this process, and seconds until the last client had it."""
    crowd.order(order)
    await asyncio.sleep(0.05)  # the reader waits in epoll by now
    gc.collect(0)
    began, cpu = time.monotonic(), time.process_time()
    sending = send()
    if sending is not None:
        await sending
    ended = await crowd.done()
    return time.process_time() - cpu, ended - began


async def broadcast(
    crowd: Crowd, live: LiveServer, city: City, descriptors: Sequence[int]
) -> tuple[float, float, float]:
    """One alert to all, and beside it the limit: the same frame to the same sockets by a bare loop of writes.

    CPU microseconds per send of both, and the seconds until the last client had the product's.
    """
    count = len(descriptors)
    frame = delivery(((city.commit_no, ITEM),)).frame

    def send() -> None:
        for one in descriptors:
            os.write(one, frame)

    bare, _ = await timed(crowd, f"count {count}", send)
    ours, took = await timed(crowd, f"count {count}", lambda: live.publish(city.next(arrivals=(1,))))
    return bare / count * 1e6, ours / count * 1e6, took


async def round_trips(crowd: Crowd, live: LiveServer, city: City, count: int, trips: int) -> float:
    """An item to one user and its ack back, with a window of users under way: round trips a second."""
    crowd.order(f"ack {trips}")
    await asyncio.sleep(0.05)
    under_way: dict[int, list[int]] = {}
    began, sent, back, due = time.monotonic(), 0, 0, min(WINDOW, count)
    while back < trips:
        for _ in range(min(due, trips - sent)):
            nudge = city.next(changed=((1 + sent % count, 1),))
            under_way.setdefault(1 + sent % count, []).append(nudge.commit_no)
            live.publish(nudge)
            sent += 1
        async with asyncio.timeout(30):
            due = sum(settle(under_way, line) for line in await city.acked.get())
        back += due
    took = time.monotonic() - began
    await crowd.done()
    return trips / took


def settle(under_way: dict[int, list[int]], line: Delivered) -> int:
    """How many trips this line ends: acks of one person that follow each other closely come as one line."""
    mine = under_way[line.person_id]
    left = [commit_no for commit_no in mine if commit_no > line.to_position]
    under_way[line.person_id] = left
    return len(mine) - len(left)


def resident_bytes() -> int:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def measure(count: int, runs: int, trips: int) -> list[dict[str, object]]:
    """All figures for ``count`` sockets."""
    crowd, city, descriptors = await Crowd.start(), City(), []

    def note(request: web.Request) -> str:
        assert request.transport
        descriptors.append(request.transport.get_extra_info("socket").fileno())
        return "bench"

    live = LiveServer(
        LivePorts(city, city, city), limits=LiveLimits(sessions_per_address_max=count), address=note
    )
    app = web.Application()
    app.router.add_get(LIVE_PATH, live.live)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    await live.start()
    before, began = resident_bytes(), time.monotonic()
    entered = await crowd.obey(f"enter {runner.addresses[0][1]} {LIVE_PATH} 1 {count}") - began
    idle = (resident_bytes() - before) / count / 1024
    sends = [await broadcast(crowd, live, city, descriptors) for _ in range(runs)]
    rates = [await round_trips(crowd, live, city, count, trips) for _ in range(runs)]
    await crowd.obey("leave")
    await live.stop()
    await runner.cleanup()
    await crowd.stop()
    return report(count, entered, idle, sends, rates)


def report(
    count: int,
    entered: float,
    idle: float,
    sends: Sequence[tuple[float, float, float]],
    rates: Sequence[float],
) -> list[dict[str, object]]:
    """The figures as lines."""
    bare, ours, took = (list(column) for column in zip(*sends, strict=True))
    ratios = [one / limit for one, limit in zip(ours, bare, strict=True)]
    return [
        figure("live.bare_send", bare, "us CPU/send", "the limit", holds=None),
        figure(
            "live.broadcast", ours, "us CPU/send", "<= 1.4 x bare", holds=statistics.median(ratios) <= 1.4
        ),
        figure("live.broadcast_ratio", ratios, "x bare", "<= 1.4", holds=statistics.median(ratios) <= 1.4),
        figure(
            "live.last_of_all", [one * 1e3 for one in took], "ms", "<= 120 at 7,000", holds=max(took) <= 0.12
        ),
        figure("live.idle_session", [idle], "KiB", "<= 16", holds=idle <= 16),
        figure(
            "live.handshakes", [count / entered], "per s", ">= 7,000 in 3 s", holds=count / entered >= 2_334
        ),
        figure("live.round_trips", rates, "per s", ">= 30,000", holds=statistics.median(rates) >= 30_000),
    ]


def main() -> None:
    """Measure, print the lines as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--trips", type=int, default=20_000)
    told = parser.parse_args()
    raise_descriptor_limit(told.sockets + 1_000)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        for line in loop.run(measure(told.sockets, told.runs, told.trips)):
            print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
