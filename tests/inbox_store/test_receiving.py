"""Receiving: sign for, return, transfer, finish, file, reopen; who may, what it does to inboxes and figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from inbox_store.errors import Refused
from inbox_store.nouns import Attendee
from inbox_store.programs import copies, meetings, signing, trace
from inbox_store.receipts import verify_receipt
from inbox_store.times import DAY_US
from tests.inbox_store.world import HOUR, World, rows_of


async def outcomes(world: World) -> dict[str, int]:
    """The tallies by outcome."""
    found: dict[str, int] = {}
    for _, _, outcome, _, _, n in await world.read(rows_of("tallies_all")):
        found[outcome] = found.get(outcome, 0) + n
    return found


async def handling(world: World) -> dict[str, int]:
    """The tallies of copies in handling."""
    return {name: n for name, n in (await outcomes(world)).items() if name in {"handled", "archived"}}


# Signing ------------------------------------------------------------------------------------------------------------


async def test_the_first_signature_counts(world: World) -> None:
    """Either clerk signs, once; the second act is refused and changes nothing."""
    document_id = await world.send(["U1"])
    done = await world.sign(document_id, "U1", "u1-b")
    assert (done.signed_by, done.on_time, done.unread) == ("u1-b", True, True)
    with pytest.raises(Refused, match="already_signed"):
        await world.sign(document_id, "U1", "u1-a")
    assert [await world.state(code, document_id) for code in ("u1-a", "u1-b")] == ["done", "done"]
    told = await world.read(copies.copy_row(document_id, world.units["U1"]))
    assert (told.state, told.signed_at) == ("signed", world.clock.now)
    assert await outcomes(world) == {"sent": 1, "on_time": 1, "signed_unread": 1}
    await world.must_agree()


@pytest.mark.parametrize(
    ("unit", "by", "code"),
    [
        ("U1", "u2-a", "not_clerk"),
        ("U1", "u1-lead", "not_clerk"),
        ("U1", "u1-staff", "not_clerk"),
        ("U2", "u2-a", "not_addressed"),
    ],
)
async def test_only_a_clerk_of_the_unit_signs(world: World, unit: str, by: str, code: str) -> None:
    """Anybody else is refused, with the reason."""
    document_id = await world.send(["U1"])
    with pytest.raises(Refused, match=code):
        await world.sign(document_id, unit, by)
    assert await outcomes(world) == {"sent": 1}


async def test_a_frozen_clerk_signs_no_more(world: World) -> None:
    """What was opened before a freeze cannot be signed after it; the other clerk signs."""
    document_id = await world.send(["U1"])
    await world.freeze("u1-a")
    with pytest.raises(Refused, match="not_clerk"):
        await world.sign(document_id, "U1", "u1-a")
    await world.thaw("u1-a")
    await world.sign(document_id, "U1", "u1-a")


async def test_what_a_colleague_did_meanwhile_waits_for_nobody(world: World) -> None:
    """A clerk frozen while the other one signs finds nothing to do after the thaw."""
    document_id = await world.send(["U1"])
    await world.freeze("u1-b")
    await world.sign(document_id, "U1", "u1-a")
    await world.thaw("u1-b")
    assert await world.state("u1-b", document_id) == "done"


async def test_a_clerk_of_two_units_signs_twice(world: World) -> None:
    """One entry stays to do until both duties are done."""
    document_id = await world.send(["U3", "U4"])
    await world.sign(document_id, "U3", "both")
    assert await world.state("both", document_id) == "to_do"
    assert await world.state("u3-b", document_id) == "done"
    await world.sign(document_id, "U4", "u4-a")
    assert await world.state("both", document_id) == "done"


async def test_signing_late_and_unread_shows(world: World) -> None:
    """A signature after the deadline counts as late; without opening it is marked, with opening it is not."""
    document_id = await world.send(["U1", "U2", "U3"])
    await world.open(document_id, "u2-a")
    await world.sign(document_id, "U2", "u2-a")
    world.clock.forward(DAY_US)
    await world.sign(document_id, "U1", "u1-a")
    world.clock.forward(1)
    assert (await world.sign(document_id, "U3", "u3-b")).on_time is False
    assert await outcomes(world) == {"sent": 3, "on_time": 2, "late": 1, "signed_unread": 2}
    await world.must_agree()


async def test_a_drill_counts_nowhere(world: World) -> None:
    """A drill is sent, signed, handled and filed like any document and enters no figure."""
    document_id = await world.send(["U1"], document=world.document(is_test=True))
    await world.sign(document_id, "U1", "u1-a")
    await world.transfer(document_id, "U1", "u1-staff", "u1-a")
    await world.archive(document_id, "U1", "u1-a")
    assert await outcomes(world) == {}
    await world.must_agree()


async def test_bulk_signing_is_marked_and_stops_at_nothing(world: World) -> None:
    """Each copy stands for itself; what cannot be signed is told with its reason."""
    papers = [await world.send(["U1"]) for _ in range(3)]
    await world.sign(papers[1], "U1", "u1-b")
    wanted = [(paper, world.units["U1"]) for paper in papers] + [(papers[0], world.units["U2"])]
    done = await world.write(signing.sign_many(wanted, world.actor("u1-a"), world.clock.now))
    assert [row.document_id for row in done.signed] == [papers[0], papers[2]]
    assert [row[2] for row in done.refused] == ["already_signed", "not_addressed"]
    receipt = await world.read(trace.receipt(papers[2], world.units["U1"]))
    told, _ = verify_receipt(_as_told(receipt), await keys(world))
    assert told is not None
    assert (told["bulk"], told["unread"]) == (True, True)
    await world.must_agree()


async def keys(world: World) -> dict[str, bytes]:
    """The published keys."""
    return {row[0]: row[1] for row in await world.read(trace.public_keys())}


def _as_told(receipt: trace.ProvenReceipt) -> dict[str, object]:
    return {name: getattr(receipt, name) for name in receipt.__struct_fields__}


# Returning ----------------------------------------------------------------------------------------------------------


async def test_a_return_comes_before_signing_only(world: World) -> None:
    """A copy goes back with a reason; the clerks have nothing more to do, the sender finds it again; not twice, not signed."""
    document_id = await world.send(["U1", "U2"])
    await world.give_back(document_id, "U1", "u1-a")
    assert await world.copy_states(document_id) == {"U1": "returned", "U2": "unsigned"}
    assert await world.state("u1-b", document_id) == "done"
    assert await world.state("s0-a", document_id) == "to_read"
    assert await outcomes(world) == {"sent": 2, "returned": 1}
    with pytest.raises(Refused, match="already_returned"):
        await world.give_back(document_id, "U1", "u1-a")
    with pytest.raises(Refused, match="already_returned"):
        await world.sign(document_id, "U1", "u1-a")
    await world.sign(document_id, "U2", "u2-a")
    with pytest.raises(Refused, match="already_signed"):
        await world.give_back(document_id, "U2", "u2-a")
    with pytest.raises(Refused, match="not_clerk"):
        await world.give_back(document_id, "U2", "u2-lead")
    await world.must_agree()


async def test_a_return_wakes_no_duty_away(world: World) -> None:
    """A sender who has the document to sign for in another unit keeps it to do when a copy comes back."""
    document_id = await world.send(["U1", "U2"], by="s0-b")
    await world.give_back(document_id, "U1", "u1-a")
    assert await world.state("s0-b", document_id) == "to_do"


# Opening ------------------------------------------------------------------------------------------------------------


async def test_opening_is_no_signing(world: World) -> None:
    """Opened is kept apart from signed: the first time counts, a duty stays, what was to read is read."""
    document_id = await world.send(["U1"])
    assert await world.open(document_id, "u1-a") is True
    assert await world.open(document_id, "u1-a") is False
    await world.open(document_id, "u1-lead")
    assert await world.state("u1-a", document_id) == "to_do"
    assert await world.state("u1-lead", document_id) == "read"
    assert (await world.read(copies.copy_row(document_id, world.units["U1"]))).opened_at == world.clock.now
    with pytest.raises(Refused, match="not_addressed"):
        await world.open(document_id, "u5-a")


@pytest.mark.parametrize("merged", [False, True])
async def test_opening_later_leaves_what_was_done(world: World, merged: bool) -> None:  # noqa: FBT001
    """A document signed unread and opened afterwards keeps the time at which it was done."""
    document_id = await world.send(["U1"])
    await world.sign(document_id, "U1", "u1-a")
    if merged:
        await world.merge()
    signed_at = world.clock.now
    world.clock.forward()
    await world.open(document_id, "u1-b")
    (entry,) = await world.inbox("u1-b")
    assert (entry.state, entry.done_at, entry.opened_at) == ("done", signed_at, world.clock.now)


# Handling -----------------------------------------------------------------------------------------------------------


async def test_a_transfer_gives_the_handler_the_entry(world: World) -> None:
    """A colleague who had no entry gets one, to do; with the copy finished it is done, with the copy filed it stays so."""
    document_id = await world.send(["U1"])
    with pytest.raises(Refused, match="not_signed"):
        await world.transfer(document_id, "U1", "u1-staff", "u1-a")
    await world.sign(document_id, "U1", "u1-a")
    await world.transfer(document_id, "U1", "u1-staff", "u1-lead")
    assert await world.state("u1-staff", document_id) == "to_do"
    assert await handling(world) == {"handled": 1}
    await world.finish(document_id, "U1", "u1-staff")
    assert await world.state("u1-staff", document_id) == "done"
    await world.archive(document_id, "U1", "u1-a")
    assert await handling(world) == {"handled": 1, "archived": 1}
    assert await world.copy_states(document_id) == {"U1": "archived"}
    await world.must_agree()


@pytest.mark.parametrize("merged", [False, True])
async def test_passing_on_frees_the_one_before(world: World, merged: bool) -> None:  # noqa: FBT001
    """When another person takes over, or the copy is filed, whoever handled it has nothing more to do."""
    document_id = await world.send(["U1"])
    await world.sign(document_id, "U1", "u1-a")
    await world.transfer(document_id, "U1", "u1-staff", "u1-a")
    if merged:
        await world.merge()
    await world.transfer(document_id, "U1", "u1-lead", "u1-staff")
    assert await world.state("u1-staff", document_id) == "done"
    assert await world.state("u1-lead", document_id) == "to_do"
    await world.archive(document_id, "U1", "u1-a")
    assert await world.state("u1-lead", document_id) == "done"
    await world.must_agree()


async def test_a_handler_keeps_what_is_left_to_sign(world: World) -> None:
    """Whoever handles one unit's copy and must still sign for another has it to do until both are done."""
    document_id = await world.send(["U3", "U4"])
    await world.sign(document_id, "U3", "both")
    await world.transfer(document_id, "U3", "both", "u3-b")
    await world.finish(document_id, "U3", "both")
    assert await world.state("both", document_id) == "to_do"
    await world.transfer(document_id, "U3", "both", "u3-b")
    await world.sign(document_id, "U4", "u4-a")
    assert await world.state("both", document_id) == "to_do", "it is in their hands again"
    await world.archive(document_id, "U3", "u3-b")
    assert await world.state("both", document_id) == "done"


async def test_a_filed_copy_taken_up_again_is_open(world: World) -> None:
    """Reopening takes it out of the archived until it is filed anew; the day on which handling began stays."""
    document_id = await world.send(["U1"])
    await world.sign(document_id, "U1", "u1-a")
    await world.archive(document_id, "U1", "u1-a")
    assert await handling(world) == {"handled": 1, "archived": 1}
    began = (await world.read(copies.copy_row(document_id, world.units["U1"]))).handling_started_at
    world.clock.forward(40 * HOUR)
    await world.reopen(document_id, "U1", "u1-staff", "u1-a")
    assert await handling(world) == {"handled": 1}
    assert await world.state("u1-staff", document_id) == "to_do"
    await world.must_agree()
    world.clock.forward(40 * HOUR)
    await world.archive(document_id, "U1", "u1-a")
    assert (await world.read(copies.copy_row(document_id, world.units["U1"]))).handling_started_at == began
    assert await handling(world) == {"handled": 1, "archived": 1}
    await world.must_agree()


async def test_handling_stays_in_the_unit(world: World) -> None:
    """Strangers neither get nor move a copy; the handler may pass it on, other staff may not."""
    document_id = await world.send(["U1"])
    await world.sign(document_id, "U1", "u1-a")
    for handler, by, code in (
        ("u2-a", "u1-a", "handler_unknown"),
        ("u1-staff", "u2-a", "not_handler"),
        ("u1-staff", "u1-staff", "not_handler"),
    ):
        with pytest.raises(Refused, match=code):
            await world.transfer(document_id, "U1", handler, by)
    await world.transfer(document_id, "U1", "u1-staff", "u1-a")
    await world.transfer(document_id, "U1", "u1-staff", "u1-staff")
    await world.freeze("u1-staff")
    with pytest.raises(Refused, match="not_handler"):
        await world.finish(document_id, "U1", "u1-staff")


async def test_opinions_stay_in_order(world: World) -> None:
    """Opinions of the unit's people are kept as they were given; strangers give none."""
    document_id, unit_id = await world.send(["U1"]), world.units["U1"]
    for by, text in (("u1-lead", "请办公室阅处"), ("u1-staff", "已办"), ("u1-lead", "同意")):
        await world.write(copies.opinion(document_id, unit_id, text, world.actor(by), world.clock.now))
    rows = await world.read(rows_of("opinions_of", document_id=document_id, unit_id=unit_id))
    assert [row[5] for row in rows] == ["请办公室阅处", "已办", "同意"]
    with pytest.raises(Refused, match="not_addressed"):
        await world.write(copies.opinion(document_id, unit_id, "？", world.actor("u2-a"), world.clock.now))


async def test_what_is_not_there_is_refused(world: World) -> None:
    """Numbers of no document are refused everywhere alike, and leave no trace."""
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: world.sign(99, "U1", "u1-a"),
        lambda: world.open(99, "u1-a"),
        lambda: world.give_back(99, "U1", "u1-a"),
        lambda: world.recall(99),
        lambda: world.chunk(99),
    ]
    before = world.store.engine.position
    for step in steps:
        with pytest.raises(Refused, match=r"not_found|not_addressed"):
            await step()
    assert world.store.engine.position == before


# Meetings -----------------------------------------------------------------------------------------------------------


async def test_a_meeting_is_answered_until_the_deadline(world: World) -> None:
    """The first answer counts; changes keep the earlier ones; late first answers count as late; numbers are sealed."""
    document_id = await world.send(["U1", "U2"], document=world.document(kind="meeting_notice"))
    vault = world.store.keys.phones

    async def answer(unit: str, by: str, name: str) -> int:
        people = [Attendee(name=name, mode="attend", post="局长", phone="19900009999")]
        fact = meetings.answer(
            document_id, world.units[unit], people, "", vault, world.actor(by), world.clock.now
        )
        return await world.write(fact)

    assert await answer("U1", "u1-a", "王芳") == 1
    assert await answer("U1", "u1-b", "李强") == 2
    world.clock.forward(DAY_US + 1)
    with pytest.raises(Refused, match="deadline_passed"):
        await answer("U1", "u1-a", "赵磊")
    assert await answer("U2", "u2-a", "张敏") == 1
    assert await outcomes(world) == {"sent": 2, "asked": 2, "answered": 1, "answered_late": 1}
    told = await world.read(meetings.roster_facts(document_id, vault))
    assert [(row.version, row.attendees[0].name, row.attendees[0].phone) for row in told.answers] == [
        (2, "李强", "19900009999"),
        (1, "张敏", "19900009999"),
    ]
    stored = await world.read(rows_of("meeting_receipts", document_id=document_id))
    assert "19900009999" not in str(stored)
    await world.must_agree()


async def test_a_personal_answer_does_no_duty(world: World) -> None:
    """A clerk who says yes for himself still has to sign for the unit; for others the notice is read."""
    document_id = await world.send(["U1"], document=world.document(kind="meeting_notice"))
    for by in ("u1-a", "u1-lead"):
        fact = meetings.answer_personally(
            document_id, world.units["U1"], "yes", "", world.actor(by), world.clock.now
        )
        await world.write(fact)
    assert await world.state("u1-a", document_id) == "to_do"
    assert await world.state("u1-lead", document_id) == "read"


async def test_presence_counts_once(world: World) -> None:
    """A name is checked in once, and has one seat."""
    document_id, unit_id = (
        await world.send(["U1"], document=world.document(kind="meeting_notice")),
        world.units["U1"],
    )
    actor, now = world.actor("s0-a"), world.clock.now
    assert await world.write(meetings.check_in(document_id, unit_id, "王芳", actor, now)) is True
    assert await world.write(meetings.check_in(document_id, unit_id, "王芳", actor, now)) is False
    for seat in ("1排3座", "2排1座"):
        await world.write(meetings.assign_seat(document_id, unit_id, "王芳", seat, actor))
    told = await world.read(meetings.roster_facts(document_id, world.store.keys.phones))
    assert told.check_ins == ((unit_id, "王芳", now),)
    assert told.seats == ((unit_id, "王芳", "2排1座"),)
