"""What an SMTP client is told of a refusal: reply code, enhanced status (RFC 3463), words. Pure.

Words are ASCII unless the client speaks SMTPUTF8 (RFC 6531 §3.7.4.2); then the mend in Chinese stands behind.
"""

from __future__ import annotations

from typing import Final

from inbox_store.errors import Refused

LINE_MAX: Final = 480
"""Bytes of a reply line with its code: 512 with CRLF (RFC 5321 §4.5.3.1.5)."""

REPLIES: Final[dict[str, tuple[str, str, str]]] = {
    # code: reply, words, mend
    "classified_refused": (
        "554 5.7.1",
        "classified material is not taken; nothing was kept",
        "涉密内容不得发送，内容没有保存",
    ),
    "forbidden": ("550 5.7.1", "this key may not send for its unit", "该密钥无权以本单位名义发文"),
    "mail_relay": ("550 5.7.1", "relaying denied", "只收发给本系统单位的邮件"),
    "mail_no_such": ("550 5.1.1", "no such recipient", "没有这个单位或发文范围"),
    "mail_mixed": (
        "550 5.1.1",
        "documents and service addresses cannot be mixed",
        "不能同时发给单位和系统地址",
    ),
    "mail_broken": ("554 5.6.0", "the mail is damaged or cut short", "邮件内容不完整"),
    "mail_encoding": ("554 5.6.1", "the text cannot be read in its charset", "邮件文字编码无法识别"),
    "mail_container": (
        "554 5.6.1",
        "this form of mail is not taken",
        "不接受这种邮件格式，请改用 HTML 或纯文本",
    ),
    "mail_too_long": ("554 5.6.0", "too long or too many parts", "标题、正文或附件过多过长"),
    "mail_report": ("550 5.6.0", "not a report about a mail of ours", "不是本系统邮件的投递报告"),
    "attachment_type": (
        "554 5.6.1",
        "an attachment's type is not allowed",
        "附件类型不允许，或内容与扩展名不符",
    ),
    "attachment_too_large": ("552 5.3.4", "an attachment is too large", "附件过大"),
    "attachment_broken": ("554 5.6.0", "an attachment is empty or cut short", "附件为空或不完整"),
    "scope_unknown_unit": ("550 5.1.1", "a recipient does not exist", "收件单位不存在"),
    "scope_empty": ("550 5.1.1", "nobody could receive it", "发文范围为空"),
    "unit_frozen": ("550 5.2.1", "a recipient cannot receive now", "收件单位已冻结或停用"),
    "idempotency_mismatch": (
        "554 5.6.0",
        "another mail came under this identity",
        "同一标识先前收到过不同内容",
    ),
    "busy": ("451 4.3.2", "busy, try again", "系统繁忙，请稍后重发"),
    "throttled": ("451 4.7.0", "too fast, try again", "请稍后重发"),
}
_OTHER: Final = ("554 5.6.0", "refused", "未予受理")


def reply_of(refused: Refused, *, utf8: bool = False) -> str:
    """The reply line for a refusal."""
    code, words, mend = REPLIES.get(refused.code, _OTHER)
    reason = str(refused.params.get("reason", "")) or (refused.code if refused.code not in REPLIES else "")
    told = f"{code} {words}" + (f": {_ascii(reason)}" if _ascii(reason) else "")
    return fit(f"{told} ({mend})" if utf8 else told)


def _ascii(text: str) -> str:
    return text if text.isascii() and text.isprintable() else ""


def fit(line: str) -> str:
    """``line`` within the limit, cut between characters."""
    raw = line.encode()
    return line if len(raw) <= LINE_MAX else raw[:LINE_MAX].decode("utf-8", "ignore")
