"""Facts of leave and approval requests (F37): filed to the leader of one's unit, decided, asked back about, passed on.

When the leader does not act in time, the next or substitute person gets it (L19); whoever had it before may still decide, the
first decision stands. The applicant and whoever stands in for the applicant never decide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.messages import NewAlert
from inbox_store.nouns import Noun
from inbox_store.programs import notices, sms
from inbox_store.programs.copies import Actor, posts_now
from inbox_store.programs.urging import order_persons, people_of
from inbox_store.urging import Part, UnitPerson

RequestKind = Literal["leave", "approval"]
RequestState = Literal["open", "asked", "approved", "refused", "withdrawn"]
Ruling = Literal["approved", "refused", "question"]

_DECIDED = {"approved", "refused", "withdrawn"}


class NewRequest(Noun, frozen=True, kw_only=True):
    """A request as it is filed; a leave has its days, UTC microseconds. ``sms``: with short messages."""

    kind: RequestKind
    unit_id: int
    text: str
    from_at: int | None = None
    to_at: int | None = None
    sms: bool = False


class RequestRow(Noun, frozen=True):
    """A request as it stands; columns in the order of ``request_one``. ``leader`` is before whom it lies."""

    id: int
    kind: RequestKind
    person_id: int
    person: str
    unit_id: int
    text: str
    from_at: int | None
    to_at: int | None
    sms: int
    state: RequestState
    leader_id: int
    leader: str
    passes_at: int | None
    created_at: int
    decided_by: int | None
    decider: str
    decided_at: int | None


class StepRow(Noun, frozen=True):
    """One thing that was done to a request; ``for_name`` for whom an agent did it."""

    no: int
    at: int
    act: str
    by: str
    for_name: str
    to: str
    text: str


class Asking(Protocol):
    """What an office decides about requests; every method is pure."""

    def next_of(self, people: Sequence[UnitPerson], applicant_id: int, asked: Sequence[int]) -> int | None:
        """Who gets the request next."""
        ...

    def passes_at(self, now: int) -> int:
        """When it goes to the next person, if nobody acts."""
        ...

    def alert(self, request: RequestRow, to: Part, now: int) -> NewAlert:
        """The words of its message, to a leader or to the applicant."""
        ...


def file(new: NewRequest, asking: Asking, actor: Actor, now: int) -> Program[RequestRow]:
    """File a request: it lies before the leader of the unit. Raises Refused: not_addressed (no post there), no_leader."""
    if not (yield from posts_now(actor.person_id, new.unit_id, now)):
        raise Refused("not_addressed", unit=new.unit_id)
    people = yield from people_of(new.unit_id, now)
    leader_id = asking.next_of(people, actor.person_id, ())
    if leader_id is None:
        raise Refused("no_leader", unit=new.unit_id)
    told = {name: getattr(new, name) for name in NewRequest.__struct_fields__}
    row = {**told, "sms": int(new.sms), "person_id": actor.person_id, "leader_id": leader_id}
    ((number,),) = yield Sql("request_add", {**row, "passes_at": asking.passes_at(now), "now": now})
    yield from _step(int(number), "filed", actor.person_id, leader_id, new.text, now)
    detail = {"kind": new.kind, "unit": new.unit_id, "leader": leader_id}
    yield _trace("request.file", actor, int(number), detail)
    request = yield from one(int(number))
    yield from _lay_before(request, people, asking, now)
    return request


def _lay_before(request: RequestRow, people: Sequence[UnitPerson], asking: Asking, now: int) -> Program[None]:
    """The leader is told, and whoever is the leader's agent beside (F38)."""
    agents = [
        one.person_id
        for one in people
        if request.leader_id in one.for_persons and one.person_id != request.person_id
    ]
    told = [request.leader_id, *agents]
    yield from _tell(
        request, told, "leader", f"{request.person}提交的{_ZH[request.kind]}待您审批。", asking, now
    )


_ZH = {"leave": "请假申请", "approval": "审批申请"}
_RULING_ZH = {"approved": "已获批准", "refused": "未获批准", "question": "需要补充说明"}


def _tell(
    request: RequestRow, persons: Sequence[int], part: Part, text: str, asking: Asking, now: int
) -> Program[None]:
    alert_id = yield from sms.add_alert(asking.alert(request, part, now), 0, now)
    pairs = [(person_id, request.unit_id) for person_id in persons]
    yield from order_persons(alert_id, pairs, now, part=part, sms_too=bool(request.sms))
    kind: notices.NoticeKind = "request" if part == "leader" else "request_answer"
    about = request.person_id if part == "leader" else request.leader_id
    for person_id in persons:
        yield from notices.tell(person_id, kind, about, text, now)


def decide(
    request_id: int, ruling: Ruling, text: str, asking: Asking, actor: Actor, now: int
) -> Program[RequestRow]:
    """Approve, refuse, or ask back; the answer goes to the applicant. Raises Refused: not_found, request_own, request_decided."""
    request = yield from one(request_id)
    for_person = yield from _may_decide(request, actor, now)
    if request.state in _DECIDED:
        raise Refused("request_decided", at=request.decided_at)
    if ruling == "question":
        yield Sql("request_asked", {"id": request_id})
    else:
        told = {"id": request_id, "state": ruling, "actor": actor.person_id, "now": now}
        yield Sql("request_decide", told)
    yield from _step(request_id, ruling, actor.person_id, request.person_id, text, now, for_person)
    behalf = {"on_behalf_of": for_person} if for_person else {}
    yield _trace("request.decide", actor, request_id, {"ruling": ruling, "unit": request.unit_id, **behalf})
    words = f"您提交的{_ZH[request.kind]}{_RULING_ZH[ruling]}。"
    yield from _tell(request, [request.person_id], "applicant", words, asking, now)
    return (yield from one(request_id))


def _may_decide(request: RequestRow, actor: Actor, now: int) -> Program[int]:
    """For whom the actor decides: 0 for oneself. Raises Refused("not_found") to whom it was never put."""
    told = {"id": request.id, "person_id": actor.person_id, "applicant_id": request.person_id, "now": now}
    ((put, for_person, stands_in),) = yield Sql("request_may", told)
    if actor.person_id == request.person_id or stands_in:
        raise Refused("request_own")
    if not put and for_person is None:
        raise Refused("not_found", what="request", id=request.id)
    return 0 if put else int(for_person)


def reply(request_id: int, text: str, asking: Asking, actor: Actor, now: int) -> Program[RequestRow]:
    """The applicant answers what was asked back; it lies before the leader again. Raises Refused: not_found, request_not_asked."""
    request = yield from _own(request_id, actor)
    if request.state != "asked":
        raise Refused("request_not_asked")
    yield Sql("request_reopen", {"id": request_id, "passes_at": asking.passes_at(now)})
    yield from _step(request_id, "reply", actor.person_id, request.leader_id, text, now)
    yield _trace("request.reply", actor, request_id, {"unit": request.unit_id})
    people = yield from people_of(request.unit_id, now)
    yield from _lay_before(request, people, asking, now)
    return (yield from one(request_id))


def withdraw(request_id: int, actor: Actor, now: int) -> Program[RequestRow]:
    """The applicant takes the request back before it is decided. Raises Refused: not_found, request_decided."""
    request = yield from _own(request_id, actor)
    if request.state in _DECIDED:
        raise Refused("request_decided", at=request.decided_at)
    told = {"id": request_id, "state": "withdrawn", "actor": actor.person_id, "now": now}
    yield Sql("request_decide", told)
    yield from _step(request_id, "withdrawn", actor.person_id, request.leader_id, "", now)
    yield _trace("request.withdraw", actor, request_id, {"unit": request.unit_id})
    return (yield from one(request_id))


def _own(request_id: int, actor: Actor) -> Program[RequestRow]:
    request = yield from one(request_id)
    if request.person_id != actor.person_id:
        raise Refused("not_found", what="request", id=request_id)
    return request


def due(now: int) -> Program[bool]:
    """Whether any request is to be passed on now."""
    return bool((yield Sql("requests_due_any", {"now": now}))[0][0])


def pass_on(asking: Asking, now: int, limit: int) -> Program[int]:
    """Requests nobody acted on in time go to the next person; where nobody is left they stay. Returns how many were due."""
    rows = yield Sql("requests_due", {"now": now, "limit": limit})
    for (request_id,) in rows:
        yield from _pass_one((yield from one(request_id)), asking, now)
    return len(rows)


def _pass_one(request: RequestRow, asking: Asking, now: int) -> Program[None]:
    people = yield from people_of(request.unit_id, now)
    asked = [row[0] for row in (yield Sql("request_put_to", {"id": request.id}))]
    # Who stood in for one of them was told then.
    asked += [one.person_id for one in people if one.for_persons.intersection(asked)]
    leader_id = asking.next_of(people, request.person_id, asked)
    passes_at = None if leader_id is None else asking.passes_at(now)
    told = {"id": request.id, "leader_id": leader_id or request.leader_id, "passes_at": passes_at}
    yield Sql("request_pass", told)
    if leader_id is None:
        return
    yield from _step(request.id, "passed", 0, leader_id, "", now)
    detail = {"from": request.leader_id, "to": leader_id, "unit": request.unit_id}
    subject = f"request:{request.id}"
    yield Audit(action="request.passed", actor=0, subject=subject, detail=detail)
    yield from _lay_before((yield from one(request.id)), people, asking, now)


def _step(
    request_id: int, act: str, by: int, to: int, text: str, now: int, for_person: int = 0
) -> Program[None]:
    who = {"by_person": by, "to_person": to, "for_person": for_person}
    yield Sql("request_step_add", {"id": request_id, "act": act, **who, "text": text, "now": now})


def _trace(action: str, actor: Actor, request_id: int, detail: Mapping[str, object]) -> Audit:
    subject = f"request:{request_id}"
    return Audit(action=action, actor=actor.person_id, subject=subject, detail=detail, origin=actor.origin)


def one(request_id: int) -> Program[RequestRow]:
    """One request. Raises Refused("not_found")."""
    rows = yield Sql("request_one", {"id": request_id})
    if not rows:
        raise Refused("not_found", what="request", id=request_id)
    return RequestRow(*rows[0])


def seen_by(request_id: int, person_id: int, now: int) -> Program[tuple[RequestRow, tuple[StepRow, ...]]]:
    """A request with what was done to it, for the applicant and whom it was put to. Raises Refused("not_found")."""
    request = yield from one(request_id)
    told = {"id": request_id, "person_id": person_id, "applicant_id": request.person_id, "now": now}
    ((put, for_person, _),) = yield Sql("request_may", told)
    if person_id != request.person_id and not put and for_person is None:
        raise Refused("not_found", what="request", id=request_id)
    rows: list[Row] = yield Sql("request_steps", {"id": request_id})
    return request, tuple(StepRow(*row) for row in rows)


def page(
    person_id: int, *, mine: bool, state: str, before: int, limit: int, now: int
) -> Program[tuple[RequestRow, ...]]:
    """Requests newest first below the id ``before``: one's own (``mine``), or those put to one or to whom one is agent for."""
    told = {"person_id": person_id, "state": state, "before": before, "limit": limit, "now": now}
    absent = yield Sql("delegation_absent", {"person_id": person_id, "now": now})
    whose = json.dumps([person_id, *(row[0] for row in absent)])
    rows = yield Sql("requests_mine" if mine else "requests_put", {**told, "whose": whose})
    return tuple(RequestRow(*row) for row in rows)
