"""A document as answers show it to one reader, and the lines of a unit's register."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec

from gateway.doors.v1.shown import UnitRef, unit_ref, when
from gateway.doors.wire import Answer, shown
from gateway.flows.reading import CopyView, DocumentView, OpinionView, UnitCopy
from gateway.flows.words import DUTY_ZH, INBOX_ZH, PART_ZH, SENSITIVITY_ZH
from inbox_store.nouns import (
    KIND_ZH,
    STATE_ZH,
    URGENCY_ZH,
    DistributionRole,
    DistributionState,
    Duty,
    InboxState,
    Kind,
    Sensitivity,
    Urgency,
)
from inbox_store.org import Organisation
from inbox_store.programs.meetings import MeetingRow
from inbox_store.programs.registers import Upload


class AttachmentLine(Answer, frozen=True, kw_only=True):
    """文件的一个附件"""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str


class OwnCopy(Answer, frozen=True, kw_only=True):
    """本人所在的一个收文单位的一份；due_provisional 为 true 的，节假日安排尚未公布，时限为暂定"""

    unit: UnitRef
    role: DistributionRole
    role_zh: str
    state: DistributionState
    state_zh: str
    sent_at: datetime
    sign_due_at: datetime | None
    due_provisional: bool
    opened_at: datetime | None
    signed_at: datetime | None
    signed_by: str | None
    handler_id: int | None
    handler: str | None
    handle_due_at: datetime | None
    archived_at: datetime | None
    return_reason: str | None
    recalled_at: datetime | None


class OpinionLine(Answer, frozen=True, kw_only=True):
    """一条办理意见"""

    id: int
    unit: UnitRef
    person_id: int
    name: str
    at: datetime
    text: str


class MeetingInfo(Answer, frozen=True, kw_only=True):
    """会议信息和对回执的要求"""

    place: str
    starts_at: datetime
    ends_at: datetime | None
    reply_due_at: datetime
    seats: int
    fields: tuple[str, ...]
    personal: bool


class DocumentAnswer(Answer, frozen=True, kw_only=True):
    """一份文件，和本人所在各单位的办理情况

    withheld 为 true：签收之前已被撤回，正文和附件不再提供。digest 是签收所指内容的 SHA-256。
    """

    id: int
    kind: Kind
    kind_zh: str
    title: str
    doc_no: str
    urgency: Urgency
    urgency_zh: str
    duty: Duty
    duty_zh: str
    sensitivity: Sensitivity
    sensitivity_zh: str
    sender: UnitRef
    co_issuers: tuple[str, ...]
    elements: dict[str, str]
    has_letterhead: bool
    has_seal: bool
    is_test: bool
    created_at: datetime
    recalled_at: datetime | None
    recall_reason: str | None
    withheld: bool
    body: str
    attachments: tuple[AttachmentLine, ...]
    digest: str
    meeting: MeetingInfo | None
    entry_state: InboxState | None
    entry_state_zh: str | None
    copies: tuple[OwnCopy, ...]
    opinions: tuple[OpinionLine, ...]


class UnitCopyLine(Answer, frozen=True, kw_only=True):
    """收文登记的一行"""

    document_id: int
    state: DistributionState
    state_zh: str
    title: str
    kind: Kind
    kind_zh: str
    urgency: Urgency
    urgency_zh: str
    doc_no: str
    sender: UnitRef
    sent_at: datetime
    sign_due_at: datetime | None
    signed_at: datetime | None
    handle_due_at: datetime | None


class _Elements(msgspec.Struct, frozen=True):
    """What the store keeps beside the columns of a document."""

    elements: dict[str, str] = {}
    co_issuers: tuple[str, ...] = ()
    has_letterhead: bool = False
    has_seal: bool = False


def document_of(view: DocumentView, organisation: Organisation) -> DocumentAnswer:
    """A document as answers show it."""
    head, parts = view.head, msgspec.convert(view.elements, _Elements)
    kind, urgency = cast("Kind", head.kind), cast("Urgency", head.urgency)
    duty, sensitivity = cast("Duty", head.duty), cast("Sensitivity", head.sensitivity)
    entry_state = cast("InboxState | None", view.entry_state)
    return DocumentAnswer(
        id=head.id,
        kind=kind,
        kind_zh=KIND_ZH[kind],
        title=head.title,
        doc_no=head.doc_no,
        urgency=urgency,
        urgency_zh=URGENCY_ZH[urgency],
        duty=duty,
        duty_zh=DUTY_ZH[duty],
        sensitivity=sensitivity,
        sensitivity_zh=SENSITIVITY_ZH[sensitivity],
        sender=unit_ref(organisation, head.sender_unit_id),
        co_issuers=parts.co_issuers,
        elements=parts.elements,
        has_letterhead=parts.has_letterhead,
        has_seal=parts.has_seal,
        is_test=head.is_test,
        created_at=shown(head.created_at),
        recalled_at=when(head.recalled_at),
        recall_reason=head.recall_reason,
        withheld=view.withheld,
        body=view.body,
        attachments=tuple(_attachment(one) for one in view.attachments),
        digest=head.digest.hex(),
        meeting=meeting_of(view.meeting) if view.meeting else None,
        entry_state=entry_state,
        entry_state_zh=INBOX_ZH[entry_state] if entry_state else None,
        copies=tuple(_copy(one, view.names, organisation) for one in view.copies),
        opinions=tuple(_opinion(one, organisation) for one in view.opinions),
    )


def _attachment(told: Upload) -> AttachmentLine:
    return AttachmentLine(
        id=told.id,
        name=told.name,
        media_type=told.media_type,
        size_bytes=told.size_bytes,
        sha256=told.sha256.hex(),
    )


def meeting_of(told: MeetingRow) -> MeetingInfo:
    """What a meeting asks, as answers show it."""
    return MeetingInfo(
        place=told.place,
        starts_at=shown(told.starts_at),
        ends_at=when(told.ends_at),
        reply_due_at=shown(told.reply_due_at),
        seats=told.seats,
        fields=told.fields,
        personal=told.personal,
    )


def _copy(told: CopyView, names: dict[int, str], organisation: Organisation) -> OwnCopy:
    role = cast("DistributionRole", told.role)
    return OwnCopy(
        unit=unit_ref(organisation, told.unit_id),
        role=role,
        role_zh=PART_ZH[role],
        state=cast("DistributionState", told.state),
        state_zh=STATE_ZH[told.state],
        sent_at=shown(told.sent_at),
        sign_due_at=when(told.sign_due_at),
        due_provisional=bool(told.due_provisional),
        opened_at=when(told.opened_at),
        signed_at=when(told.signed_at),
        signed_by=told.signed_by,
        handler_id=told.handler_id,
        handler=names.get(told.handler_id or 0),
        handle_due_at=when(told.handle_due_at),
        archived_at=when(told.archived_at),
        return_reason=told.return_reason,
        recalled_at=when(told.recalled_at),
    )


def _opinion(told: OpinionView, organisation: Organisation) -> OpinionLine:
    return OpinionLine(
        id=told.id,
        unit=unit_ref(organisation, told.unit_id),
        person_id=told.person_id,
        name=told.name,
        at=shown(told.at),
        text=told.text,
    )


def unit_copy_of(row: UnitCopy, organisation: Organisation) -> UnitCopyLine:
    """A line of the register as answers show it."""
    kind, urgency = cast("Kind", row.kind), cast("Urgency", row.urgency)
    return UnitCopyLine(
        document_id=row.document_id,
        state=cast("DistributionState", row.state),
        state_zh=STATE_ZH[row.state],
        title=row.title,
        kind=kind,
        kind_zh=KIND_ZH[kind],
        urgency=urgency,
        urgency_zh=URGENCY_ZH[urgency],
        doc_no=row.doc_no,
        sender=unit_ref(organisation, row.sender_unit_id),
        sent_at=shown(row.sent_at),
        sign_due_at=when(row.sign_due_at),
        signed_at=when(row.signed_at),
        handle_due_at=when(row.handle_due_at),
    )
