"""An alert or a digest as a mail: headers that every reader shows right, plain text, a small page. Pure.

Subjects and names go out as encoded words (RFC 2047), bodies in UTF-8. Nothing that comes from a document can end a header
or a tag.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Final

import msgspec

from config.checks import mail_address
from push.mail.marks import marked

LINE_MAX: Final = 200
"""Characters of one alert's line and of a subject; the rest is in the inbox."""

_BLANKS: Final = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u3000]+")
_ENCODED: Final = SMTP.clone(cte_type="7bit")
"""No relay on the way has to know 8BITMIME."""


class House(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes: the address and name in From, the domain of our marks, where the inbox is, the key of the marks."""

    address: str
    name: str
    domain: str
    url: str
    key: bytes


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What one alert says; ``url`` opens it."""

    text: str
    url: str = ""
    urgent: bool = False


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One mail to one person: an alert, or several as a digest. ``unsubscribe``: where ordinary mail may be switched off."""

    to: str
    mark: int
    at: datetime
    lines: tuple[Line, ...]
    unsubscribe: bool = False


def envelope_sender(mark: int, house: House) -> str:
    """Where a delivery status about this mail goes."""
    return f"{marked('bounce', mark, house.key)}@{house.domain}"


def message_id(mark: int, house: House) -> str:
    """The Message-ID: the same for the same mail, however often it is sent."""
    return f"<{marked('alert', mark, house.key)}@{house.domain}>"


def subject_of(letter: Letter) -> str:
    """What the list of mails shows."""
    first = flat(letter.lines[0].text)
    if len(letter.lines) == 1:
        return first
    urgent = sum(line.urgent for line in letter.lines)
    return f"{len(letter.lines)} 项提醒" + (f"（{urgent} 项紧急）" if urgent else "")


def compose(letter: Letter, house: House) -> EmailMessage:
    """The mail. Raises ValueError for an address that is none, or a letter without lines."""
    if not letter.lines:
        raise ValueError("a letter tells at least one alert")
    if mail_address(letter.to):
        raise ValueError("not a mail address")
    mail = EmailMessage(policy=_ENCODED)
    mail["From"] = Address(flat(house.name), addr_spec=house.address)
    mail["To"] = Address(addr_spec=letter.to)
    mail["Subject"] = subject_of(letter)
    mail["Date"] = format_datetime(letter.at)
    mail["Message-ID"] = message_id(letter.mark, house)
    # RFC 3834: no holiday notice answers; Outlook's own word for it beside.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if any(line.urgent for line in letter.lines):
        mail["Importance"] = "high"
    if letter.unsubscribe:
        way = f"{marked('unsubscribe', letter.mark, house.key)}@{house.domain}"
        mail["List-Unsubscribe"] = f"<mailto:{way}?subject=unsubscribe>"
    mail.set_content(_plain(letter, house), cte="base64")
    mail.add_alternative(_page(letter, house), subtype="html", cte="base64")
    return mail


def flat(text: str) -> str:
    """One line of at most LINE_MAX characters, without control characters."""
    told = _BLANKS.sub(" ", text).strip()
    return told if len(told) <= LINE_MAX else told[: LINE_MAX - 1] + "…"


_FOOT: Final = "本邮件由系统自动发出，请勿直接回复。"
_LESS: Final = "不想再收平件提醒邮件，可在个人设置中关闭，或按邮件的退订方式回信。"


def _foot(letter: Letter) -> str:
    return _FOOT + (_LESS if letter.unsubscribe else "")


def _plain(letter: Letter, house: House) -> str:
    numbered = len(letter.lines) > 1
    rows = []
    for number, line in enumerate(letter.lines, 1):
        head = f"{number}. " if numbered else ""
        rows.append(head + ("【紧急】" if line.urgent else "") + flat(line.text))
        if line.url:
            rows.append(line.url)
    return "\n".join([*rows, "", f"登录办公系统：{house.url}", "", _foot(letter), ""])


def _page(letter: Letter, house: House) -> str:
    items = "".join(f"<li>{_item(line)}</li>" for line in letter.lines)
    link = f'<p><a href="{escape(house.url)}">登录办公系统</a></p>'
    foot = f'<p style="color:#666;font-size:12px">{escape(_foot(letter))}</p>'
    head = '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"></head>'
    return f"{head}<body><ul>{items}</ul>{link}{foot}</body></html>\n"


def _item(line: Line) -> str:
    text = escape(flat(line.text))
    told = f'<a href="{escape(line.url)}">{text}</a>' if line.url else text
    return f"<strong>【紧急】</strong>{told}" if line.urgent else told
