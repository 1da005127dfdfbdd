"""What a relay's words mean: RFC 5321 §4.2 by the first digit, RFC 3463 by the enhanced status. Pure."""

from __future__ import annotations

import re
from typing import Final

from push.mail.sender import Deferred, Outcome, Refused

_STATUS: Final = re.compile(r"\b([245])\.([0-9]{1,3})\.([0-9]{1,3})\b", re.ASCII)
_DEAD: Final = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
"""Mailbox or system does not exist, bad syntax, moved, null MX; mailbox disabled."""
_TEXT_MAX: Final = 120

SHUTTING_DOWN: Final = 421


def status_of(text: str) -> str:
    """The enhanced status in a text, "" without one."""
    found = _STATUS.search(text)
    return found.group() if found else ""


def is_dead(status: str) -> bool:
    """Whether the status says that the address is wrong for good."""
    return status.startswith("5.") and status[2:] in _DEAD


def refusal(code: int, text: str, *, step: str) -> Outcome:
    """What a negative reply to ``step`` (mail, rcpt, data, content) means for the mail.

    552 at RCPT is a full mailbox to some (RFC 5321 §4.5.3.1.10) and is tried again; a 550 to RCPT without a status is the
    address.
    """
    status = status_of(text)
    told = f"{step}:{code}" + (f" {status}" if status else "")
    if code == SHUTTING_DOWN:
        return Deferred(code=told, down=True)
    if 500 <= code < 600 and not (code == 552 and step == "rcpt"):
        return Refused(code=told, dead=is_dead(status) or (step == "rcpt" and code == 550 and not status))
    return Deferred(code=told)


def shown(text: str) -> str:
    """A relay's words fit for a log: one line, cut."""
    return " ".join(text.split())[:_TEXT_MAX]
