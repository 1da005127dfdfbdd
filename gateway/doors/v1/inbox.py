"""Routes of one's own inbox: folders, entries, catch-up over HTTP, the ticket of a live session."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal, cast, get_args

import msgspec
from msgspec import Meta

from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.v1.shown import Position, UnitRef, from_of, unit_ref, until_of, when
from gateway.doors.wire import Answer, Body, Id, shown
from gateway.flows.words import INBOX_ZH
from inbox_store.nouns import (
    FOLDER_ZH,
    KIND_ZH,
    STATE_ZH,
    URGENCY_ZH,
    DistributionState,
    Folder,
    InboxState,
    Kind,
    Urgency,
)
from inbox_store.org import Organisation
from inbox_store.programs import inbox, reading
from inbox_store.programs.inbox import NO_BOUND, CopyStatus, EntryFilter, FeedItem
from inbox_store.programs.reading import EntryLine
from realtime.server import LIVE_PATH

FOLDERS: Final[tuple[Folder, ...]] = get_args(Folder)

routes = Routes("inbox")


class FolderLine(Answer, frozen=True, kw_only=True):
    """一个文件夹：总数和待办待阅数"""

    folder: Folder
    folder_zh: str
    total: int
    pending: int


class InboxFolders(Answer, frozen=True, kw_only=True):
    """收件箱各文件夹；position 和 epoch 可交给 /inbox/changes 或实时连接，从这里接着收"""

    epoch: str
    position: int
    pending: int
    folders: tuple[FolderLine, ...]


class UnitStanding(Answer, frozen=True, kw_only=True):
    """本人所在的一个收文单位对这份文件的办理状态"""

    unit: UnitRef
    state: DistributionState
    state_zh: str
    sign_due_at: datetime | None
    signed_by: str | None


class EntryAnswer(Answer, frozen=True, kw_only=True):
    """收件箱中的一件"""

    document_id: int
    folder: Folder
    folder_zh: str
    state: InboxState
    state_zh: str
    title: str
    kind: Kind
    kind_zh: str
    urgency: Urgency
    urgency_zh: str
    doc_no: str
    sender: UnitRef
    sent_at: datetime
    delivered_at: datetime | None
    opened_at: datetime | None
    done_at: datetime | None
    recalled_at: datetime | None
    is_test: bool
    position: int
    units: tuple[UnitStanding, ...]


class ChangeAnswer(Answer, frozen=True, kw_only=True):
    """收件箱的一处变化：按现在的样子给出，收到即以此为准"""

    position: int
    change: Literal["arrived", "state", "withdrawn"]
    document_id: int
    folder: Folder
    state: InboxState
    title: str
    kind: Kind
    urgency: Urgency
    sender: UnitRef
    sent_at: datetime
    recalled_at: datetime | None
    units: tuple[UnitStanding, ...]


class InboxChanges(Answer, frozen=True, kw_only=True):
    """after 之后的变化，依提交次序；下次从 position 接着查，more 为 true 表示还有

    epoch 与上次不同的，先前的 position 作废，从 0 重新收取。
    """

    epoch: str
    position: int
    more: bool
    items: tuple[ChangeAnswer, ...]


class EntryQuery(PageQuery, frozen=True, kw_only=True):
    """查找条件，可以同时用几项"""

    folder: Folder | None = None
    state: InboxState | None = None
    q: Annotated[str, Meta(max_length=100, description="标题、文号、发文单位中的字")] | None = None
    sender_unit_id: Id | None = None
    from_: Annotated[date, Meta(description="收文起始日期")] | None = msgspec.field(name="from", default=None)
    to: Annotated[date, Meta(description="收文截止日期，当天算在内")] | None = None


class AfterQuery(Body, frozen=True, kw_only=True):
    """从哪里接着收"""

    after: Annotated[Position, Meta(description="上次答复的 position，初次为 0")] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class Ticket(Answer, frozen=True, kw_only=True):
    """建立实时连接用的一次性票据：放在第一帧，不放在网址里"""

    ticket: str
    expires_at: datetime
    path: str


class Below(msgspec.Struct, frozen=True):
    """Where a page of entries begins: newest first."""

    send_no: Position


ENTRIES = Cursor("inbox.entries", Below)


def standing_of(copy: CopyStatus, organisation: Organisation) -> UnitStanding:
    """How one of the reader's units stands."""
    return UnitStanding(
        unit=unit_ref(organisation, copy.unit_id),
        state=cast("DistributionState", copy.state),
        state_zh=STATE_ZH[copy.state],
        sign_due_at=when(copy.sign_due_at),
        signed_by=copy.signed_by,
    )


def entry_of(line: EntryLine, organisation: Organisation) -> EntryAnswer:
    """One line of the inbox as answers show it."""
    view = line.view
    folder, state = cast("Folder", view.folder), cast("InboxState", view.state)
    kind, urgency = cast("Kind", view.kind), cast("Urgency", view.urgency)
    return EntryAnswer(
        document_id=view.document_id,
        folder=folder,
        folder_zh=FOLDER_ZH[folder],
        state=state,
        state_zh=INBOX_ZH[state],
        title=view.title,
        kind=kind,
        kind_zh=KIND_ZH[kind],
        urgency=urgency,
        urgency_zh=URGENCY_ZH[urgency],
        doc_no=view.doc_no,
        sender=unit_ref(organisation, view.sender_unit_id),
        sent_at=shown(line.sent_at),
        delivered_at=when(view.delivered_at),
        opened_at=when(view.opened_at),
        done_at=when(view.done_at),
        recalled_at=when(view.recalled_at),
        is_test=bool(view.is_test),
        position=view.commit_no,
        units=tuple(standing_of(copy, organisation) for copy in line.copies),
    )


def change_of(item: FeedItem, organisation: Organisation) -> ChangeAnswer:
    """One change as answers show it."""
    sent = [copy.sent_at for copy in item.copies]
    withdrawn = item.state == "withdrawn"
    return ChangeAnswer(
        position=item.commit_no,
        change="withdrawn" if withdrawn else "arrived" if item.arrived else "state",
        document_id=item.document_id,
        folder=cast("Folder", item.folder),
        state=cast("InboxState", item.state),
        title=item.title,
        kind=cast("Kind", item.kind),
        urgency=cast("Urgency", item.urgency),
        sender=unit_ref(organisation, item.sender_unit_id),
        sent_at=shown(min(sent, default=item.submitted_at)),
        recalled_at=when(item.recalled_at),
        units=tuple(standing_of(copy, organisation) for copy in item.copies),
    )


@routes.at(
    "GET",
    "/api/v1/inbox",
    name="inbox.show",
    access="inbox.read",
    answer=InboxFolders,
    zh="收件箱各文件夹的数目",
    en="The eight folders with their counts, and the position they belong to",
)
async def folders(call: AppCall[None, None]) -> InboxFolders:
    """The folders with their counts."""
    engine = call.services.house.store.engine
    position, counts = await engine.read(reading.folders(call.principal.person_id))
    found = {one.folder: one for one in counts}
    lines = tuple(
        FolderLine(
            folder=folder,
            folder_zh=FOLDER_ZH[folder],
            total=found[folder].total if folder in found else 0,
            pending=found[folder].pending if folder in found else 0,
        )
        for folder in FOLDERS
    )
    pending = sum(line.pending for line in lines)
    return InboxFolders(epoch=engine.epoch, position=position, pending=pending, folders=lines)


def _wanted(query: EntryQuery) -> EntryFilter:
    return EntryFilter(
        text=(query.q or "").strip(),
        folder=query.folder or "",
        state=query.state or "",
        sender_unit_id=query.sender_unit_id or 0,
        from_at=from_of(query.from_),
        to_at=until_of(query.to) if query.to else NO_BOUND,
    )


@routes.at(
    "GET",
    "/api/v1/inbox/entries",
    name="inbox.entries",
    access="inbox.read",
    query=EntryQuery,
    answer=Page[EntryAnswer],
    zh="收件箱列表和查找，新的在前",
    en="Entries by folder, state, text, sender and days, newest first",
)
async def entries(call: AppCall[None, EntryQuery]) -> Page[EntryAnswer]:
    """A page of entries."""
    house, limit = call.services.house, call.query.limit
    before = ENTRIES.decode(call.query.cursor) or Below(NO_BOUND)
    person = call.principal.person_id
    found = reading.entries(person, _wanted(call.query), before.send_no, limit + 1, call.now)
    lines = await house.store.engine.read(found)
    page = ENTRIES.page(list(lines), limit, lambda line: Below(line.view.send_no))
    organisation = await house.organisation()
    return Page(items=tuple(entry_of(line, organisation) for line in page.items), next=page.next)


@routes.at(
    "GET",
    "/api/v1/inbox/changes",
    name="inbox.changes",
    access="inbox.read",
    query=AfterQuery,
    answer=InboxChanges,
    zh="补收：某一位置之后的全部变化，不重不漏",
    en="Catch-up over HTTP: everything above a position, gapless and in commit order",
)
async def changes(call: AppCall[None, AfterQuery]) -> InboxChanges:
    """The changes above a position."""
    house, query = call.services.house, call.query
    person = call.principal.person_id
    page = await house.store.engine.read(inbox.since(person, query.after, query.limit, call.now))
    organisation = await house.organisation()
    return InboxChanges(
        epoch=house.store.engine.epoch,
        position=page.position,
        more=page.more,
        items=tuple(change_of(item, organisation) for item in page.items),
    )


@routes.at(
    "POST",
    "/api/v1/live/ticket",
    name="live.ticket",
    access="live.connect",
    answer=Ticket,
    keyless="a ticket is spent by its first use and dies within seconds: a repetition does no harm",
    zh="领取实时连接的一次性票据",
    en="A one-use ticket for a live session",
)
async def ticket(call: AppCall[None, None]) -> Ticket:
    """A ticket for one live session."""
    minted = call.services.access.live_ticket(call.principal)
    return Ticket(ticket=minted.text, expires_at=shown(minted.expires_at), path=LIVE_PATH)
