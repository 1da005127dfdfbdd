"""The short link's pages as text: every value escaped, nothing fetched from anywhere, no script. Pure but for the answer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Final

from aiohttp import web

from inbox_store.nouns import KIND_ZH, URGENCY_ZH
from inbox_store.programs.meetings import MeetingRow
from inbox_store.programs.short_links import Act, Offer, Used
from inbox_store.times import moment

_STYLE: Final = (
    "body{font:18px/1.6 sans-serif;margin:0 auto;padding:16px;max-width:32em;color:#111;background:#fff}"
    "h1{font-size:22px;margin:8px 0 16px}dt{color:#555;font-size:15px}dd{margin:0 0 10px}"
    "form{margin:18px 0;padding:14px;border:1px solid #bbb;border-radius:8px}"
    "button{display:block;width:100%;min-height:52px;font-size:20px;color:#fff;background:#a40000;"
    "border:0;border-radius:8px}"
    "input{box-sizing:border-box;width:100%;min-height:48px;font-size:18px;margin:4px 0 10px;padding:6px}"
    ".done{padding:12px;border-left:5px solid #06752f;background:#eef7f0}"
    ".note{color:#555;font-size:15px}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final = {
    # The style is allowed by its hash alone: what a value might smuggle in would not be.
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}

_TITLES: Final = {
    "not_found": ("链接无效", "链接不完整或已失效。请从短信中直接点开链接，或登录办公系统办理。"),
    "link_expired": ("链接已过期", "短信中的链接已过期。请登录办公系统办理。"),
    "already_recalled": ("文件已撤回", "发文单位已经撤回这份文件，不需要办理。"),
    "already_returned": ("文件已退回", "本单位已经退回这份文件，不需要办理。"),
    "not_addressed": ("不能用此链接办理", "您已不在收文单位任职，或帐户已停用。请联系本单位收发员。"),
    "step_not_possible": ("已不能这样办理", "文件的状态已经变化。请返回查看，或登录办公系统办理。"),
}
"""Where the catalogue speaks to programs and to people at a desk."""

_SAID_ZH: Final = {"attend": "本人参会", "substitute": "由他人代会", "leave": "请假"}
_ACT_ZH: Final[dict[Act, str]] = {"sign": "已签收", "answer": "已回复会议通知", "read": "已记为已阅"}


def response(page: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The page with its headers."""
    return web.Response(
        text=page, status=status, content_type="text/html", headers={**HEADERS, **(headers or {})}
    )


def _page(title: str, parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def offer_page(told: Offer) -> str:
    """What the message is about, what can be done, what was done."""
    head = told.head
    kind = KIND_ZH.get(head.kind, "公文")
    facts = {"发文单位": told.sender, "收文单位": told.receiver, "文种": kind}
    facts["紧急程度"] = URGENCY_ZH.get(head.urgency, "")
    if head.sensitivity == "public":
        facts["标题"] = head.title
    facts["送达时间"] = _when(told.sent_at)
    if told.sign_due_at is not None and told.signed is None:
        facts["签收时限"] = _when(told.sign_due_at)
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    parts = [f"<dl>{rows}</dl>", *map(_done, told.used), *_signed(told), *_forms(told)]
    if head.sensitivity != "public":
        parts.append('<p class="note">标题和正文请登录办公系统查看。</p>')
    return _page(f"{kind}待办理" if told.acts else kind, parts)


def _signed(told: Offer) -> Iterator[str]:
    if told.signed is None or any(one.act == "sign" for one in told.used):
        return
    at, name = told.signed
    yield f'<p class="done">本单位已由{escape(name)}于 {_when(at)} 签收。</p>'


def _forms(told: Offer) -> Iterator[str]:
    if not told.acts and not told.used and told.signed is None:
        yield '<p class="done">没有需要办理的事项。</p>'
    if "sign" in told.acts:
        yield _form("sign", f"为{told.receiver}签收")
    if "read" in told.acts:
        yield _form("read", "已阅")
    if "answer" in told.acts and told.meeting is not None:
        yield from _meeting(told.meeting)


def _meeting(meeting: MeetingRow) -> Iterator[str]:
    yield f"<p>请在 {_when(meeting.reply_due_at)} 前回复会议通知：</p>"
    yield _form("answer", "本人参会", "attend")
    yield _form("answer", "由他人代会", "substitute", "代会人姓名")
    yield _form("answer", "请假", "leave", "请假原因")


def _form(act: Act, label: str, said: str = "", ask: str = "") -> str:
    fields = f'<input type="hidden" name="act" value="{act}">'
    if said:
        fields += f'<input type="hidden" name="said" value="{said}">'
    if ask:
        fields += f'<label>{ask}<input name="detail" required maxlength="200" autocomplete="off"></label>'
    return f'<form method="post">{fields}<button>{escape(label)}</button></form>'


def done_page(done: Used, *, new: bool) -> str:
    """What was done, now or before."""
    title = "办理成功" if new else "先前已经办理"
    return _page(title, [_done(done), '<p><a href="">返回</a></p>'])


def _done(done: Used) -> str:
    told = _ACT_ZH[done.act]
    if done.act == "answer":
        told += f"：{_SAID_ZH.get(done.said, '')}" + (f"（{done.detail}）" if done.detail else "")
    return f'<p class="done">{_when(done.at)} {escape(told)}。</p>'


def refused_page(code: str, title: str, detail: str) -> str:
    """What happened, and what to do."""
    title, detail = _TITLES.get(code, (title, detail))
    back = "" if code in ("not_found", "link_expired") else '<p><a href="">返回</a></p>'
    return _page(title, [f"<p>{escape(detail)}</p>", back])


def _when(at: int) -> str:
    return f"{moment(at):%Y-%m-%d %H:%M}"
