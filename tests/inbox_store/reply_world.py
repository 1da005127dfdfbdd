"""A meeting that is asked about by short message, and what the phones answer."""

from __future__ import annotations

from typing import Any

from inbox_store.engine import Engine
from inbox_store.messages import Answered, Claiming, Go, NewAlert
from inbox_store.nouns import MeetingForm
from inbox_store.programs import dispatch, meetings, sms
from inbox_store.programs.sms_replies import NewReply
from inbox_store.times import DAY_US
from tests.inbox_store.small_city import ROWS
from tests.inbox_store.world import World, rows_of

CHANNEL, ROUTE = "mobile-1", "mobile"
ACCESS = "10657333"
PHONES = {person.code: person.phone or "" for person in ROWS.people}
UNIT_COLUMNS = ("name", "mode", "for_person", "reason")


async def sent_by_sms(
    engine: Engine, alert: NewAlert, now: int, digits: int = 4, outcome: str = "accepted"
) -> str:
    """The alert's messages leave; gives the source they show: the access number and so many digits of the alert."""
    alert_id = await engine.write(sms.add_alert(alert, 0, now))
    await engine.write(sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, now))
    people = await engine.read(sms.unrouted(1_000))
    await engine.write(sms.set_routes([(person, ROUTE) for person, _, _ in people], now))
    source = ACCESS + (f"{alert_id % 10**digits:0{digits}d}" if digits else "")
    who = Claiming(channel=CHANNEL, routes=(ROUTE,), free=1_000)
    leaving = await engine.write(sms.claim(who, lambda _: Go(segments=1, source=source), now))
    answers = [
        Answered(attempt_id=attempt, outcome=outcome, message_id=f"m{attempt}", at=now)  # type: ignore[arg-type]
        for one in leaving
        for _, attempt in one.attempts
    ]
    if answers:
        await engine.write(sms.settling(lambda _: None)(answers))
    return source


async def called(world: World, units: tuple[str, ...], **form: Any) -> tuple[int, int]:  # noqa: ANN401 - fields by name
    """A meeting notice to these units, fanned out: (document, dispatch)."""
    now = world.clock.now
    told = {"seats": 2, "place": "三楼", "starts_at": now + 2 * DAY_US, "reply_due_at": now + DAY_US, **form}
    paper = world.document(kind="meeting_notice")
    fact = dispatch.submit(
        paper, MeetingForm(**told), world.plan(units), world.people["s0-a"], "", "云水市政府办公室", now
    )
    submitted = await world.write(fact)
    await world.fan_out(submitted.dispatch_id)
    return submitted.document_id, submitted.dispatch_id


async def asked(
    world: World,
    units: tuple[str, ...] = ("U1",),
    *,
    digits: int = 4,
    outcome: str = "accepted",
    **form: Any,  # noqa: ANN401
) -> tuple[int, str]:
    """A meeting that was asked about by short message: (document, source)."""
    document_id, dispatch_id = await called(world, units, **form)
    alert = alert_of(world, document_id, dispatch_id)
    return document_id, await sent_by_sms(world.store.engine, alert, world.clock.now, digits, outcome)


def alert_of(world: World, document_id: int, dispatch_id: int, kind: str = "arrival") -> NewAlert:
    """An alert about a document of the sending office."""
    return NewAlert(
        kind=kind,
        unit_id=world.units["S0"],
        text="【送达】您有1份会议通知待签收。回复1参会，2加姓名代会，3加原因请假。",
        segments=1,
        urgency="ordinary",
        priority=2,
        expires_at=world.clock.now + DAY_US,
        document_id=document_id,
        dispatch_id=dispatch_id,
        round=9,
    )


def reply(who: str, source: str, text: str, at: int, **more: Any) -> NewReply:  # noqa: ANN401 - fields by name
    """What a person (or a number) answers."""
    return NewReply(
        channel=CHANNEL, number=PHONES.get(who, who), source=source, text=text, received_at=at, **more
    )


async def names(world: World, document_id: int) -> list[tuple[str, ...]]:
    """The lines of every unit's list: who, how, for whom, why."""
    facts = await world.read(meetings.roster_facts(document_id, world.store.keys.phones))
    return sorted(
        tuple(getattr(line, name) for name in UNIT_COLUMNS)
        for unit in facts.answers
        for line in unit.attendees
    )


async def persons(world: World, document_id: int) -> list[tuple[str, str, str]]:
    """The personal answers: who, what, why."""
    facts = await world.read(meetings.roster_facts(document_id, world.store.keys.phones))
    return [(name, said, reason) for _, name, said, reason, _ in facts.personal]


async def name_of(world: World, code: str) -> str:
    """The person's name."""
    person_id = world.people[code]
    ((_, name),) = await world.read(rows_of("person_names", ids=f"[{person_id}]"))
    return str(name)
