"""What a dispatch would do, before anything is stored: whom it reaches, what is wrong with it, what it may cost."""

from __future__ import annotations

import json
from datetime import date
from typing import Final

import msgspec

from gateway.flows import alerts
from gateway.flows.charging import charges
from gateway.flows.words import yuan
from gateway.house import Act, House
from gateway.rules import audience as audiences
from gateway.rules.access import Principal
from gateway.rules.alert_policy import sms_due
from gateway.rules.audience import Audience, Scope, ScopeFault
from gateway.rules.folders import folder_for, relation_of
from gateway.rules.marks import mark_in_file_name
from gateway.rules.preview import Preview, Reminder, preview
from gateway.rules.screening import Exemption, Finding, Registers, ScreeningPolicy, screen
from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Folder, MeetingForm, NewDocument, Noun, Role
from inbox_store.org import Organisation, Unit
from inbox_store.programs import dispatch as programs
from inbox_store.programs import registers
from inbox_store.programs.organisation import LEADER_BITS
from inbox_store.times import day_of, int_day
from sms_billing.tariff import price

DEFAULT_LEADERS: tuple[Role, ...] = ("responsible_leader",)
"""Which leaders of a receiving unit find a document beside its clerks, where the sender names none."""

FAULTS_MAX: Final = 200
"""Faults of a scope told in one answer; who meets more has taken another list."""


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
    sms_text: str | None = None
    """What each person's message says, where the sender asked for one."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """一次发文的预计：单位、人员、短信条数和费用，费用与条数为上限，实际只少不多"""

    units: int
    persons: int
    clerks: int
    messages: int
    segments_ceiling: int
    amount_li_ceiling: int
    amount_yuan_ceiling: str
    general: bool
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, told: Preview) -> Figures:
        """The figures as they are answered: the amount in li and, for a reader, in yuan."""
        return cls(
            units=told.units,
            persons=told.persons,
            clerks=told.clerks,
            messages=told.messages,
            segments_ceiling=told.segments_ceiling,
            amount_li_ceiling=told.amount_li_ceiling,
            amount_yuan_ceiling=yuan(told.amount_li_ceiling),
            general=told.general,
            warnings=told.warnings,
        )


async def consider(
    house: House, proposal: Proposal, person_id: int, now: int, already: frozenset[int] = frozenset()
) -> Considered:
    """Expand, screen and price a proposal; nothing is stored. Faults are in the result, none is raised for them.

    ``already`` are the units that have the document before a supplement.
    """
    organisation = await house.organisation()
    document = proposal.document
    sender = await house.unit(document.sender_unit_id)
    names, told, saved = await house.store.engine.read(_registers(proposal, person_id, day_of(now)))
    findings = screen(
        document,
        file_names=names,
        registers=told,
        policy=ScreeningPolicy(refuse_body_only_attached=house.settings.dispatch.empty_body == "refuse"),
        day=day_of(now),
    )
    audience = _expand(house, proposal, sender, organisation, saved, now)
    reminder = await _reminder(house, proposal, now)
    share = audiences.width(audience, organisation, now, already)
    figures = preview(
        audience,
        organisation,
        share,
        mark=house.approval_mark(),
        leader_mask=_leader_mask(proposal),
        reminder=reminder,
    )
    return Considered(
        audience=audience,
        preview=figures,
        findings=tuple(findings),
        plan=_plan(proposal, audience, figures, already),
        sms_text=reminder.text if reminder else None,
    )


def _leader_mask(proposal: Proposal) -> int:
    return sum(LEADER_BITS.get(role, 0) for role in set(proposal.leaders))


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
    proposal: Proposal, person_id: int, day: date
) -> Program[tuple[tuple[str, ...], Registers, dict[int, frozenset[int]]]]:
    """The names of the attachments, the sender's registers, and the saved scopes it names, in one read."""
    wanted, unit_id = proposal.document.attachments, proposal.document.sender_unit_id
    rows = yield Sql("attachments_offered", {"ids": json.dumps(wanted), "uploaded_by": person_id})
    listed = yield from registers.series()
    series = frozenset(row.id for row in listed if row.unit_id == unit_id and _runs(row, day))
    lines = tuple(_exemption(row) for row in (yield from registers.exemptions()))
    saved = {}
    for row in (yield from registers.scopes_of([unit_id])):
        saved[row.id] = msgspec.json.decode(row.scope, type=frozenset[int])
    # In the order in which they are named, so that a finding points at the right one.
    names = {str(row[0]): str(row[1]) for row in rows}
    return tuple(names.get(file, "") for file in wanted), Registers(series=series, exemptions=lines), saved


def _runs(row: registers.Series, day: date) -> bool:
    """Whether the series is registered on ``day``; its last day in the register is the first without it."""
    return int_day(row.from_day) <= day and (row.to_day is None or day < int_day(row.to_day))


def _exemption(row: registers.Exemption) -> Exemption:
    told = msgspec.json.decode(row.kind, type=dict[str, list[str]])
    return Exemption(
        ground=row.basis,
        kinds=frozenset(told.get("kinds", ())),  # type: ignore[arg-type]  # checked when it was registered
        words=tuple(told.get("words", ())),
        valid_from=int_day(row.from_day),
        valid_to=int_day(row.to_day) if row.to_day else None,
    )


async def _reminder(house: House, proposal: Proposal, now: int) -> Reminder | None:
    # Who does not open it in time gets a message where the policy says so: a ceiling counts everybody.
    follows = sms_due(proposal.document.urgency, now, house.alert_rules) is not None
    if not proposal.sms_reminder and not follows:
        return None
    text, rules = alerts.reminder_text(house, proposal.document), await charges(house)
    return Reminder(
        text=text, estimate=lambda told: alerts.segments(house, told), tariff=price(rules.tariffs, now)
    )


def _plan(proposal: Proposal, audience: Audience, figures: Preview, already: frozenset[int]) -> programs.Plan:
    fresh = tuple(unit for unit in audience.units if unit.unit_id not in already)
    return programs.Plan(
        scope=msgspec.json.encode(proposal.scope).decode(),
        audience=fresh,
        reach="everyone" if audience.everyone else "unit",
        leader_mask=_leader_mask(proposal),
        general=figures.general,
        held=figures.general,
        sms_reminder=proposal.sms_reminder,
        persons=figures.persons,
        segments=figures.segments_ceiling,
        amount_li=figures.amount_li_ceiling,
        handle_due_at=proposal.handle_due_at,
    )


def check_form(proposal: Proposal, now: int) -> None:
    """A meeting notice has its form and nothing else does; deadlines lie ahead. Raises field_missing, field_invalid."""
    meeting = proposal.meeting
    if (proposal.document.kind == "meeting_notice") != (meeting is not None):
        reason = "请填写会议信息" if meeting is None else "只有会议通知才填写会议信息"
        raise field_fault("field_missing" if meeting is None else "field_invalid", "meeting", reason)
    if meeting is not None:
        _check_times(meeting, now)
    if proposal.handle_due_at is not None and proposal.handle_due_at <= now:
        raise field_fault("field_invalid", "handle_due_at", "办理时限应在现在之后")


def _check_times(meeting: MeetingForm, now: int) -> None:
    if not now < meeting.reply_due_at <= meeting.starts_at:
        reason = "报名截止应在现在之后、会议开始之前"
        raise field_fault("field_invalid", "meeting.reply_due_at", reason)
    if meeting.ends_at is not None and meeting.ends_at < meeting.starts_at:
        raise field_fault("field_invalid", "meeting.ends_at", "会议结束时间应在开始时间之后")


def field_fault(code: str, field: str, reason: str) -> Refused:
    """A refusal of one field of what was handed in."""
    return Refused(code, field=field, reason=reason, errors=[{"field": field, "reason": reason}])


async def refuse_findings(house: House, act: Act, considered: Considered, document: NewDocument) -> None:
    """Refuse what the screening refuses; of a classified document nothing stays but an audit line (F28).

    Its attachments are forgotten too: their ids stand in ``dropped``, for whoever keeps the files.
    """
    refusals = [finding for finding in considered.findings if finding.refuse]
    if not refusals:
        return
    codes = [finding.code for finding in refusals]
    classified = "classified_refused" in codes
    line = Audit(
        action="document.refused",
        actor=act.person_id,
        subject=f"unit:{document.sender_unit_id}",
        detail={"code": codes[0], "fields": sorted({finding.field for finding in refusals})},
        origin=act.origin,
    )
    files = document.attachments if classified else ()
    dropped = await house.store.engine.write(_forget(line, files, act.person_id))
    reasons = [{"field": finding.field, "reason": finding.reason} for finding in refusals]
    raise Refused("classified_refused" if classified else codes[0], errors=reasons, dropped=dropped)


def _forget(line: Audit, files: tuple[str, ...], person_id: int) -> Program[list[str]]:
    """The audit line, and nothing of the files that were offered."""
    yield line
    if not files:
        return []
    rows = yield Sql("attachments_drop", {"ids": json.dumps(files), "uploaded_by": person_id})
    return [str(row[0]) for row in rows]


async def refuse_marked_name(house: House, principal: Principal, name: str, origin: str) -> None:
    """Refuse a file whose name bears a mark of secrecy, before any of it is received; an audit line stays (F28)."""
    level = mark_in_file_name(name)
    if level is None:
        return
    line = Audit(
        action="attachment.refused",
        actor=principal.person_id,
        subject="attachment:0",
        detail={"code": "classified_refused", "fields": ["name"]},
        origin=origin,
    )
    await house.store.engine.write(_forget(line, (), principal.person_id))
    raise Refused("classified_refused", errors=[{"field": "name", "reason": f"文件名带有密级标志“{level}”"}])


def refuse_faults(audience: Audience) -> None:
    """Refuse a scope with faults. Raises scope_empty, unit_frozen, scope_unknown_unit with the faults."""
    if not audience.faults:
        return
    errors = [{"field": "scope", "reason": fault.reason} for fault in audience.faults[:FAULTS_MAX]]
    raise Refused(_code_of(audience.faults), errors=errors)


def _code_of(faults: tuple[ScopeFault, ...]) -> str:
    codes = {fault.code for fault in faults}
    if codes == {"scope_empty"}:
        return "scope_empty"
    return "unit_frozen" if codes <= {"unit_frozen", "unit_not_live"} else "scope_unknown_unit"
