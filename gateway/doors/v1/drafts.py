"""Routes of drafts that came by mail: their unit's clerks look at them, complete them, send or drop them (F40)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta
from msgspec.structs import replace

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.downloads import download
from gateway.doors.routes import Raw, Routes
from gateway.doors.sniffing import MEDIA_TYPES
from gateway.doors.v1.adapter import AppCall, act_of, at_of, encoded
from gateway.doors.v1.attachments import discard, folder_of
from gateway.doors.v1.dispatch_bodies import BODY_MAX_BYTES, Leaders, ScopeBody, Title, scope_of
from gateway.doors.v1.sending import FORMED, SCOPED, SCREENED, DispatchPreview, preview_told
from gateway.doors.v1.shown import Position, UnitRef, unit_ref
from gateway.doors.wire import Answer, Body, When, shown
from gateway.flows import mail_drafts as flows
from gateway.flows.proposals import Proposal
from gateway.flows.sending import Dispatched
from gateway.rules.audience import Scope
from inbox_store.errors import Refused
from inbox_store.mails import Draft
from inbox_store.nouns import Duty, Kind, Sensitivity, Urgency
from inbox_store.org import Organisation
from inbox_store.programs.mail_drafts import FIRST

routes = Routes("drafts")


class DraftFile(Answer, frozen=True, kw_only=True):
    """草稿的一个附件"""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str


class DraftView(Answer, frozen=True, kw_only=True):
    """邮件送来的一份草稿；key_name 为接口密钥的名称，mail_from 为来信地址，units、scopes 为收件单位和常用范围"""

    id: int
    unit: UnitRef
    key_name: str
    mail_from: str
    message_id: str
    title: str
    body: str
    kind: str
    urgency: str
    units: tuple[UnitRef, ...]
    scopes: tuple[int, ...]
    copies: tuple[UnitRef, ...]
    attachments: tuple[DraftFile, ...]
    received_at: datetime


class BeforeDraft(msgspec.Struct, frozen=True):
    """The draft below which a page begins."""

    draft_id: Position


_DRAFTS: Final = Cursor("drafts", BeforeDraft)


class DraftToSend(Body, frozen=True, kw_only=True):
    """补齐草稿：不填的照邮件所写；scope 填了就替换整个发文范围"""

    kind: Kind | None = None
    title: Title | None = None
    body: Annotated[str, Meta(max_length=200_000, description="正文")] | None = None
    doc_no: Annotated[str, Meta(max_length=60, description="发文字号")] = ""
    urgency: Urgency | None = None
    duty: Duty = "read"
    sensitivity: Sensitivity = "internal"
    elements: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=40)], Annotated[str, Meta(max_length=1_000)]],
        Meta(max_length=40, description="其他格式要素，如 issuer、issued_on、signatory、note"),
    ] = {}
    has_letterhead: bool = False
    has_seal: bool = False
    is_test: Annotated[bool, Meta(description="演练件，不进统计")] = False
    scope: ScopeBody | None = None
    leaders: Leaders = ("responsible_leader",)
    sms_reminder: Annotated[bool, Meta(description="是否短信提醒")] = False
    handle_due_at: When | None = None


_EXAMPLE: Final = DraftToSend(kind="slip", elements={"issuer": "云水市人民政府办公室"}, sms_reminder=True)


@routes.at(
    "GET",
    "/api/v1/drafts",
    name="draft.list",
    access="dispatch.submit",
    query=PageQuery,
    answer=Page[DraftView],
    errors=("cursor_invalid",),
    zh="本单位由邮件送来的草稿，新的在前",
    en="Drafts that came by mail for one's units, newest first",
)
async def list_drafts(call: AppCall[None, PageQuery]) -> Page[DraftView]:
    """A page of drafts."""
    house = call.services.house
    before = _DRAFTS.decode(call.query.cursor)
    drafts = await flows.listed(house, call.principal, before.draft_id if before else FIRST, call.query.limit)
    organisation = await house.organisation()
    rows = [_view(draft, organisation) for draft in drafts]
    return _DRAFTS.page(rows, call.query.limit, lambda row: BeforeDraft(row.id))


def _view(draft: Draft, organisation: Organisation) -> DraftView:
    scope = msgspec.json.decode(draft.scope, type=Scope)
    return DraftView(
        id=draft.id,
        unit=unit_ref(organisation, draft.unit_id),
        key_name=draft.key_name,
        mail_from=draft.mail_from,
        message_id=draft.message_id,
        title=draft.title,
        body=draft.body,
        kind=draft.kind,
        urgency=draft.urgency,
        units=tuple(unit_ref(organisation, unit) for unit in sorted(scope.units)),
        scopes=tuple(sorted(scope.saved | scope.cc.saved)),
        copies=tuple(unit_ref(organisation, unit) for unit in sorted(scope.cc.units)),
        attachments=tuple(
            DraftFile(
                id=file.id,
                name=file.name,
                media_type=file.media_type,
                size_bytes=file.size_bytes,
                sha256=file.sha256.hex(),
            )
            for file in draft.files
        ),
        received_at=shown(draft.received_at),
    )


@routes.at(
    "GET",
    "/api/v1/drafts/{draft_id:int}",
    name="draft.show",
    access="dispatch.submit",
    answer=DraftView,
    zh="查看一份草稿",
    en="One draft",
)
async def show_draft(call: AppCall[None, None]) -> DraftView:
    """One draft."""
    house = call.services.house
    draft = await flows.opened(house, call.principal, call.path.number("draft_id"))
    return _view(draft, await house.organisation())


@routes.at(
    "GET",
    "/api/v1/drafts/{draft_id:int}/attachments/{attachment_id}",
    name="draft.attachment",
    access="dispatch.submit",
    answer=Raw(tuple(sorted(set(MEDIA_TYPES.values())))),
    zh="下载草稿的附件",
    en="Download an attachment of a draft",
)
async def show_attachment(call: AppCall[None, None]) -> web.StreamResponse:
    """Sends a file to the draft's clerks."""
    house = call.services.house
    path = folder_of(house).path_of(call.path.text("attachment_id"))
    told = await flows.file_of(house, call.principal, call.path.number("draft_id"), path.name)
    return await download(path, name=told.name, media_type=told.media_type)


def completed(told: DraftToSend, organisation: Organisation) -> flows.Complete:
    """How the clerk's words change what the mail said. Raises Refused: scope_unknown_unit, body_invalid."""
    scope = scope_of(told.scope, organisation) if told.scope else None
    due = at_of(told.handle_due_at, "/handle_due_at") if told.handle_due_at else None

    def complete(proposal: Proposal) -> Proposal:
        document = proposal.document
        unit = organisation.units.get(document.sender_unit_id)
        elements = dict(told.elements)
        if unit is not None:
            elements.setdefault("issuer", unit.name)
        document = replace(
            document,
            kind=told.kind or document.kind,
            title=document.title if told.title is None else told.title,
            body=document.body if told.body is None else told.body,
            urgency=told.urgency or document.urgency,
            doc_no=told.doc_no,
            duty=told.duty,
            sensitivity=told.sensitivity,
            elements=elements,
            has_letterhead=told.has_letterhead,
            has_seal=told.has_seal,
            is_test=told.is_test,
        )
        return replace(
            proposal,
            document=document,
            scope=scope or proposal.scope,
            leaders=tuple(dict.fromkeys(told.leaders)),
            sms_reminder=told.sms_reminder,
            handle_due_at=due,
        )

    return complete


@routes.at(
    "POST",
    "/api/v1/drafts/{draft_id:int}/preview",
    name="draft.preview",
    access="dispatch.preview",
    body=DraftToSend,
    answer=DispatchPreview,
    keyless="it changes nothing: a preview only looks",
    zh="预览草稿发出后的单位、人员、短信条数和费用上限，以及全部问题",
    en="What sending a draft would do, and everything wrong with it",
    example=_EXAMPLE,
    errors=(*FORMED, "scope_unknown_unit"),
    body_max_bytes=BODY_MAX_BYTES,
)
async def preview_draft(call: AppCall[DraftToSend, None]) -> DispatchPreview:
    """Looks; nothing is stored."""
    house = call.services.house
    organisation = await house.organisation()
    complete = completed(call.body, organisation)
    told = await flows.look(house, call.principal, call.path.number("draft_id"), complete, call.now)
    return preview_told(house, told, organisation)


@routes.at(
    "POST",
    "/api/v1/drafts/{draft_id:int}/send",
    name="draft.send",
    access="dispatch.submit",
    body=DraftToSend,
    answer=Dispatched,
    status=201,
    zh="发出草稿：办法同发文，范围达到普发标准的待第二人批准",
    en="Send a draft as any dispatch: a general one waits for a second person",
    example=_EXAMPLE,
    errors=(*SCREENED, *SCOPED, *FORMED, "attachment_unknown", "storage_full"),
    body_max_bytes=BODY_MAX_BYTES,
)
async def send_draft(call: AppCall[DraftToSend, None]) -> Encoded:
    """Sends it; of a classified one not even its attachments stay."""
    house = call.services.house
    complete = completed(call.body, await house.organisation())
    try:
        return encoded(await flows.send(house, act_of(call), call.path.number("draft_id"), complete))
    except Refused as refused:
        await discard(house, refused.params.get("dropped"))
        raise


@routes.at(
    "DELETE",
    "/api/v1/drafts/{draft_id:int}",
    name="draft.drop",
    access="dispatch.submit",
    status=204,
    zh="删除草稿和它的附件",
    en="Forget a draft with its attachments",
)
async def drop_draft(call: AppCall[None, None]) -> Encoded:
    """Forgets it."""
    house = call.services.house
    answer, files = await flows.drop(house, act_of(call), call.path.number("draft_id"))
    await discard(house, files)
    return encoded(answer)
