"""Agents in the store: rights while the period runs and no longer, alerts beside, acts told as on behalf, never a chain (F38)."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from inbox_store.errors import Refused
from inbox_store.programs import copies, delegation, dispatch, notices, organisation, sessions
from inbox_store.store import Store
from inbox_store.times import DAY_US, day_of
from tests.inbox_store.test_urging import table
from tests.inbox_store.urging_world import SUPERVISED
from tests.inbox_store.world import HOUR, Clock, World


@pytest.fixture
async def city(store: Store, clock: Clock) -> World:
    """The supervised city."""
    return await World.of(store, clock, SUPERVISED)


async def roles(world: World, person: str, unit: str) -> set[str]:
    """What the person may act as in the unit, as facts recheck it."""
    fact = copies.posts_now(world.people[person], world.units[unit], world.clock.now)
    return set(await world.read(fact))


async def test_an_agent_signs_and_the_receipt_says_so(city: World) -> None:
    """The agent of clerk A signs for the unit; receipt, trace and every reader's view name the absent person (代)."""
    await city.name_agent("u1-a", "u1-staff", "U1")
    document_id = await city.send(["U1"])
    assert await city.state("u1-staff", document_id) == "to_do"
    signed = await city.sign(document_id, "U1", "u1-staff")
    absent = city.people["u1-a"]
    names = dict(table(city, "select id, name from person"))
    name = names[absent]
    assert signed.signed_for == name
    ((leaf,),) = table(city, "select leaf from sign_receipt")
    told = json.loads(leaf)
    assert (told["on_behalf_of"], told["on_behalf_of_name"]) == (absent, name)
    ((detail,),) = table(city, "select detail from audit where action = 'document.sign'")
    assert json.loads(detail)["on_behalf_of"] == absent
    (item,) = [one for one in await city.catch_up("u1-b", 0) if one.document_id == document_id]
    assert str(item.copies[0].signed_by).endswith(f"（代{name}）")
    assert await city.state("u1-a", document_id) == "done"
    await city.must_agree()


async def test_a_clerk_who_is_an_agent_too_signs_as_clerk(city: World) -> None:
    """Clerk B is agent of clerk A: what B could do anyway is B's own act."""
    await city.name_agent("u1-a", "u1-b", "U1")
    document_id = await city.send(["U1"])
    assert (await city.sign(document_id, "U1", "u1-b")).signed_for == ""


async def test_rights_begin_and_end_with_the_period(city: World) -> None:
    """Nothing before, nothing after, nothing once it is ended early, and alerts follow."""
    now = city.clock.now
    wanted = delegation.NewDelegation(
        person_id=city.people["u1-a"],
        agent_id=city.people["u1-staff"],
        unit_id=city.units["U1"],
        from_at=now + HOUR,
        to_at=now + 3 * HOUR,
        reason="",
    )
    row = await city.write(delegation.begin(wanted, city.actor("u1-a"), now))
    found = []
    for _ in range(4):
        found.append("clerk" in await roles(city, "u1-staff", "U1"))
        city.clock.forward()
    assert found == [False, True, True, False]
    with pytest.raises(Refused, match="agent_ended"):
        await city.write(delegation.end(row.id, city.actor("u1-a"), city.clock.now))
    second = await city.name_agent("u1-a", "u1-staff", "U1")
    assert await city.state("u1-staff", await city.send(["U1"])) == "to_do"
    await city.write(delegation.end(second.id, city.actor("u1-a"), city.clock.now))
    assert await roles(city, "u1-staff", "U1") == {"staff"}
    assert await city.state("u1-staff", await city.send(["U1"])) is None


async def test_a_dated_agent_is_swept_in_and_out(city: World) -> None:
    """The sweep of dated posts finds a period that began and one that ended: who can be addressed follows."""
    now = city.clock.now
    wanted = delegation.NewDelegation(
        person_id=city.people["u1-a"],
        agent_id=city.people["u1-staff"],
        unit_id=city.units["U1"],
        from_at=now + HOUR,
        to_at=now + 3 * HOUR,
        reason="",
    )
    await city.write(delegation.begin(wanted, city.actor("u1-a"), now))
    for hours, reached in ((2, True), (2, False)):
        city.clock.forward(hours * HOUR)
        units = await city.read(organisation.units_due(city.clock.now))
        assert city.units["U1"] in units
        await city.write(organisation.sweep(units, city.clock.now, last=True))
        document_id = await city.send(["U1"])
        assert (await city.state("u1-staff", document_id) == "to_do") is reached


async def test_no_agent_has_an_agent(city: World) -> None:
    """What an agent was lent is not passed on: the agent's agent gets the agent's own post only."""
    await city.name_agent("u1-a", "u1-staff", "U1")
    await city.name_agent("u1-staff", "mixed", "U1")
    assert "clerk" in await roles(city, "u1-staff", "U1")
    assert "clerk" not in await roles(city, "mixed", "U1")


@pytest.mark.parametrize("gone", ["u1-a", "u1-staff"])
async def test_rights_end_with_the_posts(city: World, gone: str) -> None:
    """The absent leaves the post, or the agent the unit: the agent may no more, though the period runs on."""
    await city.name_agent("u1-a", "u1-staff", "U1")
    left = [
        replace(post, to_day=day_of(city.clock.now))
        for post in SUPERVISED.appointments
        if (post.person_code, post.unit_code) == (gone, "U1")
    ]
    person = next(one for one in SUPERVISED.people if one.code == gone)
    fact = organisation.import_people([person], left, city.store.keys.phones, city.clock.now)
    await city.write(fact)
    assert "clerk" in await roles(city, "u1-staff", "U1")
    city.clock.forward(DAY_US)
    assert "clerk" not in await roles(city, "u1-staff", "U1")


@pytest.mark.parametrize(
    ("person", "agent", "unit", "by", "code"),
    [
        ("u1-a", "u2-a", "U1", "u1-a", "agent_unfit"),
        ("u1-a", "u1-b", "U2", "u1-a", "not_found"),
        ("u1-a", "u1-b", "U1", "u1-b", "agent_self"),
        ("u1-a", "u1-a", "U1", "s0-b", "agent_unfit"),
    ],
)
async def test_who_may_not_be_an_agent(
    city: World, person: str, agent: str, unit: str, by: str, code: str
) -> None:
    """Somebody of another unit, for a post the absent has not, by the agent's own hand, or oneself."""
    with pytest.raises(Refused) as caught:
        await city.name_agent(person, agent, unit, by=by)
    assert caught.value.code == code


async def test_one_agent_at_a_time_and_both_are_told(city: World) -> None:
    """A second agent in the same period is refused; agent and absent read who, for whom and until when."""
    await city.name_agent("u1-a", "u1-b", "U1")
    with pytest.raises(Refused, match="agent_set"):
        await city.name_agent("u1-a", "u1-staff", "U1")
    for person in ("u1-a", "u1-b"):
        (told,) = await city.read(notices.unread(city.people[person]))
        assert (told.kind, "代理" in told.text, "2026-03-04 09:00" in told.text) == ("agent", True, True)


async def test_an_agent_is_no_second_person(city: World) -> None:
    """What one of both handed in, the other does not approve; a third person does."""
    await city.name_agent("s0-a", "s0-b", "S0")
    held = await city.submit(["U1", "U2"], held=True, general=True)
    for by, refused in (("s0-a", True), ("s0-b", True), ("u1-a", False)):
        fact = dispatch.decide(held.dispatch_id, city.people[by], "同意", "", city.clock.now, approve=True)
        if refused:
            with pytest.raises(Refused, match="approval_own"):
                await city.write(fact)
        else:
            assert (await city.write(fact)).state == "sending"


async def test_what_a_log_in_gives(city: World) -> None:
    """The agent's posts name whose they are; both know of each other for what needs a second person."""
    await city.name_agent("u1-a", "u1-staff", "U1")
    agent = await city.read(sessions.standing(await city.account("u1-staff"), "", "", city.clock.now))
    absent = await city.read(sessions.standing(await city.account("u1-a"), "", "", city.clock.now))
    assert agent is not None
    assert absent is not None
    assert {(post.role, post.for_person) for post in agent.posts} == {
        ("staff", 0),
        ("clerk", city.people["u1-a"]),
    }
    assert absent.agents == {city.people["u1-staff"]}
    city.clock.forward(3 * DAY_US)
    later = await city.read(sessions.standing(await city.account("u1-staff"), "", "", city.clock.now))
    assert later is not None
    assert {post.role for post in later.posts} == {"staff"}
