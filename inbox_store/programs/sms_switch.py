"""A county's short messages are switched off and on: applied for, decided by a second person, effective from an instant (P66).

What may leave asks for the standing of the county at the moment of leaving (``sms_due``); nothing is credited backwards,
and switching on again is the same procedure (sms-charges 4.4).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.programs.copies import Actor
from inbox_store.programs.sms import LEAVES_WITHIN_US
from inbox_store.times import day_of, day_start

OnOff = Literal["off", "on"]
SwitchState = Literal["open", "approved", "rejected"]


class SwitchWish(Noun, frozen=True, kw_only=True):
    """What a county asks for; ``letter_no`` is the number of its letter, ``wanted_at`` the first instant of the day wished."""

    county_id: int
    letter_no: str
    on_or_off: OnOff
    wanted_at: int | None = None


class SmsSwitch(Noun, frozen=True):
    """One application with its decision; columns in the order of ``switch_one``. ``from_at``: effective, once approved."""

    id: int
    county_id: int
    county: str
    letter_no: str
    on_or_off: OnOff
    applied_by: int
    applicant: str
    applied_at: int
    wanted_at: int | None
    decided_by: int | None
    decider: str
    decided_at: int | None
    approved: int | None
    from_at: int | None
    note: str

    @property
    def state(self) -> SwitchState:
        """How far it has come."""
        if self.decided_at is None:
            return "open"
        return "approved" if self.approved else "rejected"


class Ruling(Noun, frozen=True, kw_only=True):
    """The decision: ``from_at`` None takes the wished day, at the earliest the next midnight."""

    approve: bool
    from_at: int | None = None
    note: str = ""


class SwitchStanding(Noun, frozen=True):
    """A county at an instant: as it stands since when, what follows when, and its open application if there is one."""

    county_id: int
    code: str
    county: str
    on_or_off: OnOff
    since: int | None
    next: OnOff | None
    next_at: int | None
    open_id: int | None


class Suppressed(Noun, frozen=True, kw_only=True):
    """What a switch-off kept from leaving in a month (yyyymm), with the segments it would have had."""

    county_id: int
    month: int
    messages: int
    segments: int


def apply(wish: SwitchWish, by: Actor, now: int) -> Program[SmsSwitch]:
    """Keep a county's application. Raises Refused: not_found, switch_open, switch_same, switch_past."""
    if not (yield Sql("switch_county", {"county_id": wish.county_id})):
        raise Refused("not_found", what="county", id=wish.county_id)
    if (yield Sql("switch_open", {"county_id": wish.county_id})):
        raise Refused("switch_open")
    last, _ = yield from _planned(wish.county_id)
    if last == wish.on_or_off:
        raise Refused("switch_same")
    if wish.wanted_at is not None and wish.wanted_at < day_start(day_of(now)):
        raise Refused("switch_past")
    told = {name: getattr(wish, name) for name in SwitchWish.__struct_fields__}
    ((switch_id,),) = yield Sql("switch_add", {**told, "actor": by.person_id, "now": now})
    detail = {"switch": switch_id, "letter_no": wish.letter_no, "on_or_off": wish.on_or_off}
    yield _audit("sms_switch.apply", by, wish.county_id, {**detail, "wanted_at": wish.wanted_at})
    return (yield from one(switch_id))


def _audit(action: str, by: Actor, county_id: int, detail: dict[str, object]) -> Audit:
    subject = f"region:{county_id}"
    return Audit(action=action, actor=by.person_id, subject=subject, detail=detail, origin=by.origin)


def _planned(county_id: int) -> Program[tuple[OnOff, int]]:
    """What holds in the end, and from when; a county nobody ever switched is on."""
    rows = yield Sql("switch_planned", {"county_id": county_id})
    return (rows[0][0], rows[0][1]) if rows else ("on", 0)


def one(switch_id: int) -> Program[SmsSwitch]:
    """One application. Raises Refused("not_found")."""
    rows = yield Sql("switch_one", {"id": switch_id})
    if not rows:
        raise Refused("not_found", what="sms switch", id=switch_id)
    return SmsSwitch(*rows[0])


def decide(switch_id: int, ruling: Ruling, by: Actor, now: int) -> Program[SmsSwitch]:
    """Approve or reject an open application: never by the applicant, never for a time that has passed.

    Raises Refused: not_found, switch_own, switch_decided, switch_past.
    """
    told = yield from one(switch_id)
    if told.applied_by == by.person_id:
        raise Refused("switch_own")
    if told.state != "open":
        raise Refused("switch_decided")
    from_at = (yield from _effective(told, ruling, now)) if ruling.approve else None
    row = {"id": switch_id, "actor": by.person_id, "now": now, "approved": int(ruling.approve)}
    yield Sql("switch_decide", {**row, "from_at": from_at, "note": ruling.note})
    action = "sms_switch.approve" if ruling.approve else "sms_switch.reject"
    detail = {"switch": switch_id, "letter_no": told.letter_no, "on_or_off": told.on_or_off}
    yield _audit(action, by, told.county_id, {**detail, "from_at": from_at, "note": ruling.note})
    return (yield from one(switch_id))


def _effective(told: SmsSwitch, ruling: Ruling, now: int) -> Program[int]:
    """From when it holds. What was approved before for a later time would overrule an earlier instant, unseen."""
    _, last_at = yield from _planned(told.county_id)
    if ruling.from_at is None:
        return max(told.wanted_at or 0, next_midnight(now), last_at)
    if ruling.from_at < max(now, last_at):
        raise Refused("switch_past")
    return ruling.from_at


def next_midnight(now: int) -> int:
    """The first instant of the next day in Asia/Shanghai."""
    return day_start(day_of(now) + timedelta(days=1))


def page(counties: Iterable[int], state: str, before: int, limit: int) -> Program[tuple[SmsSwitch, ...]]:
    """Applications of the counties below the id ``before``, newest first; ``state`` "" for all."""
    told = {"counties": json.dumps(sorted(counties)), "state": state, "before": before, "limit": limit}
    return tuple(SmsSwitch(*row) for row in (yield Sql("switch_page", told)))


def standing(counties: Iterable[int], at: int) -> Program[tuple[SwitchStanding, ...]]:
    """Each of the counties as it stands at ``at``, by code."""
    rows = yield Sql("switch_standing", {"counties": json.dumps(sorted(counties)), "at": at})
    return tuple(SwitchStanding(*row) for row in rows)


def suppressed(
    counties: Iterable[int], months: Sequence[tuple[int, int, int]]
) -> Program[tuple[Suppressed, ...]]:
    """What was suppressed in the counties. ``months``: yyyymm with its first instant and that of the next."""
    found: list[Suppressed] = []
    told = {"counties": json.dumps(sorted(counties)), "ahead": LEAVES_WITHIN_US}
    for month, start, end in months:
        rows: list[Row] = yield Sql("switch_suppressed", {**told, "from_at": start, "to_at": end})
        found += [Suppressed(county_id=row[0], month=month, messages=row[1], segments=row[2]) for row in rows]
    return tuple(sorted(found, key=lambda told: (told.county_id, told.month)))
