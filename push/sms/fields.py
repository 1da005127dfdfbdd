"""What the carriers' protocols write alike: texts of fixed length, Beijing times, numbers, log-in proofs, words of a report.

Instants are UTC microseconds. Nothing here reads a clock: China has had one time of eight hours east all year since 1992.
"""

from __future__ import annotations

import hashlib
import re
import struct
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from push.sms.carrier import BEIJING_SUFFIX, Coding, ReportState

_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_BEIJING_SECONDS: Final = 8 * 3600
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: the offset is a number beside it
_CENTURY: Final = (978_278_400, 4_102_416_000)
"""The years 2001 to 2099 of Beijing in seconds of the epoch.

Year 00 is no year: gateways fill a time they do not know with 0001010000, and no report is as old.
"""
_TLV: Final = struct.Struct("!HH")
_DIGITS: Final = re.compile(r"[0-9]+")
_ABSOLUTE: Final = re.compile(r"[0-9]{15}[+-]")

CODINGS: Final[dict[Coding, int]] = {"ascii": 0, "binary": 4, "ucs2": 8, "gbk": 15}
"""Msg_Fmt, MessageCoding, MsgFormat and data_coding agree on these (sms-text §1)."""

_CODING_OF: Final[dict[int, Coding]] = {number: coding for coding, number in CODINGS.items()}

_WAITING: Final = frozenset({"ACCEPTD", "ENROUTE"})


# Texts of fixed length ----------------------------------------------------------------------------------------------


def octets(text: str, size: int, field: str) -> bytes:
    """``text`` as at most ``size`` bytes of ASCII; ``struct``'s ``s`` pads them with zeros.

    Raises ValueError naming ``field`` where the text is too long, not ASCII or holds a zero byte.
    """
    if len(text) > size or not text.isascii() or "\0" in text:
        raise ValueError(f"{field}: {text!r} is not a text of at most {size} ASCII characters")
    return text.encode("ascii")


def text_of(raw: bytes) -> str:
    """The text of a fixed-length field: up to the first zero byte, blanks cut. Any byte is a character."""
    return raw.partition(b"\0")[0].decode("latin-1").strip(" ")


def coding_of(number: int) -> Coding:
    """How the content is to be read; what no sheet names is binary, so that its bytes are kept."""
    return _CODING_OF.get(number, "binary")


def coding_number(coding: Coding) -> int:
    """The number for ``coding``. Raises ValueError naming the field for what CMPP, SGIP and SMGP do not know (gsm)."""
    number = CODINGS.get(coding)
    if number is None:
        raise ValueError(f"coding: {coding} cannot be carried by this protocol")
    return number


def tlvs(raw: bytes, at: int = 0) -> dict[int, bytes]:
    """The optional parameters from ``at`` on: tag and length in two bytes each (SMGP §6, SMPP §3).

    In any order; of a tag that stands twice the first counts. A parameter longer than what is left ends the list quietly.
    """
    found: dict[int, bytes] = {}
    while at + 4 <= len(raw):
        tag, size = _TLV.unpack_from(raw, at)
        at += 4 + size
        if at <= len(raw):
            found.setdefault(tag, raw[at - size : at])
    return found


def tlv(tag: int, value: bytes) -> bytes:
    """One optional parameter."""
    return _TLV.pack(tag, len(value)) + value


# Numbers ------------------------------------------------------------------------------------------------------------


def bare(number: str) -> str:
    """A phone's number without 86, +86 or 0086.

    A plain 86 is taken for the country only in front of more than nine digits: short service numbers may begin with it.
    """
    if number.startswith("+86"):
        return number[3:]
    if number.startswith("0086"):
        return number[4:]
    return number[2:] if len(number) > 11 and number.startswith("86") else number


# Times --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _wall(second: int) -> str:
    """YYYYMMDDhhmmss in Beijing at ``second`` of the epoch. Kept: messages of one dispatch share their times."""
    if not _CENTURY[0] <= second < _CENTURY[1]:
        raise ValueError(f"second {second} of the epoch is not of the years 2001 to 2099")
    return f"{_EPOCH + timedelta(seconds=second + _BEIJING_SECONDS):%Y%m%d%H%M%S}"


def minutes(instant: int) -> str:
    """YYMMDDhhmm in Beijing, as reports tell it. All four writers raise ValueError outside the years 2001 to 2099."""
    return _wall(instant // _MINUTE * 60)[2:12]


def seconds(instant: int) -> str:
    """YYYYMMDDhhmmss in Beijing (SMGP RecvTime)."""
    return _wall(instant // _SECOND)


def absolute(instant: int) -> str:
    """The absolute SMPP time in Beijing, 16 characters: YYMMDDhhmmss, no tenths, ``32+`` (SMPP 3.4 §7.1.1)."""
    return _wall(instant // _SECOND)[2:] + BEIJING_SUFFIX


@lru_cache(maxsize=256)
def expiry(valid_until: int | None) -> bytes:
    """The field for ``Segment.valid_until``: an absolute time, or empty. Raises ValueError naming it."""
    try:
        return b"" if valid_until is None else absolute(valid_until).encode("ascii")
    except ValueError as fault:
        raise ValueError(f"valid_until: {fault}") from None


def login_stamp(instant: int) -> int:
    """The number MMDDhhmmss in Beijing, of log-ins and of SGIP's sequence; a leading zero disappears."""
    return int(_wall(instant // _SECOND)[4:])


@lru_cache(maxsize=4096)
def read_time(text: str) -> int | None:
    """The instant of a Beijing time of 10, 12 (YYMMDDhhmm, ss) or 14 digits (YYYYMMDDhhmmss); None for anything else.

    So for year 00, with which gateways fill a time they do not know.
    """
    if len(text) not in (10, 12, 14) or not _DIGITS.fullmatch(text):
        return None
    year, rest = (int(text[:4]), text[4:]) if len(text) == 14 else (2000 + int(text[:2]), text[2:])
    month, day, hour, minute, second = (int(rest[at : at + 2] or "0") for at in range(0, 10, 2))
    try:
        wall = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - see _EPOCH
    except ValueError:
        return None
    since = wall - _EPOCH
    second = since.days * 86_400 + since.seconds - _BEIJING_SECONDS
    return second * _SECOND if _CENTURY[0] <= second < _CENTURY[1] else None


@lru_cache(maxsize=4096)
def read_absolute(text: str) -> int | None:
    """The instant of an absolute SMPP time with whatever offset it names; None where it is empty, relative or broken."""
    if not _ABSOLUTE.fullmatch(text):
        return None
    beijing = read_time(text[:12])
    if beijing is None:
        return None
    east = int(text[13:15]) * 900 * (1 if text[15] == "+" else -1)
    return beijing + (_BEIJING_SECONDS - east) * _SECOND + int(text[12]) * 100_000


# Log-ins (CMPP §4, SMGP §3) -----------------------------------------------------------------------------------------


def login_proof(account: bytes, zeros: int, secret: str, stamp: int) -> bytes:
    """MD5 over account, ``zeros`` zero bytes, secret and the time as ten digits: what shows the secret."""
    hidden = account + bytes(zeros) + secret.encode() + b"%010d" % stamp
    return hashlib.md5(hidden, usedforsecurity=False).digest()


def server_proof(status: bytes, proof: bytes, secret: str) -> bytes:
    """MD5 over the status as it is sent, the client's proof and the secret: what shows that the gateway knows it too."""
    return hashlib.md5(status + proof + secret.encode(), usedforsecurity=False).digest()


# Reports ------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def report_state(stat: str) -> ReportState:
    """What the word of a report means: anything but DELIVRD and the intermediate words is a failure (CMPP §7)."""
    word = stat.upper()
    if word == "DELIVRD":
        return "delivered"
    return "waiting" if word in _WAITING else "failed"
