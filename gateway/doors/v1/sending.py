"""Routes of sending: look, hand in, approve, add recipients, take back."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, encoded
from gateway.doors.v1.attachments import discard
from gateway.doors.v1.dispatch_bodies import (
    BODY_MAX_BYTES,
    NewDispatch,
    Reason,
    ScopeBody,
    SelectionBody,
    SupplementBody,
    proposal_of,
    scope_of,
)
from gateway.doors.v1.shown import UnitRef, unit_ref
from gateway.doors.wire import Answer, Body
from gateway.flows import sending as flows
from gateway.flows.alerts import segments
from gateway.flows.proposals import FAULTS_MAX, Considered, Figures
from gateway.flows.sending import Decided, Dispatched, Recalled
from gateway.house import House
from gateway.rules.audience import FaultCode
from gateway.rules.screening import FindingCode
from inbox_store.errors import Refused
from inbox_store.org import Organisation
from push.sms.text import units

LEFT_OUT_MAX = 200
"""Units left out that a preview names; the warning tells how many there are."""

routes = Routes("dispatches")

_NOTICE = NewDispatch(
    kind="notice",
    title="关于做好汛期值班工作的通知",
    doc_no="云政办发〔2026〕12号",
    urgency="urgent",
    body="各县（区）人民政府：……",
    elements={"issuer": "云水市人民政府办公室", "issued_on": "2026-06-01"},
    has_letterhead=True,
    has_seal=True,
    scope=ScopeBody(region_codes=("110",), groups=("county_direct",), exclusions=SelectionBody(units=(17,))),
)
SCREENED = (
    "classified_refused",
    "exempt_kind",
    "urgency_not_for_kind",
    "element_missing",
    "body_empty",
    "body_only_attached",
    "series_unregistered",
)
SCOPED = ("scope_unknown_unit", "scope_empty", "unit_frozen")
FORMED = ("field_missing", "field_invalid")


class ScopeFaultAnswer(Answer, frozen=True, kw_only=True):
    """发文范围中的一处问题；ref 为所指单位、地区等的编号"""

    code: FaultCode
    ref: int | None
    reason: str


class FindingAnswer(Answer, frozen=True, kw_only=True):
    """公文本身的一处问题；refused 为 true 的不予受理，其余提醒并计数"""

    code: FindingCode
    field: str
    reason: str
    refused: bool


class SmsText(Answer, frozen=True, kw_only=True):
    """提醒短信的内容（含签名）、字数和每人计费条数"""

    text: str
    units: int
    segments: int


class DispatchPreview(Answer, frozen=True, kw_only=True):
    """发文预览：预计数，以及提交后会被拒绝或提醒的全部问题；sendable 为 true 即可提交"""

    figures: Figures
    sendable: bool
    faults: tuple[ScopeFaultAnswer, ...]
    findings: tuple[FindingAnswer, ...]
    left_out: tuple[UnitRef, ...]
    sms: SmsText | None


class Note(Body, frozen=True, kw_only=True):
    """审批意见"""

    note: Annotated[str, Meta(max_length=500, description="审批意见")] = ""


class Because(Body, frozen=True, kw_only=True):
    """办理原因"""

    reason: Reason


@routes.at(
    "POST",
    "/api/v1/dispatches/preview",
    name="dispatch.preview",
    access="dispatch.preview",
    body=NewDispatch,
    answer=DispatchPreview,
    keyless="it changes nothing: a preview only looks",
    zh="预览发文：涉及的单位、人员、短信条数和费用上限，以及全部问题",
    en="Preview: units, persons, SMS segments and yuan (a ceiling), and everything wrong with it",
    example=_NOTICE,
    errors=(*FORMED, "scope_unknown_unit"),
    body_max_bytes=BODY_MAX_BYTES,
)
async def preview(call: AppCall[NewDispatch, None]) -> DispatchPreview:
    """What a dispatch would do; nothing is stored."""
    house = call.services.house
    organisation = await house.organisation()
    proposal = proposal_of(call.body, organisation, call.principal)
    told = await flows.look(house, call.principal, proposal, call.now)
    return preview_told(house, told, organisation)


def preview_told(house: House, told: Considered, organisation: Organisation) -> DispatchPreview:
    """What a preview answers."""
    text = told.sms_text
    sms = None if text is None else SmsText(text=text, units=units(text), segments=segments(house, text))
    findings = tuple(
        FindingAnswer(code=one.code, field=one.field, reason=one.reason, refused=one.refuse)
        for one in told.findings
    )
    audience = told.audience
    return DispatchPreview(
        figures=Figures.of(told.preview),
        sendable=not audience.faults and not any(one.refused for one in findings),
        faults=tuple(
            ScopeFaultAnswer(code=one.code, ref=one.ref, reason=one.reason)
            for one in audience.faults[:FAULTS_MAX]
        ),
        findings=findings,
        left_out=tuple(unit_ref(organisation, unit) for unit in audience.left_out[:LEFT_OUT_MAX]),
        sms=sms,
    )


@routes.at(
    "POST",
    "/api/v1/dispatches",
    name="dispatch.submit",
    access="dispatch.submit",
    body=NewDispatch,
    answer=Dispatched,
    status=201,
    zh="发文：随即分发；范围达到普发标准的，待第二人批准",
    en="Dispatch: it leaves at once, or waits for a second person when it is general",
    example=_NOTICE,
    errors=(*SCREENED, *SCOPED, *FORMED, "attachment_unknown", "storage_full"),
    body_max_bytes=BODY_MAX_BYTES,
)
async def submit(call: AppCall[NewDispatch, None]) -> Encoded:
    """Records a dispatch; of a classified one not even its attachments stay."""
    house = call.services.house
    proposal = proposal_of(call.body, await house.organisation(), call.principal)
    try:
        return encoded(await flows.submit(house, act_of(call), proposal))
    except Refused as refused:
        await discard(house, refused.params.get("dropped"))
        raise


@routes.at(
    "POST",
    "/api/v1/documents/{document_id:int}/supplements",
    name="dispatch.supplement",
    access="dispatch.supplement",
    body=SupplementBody,
    answer=Dispatched,
    status=201,
    zh="补发给更多单位；已有的不重发，退回的重新打开",
    en="Supplementary dispatch: no second copy for who has one, a returned copy is reopened",
    example=SupplementBody(scope=ScopeBody(unit_codes=("X02",))),
    errors=(*SCOPED, "already_recalled"),
    body_max_bytes=BODY_MAX_BYTES,
)
async def supplement(call: AppCall[SupplementBody, None]) -> Encoded:
    """Sends a document to further units."""
    house = call.services.house
    scope = scope_of(call.body.scope, await house.organisation())
    leaders = tuple(dict.fromkeys(call.body.leaders))
    return encoded(
        await flows.supplement(house, act_of(call), call.path.number("document_id"), scope, leaders)
    )


@routes.at(
    "POST",
    "/api/v1/dispatches/{dispatch_id:int}/approve",
    name="dispatch.approve",
    access="dispatch.approve",
    body=Note,
    answer=Decided,
    zh="批准普发，随即分发；不能批准本人提交的",
    en="Approve what is held; never one's own",
    example=Note(note="同意"),
    errors=("approval_own", "not_held"),
)
async def approve(call: AppCall[Note, None]) -> Encoded:
    """A second person lets it go."""
    return await _decide(call, yes=True)


@routes.at(
    "POST",
    "/api/v1/dispatches/{dispatch_id:int}/reject",
    name="dispatch.reject",
    access="dispatch.approve",
    body=Because,
    answer=Decided,
    zh="不批准普发，须说明原因",
    en="Reject what is held, with a reason",
    example=Because(reason="请缩小范围，只发有关单位"),
    errors=("approval_own", "not_held"),
)
async def reject(call: AppCall[Because, None]) -> Encoded:
    """A second person stops it."""
    return await _decide(call, yes=False)


async def _decide(call: AppCall[Note, None] | AppCall[Because, None], *, yes: bool) -> Encoded:
    note = call.body.note if isinstance(call.body, Note) else call.body.reason
    dispatch_id = call.path.number("dispatch_id")
    return encoded(await flows.decide(call.services.house, act_of(call), dispatch_id, note, approve=yes))


@routes.at(
    "POST",
    "/api/v1/documents/{document_id:int}/recall",
    name="document.recall",
    access="document.recall",
    body=Because,
    answer=Recalled,
    zh="撤回文件：未签收的收回，已签收的标记“已撤回”并告知",
    en="Recall: unsigned copies leave the inboxes, signed ones are marked",
    example=Because(reason="附件有误，另行发送"),
    errors=("already_recalled",),
)
async def recall(call: AppCall[Because, None]) -> Encoded:
    """The sender takes a document back."""
    document_id = call.path.number("document_id")
    return encoded(await flows.recall(call.services.house, act_of(call), document_id, call.body.reason))
