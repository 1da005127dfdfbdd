"""The product's live server over a city that is as cheap as can be: what is measured is the live room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager

from aiohttp import web

from inbox_store.engine import Nudge
from inbox_store.nouns import Folder, InboxState
from realtime.frames import Hello
from realtime.items import Header, Item, arrived
from realtime.limits import LiveLimits
from realtime.ports import Admitted, Arrivals, CountsRead, Delivered, LivePorts, Page
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
"""Its frame has about 300 bytes."""


class City:
    """The ports, over nothing; acks go to ``acked``, batch by batch."""

    def __init__(self) -> None:
        self.commit_no = 1_000_000
        self.epoch = "bench"
        self.rows: list[tuple[int, Folder, InboxState]] = []
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
            self.rows = [(person, "from_above", "to_read") for person in online]
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


class Served:
    """The live server, where it listens, and the descriptors of its sockets in the order of their coming."""

    def __init__(self, live: LiveServer, city: City, port: int, descriptors: list[int]) -> None:
        self.live = live
        self.city = city
        self.port = port
        self.descriptors = descriptors


@asynccontextmanager
async def served(sockets: int, **limits: float) -> AsyncIterator[Served]:
    """The product's live server with its default limits but for ``limits``, with room for ``sockets`` of one address."""
    city, descriptors = City(), list[int]()

    def note(request: web.Request) -> str:
        assert request.transport
        descriptors.append(request.transport.get_extra_info("socket").fileno())
        return "bench"

    told = LiveLimits(sessions_per_address_max=sockets, **limits)  # type: ignore[arg-type]
    live = LiveServer(LivePorts(city, city, city), limits=told, address=note)
    app = web.Application()
    app.router.add_get(LIVE_PATH, live.live)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    await live.start()
    try:
        yield Served(live, city, runner.addresses[0][1], descriptors)
    finally:
        await live.stop()
        await runner.cleanup()
