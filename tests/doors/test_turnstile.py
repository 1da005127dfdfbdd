"""The turnstile: places handed on in order, none lost, none doubled."""

from __future__ import annotations

import asyncio

import pytest

from gateway.doors.turnstile import Turnstile
from inbox_store.errors import Refused


async def standing(turnstile: Turnstile, count: int) -> None:
    """Wait, bounded, until so many stand in the line."""
    async with asyncio.timeout(5):
        while turnstile.waiting < count:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0)


async def test_places_go_to_the_first_in_the_line() -> None:
    """Whoever waits longest is next; whoever comes later does not overtake."""
    turnstile = Turnstile(running_max=1, waiting_max=3, wait_timeout_s=5)
    await turnstile.enter()
    order: list[int] = []

    async def pass_through(number: int) -> None:
        await turnstile.enter()
        order.append(number)
        turnstile.leave()

    tasks = []
    for number in range(3):
        tasks.append(asyncio.create_task(pass_through(number)))
        await standing(turnstile, number + 1)
    turnstile.leave()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]


async def test_who_leaves_the_line_takes_no_place_along() -> None:
    """Cancelled in the line, or at the very moment when the place was given: the place is there for the next."""
    turnstile = Turnstile(running_max=1, waiting_max=2, wait_timeout_s=5)
    await turnstile.enter()
    gone = asyncio.create_task(turnstile.enter())
    await standing(turnstile, 1)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    given = asyncio.create_task(turnstile.enter())
    await standing(turnstile, 1)
    turnstile.leave()
    given.cancel()
    await asyncio.gather(given, return_exceptions=True)
    async with asyncio.timeout(1):
        await turnstile.enter()
    with pytest.raises(Refused, match="busy"):
        await Turnstile(running_max=0, waiting_max=0, wait_timeout_s=1).enter()


async def test_who_waits_too_long_is_sent_away() -> None:
    """The wait is bounded, and the place in the line is free again."""
    turnstile = Turnstile(running_max=0, waiting_max=1, wait_timeout_s=0.01)
    for _ in range(2):
        with pytest.raises(Refused, match="busy"):
            await turnstile.enter()
    assert turnstile.waiting == 0
