"""Leave and approval requests (F37): to the leader with an alert, the answer back, the next person when nobody acts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.flows import alerts
from gateway.flows.proposals import field_fault
from gateway.house import Act, House
from gateway.rules import leave as rules
from gateway.rules.marks import mark_in_body, mark_in_title
from gateway.rules.sms_policy import expires_at, priority_of
from gateway.rules.workcal import HOUR_US
from inbox_store.errors import Refused
from inbox_store.messages import NewAlert
from inbox_store.programs import leave as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.leave import NewRequest, RequestKind, RequestRow, RequestState, Ruling, StepRow
from inbox_store.times import moment
from inbox_store.urging import Part, UnitPerson
from push.sms import text as sms_text

REQUESTS_PER_STEP = 20

KIND_ZH: Final[dict[RequestKind, str]] = {"leave": "请假申请", "approval": "审批申请"}
STATE_ZH: Final[dict[RequestState, str]] = {
    "open": "待审批",
    "asked": "待补充",
    "approved": "已批准",
    "refused": "未批准",
    "withdrawn": "已撤回",
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """一项申请；leader 为目前由谁审批，passes_at 为无人处理时转下一位领导的时间"""

    id: int
    kind: RequestKind
    kind_zh: str
    person_id: int
    person: str
    unit_id: int
    text: str
    from_at: datetime | None
    to_at: datetime | None
    state: RequestState
    state_zh: str
    leader_id: int
    leader: str
    passes_at: datetime | None
    created_at: datetime
    decider: str
    decided_at: datetime | None

    @classmethod
    def of(cls, row: RequestRow) -> Request:
        """From what is recorded."""
        return cls(
            id=row.id,
            kind=row.kind,
            kind_zh=KIND_ZH[row.kind],
            person_id=row.person_id,
            person=row.person,
            unit_id=row.unit_id,
            text=row.text,
            from_at=_when(row.from_at),
            to_at=_when(row.to_at),
            state=row.state,
            state_zh=STATE_ZH[row.state],
            leader_id=row.leader_id,
            leader=row.leader,
            passes_at=_when(row.passes_at),
            created_at=moment(row.created_at),
            decider=row.decider,
            decided_at=_when(row.decided_at),
        )


def _when(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


class OfficeAsking:
    """``programs.leave.Asking``: an office's rules over its calendar and words."""

    def __init__(self, house: House) -> None:
        self._house = house

    def next_of(self, people: Sequence[UnitPerson], applicant_id: int, asked: Sequence[int]) -> int | None:
        """Who gets the request next."""
        return rules.next_of(people, applicant_id, asked)

    def passes_at(self, now: int) -> int:
        """After so many working hours."""
        return self._house.calendar.add_work_us(
            now, self._house.settings.urging.request_work_hours * HOUR_US
        ).at

    def alert(self, request: RequestRow, to: Part, now: int) -> NewAlert:
        """What the message says: who and what kind, never what for."""
        kind = KIND_ZH[request.kind]
        told = f"{request.person}提交的{kind}待您审批" if to == "leader" else f"您提交的{kind}有答复"
        signature = self._house.settings.sms.signature
        text = sms_text.normalise(f"{signature}{told}，请登录办公系统办理。")
        return NewAlert(
            kind="reminder",
            unit_id=request.unit_id,
            text=text,
            segments=alerts.segments(self._house, text),
            urgency="ordinary",
            priority=priority_of("ordinary", "reminder"),
            expires_at=expires_at("reminder", now, alerts.lives(self._house)),
        )


def _unmarked(text: str) -> None:
    """No classified matter is kept, in a request either (F28)."""
    level = mark_in_title(text) or mark_in_body(text)
    if level is not None:
        raise Refused(
            "classified_refused", errors=[{"field": "text", "reason": f"内容带有密级标志“{level}”"}]
        )


async def file(house: House, act: Act, new: NewRequest) -> Answer:
    """File a request. Raises Refused: forbidden, not_addressed, no_leader, field_missing, field_invalid, classified_refused."""
    await house.unit(new.unit_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    if new.kind == "leave" and (new.from_at is None or new.to_at is None):
        raise field_fault("field_missing", "from_at", "请假须写明起止时间")
    if new.from_at is not None and new.to_at is not None and new.to_at <= new.from_at:
        raise field_fault("field_invalid", "to_at", "结束时间应在开始时间之后")
    _unmarked(new.text)
    fact = programs.file(new, OfficeAsking(house), act.actor, act.now)
    return await house.once(act, fact, Request.of, 201)


async def decide(house: House, act: Act, request_id: int, ruling: Ruling, text: str) -> Answer:
    """Approve, refuse or ask back. Raises Refused: not_found, request_own, request_decided."""
    _unmarked(text)
    fact = programs.decide(request_id, ruling, text, OfficeAsking(house), act.actor, act.now)
    return await house.once(act, fact, Request.of)


async def reply(house: House, act: Act, request_id: int, text: str) -> Answer:
    """The applicant answers what was asked back. Raises Refused: not_found, request_not_asked."""
    _unmarked(text)
    fact = programs.reply(request_id, text, OfficeAsking(house), act.actor, act.now)
    return await house.once(act, fact, Request.of)


async def withdraw(house: House, act: Act, request_id: int) -> Answer:
    """The applicant takes it back. Raises Refused: not_found, request_decided."""
    return await house.once(act, programs.withdraw(request_id, act.actor, act.now), Request.of)


async def one(house: House, person_id: int, request_id: int) -> tuple[Request, tuple[StepRow, ...]]:
    """A request with its steps, for the applicant and whom it was put to. Raises Refused("not_found")."""
    row, steps = await house.store.engine.read(programs.seen_by(request_id, person_id, house.clock()))
    return Request.of(row), steps


async def page(
    house: House, person_id: int, *, mine: bool, state: RequestState | None, before: int, limit: int
) -> tuple[Request, ...]:
    """One's own requests, or those put to one, newest first below the id ``before``."""
    fact = programs.page(
        person_id, mine=mine, state=state or "", before=before, limit=limit, now=house.clock()
    )
    return tuple(Request.of(row) for row in await house.store.engine.read(fact))


async def request_step(house: House) -> bool:
    """Pass on what nobody acted on in time, a few at a time; returns whether there may be more."""
    now = house.clock()
    if not await house.store.engine.read(programs.due(now)):
        return False
    fact = programs.pass_on(OfficeAsking(house), now, REQUESTS_PER_STEP)
    return await house.store.engine.write(fact, bulk=True) == REQUESTS_PER_STEP
