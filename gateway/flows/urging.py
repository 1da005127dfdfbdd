"""Urging (催办): the office's rules bound to its calendar and words, the step that runs by itself, urges by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from gateway.flows import alerts
from gateway.house import Act, House
from gateway.rules import urging as rules
from gateway.rules.access import ACTIONS, Principal, permit
from gateway.rules.lights import supervisor_of
from gateway.rules.sms_policy import expires_at, priority_of
from gateway.rules.urging import DUTY_ZH, Step
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.messages import NewAlert
from inbox_store.nouns import URGENCY_ZH
from inbox_store.org import Organisation
from inbox_store.programs import dispatch as dispatches
from inbox_store.programs import urging as programs
from inbox_store.programs import watches
from inbox_store.programs.dispatch import DocumentHead
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.urging import Asked, Urged, UrgeRow
from inbox_store.times import moment
from inbox_store.urging import Duty, Matter, Move, Rung, Supervising, UnitPerson
from push.sms import text as sms_text

MATTERS_PER_STEP = 20
"""Duties looked at in one step: the writer is held a few milliseconds, whatever is due at once."""

UNITS_PER_STEP = 20

UrgeTo = Literal["clerks", "leader"]
"""Whom an urge by hand goes to."""


class OfficeUrger:
    """``inbox_store.urging.Urger``: an office's rules over its calendar, organisation and words, for one step.

    Copies of one document have the same ladder: it is worked out once.
    """

    def __init__(self, house: House, organisation: Organisation, now: int) -> None:
        self._house = house
        self._organisation = organisation
        self._now = now
        self._ladders: dict[tuple[Duty, str, int, int], tuple[Step, ...]] = {}

    def move(self, matter: Matter, now: int) -> Move:
        """What is due about the matter."""
        key = (matter.duty, matter.urgency, matter.sent_at, matter.due_at)
        steps = self._ladders.get(key)
        if steps is None:
            steps = self._ladders[key] = rules.ladder(self._house.urging, matter, self._house.calendar)
        return rules.move(steps, matter, now)

    def whom(self, rung: Rung, people: Sequence[UnitPerson], handler_id: int | None) -> tuple[int, ...]:
        """The persons of a rung."""
        return rules.whom(rung, people, handler_id)

    def sms(self, matter: Matter) -> bool:
        """Whether a short message goes with the ladder's urge."""
        return rules.asks_sms(self._house.urging, matter)

    def supervisor(self, unit_id: int, supervising: Supervising) -> int | None:
        """The unit one level up."""
        return supervisor_of(unit_id, self._organisation, supervising, self._now)

    def urge_alert(self, matter: Matter, now: int) -> NewAlert:
        """The words of an urge."""
        return matter_alert(self._house, matter, "urge", now)

    def red_alert(self, matter: Matter, now: int) -> NewAlert:
        """The words of a red light."""
        return matter_alert(self._house, matter, "red_light", now)


def matter_alert(house: House, matter: Matter, kind: str, now: int) -> NewAlert:
    """What is said about a matter: no title unless it is public (F28), its deadline, what is to be done."""
    title = f"《{matter.title}》" if matter.sensitivity == "public" else ""
    what = "会议通知" if matter.kind == "meeting_notice" else "公文"
    due = f"{moment(matter.due_at):%m月%d日%H:%M}"
    duty = {"sign": "未签收", "handle": "未办结", "reply": "未报送会议回执"}[matter.duty]
    head = "红灯" if kind == "red_light" else "催办"
    late = f"，时限{due}已过" if now >= matter.due_at else f"，时限{due}"
    text = f"{head}：1份{_urgency(matter)}{what}{title}尚{duty}{late}，请登录办公系统办理。"
    text = sms_text.normalise(f"{house.settings.sms.signature}{text}")
    return NewAlert(
        kind=kind,
        unit_id=matter.sender_unit_id,
        text=text,
        segments=alerts.segments(house, text),
        urgency=matter.urgency,
        priority=priority_of(matter.urgency, kind),
        expires_at=expires_at(kind, now, alerts.lives(house)),
        document_id=matter.document_id,
    )


def _urgency(matter: Matter) -> str:
    return URGENCY_ZH[matter.urgency] if matter.urgency != "ordinary" else ""


async def urger_of(house: House, now: int) -> OfficeUrger:
    """The rules as they stand, for one step."""
    return OfficeUrger(house, await house.organisation(), now)


async def urging_step(house: House) -> bool:
    """Take what is due of the watched duties, a few at a time; returns whether there may be more.

    While nothing is due it costs one look at the end of an index, however many wait.
    """
    now = house.clock()
    if not await house.store.engine.read(watches.due(now)):
        return False
    fact = programs.advance(await urger_of(house, now), now, MATTERS_PER_STEP)
    looked = await house.store.engine.write(fact, bulk=True)
    return looked == MATTERS_PER_STEP


# By hand ---------------------------------------------------------------------------------------------------------------


class UrgeDone(msgspec.Struct, frozen=True, kw_only=True):
    """一次人工催办：催的是签收、办理还是会议回执，第几次，告知了几人，费用由哪个单位承担"""

    document_id: int
    unit_id: int
    duty: Duty
    duty_zh: str
    number: int
    persons: int
    payer_unit_id: int
    at: datetime


class UrgeLeft(msgspec.Struct, frozen=True, kw_only=True):
    """没有催办的单位和原因；again_at 起可以再催"""

    unit_id: int
    code: str
    again_at: datetime | None = None


class UrgedAll(msgspec.Struct, frozen=True, kw_only=True):
    """催办全部未完成单位的结果"""

    document_id: int
    urged: tuple[UrgeDone, ...]
    left: tuple[UrgeLeft, ...]


def payer_of(
    principal: Principal, head: DocumentHead, unit_id: int, organisation: Organisation
) -> int | None:
    """Whose use an urge by hand is (C4): the sender's own, else that of the supervisor's unit; None: no right to urge.

    ``unit_id`` is the unit that is urged, which must lie within the supervisor's scope.
    """
    if head.sender_unit_id in principal.units_as("clerk", "organiser"):
        return head.sender_unit_id
    unit = organisation.units.get(unit_id)
    for grant in sorted(principal.grants, key=lambda one: (one.scope != "county", one.unit_id)):
        if grant.role != "supervisor" or unit is None:
            continue
        if grant.scope == "city" or unit.id == grant.unit_id:
            return grant.unit_id
        if grant.scope == "county" and unit.county_id == grant.county_id:
            return grant.unit_id
    return None


async def urge(house: House, act: Act, document_id: int, unit_id: int, to: UrgeTo, *, sms: bool) -> Answer:
    """Urge one unit by hand. Raises Refused: not_found, forbidden, nothing_to_urge, urged_lately."""
    head = await house.store.engine.read(dispatches.document_head(document_id))
    payer = payer_of(act.principal, head, unit_id, await house.organisation())
    if payer is None:
        raise Refused("forbidden", action=ACTIONS["document.urge"].zh)
    asked = _asked(act, document_id, payer, to, sms=sms)
    fact = programs.urge_one(asked, unit_id, await urger_of(house, act.now), _wait(house), act.now)
    return await house.once(act, fact, lambda done: _done(document_id, payer, done, act.now), 201)


def _asked(act: Act, document_id: int, payer: int, to: UrgeTo, *, sms: bool) -> Asked:
    return Asked(document_id=document_id, by=act.actor, payer_unit_id=payer, rung=to, sms=sms)


def _wait(house: House) -> Callable[[int | None, int], int | None]:
    return lambda last_at, now: rules.again_at(last_at, house.urging, now)


def _done(document_id: int, payer: int, told: Urged, now: int) -> UrgeDone:
    duty: Duty = told.duty  # type: ignore[assignment]  # one of the three
    return UrgeDone(
        document_id=document_id,
        unit_id=told.unit_id,
        duty=duty,
        duty_zh=DUTY_ZH[duty],
        number=told.number,
        persons=told.persons,
        payer_unit_id=payer,
        at=moment(now),
    )


async def urge_all(house: House, act: Act, document_id: int, to: UrgeTo, *, sms: bool) -> Answer:
    """Urge every unit that owes something of the document, in steps. Raises Refused: not_found, forbidden.

    Cut off in between it may be asked again: who was urged a moment ago is left out by the throttle.
    """
    head = await house.store.engine.read(dispatches.document_head(document_id))
    organisation = await house.organisation()
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    urger = await urger_of(house, act.now)
    urged: list[UrgeDone] = []
    left: list[UrgeLeft] = []
    after, may = 0, head.sender_unit_id in act.principal.units_as("clerk", "organiser")
    while units := await house.store.engine.read(programs.units_after(document_id, after, UNITS_PER_STEP)):
        after = units[-1]
        payers = {unit: payer_of(act.principal, head, unit, organisation) for unit in units}
        may = may or any(payers.values())
        for payer in sorted({payer for payer in payers.values() if payer is not None}):
            asked = _asked(act, document_id, payer, to, sms=sms)
            some = [unit for unit in units if payers[unit] == payer]
            fact = programs.urge_units(asked, some, urger, _wait(house), act.now)
            for told in await house.store.engine.write(fact, bulk=True):
                _sort_out(document_id, payer, told, act.now, urged, left)
    if not may:
        raise Refused("forbidden", action=ACTIONS["document.urge"].zh)
    done = UrgedAll(document_id=document_id, urged=tuple(urged), left=tuple(left))
    late = dataclasses.replace(act, now=house.clock())
    return await house.once(late, _nothing(), lambda _: done)


def _nothing() -> Program[None]:
    """A fact without steps: only the answer is kept under its key."""
    yield from ()


def _sort_out(
    document_id: int, payer: int, told: Urged, now: int, urged: list[UrgeDone], left: list[UrgeLeft]
) -> None:
    """What was urged, and what was left out for its reason; whoever owes nothing is no news."""
    if told.number:
        urged.append(_done(document_id, payer, told, now))
    elif told.refused != "nothing_to_urge":
        again = moment(told.again_at) if told.again_at else None
        left.append(UrgeLeft(unit_id=told.unit_id, code=told.refused, again_at=again))


async def urges(
    house: House, principal: Principal, document_id: int, after: int, limit: int
) -> tuple[UrgeRow, ...]:
    """The urges of a document in order above the id ``after``, for whoever may follow it.

    Raises Refused("not_found") for whom it does not concern.
    """
    head = await house.store.engine.read(dispatches.document_head(document_id))
    if not permit(principal, "dispatch.read", await house.target(head.sender_unit_id, head.created_by)):
        raise Refused("not_found", what="document", id=document_id)
    return await house.store.engine.read(programs.urges(document_id, after, limit))
