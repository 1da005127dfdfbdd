"""A live server on a real socket over a city in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web

from realtime.client import ClientOptions, Credential, LiveClient
from realtime.frames import Hello
from realtime.limits import LiveLimits
from realtime.positions import PositionStore
from realtime.server import LIVE_PATH, LiveServer
from tests.realtime.memory_house import MemoryHouse

WAIT_S = 10
"""How long a test waits for what must happen; far above what it takes."""


async def at_once(_seconds: float) -> None:
    """A pause between attempts that lets others run and takes no time."""
    await asyncio.sleep(0)


class Place:
    """One running server and the city behind it."""

    def __init__(self, house: MemoryHouse, server: LiveServer, port: int) -> None:
        self.house = house
        self.server = server
        self.port = port
        self.url = f"ws://127.0.0.1:{port}{LIVE_PATH}"

    def client(self, person_id: int, device: str = "", positions: PositionStore | None = None) -> LiveClient:
        """A device of this person; it comes back without pausing."""

        async def credential() -> Credential:
            return Credential(ticket=self.house.ticket(person_id))

        return LiveClient(
            self.url,
            credential,
            hello=Hello(device=device),
            positions=positions,
            options=ClientOptions(pause=at_once),
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the loop turn until ``holds``; a test that would wait for ever fails by its timeout."""
        async with asyncio.timeout(WAIT_S):
            while not holds():  # noqa: ASYNC110 - no event tells it: it is asked after each turn of the loop
                await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    house: MemoryHouse, limits: LiveLimits | None = None, *, port: int = 0, origins: tuple[str, ...] = ()
) -> AsyncIterator[Place]:
    """A live server over ``house``, stopped at the end."""
    server = LiveServer(house.ports, limits=limits or LiveLimits(freeze_every=0), origins=origins)
    house.listeners.append(server.publish)
    app = web.Application()
    app.router.add_get(LIVE_PATH, server.live)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
    await server.start()
    try:
        await site.start()
        yield Place(house, server, runner.addresses[0][1])
    finally:
        house.listeners.remove(server.publish)
        house.readable.set()
        await server.stop(timeout_s=5)
        await runner.cleanup()


Serve = Callable[..., Awaitable[Place]]


@pytest.fixture
def house() -> MemoryHouse:
    """An empty city."""
    return MemoryHouse()


@pytest.fixture
async def serve(house: MemoryHouse) -> AsyncIterator[Serve]:
    """Starts servers over the city; all are stopped after the test."""
    async with AsyncExitStack() as stack:

        async def start(limits: LiveLimits | None = None, **how: object) -> Place:
            return await stack.enter_async_context(serving(house, limits, **how))  # type: ignore[arg-type]

        yield start
