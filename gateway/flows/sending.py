"""Sending: look at it, work out whom it reaches and what it may cost, record it, have it approved, take it back."""

from __future__ import annotations

import json

import msgspec

from gateway.house import Act, House
from gateway.rules import audience as audiences
from gateway.rules.access import permit
from gateway.rules.audience import Audience, Scope
from gateway.rules.folders import folder_for, relation_of
from gateway.rules.preview import Preview, Reminder, preview
from gateway.rules.screening import Exemption, Finding, Registers, ScreeningPolicy, screen
from inbox_store.engine import Audit, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import NO_SIGNING_DUTY, URGENCY_ZH, Folder, MeetingForm, NewDocument, Noun, Role
from inbox_store.org import Organisation, Unit
from inbox_store.programs import dispatch as programs
from inbox_store.programs import registers
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.organisation import LEADER_BITS
from inbox_store.times import day_of, int_day
from push.sms import text as sms_text
from sms_billing.tariff import price

DEFAULT_LEADERS: tuple[Role, ...] = ("responsible_leader",)
"""Which leaders of a receiving unit find a document beside its clerks, where the sender names none."""


class Proposal(Noun, frozen=True, kw_only=True):
    """A dispatch as it is handed in: the document, whom it is for, and how it is announced."""

    document: NewDocument
    scope: Scope
    leaders: tuple[Role, ...] = DEFAULT_LEADERS
    meeting: MeetingForm | None = None
    sms_reminder: bool = False
    handle_due_at: int | None = None


class Considered(Noun, frozen=True, kw_only=True):
    """What a proposal would do, before anything is stored."""

    audience: Audience
    preview: Preview
    findings: tuple[Finding, ...]
    plan: programs.Plan


async def consider(
    house: House, proposal: Proposal, person_id: int, now: int, already: frozenset[int] = frozenset()
) -> Considered:
    """Expand, screen and price a proposal; nothing is stored. Faults are in the result, none is raised for them.

    ``already`` are the units that have the document before a supplement.
    """
    organisation = await house.organisation()
    document = proposal.document
    sender = await house.unit(document.sender_unit_id)
    names, told, saved = await house.store.engine.read(_registers(proposal, person_id, sender.id))
    findings = screen(
        document,
        file_names=names,
        registers=told,
        policy=ScreeningPolicy(refuse_body_only_attached=house.settings.dispatch.empty_body == "refuse"),
        day=day_of(now),
    )
    audience = _expand(house, proposal, sender, organisation, saved, now)
    share = audiences.width(audience, organisation, now, already)
    figures = preview(
        audience, organisation, share, mark=house.approval_mark(), reminder=_reminder(house, proposal, now)
    )
    plan = _plan(proposal, audience, figures, already)
    return Considered(audience=audience, preview=figures, findings=tuple(findings), plan=plan)


def _expand(
    house: House,
    proposal: Proposal,
    sender: Unit,
    organisation: Organisation,
    saved: dict[int, frozenset[int]],
    now: int,
) -> Audience:
    kind, day = proposal.document.kind, day_of(now)

    def folder_of(receiver: Unit) -> Folder:
        return folder_for(kind, relation_of(sender, receiver, organisation), sender, house.folder_rules, day)

    return audiences.resolve(
        proposal.scope, organisation, now, saved, sender_id=sender.id, folder_of=folder_of
    )


def _registers(
    proposal: Proposal, person_id: int, unit_id: int
) -> Program[tuple[tuple[str, ...], Registers, dict[int, frozenset[int]]]]:
    """The names of the attachments, the sender's registers, and the saved scopes it names, in one read."""
    offered = yield Sql(
        "attachments_offered", {"ids": json.dumps(proposal.document.attachments), "uploaded_by": person_id}
    )
    series = frozenset(row.id for row in (yield from registers.series()) if row.unit_id == unit_id)
    lines = tuple(_exemption(row) for row in (yield from registers.exemptions()))
    saved = {}
    for row in (yield from registers.scopes_of([unit_id])):
        saved[row.id] = msgspec.json.decode(row.scope, type=frozenset[int])
    names = tuple(str(row[1]) for row in offered)
    return names, Registers(series=series, exemptions=lines), saved


def _exemption(row: registers.Exemption) -> Exemption:
    told = msgspec.json.decode(row.kind, type=dict[str, list[str]])
    return Exemption(
        ground=row.basis,
        kinds=frozenset(told.get("kinds", ())),  # type: ignore[arg-type]  # checked when it was registered
        words=tuple(told.get("words", ())),
        valid_from=int_day(row.from_day),
        valid_to=int_day(row.to_day) if row.to_day else None,
    )


def reminder_text(house: House, document: NewDocument) -> str:
    """The SMS that announces a document: no title, no number unless it is public (F28)."""
    what = "会议通知" if document.kind == "meeting_notice" else "公文"
    title = f"《{document.title}》" if document.sensitivity == "public" else ""
    act = "查看" if document.kind in NO_SIGNING_DUTY else "签收"
    text = f"您有1份{URGENCY_ZH[document.urgency]}{what}{title}待{act}，请登录办公系统办理。"
    return f"{house.settings.sms.signature}{text}"


def _reminder(house: House, proposal: Proposal, now: int) -> Reminder | None:
    if not proposal.sms_reminder:
        return None
    text = sms_text.normalise(reminder_text(house, proposal.document))
    return Reminder(text=text, estimate=sms_text.count, tariff=price(house.tariffs, now))


def _plan(proposal: Proposal, audience: Audience, figures: Preview, already: frozenset[int]) -> programs.Plan:
    fresh = tuple(unit for unit in audience.units if unit.unit_id not in already)
    return programs.Plan(
        scope=msgspec.json.encode(proposal.scope).decode(),
        audience=fresh,
        reach="everyone" if audience.everyone else "unit",
        leader_mask=sum(LEADER_BITS.get(role, 0) for role in set(proposal.leaders)),
        general=figures.general,
        held=figures.general,
        sms_reminder=proposal.sms_reminder,
        persons=figures.persons,
        segments=figures.segments_ceiling,
        amount_li=figures.amount_li_ceiling,
        handle_due_at=proposal.handle_due_at,
    )


async def submit(house: House, act: Act, proposal: Proposal) -> Answer:
    """Record a dispatch: it leaves at once, or waits for a second person when it is general (F6).

    Raises Refused: forbidden, classified_refused and the other findings, scope_* faults, idempotency_mismatch.
    """
    await house.require(act.principal, "dispatch.submit", proposal.document.sender_unit_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    _check_form(proposal, act.now)
    considered = await consider(house, proposal, act.person_id, act.now)
    await _refuse_findings(house, act, considered, proposal.document.sender_unit_id)
    _refuse_faults(considered.audience)
    sender = await house.unit(proposal.document.sender_unit_id)
    fact = programs.submit(
        proposal.document, proposal.meeting, considered.plan, act.person_id, act.origin, sender.name, act.now
    )
    told = await house.once(
        act, fact, lambda done: Told.of(done, considered.preview, considered.findings), 201
    )
    _wake(house)
    return told


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender is told about a dispatch handed in."""

    document_id: int
    dispatch_id: int
    state: str
    units: int
    persons: int
    preview: Preview
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, done: programs.Submitted, figures: Preview, findings: tuple[Finding, ...] = ()) -> Told:
        """From what was recorded and what was foreseen."""
        return cls(
            document_id=done.document_id,
            dispatch_id=done.dispatch_id,
            state=done.state,
            units=done.units,
            persons=done.persons,
            preview=figures,
            warnings=(*figures.warnings, *(finding.reason for finding in findings if not finding.refuse)),
        )


def _check_form(proposal: Proposal, now: int) -> None:
    """A meeting notice has its form and nothing else does; its deadlines lie ahead."""
    meeting = proposal.meeting
    if (proposal.document.kind == "meeting_notice") != (meeting is not None):
        raise Refused("field_missing", field="meeting")
    if meeting is not None and not now < meeting.reply_due_at <= meeting.starts_at:
        raise Refused(
            "field_invalid", field="meeting.reply_due_at", reason="报名截止应在现在之后、会议开始之前"
        )


async def _refuse_findings(house: House, act: Act, considered: Considered, unit_id: int) -> None:
    """Refuse what the screening refuses; of a classified document nothing stays but an audit line (F28)."""
    refusals = [finding for finding in considered.findings if finding.refuse]
    if not refusals:
        return
    fields = sorted({finding.field for finding in refusals})
    code = refusals[0].code
    line = Audit(
        action="document.refused",
        actor=act.person_id,
        subject=f"unit:{unit_id}",
        detail={"code": code, "fields": fields},
        origin=act.origin,
    )
    await house.store.engine.write(_line(line))
    reasons = [{"field": finding.field, "reason": finding.reason} for finding in refusals]
    raise Refused(code, errors=reasons)


def _line(line: Audit) -> Program[None]:
    yield line


def _refuse_faults(audience: Audience) -> None:
    if not audience.faults:
        return
    code = "scope_empty" if audience.faults[0].code == "scope_empty" else "scope_unknown_unit"
    raise Refused(code, errors=[{"field": "scope", "reason": fault.reason} for fault in audience.faults])


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


async def supplement(house: House, act: Act, document_id: int, scope: Scope) -> Answer:
    """Send a document to further units (补发); units that have it get no second copy, a returned copy is reopened.

    Its width counts together with what was sent before: a broadcast cannot be cut into pieces.
    """
    standing = await house.store.engine.read(_standing(document_id))
    await house.require(act.principal, "dispatch.supplement", standing.document.sender_unit_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    proposal = Proposal(document=standing.document, scope=scope)
    considered = await consider(house, proposal, act.person_id, act.now, standing.units)
    _refuse_faults(considered.audience)
    if not considered.plan.audience:
        raise Refused(
            "scope_empty", errors=[{"field": "scope", "reason": "所选单位都已收到这份文件，不再重发"}]
        )
    fact = programs.supplement(document_id, considered.plan, act.person_id, act.origin, act.now)
    told = await house.once(act, fact, lambda done: Told.of(done, considered.preview), 201)
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
        own = row.submitted_by == act.person_id
        raise Refused("approval_own" if own else "forbidden", dispatch=dispatch_id)
    fact = programs.decide(dispatch_id, act.person_id, note, act.origin, act.now, approve=approve)
    told = await house.once(act, fact, lambda done: {"dispatch_id": done.id, "state": done.state})
    _wake(house)
    return told


def dispatch_with_head(dispatch_id: int) -> Program[tuple[programs.DispatchRow, programs.DocumentHead]]:
    """A dispatch with its document's head. Raises Refused("not_found")."""
    row = yield from programs.dispatch_row(dispatch_id)
    return row, (yield from programs.document_head(row.document_id))


async def recall(house: House, act: Act, document_id: int, reason: str) -> Answer:
    """Take a document back (F11): before signing it leaves the inboxes, after signing it is marked."""
    head = await house.store.engine.read(programs.document_head(document_id))
    await house.require(act.principal, "document.recall", head.sender_unit_id)
    fact = programs.recall(document_id, reason, act.person_id, act.origin, act.now)
    told = await house.once(act, fact, lambda units: {"document_id": document_id, "taken_back": len(units)})
    _wake(house)
    return told


class TrackRow(Noun, frozen=True, kw_only=True):
    """Where one copy stands, as the sender follows it (F12). Times in UTC microseconds."""

    unit_id: int
    role: str
    state: str
    sent_at: int
    sign_due_at: int | None
    delivered_at: int | None
    opened_at: int | None
    signed_at: int | None
    signed_by: str | None
    signed_unread: int
    signed_bulk: int
    handler: str | None
    handling_started_at: int | None
    handle_due_at: int | None
    handled_at: int | None
    archived_at: int | None
    returned_at: int | None
    return_reason: str | None
    recalled_at: int | None
    round: int


def track(document_id: int, after: int, limit: int) -> Program[tuple[TrackRow, ...]]:
    """The copies of a document by unit id, from ``after`` on."""
    rows = yield Sql("track_rows", {"document_id": document_id, "after": after, "limit": limit})
    return tuple(_track_row(row) for row in rows)


def _track_row(row: Row) -> TrackRow:
    return TrackRow(**dict(zip(TrackRow.__struct_fields__, row, strict=True)))


class TrackSum(Noun, frozen=True, kw_only=True):
    """How many copies stand in a state, how many of them were opened, how many signed unread."""

    state: str
    copies: int
    opened: int
    signed_unread: int


def track_sums(document_id: int) -> Program[tuple[TrackSum, ...]]:
    """The copies of a document by state; the sums equal the totals."""
    rows = yield Sql("track_sums", {"document_id": document_id})
    return tuple(TrackSum(state=row[0], copies=row[1], opened=row[2], signed_unread=row[3]) for row in rows)
