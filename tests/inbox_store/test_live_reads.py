"""What live sessions read many at once is what each would read alone."""

from __future__ import annotations

import pytest

from inbox_store.programs import inbox, live
from tests.inbox_store.test_inbox import MERGED, fill
from tests.inbox_store.world import World

PEOPLE = ("u1-a", "u1-lead", "u2-a", "u5-a")


@MERGED
async def test_many_are_as_one_by_one(world: World, merged: int) -> None:
    """Entries and counts of several people, hot and merged, signed and recalled."""
    papers = await fill(world, 6, merged)
    await world.sign(papers[0], "U1", "u1-a")
    await world.recall(papers[2])
    await world.withdraw()
    people = [world.people[one] for one in PEOPLE]
    sends = range(1, 8)
    wanted = [(person, send_no) for person in people for send_no in sends]
    alone = {}
    for person, send_no in wanted:
        known = [entry for entry in await _entries(world, person) if entry == send_no]
        for item in await world.read(
            inbox.items_of(person, [(0, one, False) for one in known], world.clock.now)
        ):
            alone[person, send_no] = item
    assert await world.read(live.items(wanted, world.clock.now)) == alone
    assert alone
    position, counts = await world.read(live.counts(people))
    assert position == await world.read(inbox.position())
    assert counts == {person: await world.read(inbox.counts(person)) for person in people}


async def _entries(world: World, person: int) -> list[int]:
    page = await world.read(inbox.page(person, inbox.EntryFilter(), inbox.NO_BOUND, 50))
    return [entry.send_no for entry in page]


@pytest.mark.parametrize("asked", [[], [(99, "", "")]])
async def test_nobody_stands_nowhere(world: World, asked: list[tuple[int, str, str]]) -> None:
    """No question, or an unknown account: no answer."""
    told = await world.read(live.standings([live.Asked(*one) for one in asked], world.clock.now))
    assert told == {}
