"""Names of our mails that nobody can make up: in the Message-ID, the envelope sender (VERP) and the way to unsubscribe. Pure.

A delivery status that names no such mark is not about a mail of ours, whoever sent it, and changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final, Literal

Purpose = Literal["alert", "bounce", "unsubscribe"]

_DIGITS: Final = 20
"""Hexadecimal digits of the keyed hash: 80 bits."""

_MARK: Final = re.compile(
    r"(alert|bounce|unsubscribe)-([1-9][0-9]{0,18})-([0-9a-f]{20})", re.ASCII | re.IGNORECASE
)


def marked(purpose: Purpose, mark: int, key: bytes) -> str:
    """The local part that names a mail for ``purpose``; ``key`` is the installation's."""
    return f"{purpose}-{mark}-{_digest(purpose, mark, key)}"


def mark_of(purpose: Purpose, text: str, key: bytes) -> int | None:
    """The mark that ``text`` (a local part, an address, a Message-ID) bears for ``purpose``, when it is ours.

    Upper and lower case are one: relays change it.
    """
    for found in _MARK.finditer(text):
        told, number, digest = found.group(1).lower(), int(found.group(2)), found.group(3).lower()
        if told == purpose and hmac.compare_digest(digest, _digest(purpose, number, key)):
            return number
    return None


def _digest(purpose: str, mark: int, key: bytes) -> str:
    return hmac.digest(key, f"mail:{purpose}:{mark}".encode(), hashlib.sha256).hex()[:_DIGITS]
