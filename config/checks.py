"""Checks a type cannot express: each takes the text of one setting and answers with a reason, or None when it holds."""

from __future__ import annotations

import ipaddress
import re
from string import Formatter
from urllib.parse import urlsplit

PLACEHOLDER = re.compile(
    r"<.*>|\$\{.*\}|change[-_ ]?me|place[-_ ]?holder|to[-_ ]?do|x{3,}|your[-_ ].*|请(填写|修改|替换).*",
    re.IGNORECASE,
)
CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
SIGNATURE = re.compile(r"【[^【】\s]{2,20}】")

Span = tuple[int, int]


def placeholder(text: str) -> str | None:
    """A value nobody has filled in stops the start: it would be found out too late (ASVS 13.3.1)."""
    return f"“{text}”是占位文字，请填写真实内容" if PLACEHOLDER.fullmatch(text.strip()) else None


def url(text: str) -> str | None:
    """An address of this system as a browser shows it: http or https, a host, no query."""
    try:
        parts = urlsplit(text)
        held = parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment
        held = held and (parts.port or 1) > 0
    except ValueError:
        held = False
    return None if held else f"应为 http:// 或 https:// 开头的地址，现为“{text}”"


def origin(text: str) -> str | None:
    """An origin (RFC 6454): scheme, host and port only. `*` would let any page in and is refused."""
    bare = url(text) is None and urlsplit(text).path == "" and "@" not in text
    return None if bare else f"应为“协议://主机[:端口]”，不带路径，也不能用 *，现为“{text}”"


def network(text: str) -> str | None:
    """An address or a network in CIDR form."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return f"应为 IP 地址或网段（如 10.0.0.0/8），现为“{text}”"
    return None


def signature(text: str) -> str | None:
    """The carrier puts the signature in front of the text: 2 to 20 characters in 【】."""
    return None if SIGNATURE.fullmatch(text) else f"应为【】括起的 2 至 20 个字，现为“{text}”"


def _minute(clock: str) -> int | None:
    told = CLOCK.fullmatch(clock.strip())
    return int(told[1]) * 60 + int(told[2]) if told else None


def hour_spans(text: str) -> tuple[Span, ...] | None:
    """Working hours `08:30-12:00,14:30-18:00` as minutes of the day [start, end), or None when they make no sense.

    Spans are in order, do not overlap and are not empty.
    """
    edges = [
        _minute(clock)
        for span in text.split(",")
        for clock in (span.split("-") if span.count("-") == 1 else "?")
    ]
    told = [edge for edge in edges if edge is not None]
    if len(told) != len(edges) or any(
        later <= former for former, later in zip(told[::2], told[1::2], strict=True)
    ):
        return None
    if any(start < end for end, start in zip(told[1:-1:2], told[2::2], strict=True)):
        return None
    return tuple(zip(told[::2], told[1::2], strict=True))


def hours(text: str) -> str | None:
    """Working hours that can be read."""
    return (
        None
        if hour_spans(text)
        else f"应为先后相接、互不重叠的时段，如 08:30-12:00,14:30-18:00，现为“{text}”"
    )


def quiet_span(text: str) -> Span | None:
    """Quiet hours `22:00-07:00` as minutes of the day; they may go over midnight. None where they make no sense."""
    edges = [_minute(clock) for clock in text.split("-")]
    told = [edge for edge in edges if edge is not None]
    return (told[0], told[1]) if len(edges) == len(told) == 2 and told[0] != told[1] else None


def quiet(text: str) -> str | None:
    """Quiet hours that can be read."""
    return None if quiet_span(text) else f"应为一段时间，如 22:00-07:00，现为“{text}”"


LIFE = re.compile(r"(arrival|urge|red_light|reminder|code|drill|operator)=([1-9]\d{0,4})")


def life(text: str) -> str | None:
    """A kind of alert with the minutes it lives."""
    kinds = "arrival、urge、red_light、reminder、code、drill、operator"
    return None if LIFE.fullmatch(text) else f"应为“类别=分钟”，类别为 {kinds} 之一，现为“{text}”"


PLACES = ("urgency", "what", "title", "act", "how", "ask")


def template(text: str) -> str | None:
    """A message's text with places to fill in: known ones only, no format of their own, no signature."""
    if "【" in text or "】" in text:
        return f"不含签名和【】，签名由 sms.signature 另加，现为“{text}”"
    try:
        named = [(name, spec, how) for _, name, spec, how in Formatter().parse(text) if name is not None]
    except ValueError:
        named = [("", "", None)]
    if any(name not in PLACES or spec or how for name, spec, how in named):
        return f"只能用 {'、'.join('{' + place + '}' for place in PLACES)}，现为“{text}”"
    return None


MAIL_DOMAIN = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)
MAIL_LOCAL = re.compile(
    r"(?=.{1,64}$)[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE
)


def mail_domain(text: str) -> str | None:
    """A domain as it stands behind the @: letters, digits, hyphens and dots (RFC 5321 §4.1.2)."""
    return None if MAIL_DOMAIN.fullmatch(text) else f"应为邮件域名，如 example.gov.cn，现为“{text}”"


def mail_address(text: str) -> str | None:
    """A plain mail address: no quoted local part, no name, nothing that could end a command."""
    local, at, domain = text.rpartition("@")
    held = at and MAIL_LOCAL.fullmatch(local) and MAIL_DOMAIN.fullmatch(domain)
    return None if held else f"应为邮件地址，如 name@example.gov.cn，现为“{text}”"


CONTACT = re.compile(r"(mailto:[^\s@]+@[^\s@]+\.[^\s@]+|https://[^\s/]+\.\S+)", re.ASCII)


def contact(text: str) -> str | None:
    """Whom others may write to about us."""
    return None if CONTACT.fullmatch(text) else f"应为 mailto:邮箱 或 https:// 网址，现为“{text}”"


AFTER = re.compile(r"(flash|extra_urgent|urgent|routine_urgent|ordinary)=([1-9]\d{0,3})")


def after(text: str) -> str | None:
    """An urgency with minutes."""
    known = "flash、extra_urgent、urgent、routine_urgent、ordinary"
    return None if AFTER.fullmatch(text) else f"应为“紧急程度=分钟”，紧急程度为 {known} 之一，现为“{text}”"
