"""Sending: at most one copy per unit and one entry per person, exactly once, whatever is sent to whom and in which order."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inbox_store.errors import Refused
from inbox_store.nouns import Kind
from inbox_store.programs import copies, dispatch, figures
from tests.inbox_store.small_city import POSTS, RECEIVERS
from tests.inbox_store.world import HOUR, World, rows_of


def clerks(*units: str) -> set[str]:
    """The clerks of these units."""
    return {post.person_code for post in POSTS if post.unit_code in units and post.role == "clerk"}


def leaders(*units: str) -> set[str]:
    """The responsible leaders of these units."""
    return {
        post.person_code for post in POSTS if post.unit_code in units and post.role == "responsible_leader"
    }


def everyone(*units: str) -> set[str]:
    """Everybody with a post in these units."""
    return {post.person_code for post in POSTS if post.unit_code in units}


async def states(world: World, document_id: int) -> dict[str, str]:
    """Each person's entry of a document."""
    found = {code: await world.state(code, document_id) for code in world.people}
    return {code: state for code, state in found.items() if state is not None}


@pytest.mark.parametrize("rows", [1, 4, 7, 1000])
async def test_each_unit_has_a_copy_and_each_person_one_entry(world: World, rows: int) -> None:
    """However it is cut into chunks: clerks have it to do, leaders to read, the sender in the folder of what was sent."""
    told = await world.submit(RECEIVERS)
    chunks = await world.fan_out(told.dispatch_id, rows)
    assert (chunks > 4) is (rows < 8)
    assert await world.copy_states(told.document_id) == dict.fromkeys(RECEIVERS, "unsigned")
    found = await states(world, told.document_id)
    to_do = clerks(*RECEIVERS)
    expected = (
        dict.fromkeys(leaders(*RECEIVERS), "to_read") | dict.fromkeys(to_do, "to_do") | {"s0-a": "read"}
    )
    assert found == expected
    assert await world.read(figures.reached(told.document_id)) == (5, len(expected) - 1)
    await world.must_agree()


@pytest.mark.parametrize("rows", [1, 1000])
async def test_two_posts_are_one_entry_with_the_greater_duty(world: World, rows: int) -> None:
    """Who reads in one unit and signs in another has one entry, to do, in whatever order the units come."""
    document_id = (told := await world.submit(["U1", "U5"])).document_id
    await world.fan_out(told.dispatch_id, rows)
    assert await world.state("mixed", document_id) == "to_do"
    assert await world.badge("mixed") == {"from_above": (1, 1)}


async def test_a_duty_that_comes_later_is_told(world: World) -> None:
    """A device that has the entry from the first chunk hears of the duty which a later chunk brings."""
    told = await world.submit(["U1", "U5"])
    await world.chunk(told.dispatch_id, 1)
    assert await world.state("mixed", told.document_id) == "to_read"
    after = world.store.engine.position
    await world.fan_out(told.dispatch_id, 1)
    assert [(item.send_no, item.state) for item in await world.catch_up("mixed", after)] == [(1, "to_do")]


async def test_a_second_duty_wakes_an_entry_that_was_done(world: World) -> None:
    """A clerk of two units who has signed for the first before the second is reached has it to do again."""
    told = await world.submit(["U3", "U4"])
    await world.chunk(told.dispatch_id, 1)
    await world.sign(told.document_id, "U3", "both")
    assert await world.state("both", told.document_id) == "done"
    await world.fan_out(told.dispatch_id, 1)
    assert await world.state("both", told.document_id) == "to_do"


@pytest.mark.parametrize("rows", [1, 1000])
async def test_who_sends_to_an_own_second_unit_has_it_to_do(world: World, rows: int) -> None:
    """The sender who is a clerk of an addressed unit signs for it like any other, in whatever chunk it comes."""
    told = await world.submit(["U1", "U2"], by="s0-b")
    await world.fan_out(told.dispatch_id, rows)
    assert await world.state("s0-b", told.document_id) == "to_do"


async def test_an_alert_to_everyone_reaches_everyone(world: World) -> None:
    """A city-wide alert is one entry to read for each person, and nobody signs for it."""
    document_id = await world.send(RECEIVERS, document=world.document(kind="alert"), reach="everyone")
    found = await states(world, document_id)
    assert found == dict.fromkeys(everyone(*RECEIVERS), "to_read") | {"s0-a": "read"} | {"s0-b": "to_read"}
    with pytest.raises(Refused, match="no_signing_duty"):
        await world.sign(document_id, "U1", "u1-a")
    await world.must_agree()


async def test_a_finished_fan_out_does_nothing_more(world: World) -> None:
    """Running a chunk again after the end changes nothing and takes no commit."""
    told = await world.submit(["U1"])
    await world.fan_out(told.dispatch_id)
    before = world.store.engine.position
    assert await world.chunk(told.dispatch_id) is True
    assert world.store.engine.position == before


async def test_open_dispatches_are_found_again(world: World) -> None:
    """What was released and not yet sent is on the list, oldest first, until its last chunk."""
    first, second = await world.submit(["U1"]), await world.submit(["U2"])
    listed = await world.read(dispatch.open_dispatches())
    assert listed == [(first.dispatch_id, "ordinary"), (second.dispatch_id, "ordinary")]
    await world.fan_out(first.dispatch_id)
    assert [row[0] for row in await world.read(dispatch.open_dispatches())] == [second.dispatch_id]


# Approval -----------------------------------------------------------------------------------------------------------


async def test_what_is_held_reaches_nobody(world: World) -> None:
    """A held dispatch has no place in any inbox; once approved by another person it goes out; once only."""
    told = await world.submit(["U1"], held=True, general=True)
    assert (told.state, await world.read(dispatch.open_dispatches())) == ("held", [])
    assert await world.chunk(told.dispatch_id) is True
    assert await states(world, told.document_id) == {}
    now, me, other = world.clock.now, world.people["s0-a"], world.people["s0-b"]
    with pytest.raises(Refused, match="approval_own"):
        await world.write(dispatch.decide(told.dispatch_id, me, "", "", now, approve=True))
    row = await world.write(dispatch.decide(told.dispatch_id, other, "同意", "", now, approve=True))
    assert (row.state, row.decided_by, row.place) == ("sending", other, 1)
    for approve in (True, False):
        with pytest.raises(Refused, match="not_held"):
            await world.write(dispatch.decide(told.dispatch_id, other, "", "", now, approve=approve))
    await world.fan_out(told.dispatch_id)
    assert await world.state("u1-a", told.document_id) == "to_do"


async def test_what_was_rejected_stays_away(world: World) -> None:
    """A rejected dispatch never leaves."""
    told = await world.submit(["U1"], held=True)
    other = world.people["s0-b"]
    row = await world.write(
        dispatch.decide(told.dispatch_id, other, "范围过大", "", world.clock.now, approve=False)
    )
    assert row.state == "rejected"
    with pytest.raises(ValueError, match="not released"):
        assert row.place
    assert await world.chunk(told.dispatch_id) is True
    assert await states(world, told.document_id) == {}


# Supplements --------------------------------------------------------------------------------------------------------


async def test_a_supplement_adds_units_and_no_second_copy(world: World) -> None:
    """Units that have it keep their copy, further units get one, and nobody gets a second entry."""
    document_id = await world.send(["U1", "U3"])
    await world.sign(document_id, "U1", "u1-a")
    told = await world.supplement(document_id, ["U1", "U4", "U5"])
    await world.fan_out(told.dispatch_id, 1)
    expected = {"U1": "signed", "U3": "unsigned", "U4": "unsigned", "U5": "unsigned"}
    assert await world.copy_states(document_id) == expected
    assert await world.state("both", document_id) == "to_do"
    assert await world.state("mixed", document_id) == "to_do", "a leader of U1 who signs for U5"
    assert await world.state("u1-a", document_id) == "done"
    assert await world.state("s0-a", document_id) == "read"
    await world.must_agree()


@pytest.mark.parametrize("merged", [False, True])
async def test_a_returned_copy_sent_again_is_round_two(world: World, merged: bool) -> None:  # noqa: FBT001
    """It is the same copy and the same entry, open anew, with a deadline of its own; the figures follow."""
    document_id = await world.send(["U1", "U2"])
    await world.give_back(document_id, "U1", "u1-a")
    if merged:
        await world.merge()
    assert await world.state("u1-a", document_id) == "done"
    world.clock.forward(30 * HOUR)
    told = await world.supplement(document_id, ["U1"])
    await world.fan_out(told.dispatch_id)
    copy = await world.read(copies.copy_row(document_id, world.units["U1"]))
    assert (copy.state, copy.round, copy.sent_at) == ("unsigned", 2, world.clock.now)
    assert await world.state("u1-a", document_id) == "to_do"
    assert (await world.sign(document_id, "U1", "u1-a")).on_time
    assert await world.read(figures.reached(document_id)) == (2, 7)
    await world.must_agree()


async def test_a_returned_meeting_notice_sent_again_counts_once(world: World) -> None:
    """A unit asked for the second time is one unit asked, on the day of the second sending."""
    document_id = await world.send(["U1", "U2"], document=world.document(kind="meeting_notice"))
    await world.give_back(document_id, "U1", "u1-a")
    await world.must_agree()
    world.clock.forward(30 * HOUR)
    told = await world.supplement(document_id, ["U1"])
    await world.fan_out(told.dispatch_id)
    await world.must_agree()
    kept = await world.read(rows_of("tallies_all"))
    assert sorted((row[3], row[5]) for row in kept if row[2] == "asked") == [(20260302, 1), (20260303, 1)]


async def test_a_supplement_to_what_was_recalled_is_refused(world: World) -> None:
    """A document that was taken back goes to nobody else."""
    document_id = await world.send(["U1"])
    await world.recall(document_id)
    with pytest.raises(Refused, match="already_recalled"):
        await world.supplement(document_id, ["U2"])


async def test_a_supplement_by_a_colleague_gives_nobody_two_entries(world: World) -> None:
    """Each sender keeps one own copy, whoever sends how often."""
    document_id = await world.send(["U1"])
    for by, unit in (("s0-a", "U2"), ("s0-b", "U3"), ("s0-b", "U4")):
        told = await world.supplement(document_id, [unit], by=by)
        await world.fan_out(told.dispatch_id)
        await world.must_agree()
    assert await world.badge("s0-a") == {"outgoing": (1, 0)}


async def test_an_approval_that_comes_after_a_supplement_sends_nothing_twice(world: World) -> None:
    """A wide dispatch approved when parts of it were sent by supplements already completes the rest only."""
    told = await world.submit(RECEIVERS, held=True)
    extra = await world.supplement(told.document_id, ["U1", "U3"])
    await world.fan_out(extra.dispatch_id)
    await world.give_back(told.document_id, "U1", "u1-a")
    world.clock.forward(30 * HOUR)
    other = world.people["s0-b"]
    await world.write(dispatch.decide(told.dispatch_id, other, "", "", world.clock.now, approve=True))
    await world.fan_out(told.dispatch_id, 1)
    assert await world.copy_states(told.document_id) == dict.fromkeys(RECEIVERS, "unsigned")
    await world.must_agree()


async def test_two_dispatches_of_one_document_under_way_together(world: World) -> None:
    """Their chunks may come in any order: still one entry each."""
    first = await world.submit(["U1", "U3", "U5"])
    await world.chunk(first.dispatch_id, 1)
    second = await world.supplement(first.document_id, ["U4", "U5", "U2"])
    complete = {first.dispatch_id: False, second.dispatch_id: False}
    while not all(complete.values()):
        for dispatch_id in (second.dispatch_id, first.dispatch_id):
            complete[dispatch_id] = await world.chunk(dispatch_id, 1)
            await world.must_agree()
    assert await world.copy_states(first.document_id) == dict.fromkeys(RECEIVERS, "unsigned")


# Recall -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("merged", [False, True])
async def test_a_recall_takes_back_what_is_unsigned(world: World, merged: bool) -> None:  # noqa: FBT001
    """Unsigned copies are recalled and leave the inboxes; what was signed stays, marked; what was returned is not touched."""
    document_id = await world.send(["U1", "U2", "U3", "U4"])
    await world.sign(document_id, "U1", "u1-a")
    await world.give_back(document_id, "U2", "u2-a")
    if merged:
        await world.merge()
    taken = await world.recall(document_id)
    assert sorted(taken) == sorted([world.units["U3"], world.units["U4"]])
    assert await world.copy_states(document_id) == {
        "U1": "signed",
        "U2": "returned",
        "U3": "recalled",
        "U4": "recalled",
    }
    await world.withdraw(1)
    found = await states(world, document_id)
    assert {found[code] for code in clerks("U3", "U4") | leaders("U3", "U4")} == {"withdrawn"}
    assert (found["u1-a"], found["u1-b"], found["u1-lead"]) == ("done", "done", "to_read")
    with pytest.raises(Refused, match="already_recalled"):
        await world.recall(document_id)
    with pytest.raises(Refused, match="already_recalled"):
        await world.sign(document_id, "U3", "u3-b")
    await world.transfer(document_id, "U1", "u1-staff", "u1-a")
    await world.must_agree()


async def test_a_recall_ends_a_duty_that_was_left(world: World) -> None:
    """A clerk who has signed for one unit and not for the other has nothing to do once the other copy was taken back."""
    document_id = await world.send(["U3", "U4"])
    await world.sign(document_id, "U3", "both")
    assert await world.state("both", document_id) == "to_do"
    await world.recall(document_id)
    await world.withdraw()
    assert await world.state("both", document_id) == "done"
    assert await world.badge("both") == {"from_above": (1, 0)}


async def test_a_recall_while_sending_stops_the_rest(world: World) -> None:
    """Chunks after the recall send nothing more; what was sent before is withdrawn; the dispatch is at its end."""
    told = await world.submit(RECEIVERS)
    await world.chunk(told.dispatch_id, 1)
    await world.chunk(told.dispatch_id, 1)
    await world.recall(told.document_id)
    assert await world.chunk(told.dispatch_id, 1) is True
    await world.withdraw(1)
    assert await world.copy_states(told.document_id) == {"U1": "recalled", "U2": "recalled"}
    found = await states(world, told.document_id)
    assert {state for code, state in found.items() if code != "s0-a"} == {"withdrawn"}
    await world.must_agree()
    await world.merge()


async def test_who_has_left_meanwhile_is_withdrawn_from_too(world: World) -> None:
    """An entry is withdrawn also from a person who cannot be addressed any more when the recall comes."""
    document_id = await world.send(["U1"])
    await world.freeze("u1-b")
    await world.recall(document_id)
    await world.withdraw()
    assert await world.state("u1-b", document_id) == "withdrawn"


# The whole, over many histories -------------------------------------------------------------------------------------


@given(
    audience=st.lists(st.sampled_from(RECEIVERS), min_size=1, unique=True),
    further=st.lists(st.lists(st.sampled_from(RECEIVERS), min_size=1, unique=True), max_size=2),
    rows=st.sampled_from([1, 4, 9]),
    reach=st.sampled_from(["unit", "everyone"]),
    kind=st.sampled_from(["notice", "telegram", "announcement"]),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_scope_is_sent_exactly_once(
    world: World, audience: list[str], further: list[list[str]], rows: int, reach: str, kind: Kind
) -> None:
    """For any scope and any supplements: the copies are the union of the units, the entries the union of the people."""
    told = await world.submit(audience, document=world.document(kind=kind), reach=reach)
    await world.fan_out(told.dispatch_id, rows)
    for units in further:
        extra = await world.supplement(told.document_id, units, reach=reach)
        await world.fan_out(extra.dispatch_id, rows)
    reached = {*audience, *(unit for more in further for unit in more)}
    assert await world.copy_states(told.document_id) == dict.fromkeys(reached, "unsigned")
    people = everyone(*reached) if reach == "everyone" else clerks(*reached) | leaders(*reached)
    assert set(await states(world, told.document_id)) == people | {"s0-a"}
    await world.must_agree()
