"""Replies from phones: the question found, the same fact as by the API written, everything else kept and shown."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.rules.replies import REPLY_RULES
from inbox_store.errors import Refused
from inbox_store.nouns import Attendee
from inbox_store.programs import meetings, reply_lists, reply_parts, sms_replies
from inbox_store.programs.inbox import NO_BOUND
from inbox_store.programs.reply_lists import ReplyRow
from inbox_store.programs.reply_parts import NewPart
from inbox_store.programs.sms_replies import NewReply
from inbox_store.times import DAY_US
from tests.inbox_store.reply_world import (
    ACCESS,
    CHANNEL,
    PHONES,
    alert_of,
    asked,
    called,
    name_of,
    names,
    persons,
    reply,
    sent_by_sms,
)
from tests.inbox_store.world import HOUR, VARIANTS, Clock, World, rows_of

MINUTE = HOUR // 60


async def take(world: World, *replies: NewReply) -> None:
    """The replies in one transaction."""
    vault = world.store.keys.phones
    await world.write(sms_replies.take_replies(replies, REPLY_RULES, vault, world.clock.now))


async def answer(world: World, who: str, source: str, text: str, **more: Any) -> None:  # noqa: ANN401 - fields by name
    """A minute later a person answers."""
    world.clock.forward(MINUTE)
    await take(world, reply(who, source, text, world.clock.now, **more))


async def listed(world: World, document_id: int) -> list[ReplyRow]:
    """The replies to a document's messages, oldest first."""
    page = reply_lists.document_page(document_id, NO_BOUND, 100, world.store.keys.phones)
    return list(reversed(await world.read(page)))


async def unmatched(world: World) -> list[ReplyRow]:
    """The replies that answer nothing."""
    return list(await world.read(reply_lists.unmatched_page(NO_BOUND, 100, world.store.keys.phones)))


async def test_a_clerk_answers_for_the_unit(world: World) -> None:
    """Attend, then a substitute, then leave: the unit's list each time as the API would have written it, with its trace."""
    document_id, source = await asked(world)
    name = await name_of(world, "u1-a")
    await answer(world, "u1-a", source, "1")
    assert await names(world, document_id) == [(name, "attend", "", "")]
    await answer(world, "u1-a", source, "2 李强")
    assert await names(world, document_id) == [("李强", "substitute", name, "")]
    await answer(world, "u1-a", source, "3，出差")
    assert await names(world, document_id) == [(name, "leave", "", "出差")]
    told = [(one.text, one.meaning, one.detail, one.refused) for one in await listed(world, document_id)]
    assert told == [
        ("1", "attend", "", "reply_superseded"),
        ("2 李强", "substitute", "李强", "reply_superseded"),
        ("3，出差", "leave", "出差", ""),
    ]
    last = await world.read(meetings.last_answer(document_id, world.units["U1"], world.store.keys.phones))
    assert (last.version, last.answered_by, last.attendees[0].phone) == (3, name, PHONES["u1-a"])
    rows = await world.read(rows_of("audit_page", **AUDIT, action="meeting.answer"))
    assert len(rows) == 3
    await world.must_agree()


AUDIT = {
    "subject": "",
    "actor": 0,
    "from_at": 0,
    "to_at": 2**60,
    "before_commit": 2**60,
    "before_no": 0,
    "limit": 50,
}


async def test_two_clerks_keep_each_others_lines(world: World) -> None:
    """Each reply moves its own line; a seat too many is refused with the rules' words, and taken when one is free."""
    document_id, source = await asked(world, seats=1)
    first, second = await name_of(world, "u1-a"), await name_of(world, "u1-b")
    await answer(world, "u1-a", source, "1")
    await answer(world, "u1-b", source, "1")
    assert await names(world, document_id) == [(first, "attend", "", "")]
    (_, refused) = await listed(world, document_id)
    assert (refused.refused, refused.why) == ("seats_exceeded", "本单位名额1个，填报了2人")
    await answer(world, "u1-a", source, "3 出差")
    await answer(world, "u1-b", source, "1")
    assert await names(world, document_id) == sorted(
        [(first, "leave", "", "出差"), (second, "attend", "", "")]
    )
    assert [one.refused for one in await listed(world, document_id)] == ["reply_superseded", "", ""]


async def test_a_leader_cannot_answer_for_the_unit(world: World) -> None:
    """The rule of the API: a clerk answers; the leader's reply is kept with the reason."""
    document_id, source = await asked(world)
    await answer(world, "u1-lead", source, "1")
    assert await names(world, document_id) == []
    assert [(one.meaning, one.refused) for one in await listed(world, document_id)] == [
        ("attend", "not_clerk")
    ]


async def test_a_person_answers_personally(world: World) -> None:
    """Where each person is asked, whoever was addressed answers for himself: yes, no with the substitute, leave."""
    document_id, source = await asked(world, personal=True)
    await answer(world, "u1-a", source, "1")
    await answer(world, "u1-b", source, "2 李强")
    await answer(world, "u1-lead", source, "3 出差")
    await answer(world, "mixed", source, "3")
    told = await persons(world, document_id)
    assert sorted(row[1:] for row in told) == [("leave", "出差"), ("no", "由李强代会"), ("yes", "")]
    assert (await listed(world, document_id))[-1].refused == "field_missing"
    assert await names(world, document_id) == []


async def test_what_comes_too_late(world: World) -> None:
    """After the deadline a first answer is taken as late and a change refused; after the recall nothing is taken."""
    document_id, source = await asked(world, ("U1", "U2"))
    await answer(world, "u1-a", source, "1")
    world.clock.forward(DAY_US)
    await answer(world, "u1-a", source, "3 出差")
    await answer(world, "u2-a", source, "1")
    first, second = await name_of(world, "u1-a"), await name_of(world, "u2-a")
    assert await names(world, document_id) == sorted((name, "attend", "", "") for name in (first, second))
    assert [one.refused for one in await listed(world, document_id)] == ["", "deadline_passed", ""]
    await world.recall(document_id)
    await answer(world, "s0-b", source, "1")
    await answer(world, "u1-a", source, "1")
    assert [one.refused for one in await listed(world, document_id)] == [
        "already_recalled",
        "deadline_passed",
        "",
        "already_recalled",
    ]


@pytest.mark.parametrize("outcome", ["accepted", "in_doubt", "refused"])
async def test_the_question_is_one_that_may_have_left(world: World, outcome: str) -> None:
    """Accepted or in doubt; what a carrier refused asked nobody."""
    document_id, source = await asked(world, outcome=outcome)
    await answer(world, "u1-a", source, "1")
    assert len(await listed(world, document_id)) == (outcome != "refused")
    assert len(await unmatched(world)) == (outcome == "refused")


async def test_each_question_by_its_extension(world: World) -> None:
    """Of two meetings each is answered by its own number, the older one too."""
    older, to_older = await asked(world)
    newer, to_newer = await asked(world)
    await answer(world, "u1-a", to_older, "1")
    await answer(world, "u1-a", to_newer, "3 出差")
    name = await name_of(world, "u1-a")
    assert await names(world, older) == [(name, "attend", "", "")]
    assert await names(world, newer) == [(name, "leave", "", "出差")]


async def test_without_an_extension_the_latest_question_of_a_week(world: World) -> None:
    """Not the document that came after it; not what was asked longer ago; also where the carrier cuts the digits off."""
    document_id, _ = await asked(
        world, digits=0, reply_due_at=world.clock.now + 20 * DAY_US, starts_at=world.clock.now + 21 * DAY_US
    )
    plain = await world.submit(["U1"])
    alert = alert_of(world, plain.document_id, plain.dispatch_id)
    await sent_by_sms(world.store.engine, alert, world.clock.now, 0)
    await answer(world, "u1-a", ACCESS, "1")
    assert len(await names(world, document_id)) == 1
    extended, source = await asked(world)
    await answer(world, "u1-a", ACCESS, "1")
    assert len(await names(world, extended)) == 0, "the bare number was asked from, too"
    await answer(world, "u1-a", source[:-2], "1")
    assert len(await names(world, extended)) == 1
    world.clock.forward(8 * DAY_US)
    await answer(world, "u1-a", source[:-2], "1")
    assert len(await unmatched(world)) == 1


async def test_a_refusal_is_kept_by_class(world: World) -> None:
    """Of the kind of the latest message, beside earlier ones, once in the trace; a meeting's answer stays."""
    document_id, source = await asked(world)
    _, dispatch_id = await called(world, ("U1",))
    urge = alert_of(world, document_id, dispatch_id, "urge")
    await answer(world, "u1-a", source, "1")
    await answer(world, "u1-a", source, "T")
    await answer(world, "u1-a", source, "退订")
    again = await sent_by_sms(world.store.engine, urge, world.clock.now)
    await answer(world, "u1-a", again, "R")
    ((refused,),) = await world.read(rows_of("reply_classes", person_id=world.people["u1-a"]))
    assert refused == "arrival,urge"
    rows = await world.read(rows_of("audit_page", **AUDIT, action="sms.refuse"))
    assert len(rows) == 2
    assert len(await names(world, document_id)) == 1
    assert {one.meaning for one in await listed(world, document_id)} == {"attend", "refuse"}


async def test_what_answers_nothing_is_kept(world: World) -> None:
    """A strange number, a strange source, a person nobody asked: unknown, listed with a masked number, once a day."""
    document_id, source = await asked(world)
    await answer(world, "13900001111", source, "1")
    await answer(world, "u1-a", "10690000", "1")
    await answer(world, "u4-a", source, "1")
    await answer(world, "u4-a", source, "1")
    found = await unmatched(world)
    assert [(one.meaning, one.refused, one.document_id) for one in found] == [("unknown", "", None)] * 3
    assert [one.phone[3:7] for one in found] == ["****"] * 3
    assert [one.person for one in found] == [await name_of(world, "u4-a"), await name_of(world, "u1-a"), None]
    assert found[0].said_at - found[0].received_at == MINUTE
    assert await listed(world, document_id) == []


async def test_chatter_is_shown_with_its_question(world: World) -> None:
    """What is not understood stays with the document it came to, so that the organiser can ask back."""
    document_id, source = await asked(world)
    await answer(world, "u1-a", source, "几点开始？")
    assert [(one.meaning, one.text) for one in await listed(world, document_id)] == [
        ("unknown", "几点开始？")
    ]
    assert await unmatched(world) == []


async def test_the_later_of_desk_and_phone_stands(world: World) -> None:
    """A reply that was said before the clerk's answer at the desk, and is taken after it, changes nothing."""
    document_id, source = await asked(world)
    said_at = world.clock.now + MINUTE
    world.clock.forward(HOUR)
    line = Attendee(name="王芳", mode="attend", post="科长", phone="0930-1234567")
    await world.write(
        meetings.answer(
            document_id,
            world.units["U1"],
            [line],
            "",
            world.store.keys.phones,
            world.actor("u1-a"),
            world.clock.now,
        )
    )
    await take(world, reply("u1-a", source, "3 出差", said_at))
    assert await names(world, document_id) == [("王芳", "attend", "", "")]
    assert [one.refused for one in await listed(world, document_id)] == ["reply_superseded"]
    await answer(world, "u1-a", source, "3 出差")
    assert len(await names(world, document_id)) == 2


async def test_what_lacks_parts_is_not_applied(world: World) -> None:
    """A name may have been cut: the reply is shown as incomplete."""
    document_id, source = await asked(world)
    await answer(world, "u1-a", source, "2 李……", complete=False)
    assert await names(world, document_id) == []
    assert [(one.refused, one.complete) for one in await listed(world, document_id)] == [
        ("reply_incomplete", False)
    ]


def part(number: int, at: int) -> NewPart:
    """One of two parts of a long reply."""
    content = bytes([5, 0, 3, 7, 2, number, 65])
    return NewPart(
        channel=CHANNEL,
        number="13800138000",
        source=ACCESS,
        content=content,
        coding="gsm",
        header=True,
        received_at=at,
    )


async def test_parts_are_kept_once(world: World) -> None:
    """The same part twice is one row; what was taken is not handed in again, and is forgotten in time."""
    vault, now = world.store.keys.phones, world.clock.now
    parts = [part(n, now + n) for n in (1, 2)]
    kept = await world.write(reply_parts.keep_parts([*parts, parts[0]], vault))
    assert kept[2] is None
    waiting = await world.read(reply_parts.waiting_parts(vault))
    assert [(one.id, one.number, one.received_at) for one in waiting] == [
        (kept[0], "13800138000", now + 1),
        (kept[1], "13800138000", now + 2),
    ]
    ids = tuple(one.id for one in waiting)
    await take(world, reply("13800138000", ACCESS, "AA", 0, parts=ids))
    assert await world.read(reply_parts.waiting_parts(vault)) == []
    assert [one.received_at for one in await unmatched(world)] == [now + 2]
    assert await world.write(reply_parts.keep_parts(parts, vault)) == [None, None]
    await world.write(reply_parts.forget_parts(now + 1))
    assert None not in await world.write(reply_parts.keep_parts(parts, vault))


async def test_a_fault_of_our_own_loses_no_reply(world: World) -> None:
    """What could not be taken is kept as it is, and listed."""
    vault = world.store.keys.phones
    told = reply("u1-a", ACCESS, "1", world.clock.now)
    await world.write(sms_replies.keep_unread([told], vault, world.clock.now))
    assert [(one.text, one.refused) for one in await unmatched(world)] == [("1", "reply_unread")]


async def test_nobody_answers_a_meeting_that_was_taken_back(world: World) -> None:
    """A personal answer to a recalled notice is refused, as a unit's is."""
    document_id, _ = await called(world, ("U1",), personal=True)
    await world.recall(document_id)
    fact = meetings.answer_personally(
        document_id, world.units["U1"], "yes", "", world.actor("u1-a"), world.clock.now
    )
    with pytest.raises(Refused, match="already_recalled"):
        await world.write(fact)


SAID = st.tuples(
    st.sampled_from(["u1-a", "u1-b", "u1-lead"]),
    st.integers(1, 30),
    st.sampled_from(["1", "2 李强", "3 出差", "3", "你好", "T"]),
)


@given(said=st.lists(SAID, min_size=1, max_size=5), data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_and_any_repetition_end_alike(
    said: list[tuple[str, int, str]], data: st.DataObject
) -> None:
    """The same replies, shuffled, repeated and parted into other batches: the same list, the same rows."""
    shuffled = data.draw(st.permutations(said + data.draw(st.lists(st.sampled_from(said), max_size=4))))
    cut = data.draw(st.integers(0, len(shuffled)))
    batches = [shuffled[:cut], *([one] for one in shuffled[cut:])]
    assert asyncio.run(_history([sorted(said, key=lambda one: one[1:])])) == asyncio.run(_history(batches))


async def _history(batches: list[list[tuple[str, int, str]]]) -> object:
    """What these replies lead to: rows and the unit's list."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        async with VARIANTS["embedded"](Path(folder), clock) as store:
            world = await World.of(store, clock)
            document_id, source = await asked(world)
            begun = clock.now
            clock.forward(HOUR)
            for batch in batches:
                await take(world, *(reply(who, source, text, begun + at * MINUTE) for who, at, text in batch))
            rows = [
                (one.phone, one.text, one.received_at, one.said_at, one.meaning, one.refused, one.why)
                for one in await listed(world, document_id)
            ]
            return sorted(rows), await names(world, document_id)
