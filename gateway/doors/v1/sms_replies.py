"""Routes of replies from phones: those to a document's messages, and those that answer nothing we asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.problems import entry_of
from gateway.doors.routes import SIGNED_IN, Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.v1.shown import Position, UnitRef, unit_ref
from gateway.doors.wire import Answer, Id, shown
from gateway.flows import sms_replies as flows
from gateway.rules.replies import MEANING_ZH
from inbox_store.org import Organisation
from inbox_store.programs.inbox import NO_BOUND
from inbox_store.programs.reply_lists import ReplyRow
from inbox_store.programs.reply_rules import Kind

routes = Routes("sms_replies")


class ReplyQuery(PageQuery, frozen=True, kw_only=True):
    """哪些回复：填文件编号的，是对这份文件的短信的回复；不填的，是没有对应到任何短信的回复"""

    document_id: Annotated[Id, Meta(description="文件编号；不填为未对应的回复")] | None = None


class ReplyLine(Answer, frozen=True, kw_only=True):
    """一条短信回复；said_at 为最后一次收到同样内容的时刻；refused 为没有据此登记的原因，已登记或无须登记的为空"""

    id: int
    phone: str
    person: str | None
    unit: UnitRef | None
    document_id: int | None
    text: str
    complete: bool
    received_at: datetime
    said_at: datetime
    meaning: Kind
    meaning_zh: str
    detail: str
    refused: str | None
    refused_zh: str | None
    channel: str
    source: str


class Below(msgspec.Struct, frozen=True):
    """Where a page of replies begins: newest first."""

    reply_id: Position


REPLIES = Cursor("sms.replies", Below)


@routes.at(
    "GET",
    "/api/v1/sms/replies",
    name="sms.replies",
    access=SIGNED_IN,
    query=ReplyQuery,
    answer=Page[ReplyLine],
    zh="短信回复，新的在前：发文单位看本单位文件的，市级系统管理员看未对应的",
    en="Replies from phones, newest first: to a document of one's unit, or those that answer nothing",
    errors=("not_found", "forbidden"),
)
async def replies(call: AppCall[None, ReplyQuery]) -> Page[ReplyLine]:
    """The replies to a document's messages, or the unmatched ones."""
    query, house = call.query, call.services.house
    before, limit = (REPLIES.decode(query.cursor) or Below(NO_BOUND)).reply_id, query.limit + 1
    if query.document_id is None:
        rows = await flows.unmatched(house, call.principal, before, limit)
    else:
        rows = await flows.of_document(house, call.principal, query.document_id, before, limit)
    organisation = await house.organisation()
    lines = [_line(row, organisation) for row in rows]
    return REPLIES.page(lines, query.limit, lambda line: Below(line.id))


def _line(row: ReplyRow, organisation: Organisation) -> ReplyLine:
    return ReplyLine(
        id=row.id,
        phone=row.phone,
        person=row.person,
        unit=unit_ref(organisation, row.unit_id) if row.unit_id else None,
        document_id=row.document_id,
        text=row.text,
        complete=row.complete,
        received_at=shown(row.received_at),
        said_at=shown(row.said_at),
        meaning=row.meaning,
        meaning_zh=MEANING_ZH[row.meaning],
        detail=row.detail,
        refused=row.refused or None,
        refused_zh=_refusal(row),
        channel=row.channel,
        source=row.source,
    )


def _refusal(row: ReplyRow) -> str | None:
    """The title of the refusal, with the rules' own words where they gave any."""
    if not row.refused:
        return None
    title = entry_of(row.refused).title_zh
    return f"{title}：{row.why}" if row.why else title
