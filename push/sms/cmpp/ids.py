"""Msg_Id: 64 bits that are opaque for matching; taken apart for logs, put together by our own gateway (CMPP §6).

As text: 16 hexadecimal digits in lower case.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from push.sms.fields import login_stamp

BYTES: Final = 8


class MessageId(NamedTuple):
    """The parts of a Msg_Id as the text defines them; a gateway may put anything else there."""

    month: int
    day: int
    hour: int
    minute: int
    second: int
    gateway: int
    sequence: int


def message_id(instant: int, gateway: int, sequence: int) -> str:
    """The id of the message taken at ``instant`` (UTC microseconds); ``gateway`` has 22 bits, ``sequence`` wraps at 16."""
    stamp = login_stamp(instant)
    value = 0
    for power, bits in ((8, 4), (6, 5), (4, 5), (2, 6), (0, 6)):
        value = value << bits | stamp // 10**power % 100
    return f"{value << 38 | (gateway & 0x3FFFFF) << 16 | sequence & 0xFFFF:016x}"


def parts(message_id: str) -> MessageId:
    """For logs only. Raises ValueError for a text that is no id."""
    value = int.from_bytes(octets_of(message_id), "big")
    shifts = ((60, 4), (55, 5), (50, 5), (44, 6), (38, 6), (16, 22), (0, 16))
    return MessageId(*(value >> shift & (1 << bits) - 1 for shift, bits in shifts))


def after(message_id: str, count: int = 1) -> str:
    """The id ``count`` further on: the low 16 bits wrap to 0. Receiver i of a SUBMIT to many has id + i (2.1, 3.0)."""
    raw = octets_of(message_id)
    low = int.from_bytes(raw[6:], "big") + count & 0xFFFF
    return (raw[:6] + low.to_bytes(2, "big")).hex()


def octets_of(message_id: str) -> bytes:
    """The 8 bytes of an id; empty text is eight zeros. Raises ValueError naming the field for any other text."""
    if not message_id:
        return bytes(BYTES)
    try:
        raw = bytes.fromhex(message_id)
    except ValueError:
        raw = b""
    if len(raw) != BYTES:
        raise ValueError(f"message_id: {message_id!r} has not 16 hexadecimal digits")
    return raw
