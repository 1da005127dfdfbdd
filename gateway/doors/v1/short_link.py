"""The pages behind a message's short link: plain HTML without scripts, for any phone. GET looks, POST acts, once."""

from __future__ import annotations

from typing import Any, Final, get_args
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.doors.problems import problem_of, retry_after_s
from gateway.doors.routes import PUBLIC, Raw, Routes
from gateway.doors.short_link_pages import done_page, offer_page, refused_page, response
from gateway.doors.v1.adapter import AppCall
from gateway.flows import short_links as flows
from gateway.rules.replies import NAME_CHARACTERS_MAX
from gateway.rules.roster import TEXT_CHARACTERS_MAX
from inbox_store.errors import Refused
from inbox_store.programs.short_links import Act, Linked, Wish

FORM: Final = "application/x-www-form-urlencoded"
FORM_MAX_BYTES: Final = 8 * 1024
CALLS_PER_MINUTE: Final = 1_200
"""All phones of a city may come from a few addresses of their carrier."""
FAILURES_PER_MINUTE: Final = 30

_FIELDS: Final = frozenset({"act", "said", "detail"})
_SAID: Final = {"attend": 0, "substitute": NAME_CHARACTERS_MAX, "leave": TEXT_CHARACTERS_MAX}
"""Answers to a meeting notice, with the most characters of what must be told beside."""

_SHOWN: Final = ("link_expired", "already_recalled", "already_returned", "not_addressed")
_ACTED: Final = (
    "already_signed",
    "step_not_possible",
    "field_missing",
    "field_invalid",
    "deadline_passed",
    "receipt_invalid",
    "seats_exceeded",
)

routes = Routes("short_link")


def page_of(refused: Refused) -> web.Response:
    """A refusal as a page: what happened, and what to do."""
    problem = problem_of(refused, request_id="")
    wait_s = retry_after_s(refused)
    return response(
        refused_page(refused.code, problem.title, problem.detail),
        status=problem.status,
        headers={} if wait_s is None else {"Retry-After": str(wait_s)},
    )


async def _link(call: AppCall[Any, Any]) -> Linked:
    return await flows.link_of(call.services.house, call.path.text("token"), call.now)


@routes.at(
    "GET",
    "/s/{token}",
    name="short_link.show",
    access=PUBLIC,
    answer=Raw(("text/html",)),
    page=page_of,
    calls_per_minute=CALLS_PER_MINUTE,
    failures_per_minute=FAILURES_PER_MINUTE,
    errors=_SHOWN,
    zh="短信链接的页面：是什么、可以做什么；打开本身不办理任何事项",
    en="The page behind a message's link; looking at it does nothing",
)
async def show(call: AppCall[None, None]) -> web.Response:
    """The page; carriers and phones look links up by themselves, so that nothing is done and nothing marked as read."""
    link = await _link(call)
    return response(offer_page(await flows.offer(call.services.house, link, call.now)))


@routes.at(
    "POST",
    "/s/{token}",
    name="short_link.use",
    access=PUBLIC,
    raw=FORM,
    body_max_bytes=FORM_MAX_BYTES,
    answer=Raw(("text/html",)),
    page=page_of,
    calls_per_minute=CALLS_PER_MINUTE,
    failures_per_minute=FAILURES_PER_MINUTE,
    keyless="the link is the key: each act is done once over it, and told again when it is repeated",
    errors=(*_SHOWN, *_ACTED),
    zh="凭短信链接签收、回复会议或记为已阅；每项一次",
    en="Sign, answer or take note over a message's link; each once",
)
async def use(call: AppCall[None, None]) -> web.Response:
    """Does what was tapped."""
    link, house = await _link(call), call.services.house
    done, new = await flows.use(house, link, wish_of(call.raw), call.origin, call.now)
    return response(done_page(done, new=new))


def wish_of(raw: bytes) -> Wish:
    """What the form says. Raises Refused: bad_request, field_missing, field_invalid."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=4)
    except ValueError:
        raise Refused("bad_request", reason="表单内容有误") from None
    told = dict(pairs)
    act: Any = told.get("act", "")
    said: Any = told.get("said", "")
    if len(told) < len(pairs) or not _FIELDS.issuperset(told) or act not in get_args(Act):
        raise Refused("bad_request", reason="表单内容有误")
    if act != "answer":
        return Wish(act=act)
    if said not in _SAID:
        raise Refused("bad_request", reason="表单内容有误")
    return Wish(act=act, said=said, detail=_detail(said, told.get("detail", "")))


def _detail(said: str, text: str) -> str:
    """The name or the reason, in one line."""
    most, told = _SAID[said], " ".join(text.split())
    field = "代会人姓名" if said == "substitute" else "请假原因"
    if not most:
        return ""
    if not told:
        raise Refused("field_missing", field=field)
    if len(told) > most or not told.isprintable():
        raise Refused("field_invalid", field=field, reason=f"应为不超过 {most} 个字的文字")
    return told
