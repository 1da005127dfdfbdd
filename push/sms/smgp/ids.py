"""MsgID: 10 bytes that are opaque for matching, since real gateways put any bytes there (SMGP §4, §10.5).

As text: 20 hexadecimal digits in lower case.
"""

from __future__ import annotations

from typing import Final

from push.sms.fields import login_stamp

BYTES: Final = 10
_SEQUENCES: Final = 1_000_000


def message_id(instant: int, gateway: str, sequence: int) -> str:
    """The id of the message taken at ``instant`` (UTC microseconds) by the gateway of 6 digits; ``sequence`` wraps."""
    return f"{gateway}{login_stamp(instant) // 100:08d}{sequence % _SEQUENCES:06d}"


def after(message_id: str, count: int = 1) -> str:
    """The id ``count`` further on: the last 3 bytes count in BCD and wrap, or in binary where they hold no digits."""
    raw = octets_of(message_id).hex()
    head, low = raw[:14], raw[14:]
    if low.isdecimal():
        return f"{head}{(int(low) + count) % _SEQUENCES:06d}"
    return f"{head}{int(low, 16) + count & 0xFFFFFF:06x}"


def octets_of(message_id: str) -> bytes:
    """The 10 bytes of an id; empty text is ten zeros. Raises ValueError naming the field for any other text."""
    if not message_id:
        return bytes(BYTES)
    try:
        raw = bytes.fromhex(message_id)
    except ValueError:
        raw = b""
    if len(raw) != BYTES:
        raise ValueError(f"message_id: {message_id!r} has not 20 hexadecimal digits")
    return raw
