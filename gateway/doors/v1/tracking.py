"""Routes of following what was sent: lists, one dispatch with its sums, every copy, the general register."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, faulty
from gateway.doors.v1.shown import Position, UnitRef, from_of, unit_ref, until_of, when
from gateway.doors.wire import Answer, Id, shown
from gateway.flows import tracking as flows
from gateway.flows.words import DISPATCH_ZH, PART_ZH, yuan
from inbox_store.errors import Refused
from inbox_store.nouns import (
    KIND_ZH,
    STATE_ZH,
    URGENCY_ZH,
    DispatchState,
    DistributionRole,
    DistributionState,
    Kind,
    Urgency,
)
from inbox_store.org import Organisation
from inbox_store.programs.inbox import NO_BOUND
from inbox_store.programs.tracking import SentRow, TrackRow, TrackSum

PERIOD_DAYS_MAX = 366

routes = Routes("tracking")


class DispatchLine(Answer, frozen=True, kw_only=True):
    """一次发文：文件、范围大小、提交与审批"""

    dispatch_id: int
    document_id: int
    supplement_of: int | None
    state: DispatchState
    state_zh: str
    general: bool
    title: str
    kind: Kind
    kind_zh: str
    urgency: Urgency
    urgency_zh: str
    doc_no: str
    sender: UnitRef
    is_test: bool
    units: int
    persons: int
    segments: int
    amount_li: int
    amount_yuan: str
    submitted_by: str
    submitted_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_note: str | None
    sent_at: datetime | None
    recalled_at: datetime | None


class CopySum(Answer, frozen=True, kw_only=True):
    """处于一种状态的份数，其中已打开的、未阅即签的"""

    state: DistributionState
    state_zh: str
    copies: int
    opened: int
    signed_unread: int


class DispatchDetail(Answer, frozen=True, kw_only=True):
    """一次发文和这份文件全部各份（含补发）的合计"""

    dispatch: DispatchLine
    copies: int
    sums: tuple[CopySum, ...]


class CopyLine(Answer, frozen=True, kw_only=True):
    """一个收文单位的一份：送达、打开、签收、办理、归档、退回、撤回各在何时"""

    unit: UnitRef
    role: DistributionRole
    role_zh: str
    state: DistributionState
    state_zh: str
    round: int
    sent_at: datetime
    sign_due_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None
    signed_at: datetime | None
    signed_by: str | None
    signed_on_time: bool | None
    signed_unread: bool
    signed_bulk: bool
    handler: str | None
    handling_started_at: datetime | None
    handle_due_at: datetime | None
    handled_at: datetime | None
    archived_at: datetime | None
    returned_at: datetime | None
    return_reason: str | None
    recalled_at: datetime | None


class CopyPage(Answer, frozen=True, kw_only=True):
    """一页跟踪明细，连同全部各份的合计：合计之和等于 copies"""

    copies: int
    sums: tuple[CopySum, ...]
    items: tuple[CopyLine, ...]
    next: str | None = None


class SentQuery(PageQuery, frozen=True, kw_only=True):
    """发文列表的条件"""

    state: DispatchState | None = None
    sender_unit_id: Annotated[Id, Meta(description="发文单位；不填为本人所在各单位")] | None = None


class GeneralQuery(PageQuery, frozen=True, kw_only=True):
    """普发登记的起止日期，首尾两天都算，最长 366 天"""

    from_: Annotated[date, Meta(description="起始日期")] = msgspec.field(name="from")
    to: Annotated[date, Meta(description="截止日期")]


class Below(msgspec.Struct, frozen=True):
    """Where a page of dispatches begins: newest first."""

    dispatch_id: Position


class Above(msgspec.Struct, frozen=True):
    """Where a page begins that goes up by number."""

    number: Position


SENT = Cursor("dispatch.list", Below)
HELD = Cursor("dispatch.held", Below)
GENERAL = Cursor("dispatch.general", Above)
COPIES = Cursor("document.copies", Above)


def line_of(row: SentRow, organisation: Organisation) -> DispatchLine:
    """A dispatch as answers show it."""
    state, kind = cast("DispatchState", row.state), cast("Kind", row.kind)
    urgency = cast("Urgency", row.urgency)
    return DispatchLine(
        dispatch_id=row.id,
        document_id=row.document_id,
        supplement_of=row.supplement_of,
        state=state,
        state_zh=DISPATCH_ZH[state],
        general=row.general,
        title=row.title,
        kind=kind,
        kind_zh=KIND_ZH[kind],
        urgency=urgency,
        urgency_zh=URGENCY_ZH[urgency],
        doc_no=row.doc_no,
        sender=unit_ref(organisation, row.sender_unit_id),
        is_test=row.is_test,
        units=row.units,
        persons=row.persons,
        segments=row.segments,
        amount_li=row.amount_li,
        amount_yuan=yuan(row.amount_li),
        submitted_by=row.submitter,
        submitted_at=shown(row.submitted_at),
        decided_by=row.decider,
        decided_at=when(row.decided_at),
        decision_note=row.decision_note,
        sent_at=when(row.sent_at),
        recalled_at=when(row.recalled_at),
    )


def sums_of(sums: tuple[TrackSum, ...]) -> tuple[CopySum, ...]:
    """The sums with the states in Chinese."""
    return tuple(
        CopySum(
            state=cast("DistributionState", one.state),
            state_zh=STATE_ZH[one.state],
            copies=one.copies,
            opened=one.opened,
            signed_unread=one.signed_unread,
        )
        for one in sums
    )


def copy_of(row: TrackRow, organisation: Organisation) -> CopyLine:
    """A copy as the sender follows it."""
    role = cast("DistributionRole", row.role)
    in_time = row.sign_due_at is None or (row.signed_at or 0) <= row.sign_due_at
    return CopyLine(
        unit=unit_ref(organisation, row.unit_id),
        role=role,
        role_zh=PART_ZH[role],
        state=cast("DistributionState", row.state),
        state_zh=STATE_ZH[row.state],
        round=row.round,
        sent_at=shown(row.sent_at),
        sign_due_at=when(row.sign_due_at),
        delivered_at=when(row.delivered_at),
        opened_at=when(row.opened_at),
        signed_at=when(row.signed_at),
        signed_by=row.signed_by,
        signed_on_time=None if row.signed_at is None else in_time,
        signed_unread=bool(row.signed_unread),
        signed_bulk=bool(row.signed_bulk),
        handler=row.handler,
        handling_started_at=when(row.handling_started_at),
        handle_due_at=when(row.handle_due_at),
        handled_at=when(row.handled_at),
        archived_at=when(row.archived_at),
        returned_at=when(row.returned_at),
        return_reason=row.return_reason,
        recalled_at=when(row.recalled_at),
    )


async def _lines(
    call: AppCall[Any, Any], rows: tuple[SentRow, ...], cursor: Cursor[Below], limit: int
) -> Page[DispatchLine]:
    organisation = await call.services.house.organisation()
    lines = [line_of(row, organisation) for row in rows]
    return cursor.page(lines, limit, lambda line: Below(line.dispatch_id))


@routes.at(
    "GET",
    "/api/v1/dispatches",
    name="dispatch.list",
    access="dispatch.read",
    query=SentQuery,
    answer=Page[DispatchLine],
    zh="本单位的发文，新的在前",
    en="What one's own units sent, newest first",
)
async def sent(call: AppCall[None, SentQuery]) -> Page[DispatchLine]:
    """The dispatches of one's units."""
    query = call.query
    before = SENT.decode(query.cursor) or Below(NO_BOUND)
    rows = await flows.sent(
        call.services.house,
        call.principal,
        query.sender_unit_id,
        query.state or "",
        before.dispatch_id,
        query.limit + 1,
    )
    return await _lines(call, rows, SENT, query.limit)


@routes.at(
    "GET",
    "/api/v1/dispatches/held",
    name="dispatch.held",
    access="dispatch.review",
    query=PageQuery,
    answer=Page[DispatchLine],
    zh="待批的普发",
    en="What waits for a second person",
)
async def held(call: AppCall[None, PageQuery]) -> Page[DispatchLine]:
    """What an approver has before him."""
    before = HELD.decode(call.query.cursor) or Below(NO_BOUND)
    rows = await flows.held(call.services.house, call.principal, before.dispatch_id, call.query.limit + 1)
    return await _lines(call, rows, HELD, call.query.limit)


@routes.at(
    "GET",
    "/api/v1/dispatches/general",
    name="dispatch.general",
    access="dispatch.read",
    query=GeneralQuery,
    answer=Page[DispatchLine],
    zh="普发登记：一段时间内的普发，连同批准人和费用上限",
    en="Register of general dispatches of a period, with approver and cost",
    errors=("period_reversed",),
)
async def general(call: AppCall[None, GeneralQuery]) -> Page[DispatchLine]:
    """The register of general dispatches."""
    query, house = call.query, call.services.house
    if query.to < query.from_:
        raise Refused("period_reversed", start=query.from_.isoformat(), end=query.to.isoformat())
    if query.to - query.from_ > timedelta(days=PERIOD_DAYS_MAX - 1):
        raise faulty("query_invalid", ("/to", f"一次最多查 {PERIOD_DAYS_MAX} 天"))
    after = GENERAL.decode(query.cursor) or Above(0)
    span = (from_of(query.from_), until_of(query.to))
    rows = await flows.general(house, call.principal, *span, after.number, query.limit + 1)
    organisation = await house.organisation()
    lines = [line_of(row, organisation) for row in rows]
    return GENERAL.page(lines, query.limit, lambda line: Above(line.dispatch_id))


@routes.at(
    "GET",
    "/api/v1/dispatches/{dispatch_id:int}",
    name="dispatch.show",
    access="dispatch.read",
    answer=DispatchDetail,
    zh="一次发文，连同各状态份数",
    en="One dispatch with the sums of its copies",
)
async def one(call: AppCall[None, None]) -> DispatchDetail:
    """One dispatch."""
    house = call.services.house
    row, sums = await flows.one(house, call.principal, call.path.number("dispatch_id"))
    line = line_of(row, await house.organisation())
    return DispatchDetail(dispatch=line, copies=sum(told.copies for told in sums), sums=sums_of(sums))


@routes.at(
    "GET",
    "/api/v1/documents/{document_id:int}/copies",
    name="document.copies",
    access="dispatch.read",
    query=PageQuery,
    answer=CopyPage,
    zh="逐单位跟踪：每一份的送达、打开、签收、办理和归档",
    en="Where each copy stands: delivered, opened, signed, in handling, finished, archived",
)
async def copies(call: AppCall[None, PageQuery]) -> CopyPage:
    """Every copy of a document, by unit."""
    house, limit = call.services.house, call.query.limit
    after = COPIES.decode(call.query.cursor) or Above(0)
    document_id = call.path.number("document_id")
    rows, sums = await flows.copies(house, call.principal, document_id, after.number, limit + 1)
    organisation = await house.organisation()
    page = COPIES.page([copy_of(row, organisation) for row in rows], limit, lambda line: Above(line.unit.id))
    total = sum(told.copies for told in sums)
    return CopyPage(copies=total, sums=sums_of(sums), items=page.items, next=page.next)
