"""Routes of one's own notices: words that are no document, unread until they are marked read."""

from __future__ import annotations

from datetime import datetime

from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall
from gateway.doors.wire import Answer, shown
from inbox_store.programs import notices as programs
from inbox_store.programs.notices import Notice, NoticeKind

routes = Routes("inbox")


class NoticeView(Answer, frozen=True, kw_only=True):
    """一条提醒；about 为所涉及的人员"""

    id: int
    kind: NoticeKind
    about: int
    text: str
    created_at: datetime


class NoticeList(Answer, frozen=True, kw_only=True):
    """本人未读的提醒，先到的在前，最多 100 条"""

    items: tuple[NoticeView, ...]


def _view(told: Notice) -> NoticeView:
    return NoticeView(
        id=told.id, kind=told.kind, about=told.about_id, text=told.text, created_at=shown(told.created_at)
    )


@routes.at(
    "GET",
    "/api/v1/notices",
    name="notice.list",
    access="inbox.read",
    answer=NoticeList,
    zh="本人未读的提醒",
    en="One's own unread notices, the oldest first",
)
async def list_notices(call: AppCall[None, None]) -> NoticeList:
    """What is unread."""
    found = await call.services.house.store.engine.read(programs.unread(call.principal.person_id))
    return NoticeList(items=tuple(_view(told) for told in found))


@routes.at(
    "POST",
    "/api/v1/notices/{notice_id:int}/read",
    name="notice.read",
    access="inbox.read",
    status=204,
    keyless="reading a notice twice is reading it",
    zh="提醒已读",
    en="One has read a notice",
)
async def read(call: AppCall[None, None]) -> None:
    """Marks it read."""
    notice_id = call.path.number("notice_id")
    fact = programs.mark_read(notice_id, call.principal.person_id, call.now)
    await call.services.house.store.engine.write(fact)
