"""Reading what relays report about mails of ours (RFC 3464), matched by the marks that we put into them. Pure.

A report is believed only for a mark that is ours: in the address it came to (VERP), or in the Message-ID of the headers it
returns. Anybody may send us text that looks like a report.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Final, Literal

import msgspec

from push.mail.marks import mark_of
from push.mail.replies import is_dead, status_of

SIZE_MAX_BYTES: Final = 256 * 1024
"""A report is a page; the mail it returns is cut off behind this."""
_RECIPIENTS_MAX: Final = 20


class MailReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the mail with this mark. ``permanent``: the address itself is wrong."""

    mark: int
    action: Literal["delivered", "failed", "delayed"]
    status: str
    diagnostic: str
    permanent: bool = False


_ACTIONS: Final[dict[str, Literal["delivered", "failed", "delayed"]]] = {
    "delivered": "delivered",
    "relayed": "delivered",  # handed to a relay that reports no further: nothing more will be heard
    "expanded": "delivered",
    "failed": "failed",
    "delayed": "delayed",
}
_STATUS_FITS: Final = {"2": "delivered", "4": "delayed", "5": "failed"}


def read_report(content: bytes, recipient: str, key: bytes) -> MailReport | None:
    """What the report says of our mail; None for what is none, or is about no mail of ours.

    ``recipient`` is the address it came to, ``key`` that of the marks.
    """
    mail = message_from_bytes(content[:SIZE_MAX_BYTES], policy=compat32)
    try:
        parts = [mail, *_walked(mail)]
    except RecursionError:
        return None
    mark = mark_of("bounce", recipient, key) or _named(parts, key)
    if mark is None:
        return None
    told = [one for part in parts if part.get_content_type() == _STATUS_TYPE for one in _recipients(part)]
    # We write to one address a mail: of several lines the worst one counts.
    return _worst(mark, told)


_STATUS_TYPE: Final = "message/delivery-status"


def _walked(mail: Message) -> Iterator[Message]:
    """All parts but the blocks of a delivery status, which are read as one."""
    if mail.get_content_type() == _STATUS_TYPE or not mail.is_multipart():
        return
    for part in mail.get_payload():
        if isinstance(part, Message):
            yield part
            yield from _walked(part)


def _named(parts: list[Message], key: bytes) -> int | None:
    """The mark in the returned mail's own Message-ID, or in the headers that were returned as text."""
    for part in parts[1:]:
        names = [str(part.get("Message-ID", ""))]
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            names.append(payload.decode("ascii", "replace") if isinstance(payload, bytes) else "")
        for name in names:
            mark = mark_of("alert", name, key)
            if mark is not None:
                return mark
    return None


def _recipients(part: Message) -> Iterator[Message]:
    """The blocks about recipients: the first block is about the mail as a whole."""
    blocks = part.get_payload()
    if isinstance(blocks, list):
        yield from [one for one in blocks[1 : _RECIPIENTS_MAX + 1] if isinstance(one, Message)]


def _worst(mark: int, blocks: list[Message]) -> MailReport | None:
    order = ("delivered", "delayed", "failed")
    found = [one for one in (_one(mark, block) for block in blocks) if one is not None]
    return max(found, key=lambda one: order.index(one.action), default=None)


def _one(mark: int, block: Message) -> MailReport | None:
    action = _ACTIONS.get(str(block.get("Action", "")).strip().lower())
    diagnostic = " ".join(str(block.get("Diagnostic-Code", "")).split())[:200]
    status = status_of(str(block.get("Status", ""))) or status_of(diagnostic)
    # What says "failed" with a 4.x.x has given up after trying: the road, not the address.
    if action is None or (status and action == "delivered" and _STATUS_FITS[status[0]] == "failed"):
        return None
    return MailReport(
        mark=mark,
        action=action,
        status=status,
        diagnostic=diagnostic,
        permanent=action == "failed" and is_dead(status),
    )
