"""Facts of urging (催办): the steps of the ladder that are due, and urges by hand; each recorded with whom it told and how.

Everything that decides is looked at in the transaction that acts: a copy that was signed for or handled meanwhile is not
urged. A timer is a row of ``watch``; it is taken once, whatever the clock does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from inbox_store.engine import Audit, Changed, Many, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.messages import NewAlert
from inbox_store.nouns import LEADER_ROLES, Noun
from inbox_store.programs import lights, pushes, sms
from inbox_store.programs.copies import Actor
from inbox_store.programs.entries import find_entry, give_entry
from inbox_store.states import PENDING
from inbox_store.urging import Matter, Move, Part, Rung, UnitPerson, Urger


class UrgeRow(Noun, frozen=True, kw_only=True):
    """One urge as it is recorded. ``by_name`` is empty for the ladder's; ``at`` UTC microseconds."""

    id: int
    duty: str
    document_id: int
    unit_id: int
    number: int
    rung: str
    by_person: int
    by_name: str
    payer_unit_id: int
    at: int
    told: tuple[Told, ...] = ()


class Told(Noun, frozen=True):
    """Whom an urge told: by which channels it was asked for, and where a short message of it stands ("" without one)."""

    person_id: int
    name: str
    asked: str
    sms: str


class Asked(Noun, frozen=True, kw_only=True):
    """An urge by hand. ``payer_unit_id``: whose use its messages are: the sender's unit, or the supervisor's (C4)."""

    document_id: int
    by: Actor
    payer_unit_id: int
    rung: Rung
    sms: bool


class Urged(Noun, frozen=True, kw_only=True):
    """What became of an urge by hand to one unit: its number, or why not (``again_at`` when it was too soon)."""

    unit_id: int
    duty: str = ""
    number: int = 0
    persons: int = 0
    refused: str = ""
    again_at: int = 0


# Who is there, and how they are told -----------------------------------------------------------------------------------


def people_of(unit_id: int, now: int) -> Program[tuple[UnitPerson, ...]]:
    """Whoever can be addressed in the unit now, agents with what they are for the absent."""
    found: dict[int, list[Row]] = {}
    for row in (yield Sql("unit_people", {"unit_id": unit_id, "now": now})):
        found.setdefault(row[0], []).append(row)
    return tuple(
        UnitPerson(
            person_id=person_id,
            ranks=frozenset(rank for _, role, rank, _ in rows if role == "clerk"),
            leads=frozenset(role for _, role, _, _ in rows if role in LEADER_ROLES),
            for_persons=frozenset(absent for *_, absent in rows if absent),
        )
        for person_id, rows in found.items()
    )


def order_persons(
    alert_id: int, persons: Sequence[tuple[int, int]], now: int, *, part: Part, sms_too: bool
) -> Program[int]:
    """Record whom the alert tells, (person, unit): in the inbox, on the person's devices, by short message where it is asked for.

    A person told before by the same alert is told once (C8). Returns how many messages were ordered.
    """
    ordered = 0
    for person_id, unit_id in persons:
        key = {"alert_id": alert_id, "person_id": person_id, "unit_id": unit_id}
        by_push = yield from pushes.order_persons(alert_id, [person_id], now)
        by_sms = 0
        if sms_too:
            ((by_sms,),) = yield Sql("sms_order_person", {**key, "now": now})
        asked = ("inbox", *(["push"] if by_push > 0 else ()), *(["sms"] if by_sms > 0 else ()))
        yield Sql("alert_person_add", {**key, "part": part, "asked": ",".join(asked)})
        ordered += max(by_sms, 0)
    return ordered


def wake(matter: Matter, person_id: int, *, duty: bool) -> Program[None]:
    """The document lies before the person, live clients are told. ``duty``: it is the person's own to do."""
    entry = yield from find_entry(person_id, matter.document_id)
    if entry is not None and entry.state in PENDING:
        yield Changed(person_id, entry.send_no)
        return
    state = "to_do" if duty else "to_read"
    send_no = yield from give_entry(person_id, matter.document_id, matter.folder, state)
    yield Changed(person_id, send_no)


def _has_duty(matter: Matter, person: UnitPerson) -> bool:
    if matter.duty == "handle":
        return matter.handler_id in (person.person_id, *person.for_persons)
    return matter.duty == "sign" and bool(person.ranks)


# One urge --------------------------------------------------------------------------------------------------------------


class _Urge(Noun, frozen=True, kw_only=True):
    """One urge to be recorded; ``step`` None: by hand."""

    rungs: tuple[Rung, ...]
    step: int | None
    by: Actor | None
    payer_unit_id: int
    sms: bool


def _urge(matter: Matter, told: _Urge, alert: NewAlert, urger: Urger, now: int) -> Program[Urged | None]:
    """Record an urge, tell its persons. None where this step of the ladder was taken already."""
    key = {"document_id": matter.document_id, "unit_id": matter.unit_id, "duty": matter.duty}
    which = {"copy_round": matter.copy_round, "step": told.step}
    ((last, taken),) = yield Sql("urge_number", {**key, **which})
    if taken and told.step is not None:
        return None
    people = yield from people_of(matter.unit_id, now)
    wanted = {one for rung in told.rungs for one in urger.whom(rung, people, matter.handler_id)}
    number, by_person = last + 1, told.by.person_id if told.by else 0
    whose = {"unit_id": told.payer_unit_id, "document_id": matter.document_id, "round": number}
    alert_id = yield from sms.add_alert(replace(alert, **whose), by_person, now)
    pairs = [(one, matter.unit_id) for one in sorted(wanted)]
    messages = yield from order_persons(alert_id, pairs, now, part="unit", sms_too=told.sms)
    row = {**key, **which, "number": number, "rung": told.rungs[-1], "by_person": by_person, "now": now}
    yield Sql("urge_add", {**row, "payer_unit_id": told.payer_unit_id, "alert_id": alert_id})
    for one in people:
        if one.person_id in wanted:
            yield from wake(matter, one.person_id, duty=_has_duty(matter, one))
    yield _trace(matter, told, number, sorted(wanted), messages)
    return Urged(unit_id=matter.unit_id, duty=matter.duty, number=number, persons=len(wanted))


def _trace(matter: Matter, told: _Urge, number: int, persons: Sequence[int], messages: int) -> Audit:
    detail = {
        "unit": matter.unit_id,
        "duty": matter.duty,
        "number": number,
        "rung": told.rungs[-1],
        "persons": list(persons),
        "messages": messages,
        "payer_unit": told.payer_unit_id,
    }
    return Audit(
        action="document.urge",
        actor=told.by.person_id if told.by else 0,
        subject=f"document:{matter.document_id}",
        detail=detail,
        origin=told.by.origin if told.by else "",
    )


# By the ladder ---------------------------------------------------------------------------------------------------------


def advance(urger: Urger, now: int, limit: int) -> Program[int]:
    """Take what is due of up to ``limit`` watched duties: urges, lights, the next instant. Returns how many were looked at.

    A row is looked at when its time has come and at no other: one that waits is not read.
    """
    matters = [Matter(*row) for row in (yield Sql("matters_due", {"now": now, "limit": limit}))]
    later: list[Mapping[str, object]] = []
    done: list[Mapping[str, object]] = []
    for matter in matters:
        move = urger.move(matter, now)
        yield from _take(matter, move, urger, now)
        key = {"duty": matter.duty, "document_id": matter.document_id, "unit_id": matter.unit_id}
        if move.next_at is None:
            done.append(key)
        else:
            later.append({**key, "next_at": move.next_at, "reached": move.step})
    yield Many("watch_next", later)
    yield Many("watch_done", done)
    return len(matters)


def _take(matter: Matter, move: Move, urger: Urger, now: int) -> Program[None]:
    if move.rungs:
        # The ladder's own urges are the use of the unit whose document it is (C4).
        told = _Urge(
            rungs=move.rungs,
            step=move.step,
            by=None,
            payer_unit_id=matter.sender_unit_id,
            # Whoever hears of a red light at the same moment needs no second message.
            sms=urger.sms(matter) and not move.red,
        )
        yield from _urge(matter, told, urger.urge_alert(matter, now), urger, now)
    if move.amber or move.red:
        yield from lights.on(matter, now, red=move.red)
    if move.red:
        yield from _tell_red(matter, urger, now)


_RED: tuple[Rung, ...] = ("handler", "clerks", "leader")
"""Whom in the unit a red light is told to."""


def _tell_red(matter: Matter, urger: Urger, now: int) -> Program[None]:
    """A red light is told to the unit's people and to the supervising organ one level up (F15, L27)."""
    above = urger.supervisor(matter.unit_id, (yield from lights.supervising(now)))
    if not (yield from lights.hand_up(matter, above, now)):
        return
    people = yield from people_of(matter.unit_id, now)
    own = {one for rung in _RED for one in urger.whom(rung, people, matter.handler_id)}
    alert = urger.red_alert(matter, now)
    whose = {"unit_id": matter.sender_unit_id, "document_id": matter.document_id}
    alert_id = yield from sms.add_alert(replace(alert, **whose), 0, now)
    sms_too = urger.sms(matter)
    pairs = [(one, matter.unit_id) for one in sorted(own)]
    yield from order_persons(alert_id, pairs, now, part="unit", sms_too=sms_too)
    for one in people:
        if one.person_id in own:
            yield from wake(matter, one.person_id, duty=_has_duty(matter, one))
    if above is not None:
        told = yield from lights.lay_before(matter.document_id, above, now)
        yield from order_persons(
            alert_id, [(one, above) for one in told], now, part="supervisor", sms_too=sms_too
        )


# By hand ---------------------------------------------------------------------------------------------------------------

Wait = Callable[[int | None, int], int | None]
"""When a unit may be urged by hand again, given the last time it was and now; None: at once."""


def units_after(document_id: int, after: int, limit: int) -> Program[tuple[int, ...]]:
    """Units above the id ``after`` that may owe something of the document still."""
    rows = yield Sql("urge_units", {"document_id": document_id, "after": after, "limit": limit})
    return tuple(row[0] for row in rows)


def urge_units(
    asked: Asked, units: Sequence[int], urger: Urger, wait: Wait, now: int
) -> Program[tuple[Urged, ...]]:
    """Urge each of the units by hand, about what comes first of what it owes: sign-for, answer, handling.

    Nothing owed is ``nothing_to_urge``; a unit that was urged by hand a moment ago is ``urged_lately``, whoever did it.
    """
    told = {"document_id": asked.document_id, "units": json.dumps(units)}
    owed: dict[int, Matter] = {}
    for row in (yield Sql("matters_of", told)):
        matter = Matter(*row)
        if matter.open:
            owed.setdefault(matter.unit_id, matter)
    found = []
    for unit_id in units:
        matter_or_none = owed.get(unit_id)
        if matter_or_none is None:
            found.append(Urged(unit_id=unit_id, refused="nothing_to_urge"))
            continue
        found.append((yield from _urge_by_hand(asked, matter_or_none, urger, wait, now)))
    return tuple(found)


def _urge_by_hand(asked: Asked, matter: Matter, urger: Urger, wait: Wait, now: int) -> Program[Urged]:
    key = {"document_id": matter.document_id, "unit_id": matter.unit_id}
    ((last_at,),) = yield Sql("urge_by_hand_last", key)
    again_at = wait(last_at, now)
    if again_at is not None:
        return Urged(unit_id=matter.unit_id, refused="urged_lately", again_at=again_at)
    rungs: tuple[Rung, ...] = (
        ("handler",) if matter.duty == "handle" and asked.rung == "clerks" else (asked.rung,)
    )
    told = _Urge(rungs=rungs, step=None, by=asked.by, payer_unit_id=asked.payer_unit_id, sms=asked.sms)
    done = yield from _urge(matter, told, urger.urge_alert(matter, now), urger, now)
    return done or Urged(unit_id=matter.unit_id, refused="nothing_to_urge")


def urge_one(asked: Asked, unit_id: int, urger: Urger, wait: Wait, now: int) -> Program[Urged]:
    """Urge one unit by hand. Raises Refused: nothing_to_urge, urged_lately with when it may be done again."""
    (told,) = yield from urge_units(asked, [unit_id], urger, wait, now)
    if told.refused == "urged_lately":
        raise Refused("urged_lately", again_at=told.again_at)
    if told.refused:
        raise Refused("nothing_to_urge", document=asked.document_id, unit=unit_id)
    return told


def urges(document_id: int, after: int, limit: int) -> Program[tuple[UrgeRow, ...]]:
    """The urges of a document in order above the id ``after``, each with whom it told."""
    rows = yield Sql("urges_of", {"document_id": document_id, "after": after, "limit": limit})
    told: dict[int, list[Told]] = {}
    for urge_id, *more in (yield Sql("urged_people", {"urges": json.dumps([row[0] for row in rows])})):
        told.setdefault(urge_id, []).append(Told(*more))
    names = UrgeRow.__struct_fields__[:-1]
    return tuple(
        UrgeRow(**dict(zip(names, row, strict=True)), told=tuple(told.get(row[0], ()))) for row in rows
    )
