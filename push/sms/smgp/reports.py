"""The report text of SMGP: a binary id in a text that is spelt in at least four ways (§5)."""

from __future__ import annotations

import re
from struct import Struct
from typing import Final

from push.sms.carrier import Report
from push.sms.fields import bare, minutes, octets, read_time, report_state, text_of
from push.sms.smgp.ids import octets_of

_SHAPE: Final = Struct("3s10s5s3s7s3s13s10s11s10s6s7s5s3s6s20s")
"""Labels and values by turns, 122 bytes."""

_ID_END: Final = 13
"""Labels are looked for behind the id, which may hold any byte."""

_STAT: Final = re.compile(rb"stat:([^ \0]{1,7})", re.IGNORECASE)
_ERROR: Final = re.compile(rb"err:([^ \0]{1,3})", re.IGNORECASE)
_DONE: Final = re.compile(rb"done.date:([0-9]{10}(?:[0-9]{2})?)", re.IGNORECASE | re.DOTALL)
_TEXT: Final = re.compile(rb"te?xt:", re.IGNORECASE)


def read(content: bytes, phone: bytes) -> Report | None:
    """The report in a DELIVER's content; None where there is no id or no word to be found."""
    if len(content) < _ID_END or content[:3].lower() != b"id:":
        return None
    # The text of the message stands last and may hold the labels again.
    text = _TEXT.search(content, _ID_END)
    end = text.start() if text else len(content)
    stat = _value(_STAT, content, end, 81, 88)
    if not stat:
        return None
    return Report(
        message_id=content[3:_ID_END].hex(),
        to=bare(text_of(phone)),
        state=report_state(stat),
        stat=stat,
        error=_value(_ERROR, content, end, 93, 96),
        done_at=read_time(_value(_DONE, content, end, 65, 75)),
    )


def _value(label: re.Pattern[bytes], content: bytes, end: int, start: int, stop: int) -> str:
    """What stands behind the label, else at the offsets of the 122-byte form."""
    found = label.search(content, _ID_END, end)
    return text_of(found[1] if found else content[start:stop])


def write(report: Report, submitted_at: int, text: str) -> bytes:
    """The 122 bytes of the standard's form. Raises ValueError naming the field that does not fit."""
    delivered = report.state == "delivered"
    return _SHAPE.pack(
        b"id:",
        octets_of(report.message_id),
        b" sub:",
        b"001",
        b" dlvrd:",
        b"001" if delivered else b"000",
        b" Submit date:",
        minutes(submitted_at).encode(),
        b" done date:",
        b"" if report.done_at is None else minutes(report.done_at).encode(),
        b" stat:",
        octets(report.stat, 7, "stat"),
        b" err:",
        octets(report.error or "000", 3, "error"),
        b" Text:",
        octets(text, 20, "text"),
    )
