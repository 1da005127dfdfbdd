"""Sending: look at it, record it, have it approved, add recipients, take it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from gateway.flows.proposals import (
    Considered,
    Figures,
    Proposal,
    check_form,
    consider,
    refuse_faults,
    refuse_findings,
)
from gateway.flows.words import DISPATCH_ZH
from gateway.house import Act, House
from gateway.rules.access import ACTIONS, Principal, permit
from gateway.rules.audience import Scope
from gateway.rules.screening import Finding
from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import DispatchState, NewDocument, Noun, Role
from inbox_store.programs import dispatch as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.times import moment


class Dispatched(msgspec.Struct, frozen=True, kw_only=True):
    """发文的受理结果：已发出，或待第二人批准；warnings 是放行但须留意的问题"""

    document_id: int
    dispatch_id: int
    state: DispatchState
    state_zh: str
    units: int
    persons: int
    preview: Figures
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, done: programs.Submitted, told: Considered, findings: tuple[Finding, ...] = ()) -> Dispatched:
        """From what was recorded and what was foreseen."""
        state: DispatchState = "held" if done.state == "held" else "sending"
        noted = (finding.reason for finding in findings if not finding.refuse)
        return cls(
            document_id=done.document_id,
            dispatch_id=done.dispatch_id,
            state=state,
            state_zh=DISPATCH_ZH[state],
            units=done.units,
            persons=done.persons,
            preview=Figures.of(told.preview),
            warnings=(*told.preview.warnings, *noted),
        )


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """普发审批的结果"""

    dispatch_id: int
    document_id: int
    state: DispatchState
    state_zh: str
    decided_at: datetime


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """撤回的结果：taken_back 为未签收而收回的份数，已签收的只作标记"""

    document_id: int
    recalled_at: datetime
    taken_back: int


async def look(house: House, principal: Principal, proposal: Proposal, now: int) -> Considered:
    """What a dispatch would do; nothing is stored. Raises forbidden, field_missing, field_invalid."""
    await house.require(principal, "dispatch.preview", proposal.document.sender_unit_id)
    check_form(proposal, now)
    return await consider(house, proposal, principal.person_id, now)


Around = Callable[[Program[programs.Submitted]], Program[programs.Submitted]]
"""What else belongs to the fact of a dispatch: the mail it came by, the draft that it was."""


async def submit(house: House, act: Act, proposal: Proposal, around: Around | None = None) -> Answer:
    """Record a dispatch: it leaves at once, or waits for a second person when it is general (F6).

    ``around`` adds to its transaction.
    Raises Refused: forbidden, classified_refused and the other findings, scope_* faults, idempotency_mismatch.
    """
    await house.require(act.principal, "dispatch.submit", proposal.document.sender_unit_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    check_form(proposal, act.now)
    considered = await consider(house, proposal, act.person_id, act.now)
    await refuse_findings(house, act, considered, proposal.document)
    refuse_faults(considered.audience)
    sender = await house.unit(proposal.document.sender_unit_id)
    fact = programs.submit(
        proposal.document, proposal.meeting, considered.plan, act.person_id, act.origin, sender.name, act.now
    )
    try:
        told = await house.once(
            act,
            around(fact) if around else fact,
            lambda done: Dispatched.of(done, considered, considered.findings),
            201,
        )
    except Refused as refused:
        raise _attachments_named(refused, proposal.document.attachments) from refused
    _wake(house)
    return told


def _attachments_named(refused: Refused, given: tuple[str, ...]) -> Refused:
    """An attachment that is not there is pointed at; any other refusal passes as it is."""
    missing = refused.params.get("ids")
    if refused.code != "attachment_unknown" or not isinstance(missing, list):
        return refused
    errors = [
        {"field": f"attachments[{place}]", "reason": "没有这个附件，或已用于另一份文件"}
        for place, file in enumerate(given)
        if file in missing
    ]
    return Refused("attachment_unknown", ids=missing, errors=errors)


def _wake(house: House) -> None:
    """There is something to fan out: do not wait for the next look."""
    for call in house.wake:
        call()


class Standing(Noun, frozen=True, kw_only=True):
    """A document that was sent, as a supplement needs it."""

    document: NewDocument
    units: frozenset[int]


def _standing(document_id: int) -> Program[Standing]:
    head = yield from programs.document_head(document_id)
    units = yield Sql("copies_all", {"document_id": document_id})
    document = NewDocument(
        kind=head.kind,  # type: ignore[arg-type]  # as stored
        title=head.title,
        doc_no=head.doc_no,
        urgency=head.urgency,  # type: ignore[arg-type]
        sensitivity=head.sensitivity,  # type: ignore[arg-type]
        sender_unit_id=head.sender_unit_id,
        is_test=head.is_test,
    )
    return Standing(document=document, units=frozenset(row[0] for row in units if row[1] != "returned"))


async def supplement(
    house: House, act: Act, document_id: int, scope: Scope, leaders: tuple[Role, ...]
) -> Answer:
    """Send a document to further units (补发); units that have it get no second copy, a returned copy is reopened.

    Its width counts together with what was sent before: a broadcast cannot be cut into pieces.
    """
    standing = await house.store.engine.read(_standing(document_id))
    await house.require(act.principal, "dispatch.supplement", standing.document.sender_unit_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    proposal = Proposal(document=standing.document, scope=scope, leaders=leaders)
    considered = await consider(house, proposal, act.person_id, act.now, standing.units)
    refuse_faults(considered.audience)
    if not considered.plan.audience:
        raise Refused(
            "scope_empty", errors=[{"field": "scope", "reason": "所选单位都已收到这份文件，不再重发"}]
        )
    fact = programs.supplement(document_id, considered.plan, act.person_id, act.origin, act.now)
    told = await house.once(act, fact, lambda done: Dispatched.of(done, considered), 201)
    _wake(house)
    return told


async def decide(
    house: House,
    act: Act,
    dispatch_id: int,
    note: str,
    *,
    approve: bool,
) -> Answer:
    """Approve or reject what is held: another person than the one who handed it in (F6)."""
    row, head = await house.store.engine.read(dispatch_with_head(dispatch_id))
    target = await house.target(head.sender_unit_id, row.submitted_by)
    if not permit(act.principal, "dispatch.approve", target):
        if row.submitted_by == act.person_id:
            raise Refused("approval_own", dispatch=dispatch_id)
        raise Refused("forbidden", action=ACTIONS["dispatch.approve"].zh)
    fact = programs.decide(dispatch_id, act.person_id, note, act.origin, act.now, approve=approve)
    told = await house.once(act, fact, lambda done: _decided(done, act.now))
    _wake(house)
    return told


def _decided(row: programs.DispatchRow, now: int) -> Decided:
    state: DispatchState = row.state  # type: ignore[assignment]  # one of the table's states
    return Decided(
        dispatch_id=row.id,
        document_id=row.document_id,
        state=state,
        state_zh=DISPATCH_ZH[state],
        decided_at=moment(now),
    )


def dispatch_with_head(dispatch_id: int) -> Program[tuple[programs.DispatchRow, programs.DocumentHead]]:
    """A dispatch with its document's head. Raises Refused("not_found")."""
    row = yield from programs.dispatch_row(dispatch_id)
    return row, (yield from programs.document_head(row.document_id))


async def recall(house: House, act: Act, document_id: int, reason: str) -> Answer:
    """Take a document back (F11): before signing it leaves the inboxes, after signing it is marked."""
    head = await house.store.engine.read(programs.document_head(document_id))
    await house.require(act.principal, "document.recall", head.sender_unit_id)
    fact = programs.recall(document_id, reason, act.person_id, act.origin, act.now)
    told = await house.once(
        act,
        fact,
        lambda units: Recalled(document_id=document_id, recalled_at=moment(act.now), taken_back=len(units)),
    )
    _wake(house)
    return told
