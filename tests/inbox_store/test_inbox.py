"""One person's inbox: pages, counts, search, catch-up by position, delivery, and the merge behind all of it."""

from __future__ import annotations

import pytest

from inbox_store.programs import figures, inbox
from inbox_store.programs.inbox import Delivered
from tests.inbox_store.world import HOUR, World, rows_of

MERGED = pytest.mark.parametrize("merged", [0, 3, 99])
"""How many of the sends stay hot: none, some, all."""


async def fill(world: World, count: int, merged: int) -> list[int]:
    """Documents to U1 and others; all but ``merged`` of them merged. Returns their ids, oldest first."""
    papers = []
    for no in range(count):
        title = f"关于{'防汛' if no % 2 else '春耕'}工作第{no}号的通知"
        document = world.document(title=title, doc_no=f"云政办发〔2026〕{no}号")
        papers.append(await world.send(["U1", "U2"], document=document))
        world.clock.forward(HOUR)
    if merged < count:
        await world.merge(merged)
    return papers


# Pages and counts ---------------------------------------------------------------------------------------------------


@MERGED
async def test_pages_hold_each_entry_once(world: World, merged: int) -> None:
    """Page after page by cursor gives every entry once, newest first, wherever it lies."""
    papers = await fill(world, 9, merged)
    found, before = [], inbox.NO_BOUND
    while page := await world.inbox("u1-a", limit=4, before=before):
        assert len(page) <= 4
        found += page
        before = page[-1].send_no
    assert [entry.document_id for entry in found] == papers[::-1]
    assert await world.badge("u1-a") == {"from_above": (9, 9)}
    assert await world.inbox("u5-a") == []


@MERGED
async def test_counts_follow_every_act(world: World, merged: int) -> None:
    """Totals and badges move with signing, opening and withdrawing, in both tables."""
    papers = await fill(world, 6, merged)
    await world.sign(papers[0], "U1", "u1-a")
    await world.sign(papers[5], "U1", "u1-a")
    await world.open(papers[1], "u1-lead")
    await world.open(papers[4], "u1-lead")
    await world.recall(papers[2])
    await world.withdraw()
    assert await world.badge("u1-a") == {"from_above": (6, 3)}
    assert await world.badge("u1-lead") == {"from_above": (6, 3)}
    await world.must_agree()
    await world.merge()
    assert await world.badge("u1-a") == {"from_above": (6, 3)}


@MERGED
async def test_what_is_looked_for_is_found(world: World, merged: int) -> None:
    """Text in title, number and sender, by folder, state, sender and day, together and with pages."""
    papers = await fill(world, 8, merged)
    await world.sign(papers[1], "U1", "u1-a")
    second_day = world.clock.now - 4 * HOUR

    async def found(**wanted: object) -> list[int]:
        return [papers.index(entry.document_id) for entry in await world.inbox("u1-a", **wanted)]  # type: ignore[arg-type]

    assert await found(text="防汛") == [7, 5, 3, 1]
    assert await found(text="防汛 工作") == [7, 5, 3, 1]
    assert await found(text="春耕 防汛") == []
    assert await found(text="6号") == [6]
    assert await found(text="云水市政府办") == [7, 6, 5, 4, 3, 2, 1, 0]
    assert await found(text="防火") == []
    assert await found(text="防汛", state="to_do") == [7, 5, 3]
    assert await found(text="防汛", state="done") == [1]
    assert await found(state="done") == [1]
    assert await found(folder="from_above", state="to_do") == [7, 6, 5, 4, 3, 2, 0]
    assert await found(folder="brief") == []
    assert await found(from_at=second_day) == [7, 6, 5, 4]
    assert await found(to_at=second_day, state="done") == [1]
    assert await found(sender_unit_id=world.units["S0"], folder="from_above", state="done") == [1]
    assert await found(sender_unit_id=world.units["U2"]) == []
    page = await world.inbox("u1-a", limit=2, text="防汛")
    assert [
        entry.document_id for entry in await world.inbox("u1-a", text="防汛", before=page[-1].send_no)
    ] == [
        papers[3],
        papers[1],
    ]


async def test_one_finds_in_the_own_inbox_only(world: World) -> None:
    """A search never shows what lies in another inbox."""
    await world.send(["U1"])
    assert len(await world.inbox("u1-a", text="防汛")) == 1
    assert await world.inbox("u2-a", text="防汛") == []


# Catch-up -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
async def test_catching_up_gives_each_change_once_in_order(world: World, limit: int) -> None:
    """From any position, in pages of any size: the person's entries that changed since, each once, in commit order."""
    engine, positions = world.store.engine, [world.store.engine.position]
    first, second = await world.send(["U1"]), await world.send(["U1", "U2"])
    positions.append(engine.position)
    await world.open(first, "u1-a")
    positions.append(engine.position)
    third = await world.send(["U2"])
    await world.merge(1)
    positions.append(engine.position)
    await world.sign(second, "U1", "u1-b")
    positions.append(engine.position)
    expected = [
        [(first, "to_do", True), (second, "done", True)],
        [(first, "to_do", False), (second, "done", False)],
        [(second, "done", False)],
        [(second, "done", False)],
        [],
    ]
    for after, changes in zip(positions, expected, strict=True):
        items = await world.catch_up("u1-a", after, limit)
        assert [(item.document_id, item.state) for item in items] == [row[:2] for row in changes]
        if limit > 2:  # in one page it is also known which of them are new
            assert [(item.document_id, item.state, item.arrived) for item in items] == changes
        numbers = [item.commit_no for item in items]
        assert numbers == sorted(numbers)
        assert all(number > after for number in numbers)
    assert [item.document_id for item in await world.catch_up("u2-a", positions[0], limit)] == [second, third]


async def test_a_page_ends_with_a_commit(world: World) -> None:
    """Entries of one commit are never cut apart: the position of a page can be resumed from."""
    papers = [await world.send(["U1"]) for _ in range(3)]
    after = world.store.engine.position
    wanted = [(paper, world.units["U1"]) for paper in papers]
    from inbox_store.programs import signing  # noqa: PLC0415

    await world.write(signing.sign_many(wanted, world.actor("u1-a"), world.clock.now))
    told = await world.read(inbox.since(world.people["u1-a"], after, 1, world.clock.now))
    assert (len(told.items), told.more) == (3, False)


@MERGED
async def test_a_handler_is_told_of_a_new_entry(world: World, merged: int) -> None:
    """An entry given to a person long after the sending arrives like any other, and its delivery is recorded."""
    papers = await fill(world, 6, merged)
    await world.sign(papers[0], "U1", "u1-a")
    after = world.store.engine.position
    await world.transfer(papers[0], "U1", "u1-staff", "u1-a")
    await world.send(["U2"])
    (item,) = await world.catch_up("u1-staff", after)
    assert (item.document_id, item.state, item.arrived) == (papers[0], "to_do", True)
    ack = Delivered(person_id=world.people["u1-staff"], after=after, to=world.store.engine.position)
    assert await world.write(inbox.deliver([ack], world.clock.now)) == 1
    (entry,) = await world.inbox("u1-staff")
    assert entry.delivered_at == world.clock.now
    await world.must_agree()


async def test_an_entry_knows_the_copies_of_its_person(world: World) -> None:
    """A clerk of two units is told how both stand."""
    document_id = await world.send(["U3", "U4"])
    await world.sign(document_id, "U3", "u3-b")
    (item,) = await world.catch_up("both", 0)
    codes = {unit_id: code for code, unit_id in world.units.items()}
    assert {codes[copy.unit_id]: (copy.state, copy.signed_by is None) for copy in item.copies} == {
        "U3": ("signed", False),
        "U4": ("unsigned", True),
    }


async def test_who_is_online_hears_of_arrivals(world: World) -> None:
    """Of the people online, exactly those who got an entry in that commit are told, with folder and state."""
    told = await world.submit(["U1", "U2"])
    await world.chunk(told.dispatch_id, 4)
    first = world.store.engine.position
    await world.fan_out(told.dispatch_id, 4)
    second = first + 1
    online = [world.people[code] for code in ("u1-a", "u1-lead", "u2-a", "u5-a")]
    names = {person_id: code for code, person_id in world.people.items()}
    for merged in (False, True):
        if merged:
            await world.merge()
        found = []
        for commit_no in (first, second):
            head, rows = await world.read(inbox.arrivals(1, commit_no, online))
            assert head.document_id == told.document_id
            found.append({names[row[0]]: (row[1], row[2]) for row in rows})
        assert found == [
            {"u1-a": ("from_above", "to_do"), "u1-lead": ("from_above", "to_read")},
            {"u2-a": ("from_above", "to_do")},
        ]


# Delivery -----------------------------------------------------------------------------------------------------------


@MERGED
async def test_delivery_is_recorded_once(world: World, merged: int) -> None:
    """The first ack of a device stands; repeated, late and disordered acks change nothing."""
    papers = await fill(world, 6, merged)
    person, end = world.people["u1-a"], world.store.engine.position
    at = world.clock.now
    assert await world.write(inbox.deliver([Delivered(person_id=person, after=0, to=end)], at)) == 6
    before = world.store.engine.position
    late = [Delivered(person_id=person, after=2, to=end), Delivered(person_id=person, after=0, to=3)]
    assert await world.write(inbox.deliver(late, at + 5)) == 0
    assert world.store.engine.position == before, "what changes nothing leaves no trace"
    assert {entry.delivered_at for entry in await world.inbox("u1-a")} == {at}
    assert {entry.delivered_at for entry in await world.inbox("u1-b")} == {None}
    assert len(papers) == 6


async def test_an_ack_covers_its_own_range_only(world: World) -> None:
    """What lies above the acked position, or below its start, is not taken as delivered."""
    positions = [world.store.engine.position]
    for _ in range(3):
        await world.send(["U1"])
        positions.append(world.store.engine.position)
    await world.merge(1)
    ack = Delivered(person_id=world.people["u1-a"], after=positions[1], to=positions[2])
    assert await world.write(inbox.deliver([ack], world.clock.now)) == 1
    assert [entry.delivered_at is not None for entry in await world.inbox("u1-a")] == [False, True, False]


# The merge ----------------------------------------------------------------------------------------------------------


async def test_a_round_of_the_merge_takes_all_that_is_complete(world: World) -> None:
    """As many sends as may stay hot do; one more begins a round, and what is sent meanwhile waits for the next."""
    await fill(world, 2, 99)
    before = world.store.engine.position
    assert await world.write(inbox.merge_slice(2, 1)) == 0
    assert world.store.engine.position == before
    await fill(world, 1, 99)
    assert await world.write(inbox.merge_slice(2, 1), bulk=True) == 3
    await fill(world, 1, 99)
    assert await world.merge(2, 1) > 5
    assert [row[0] for row in await world.read(rows_of("hot_sends"))] == [4]


@pytest.mark.parametrize("rows", [1, 2, 3, 500])
async def test_every_slice_leaves_the_same_inbox(world: World, rows: int) -> None:
    """Between any two slices pages, counts and catch-up are what they were."""
    papers = await fill(world, 3, 99)
    await world.sign(papers[0], "U1", "u1-a")
    await world.transfer(papers[0], "U1", "u1-staff", "u1-a")
    people = ("u1-a", "u1-b", "u1-lead", "u1-staff", "mixed", "u2-a", "s0-a", "s0-b")

    async def seen() -> list[object]:
        return [
            (await world.inbox(one), await world.badge(one), await world.catch_up(one, 0)) for one in people
        ]

    before = await seen()
    more = True
    while more:
        more = bool(await world.write(inbox.merge_slice(0, rows), bulk=True))
        assert await seen() == before
        await world.must_agree()
    assert await world.read(rows_of("hot_sends")) == []


async def test_entries_given_during_the_merge_are_kept(world: World) -> None:
    """Handlers who get the document while its send is half merged keep one entry each, before and behind the border."""
    document_id = await world.send(["U1", "U2", "U3"])
    for unit, by in (("U1", "u1-a"), ("U2", "u2-a"), ("U3", "u3-b")):
        await world.sign(document_id, unit, by)
    await world.write(inbox.merge_slice(0, 4), bulk=True)
    for unit, handler, by in (
        ("U1", "u1-staff", "u1-a"),
        ("U2", "u2-staff", "u2-a"),
        ("U3", "u3-staff", "u3-b"),
    ):
        await world.transfer(document_id, unit, handler, by)
        await world.must_agree()
        await world.write(inbox.merge_slice(0, 2), bulk=True)
        await world.must_agree()
    await world.merge()
    assert [await world.state(f"u{no}-staff", document_id) for no in (1, 2, 3)] == ["to_do"] * 3
    assert await world.read(figures.reached(document_id)) == (3, 13)


async def test_a_send_under_way_is_not_merged(world: World) -> None:
    """While its chunks still come, a send stays hot; a handler's entry joins it there and is merged with the rest."""
    told = await world.submit(["U1", "U2"])
    await world.chunk(told.dispatch_id, 1)
    await world.sign(told.document_id, "U1", "u1-a")
    await world.transfer(told.document_id, "U1", "u1-staff", "u1-a")
    assert await world.write(inbox.merge_slice(0, 1), bulk=True) == 0
    await world.fan_out(told.dispatch_id, 1)
    await world.merge(0, 1)
    assert await world.state("u1-staff", told.document_id) == "to_do"
    assert await world.read(rows_of("hot_sends")) == []


async def test_online_peaks_keep_the_highest(world: World) -> None:
    """Of a five-minute bin the highest count stays, and the day's peak is the highest of its bins."""
    for bin_no, peak in ((108, 5), (108, 9), (108, 7), (109, 8)):
        await world.write(inbox.keep_peak(20260302, bin_no, peak))
    assert await world.read(rows_of("peaks", from_day=20260301, to_day=20260331)) == [(20260302, 9)]
