"""Short messages: who gets one, what may leave, what is charged, and that reports in any order end alike."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from inbox_store.embedded import FILE
from inbox_store.errors import Refused
from inbox_store.keys import mask
from inbox_store.ledger import ChargeLine
from inbox_store.messages import (
    Accepted,
    Answered,
    Claiming,
    Decide,
    Decision,
    Facts,
    Go,
    Leaving,
    NewAlert,
    Reported,
    Stop,
    Wait,
)
from inbox_store.programs import ledger, sms, sms_figures, trace
from inbox_store.times import DAY_US, day_at
from tests.inbox_store.world import HOUR, World, rows_of

CHANNEL = "mobile-1"
ROUTE = "mobile"


def go(_facts: Facts, segments: int = 1) -> Decision:
    """Whatever waits may leave."""
    return Go(segments=segments, source="10657333900112")


def price(segment: Accepted) -> ChargeLine:
    """Fifty li for each segment, paid by the originator's county."""
    return ChargeLine(
        alert_id=segment.alert_id,
        alert_kind=segment.kind,
        purpose="document",
        round=segment.round,
        document_id=segment.document_id,
        unit_id=segment.unit_id,
        region_id=segment.region_id,
        person_id=segment.person_id,
        to_unit_id=segment.to_unit_id,
        to_region_id=segment.to_region_id,
        phone=mask("13800138000"),
        channel=segment.channel,
        message_id=segment.message_id,
        segment_no=segment.segment_no,
        acceptance_no=segment.acceptance_no,
        segments=1,
        price_li=50,
        amount_li=50,
        payer_id=segment.region_id,
        accepted_at=segment.accepted_at,
        month=day_at(segment.accepted_at) // 100,
        policy="originator/2018-04-01",
    )


async def told(world: World, units: Sequence[str] = ("U1", "U2", "U3", "U4"), segments: int = 1) -> int:
    """An alert about a dispatch to these units, its orders made and routed; gives its id."""
    submitted = await world.submit(units)
    alert = NewAlert(
        kind="arrival",
        unit_id=world.units["S0"],
        text="【送达】您有1份公文待签收",
        segments=segments,
        urgency="ordinary",
        priority=2,
        expires_at=world.clock.now + DAY_US,
        document_id=submitted.document_id,
        dispatch_id=submitted.dispatch_id,
    )
    alert_id = await world.write(sms.add_alert(alert, 0, world.clock.now))
    await world.write(sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, world.clock.now))
    people = await world.read(sms.unrouted(100))
    await world.write(sms.set_routes([(person, ROUTE) for person, _, _ in people], world.clock.now))
    return alert_id


async def claim(world: World, free: int = 100, decide: Decide = go) -> list[Leaving]:
    """What may leave now."""
    return await world.write(
        sms.claim(Claiming(channel=CHANNEL, routes=(ROUTE,), free=free), decide, world.clock.now)
    )


def answer(world: World, attempt_id: int, outcome: str = "accepted", again_at: int = 0) -> Answered:
    """The carrier's answer to an attempt, under an id made of it."""
    message_id = f"m{attempt_id}" if outcome == "accepted" else ""
    return Answered(
        attempt_id=attempt_id,
        outcome=outcome,  # type: ignore[arg-type]
        message_id=message_id,
        at=world.clock.now,
        again_at=again_at,
        code="1" if outcome == "refused" else "",
    )


async def settle(world: World, answers: Sequence[Answered]) -> None:
    """Keep the answers."""
    await world.write(sms.settling(price)(answers))


def report(world: World, attempt_id: int, state: str = "delivered", **changes: object) -> Reported:
    """The carrier's report about an attempt."""
    stat = {"delivered": "DELIVRD", "failed": "UNDELIV", "waiting": "ACCEPTD"}[state]
    known: dict[str, object] = {
        "channel": CHANNEL,
        "message_id": f"m{attempt_id}",
        "phone_lookup": b"",
        "state": state,
        "stat": stat,
        "at": world.clock.now,
    }
    return Reported(**{**known, **changes})  # type: ignore[arg-type]


async def states(world: World, alert_id: int) -> dict[str, int]:
    """The alert's orders by state."""
    return {state: n for state, (n, _) in (await world.read(sms_figures.figures(alert_id))).items()}


async def lines(world: World) -> list[tuple[int, int, int]]:
    """(person, segment, acceptance) of every line of the ledger."""
    rows = await world.read(rows_of("ledger_rows", low=0, high=2**60))
    at = ("commit_no", "no", *ChargeLine.__struct_fields__)
    wanted = [at.index(name) for name in ("person_id", "segment_no", "acceptance_no")]
    return sorted(tuple(row[one] for one in wanted) for row in rows)


async def test_each_addressed_person_gets_one_order(world: World) -> None:
    """Clerks and addressed leaders with a number, once each whatever their posts; a second time nothing is added (C8)."""
    alert_id = await told(world, ["U1", "U2", "U3", "U4"])
    addressed = {
        "u1-a",
        "u1-b",
        "u1-lead",
        "mixed",
        "u2-a",
        "s0-b",
        "u2-lead",
        "both",
        "u3-b",
        "u3-lead",
        "u4-a",
        "u4-lead",
    }
    assert await states(world, alert_id) == {"waiting": len(addressed)}
    assert await world.write(sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, world.clock.now)) == 0
    leaving = await claim(world)
    assert {one.facts.person_id for one in leaving} == {world.people[code] for code in addressed}


async def test_what_is_accepted_is_charged_once(world: World) -> None:
    """One line for each accepted segment, none for a refused one; the same answer again charges nothing more."""
    alert_id = await told(world, ["U1"])
    leaving = await claim(world)
    answers = [answer(world, one.attempts[0][1]) for one in leaving]
    answers[0] = answer(world, answers[0].attempt_id, "refused")
    await settle(world, answers)
    await settle(world, answers)
    assert await states(world, alert_id) == {"accepted": len(leaving) - 1, "failed": 1}
    assert len(await lines(world)) == len(leaving) - 1
    month = day_at(world.clock.now) // 100
    (told_sum,) = await world.read(ledger.sums(month, month))
    n = len(leaving) - 1
    assert (told_sum.messages, told_sum.segments, told_sum.amount_li) == (n, n, 50 * n)
    assert (await world.read(trace.verify())).faults == ()


async def test_a_line_of_the_ledger_cannot_be_changed(world: World, tmp_path: Path) -> None:
    """The database refuses; a line changed behind its back is named."""
    await told(world, ["U1"])
    leaving = await claim(world)
    await settle(world, [answer(world, leaving[0].attempts[0][1])])
    with closing(sqlite3.connect(tmp_path / FILE)) as conn:
        for statement in ("update charge_line set amount_li = 0", "delete from charge_line"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                conn.execute(statement)
        conn.execute("drop trigger charge_line_no_update")
        conn.execute("update charge_line set amount_li = 0")
        conn.commit()
    assert any("计费行被改动" in fault for fault in (await world.read(trace.verify())).faults)


async def test_a_month_is_closed_once(world: World) -> None:
    """After its end and the months before it; then its lines are fixed, and a later line goes to the month that is open."""
    await told(world, ["U1"])
    leaving = await claim(world)
    *first, last = [answer(world, one.attempts[0][1]) for one in leaving]
    await settle(world, first)
    month = day_at(world.clock.now) // 100

    async def close(wanted: int) -> ledger.ClosedMonth:
        return await world.write(ledger.close_month(wanted, 1, "10.0.0.9", world.clock.now))

    with pytest.raises(Refused, match="month_not_over"):
        await close(month)
    world.clock.forward(62 * DAY_US)
    with pytest.raises(Refused, match="month_before_open"):
        await close(month + 1)
    closed = await close(month)
    assert (closed.lines, closed.segments, closed.amount_li) == (3, 3, 150)
    # Whoever has not heard of the close is stopped by the database itself.
    with pytest.raises(sqlite3.IntegrityError, match="the month is closed"):
        await settle(world, [last])
    with pytest.raises(Refused, match="month_closed"):
        await close(month)
    assert await world.read(ledger.inconsistencies()) == []
    assert await world.read(ledger.open_month(world.clock.now - 62 * DAY_US)) == month + 1


async def test_a_changed_sum_is_named(world: World, tmp_path: Path) -> None:
    """A sum that is not what its lines add up to is told, and its month cannot be closed."""
    await told(world, ["U1"])
    leaving = await claim(world)
    await settle(world, [answer(world, leaving[0].attempts[0][1])])
    with closing(sqlite3.connect(tmp_path / FILE)) as conn:
        conn.execute("update charge_sum set amount_li = amount_li - 10")
        conn.commit()
    assert len(await world.read(ledger.inconsistencies())) == 1
    month = day_at(world.clock.now) // 100
    world.clock.forward(31 * DAY_US)
    with pytest.raises(Refused, match="ledger_differs"):
        await world.write(ledger.close_month(month, 1, "", world.clock.now))


async def test_the_segments_of_a_message(world: World) -> None:
    """All of them leave together, also where fewer are free; what was returned is sent again, and only that."""
    alert_id = await told(world, ["U1"], segments=3)
    (one,) = await claim(world, 2, lambda facts: go(facts, 3))
    assert [number for number, _ in one.attempts] == [1, 2, 3]
    ids = [attempt_id for _, attempt_id in one.attempts]
    later = world.clock.now + 1_000_000
    await settle(
        world, [answer(world, ids[0]), answer(world, ids[1], "returned", later), answer(world, ids[2])]
    )
    assert (await states(world, alert_id))["waiting"] == 4
    world.clock.forward(2_000_000)
    (again,) = [told for told in await claim(world, 100, lambda facts: go(facts, 3)) if told.facts.tries]
    assert [number for number, _ in again.attempts] == [2]
    await settle(world, [answer(world, again.attempts[0][1])])
    assert [row[1:] for row in await lines(world)] == [(1, 1), (2, 1), (3, 1)]


async def test_no_answer_is_doubt(world: World) -> None:
    """After a crash what was handed over is in doubt: not sent again, not charged, until a report proves it."""
    alert_id = await told(world, ["U1"])
    leaving = await claim(world)
    assert await world.write(sms.in_doubt(world.clock.now)) == len(leaving)
    assert await states(world, alert_id) == {"in_doubt": len(leaving)}
    assert await claim(world) == []
    assert await lines(world) == []
    # The answer was lost on the way, but the id was seen: a late answer settles it, charged once.
    await settle(world, [answer(world, leaving[0].attempts[0][1])])
    assert (await states(world, alert_id))["accepted"] == 1
    assert len(await lines(world)) == 1


@pytest.mark.parametrize(
    "order", list(itertools.permutations(("answer", "waiting", "delivered", "delivered")))
)
async def test_reports_in_any_order_end_alike(world: World, order: tuple[str, ...]) -> None:
    """Before the answer, twice, the intermediate last: delivered, charged once (I6)."""
    alert_id = await told(world, ["U4"])
    (first, *_) = await claim(world, 1)
    attempt_id = first.attempts[0][1]
    for event in order:
        if event == "answer":
            await settle(world, [answer(world, attempt_id)])
        else:
            await world.write(sms.reporting(price)([report(world, attempt_id, event)]))
    assert (await states(world, alert_id))["delivered"] == 1
    assert len(await lines(world)) == 1


async def test_a_final_report_stands(world: World) -> None:
    """What was delivered is not undone by a failure that comes later, nor the other way round."""
    alert_id = await told(world, ["U1"])
    leaving = await claim(world, 2)
    ids = [one.attempts[0][1] for one in leaving]
    await settle(world, [answer(world, one) for one in ids])
    for pair in (("delivered", "failed"), ("failed", "delivered")):
        reports = [report(world, attempt_id, state) for attempt_id, state in zip(ids, pair, strict=True)]
        assert await world.write(sms.reporting(price)(reports)) == [True, True]
    found = await states(world, alert_id)
    assert (found["delivered"], found["failed"]) == (1, 1)


async def test_silence_of_72_hours(world: World) -> None:
    """Accepted and unreported: told so with its cost; a report that comes after all still counts."""
    alert_id = await told(world, ["U1"])
    (one,) = await claim(world, 1)
    await settle(world, [answer(world, one.attempts[0][1])])
    world.clock.forward(72 * HOUR - 1)
    assert await world.write(sms.unreported(world.clock.now, 100)) == 0
    world.clock.forward(1)
    assert await world.write(sms.unreported(world.clock.now, 100)) == 1
    assert await world.write(sms.unreported(world.clock.now, 100)) == 0
    assert (await states(world, alert_id))["unreported"] == 1
    await world.write(sms.reporting(price)([report(world, one.attempts[0][1])]))
    assert (await states(world, alert_id))["delivered"] == 1


async def test_what_may_not_leave(world: World) -> None:
    """Decided when it would leave: it waits, is suppressed or has expired, with its reason; nothing is charged."""
    alert_id = await told(world, ["U1"])
    now = world.clock.now
    assert await claim(world, 100, lambda _: Wait(until=now + HOUR, reason="quiet_hours")) == []
    assert await claim(world) == []
    world.clock.forward(HOUR)
    assert await claim(world, 100, lambda _: Stop(state="suppressed", reason="switched_off")) == []
    assert set(await states(world, alert_id)) == {"suppressed"}
    assert await lines(world) == []


async def test_three_permanent_failures_mark_a_number(world: World) -> None:
    """In a row: a delivery between them begins anew (F19)."""
    bad = []
    for outcome in ("failed", "failed", "delivered", "failed", "failed", "failed"):
        await told(world, ["U1"])
        (one, *_) = await claim(world)
        bad.append(one.facts.bad)
        await settle(world, [answer(world, one.attempts[0][1])])
        told_by_carrier = report(world, one.attempts[0][1], outcome, permanent=outcome == "failed")
        await world.write(sms.reporting(price)([told_by_carrier]))
        # The others of this alert are settled too, so that the next claim begins with the same person.
    await told(world, ["U1"])
    (one, *_) = await claim(world)
    assert [*bad, one.facts.bad] == [0, 0, 0, 0, 0, 0, 1]
