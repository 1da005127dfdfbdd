"""Routes of leave and approval requests (F37): file, decide, ask back, reply, withdraw, follow."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, at_of, encoded
from gateway.doors.v1.shown import Position
from gateway.doors.wire import INT_MAX, Answer, Body, Id, When, shown
from gateway.flows import leave as flows
from gateway.flows.leave import Request
from inbox_store.programs.leave import NewRequest, RequestKind, RequestState, Ruling

routes = Routes("requests")

Text = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=r"\S", description="内容")]
Note = Annotated[str, Meta(max_length=2_000, description="意见")]

ACT_ZH: Final = {
    "filed": "提交",
    "passed": "转下一位领导",
    "question": "要求补充",
    "reply": "补充说明",
    "approved": "批准",
    "refused": "不批准",
    "withdrawn": "撤回",
}


class RequestBody(Body, frozen=True, kw_only=True):
    """请假或审批申请；sms 为是否用短信提醒领导和本人"""

    kind: RequestKind
    unit_id: Annotated[Id, Meta(description="申请人所在单位")]
    text: Text
    from_at: When | None = None
    to_at: When | None = None
    sms: bool = False


class RulingBody(Body, frozen=True, kw_only=True):
    """审批意见"""

    text: Note = ""


class QuestionBody(Body, frozen=True, kw_only=True):
    """需要补充什么，或补充的说明"""

    text: Text


class RequestQuery(PageQuery, frozen=True, kw_only=True):
    """申请列表的条件：whose 为 mine 本人提交的，put 待本人审批（含代理）的"""

    whose: Literal["mine", "put"] = "mine"
    state: RequestState | None = None


class StepLine(Answer, frozen=True, kw_only=True):
    """申请的一步；by 为空的是逾时自动转送，behalf 为代何人办理"""

    no: int
    at: datetime
    act: str
    act_zh: str
    by: str
    behalf: str
    to: str
    text: str


class RequestDetail(Answer, frozen=True, kw_only=True):
    """一项申请和它的全部经过"""

    request: Request
    steps: tuple[StepLine, ...]


class Below(msgspec.Struct, frozen=True):
    """The request below which a page begins."""

    id: Position


_REQUESTS: Final = Cursor("requests", Below)
ONE: Final = "/api/v1/requests/{request_id:int}"
_ERRORS: Final = ("request_own", "request_decided", "classified_refused")


@routes.at(
    "POST",
    "/api/v1/requests",
    name="request.file",
    access="request.file",
    body=RequestBody,
    answer=Request,
    status=201,
    example=RequestBody(
        kind="leave",
        unit_id=3,
        text="因事请假一天",
        from_at=datetime.fromisoformat("2026-03-03T08:30:00+08:00"),
        to_at=datetime.fromisoformat("2026-03-03T18:00:00+08:00"),
    ),
    errors=("not_addressed", "no_leader", "field_missing", "field_invalid", "classified_refused"),
    zh="提交请假或审批申请，送本单位领导；逾时无人处理的转下一位",
    en="File a leave or approval request with the leader of one's unit; nobody acting, the next one gets it",
)
async def file(call: AppCall[RequestBody, None]) -> Encoded:
    """Files a request."""
    body = call.body
    new = NewRequest(
        kind=body.kind,
        unit_id=body.unit_id,
        text=body.text.strip(),
        from_at=at_of(body.from_at, "/from_at") if body.from_at else None,
        to_at=at_of(body.to_at, "/to_at") if body.to_at else None,
        sms=body.sms,
    )
    return encoded(await flows.file(call.services.house, act_of(call), new))


async def _decide(
    call: AppCall[RulingBody, None] | AppCall[QuestionBody, None], ruling: Ruling, text: str
) -> Encoded:
    request_id = call.path.number("request_id")
    return encoded(await flows.decide(call.services.house, act_of(call), request_id, ruling, text))


@routes.at(
    "POST",
    f"{ONE}/approve",
    name="request.approve",
    access="request.decide",
    body=RulingBody,
    answer=Request,
    example=RulingBody(text="同意"),
    errors=_ERRORS,
    zh="批准申请，结果告知申请人",
    en="Approve a request; the applicant is told",
)
async def approve(call: AppCall[RulingBody, None]) -> Encoded:
    """Approves."""
    return await _decide(call, "approved", call.body.text)


@routes.at(
    "POST",
    f"{ONE}/refuse",
    name="request.refuse",
    access="request.decide",
    body=QuestionBody,
    answer=Request,
    example=QuestionBody(text="近期工作较多，请改期"),
    errors=_ERRORS,
    zh="不批准申请，说明原因",
    en="Refuse a request, with a reason",
)
async def refuse(call: AppCall[QuestionBody, None]) -> Encoded:
    """Refuses."""
    return await _decide(call, "refused", call.body.text)


@routes.at(
    "POST",
    f"{ONE}/ask",
    name="request.ask",
    access="request.decide",
    body=QuestionBody,
    answer=Request,
    example=QuestionBody(text="请说明工作由谁接替"),
    errors=_ERRORS,
    zh="要求申请人补充说明",
    en="Ask the applicant for more",
)
async def ask(call: AppCall[QuestionBody, None]) -> Encoded:
    """Asks back."""
    return await _decide(call, "question", call.body.text)


@routes.at(
    "POST",
    f"{ONE}/reply",
    name="request.reply",
    access="request.file",
    body=QuestionBody,
    answer=Request,
    example=QuestionBody(text="由李强接替"),
    errors=("request_not_asked", "classified_refused"),
    zh="申请人补充说明，再送领导",
    en="The applicant answers what was asked back",
)
async def reply(call: AppCall[QuestionBody, None]) -> Encoded:
    """Answers a question."""
    request_id = call.path.number("request_id")
    return encoded(await flows.reply(call.services.house, act_of(call), request_id, call.body.text))


@routes.at(
    "POST",
    f"{ONE}/withdraw",
    name="request.withdraw",
    access="request.file",
    answer=Request,
    errors=("request_decided",),
    zh="申请人撤回申请",
    en="The applicant takes the request back",
)
async def withdraw(call: AppCall[None, None]) -> Encoded:
    """Takes it back."""
    return encoded(await flows.withdraw(call.services.house, act_of(call), call.path.number("request_id")))


@routes.at(
    "GET",
    "/api/v1/requests",
    name="request.list",
    access="request.file",
    query=RequestQuery,
    answer=Page[Request],
    errors=("cursor_invalid",),
    zh="本人提交的，或待本人审批的申请，新的在前",
    en="One's own requests, or those put to one, newest first",
)
async def list_requests(call: AppCall[None, RequestQuery]) -> Page[Request]:
    """A page of requests."""
    wanted = call.query
    before = _REQUESTS.decode(wanted.cursor) or Below(INT_MAX)
    rows = await flows.page(
        call.services.house,
        call.principal.person_id,
        mine=wanted.whose == "mine",
        state=wanted.state,
        before=before.id,
        limit=wanted.limit + 1,
    )
    return _REQUESTS.page(list(rows), wanted.limit, lambda row: Below(row.id))


@routes.at(
    "GET",
    ONE,
    name="request.show",
    access="request.file",
    answer=RequestDetail,
    zh="一项申请和它的经过",
    en="A request with everything that was done to it",
)
async def show(call: AppCall[None, None]) -> RequestDetail:
    """One request."""
    request_id = call.path.number("request_id")
    request, steps = await flows.one(call.services.house, call.principal.person_id, request_id)
    lines = (
        StepLine(
            no=one.no,
            at=shown(one.at),
            act=one.act,
            act_zh=ACT_ZH[one.act],
            by=one.by,
            behalf=one.for_name,
            to=one.to,
            text=one.text,
        )
        for one in steps
    )
    return RequestDetail(request=request, steps=tuple(lines))
