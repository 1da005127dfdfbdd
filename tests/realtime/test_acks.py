"""Acks on their way to the store: joined without inventing anything, tried again until they are durable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from hypothesis import given
from hypothesis import strategies as st

from realtime.acks import AckPump, Waiting
from realtime.ports import Delivered

ranges = st.builds(
    lambda person, device, low, size: Delivered(person, low, low + size, device),
    st.integers(1, 2),
    st.sampled_from(["a", "b"]),
    st.integers(0, 30),
    st.integers(1, 6),
)


def covered(lines: Sequence[Delivered]) -> set[tuple[int, str, int]]:
    """Every single position that the lines call delivered."""
    return {
        (one.person_id, one.device, no)
        for one in lines
        for no in range(one.from_position + 1, one.to_position + 1)
    }


@given(st.lists(ranges, max_size=30))
def test_joining_adds_and_loses_nothing(acks: list[Delivered]) -> None:
    """The same positions of the same devices are delivered, in as many lines or fewer."""
    waiting = Waiting()
    for one in acks:
        waiting.add(one)

    lines = waiting.take()

    assert covered(acks) == covered(lines)
    assert len(lines) <= len(acks)
    assert 0 == len(waiting)


def test_a_client_that_acks_every_frame_costs_one_line() -> None:
    """Acks that continue each other become one."""
    waiting = Waiting()
    for no in range(100):
        waiting.add(Delivered(1, no, no + 1, "phone"))

    assert [Delivered(1, 0, 100, "phone")] == waiting.take()


class Store:
    """Takes acks as soon as it may; fails so many times before."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.calls = 0
        self.lines: list[Delivered] = []
        self.called = asyncio.Event()
        self.may = asyncio.Event()
        self.may.set()

    async def delivered(self, batch: Sequence[Delivered]) -> None:
        """Keep the batch."""
        self.calls += 1
        self.called.set()
        await self.may.wait()
        if self.fails:
            self.fails -= 1
            raise OSError("disk full")
        self.lines += batch


@asynccontextmanager
async def pumping(store: Store, size_max: int = 100) -> AsyncIterator[AckPump]:
    """A pump that runs."""
    pump = AckPump(store, size_max=size_max, linger_s=0, timeout_s=5)
    task = asyncio.create_task(pump.run())
    try:
        yield pump
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_acks_that_come_while_one_batch_is_written_share_the_next() -> None:
    """The store sees few batches, however many acks there are."""
    store = Store()
    async with pumping(store) as pump, asyncio.timeout(5):
        store.may.clear()
        pump.put(Delivered(1, 0, 1, ""))
        await store.called.wait()
        for person in range(2, 50):
            pump.put(Delivered(person, 0, 1, ""))
        store.may.set()
        await pump.settled()

    assert (49, 2) == (len(store.lines), store.calls)


async def test_a_batch_that_fails_is_written_again() -> None:
    """Nothing is lost to a store that is full for a while."""
    store = Store(fails=1)
    async with pumping(store) as pump, asyncio.timeout(5):
        pump.put(Delivered(1, 0, 1, ""))
        await pump.settled()

    assert [Delivered(1, 0, 1, "")] == store.lines


async def test_a_stalled_store_holds_the_clients_back() -> None:
    """The pump says that it is full, and a handler that waits for room goes on when there is."""
    store = Store()
    store.may.clear()
    async with pumping(store, size_max=2) as pump, asyncio.timeout(5):
        pump.put(Delivered(1, 0, 1, ""))
        await store.called.wait()
        pump.put(Delivered(2, 0, 1, ""))
        assert not pump.full
        pump.put(Delivered(3, 0, 1, ""))
        assert pump.full
        waits = asyncio.create_task(pump.room())
        await asyncio.sleep(0)
        assert not waits.done()
        store.may.set()
        await waits
        await pump.settled()

    assert 3 == len(store.lines)
