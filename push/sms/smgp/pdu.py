"""SMGP's request ids and layouts, for both sides. What 1.3 lacks (FixedFee) is a field of zero bytes there."""

from __future__ import annotations

from struct import Struct
from typing import Final

from push.sms.carrier import (
    Goodbye,
    GoodbyeAnswer,
    Ignored,
    Malformed,
    Probe,
    ProbeAnswer,
)
from push.sms.short_header import HEAD, ShortHeader

LOGIN: Final = 0x00000001
SUBMIT: Final = 0x00000002
DELIVER: Final = 0x00000003
ACTIVE_TEST: Final = 0x00000004
EXIT: Final = 0x00000006
LOGIN_RESP: Final = 0x80000001
SUBMIT_RESP: Final = 0x80000002
DELIVER_RESP: Final = 0x80000003
ACTIVE_TEST_RESP: Final = 0x80000004
EXIT_RESP: Final = 0x80000006

LOGIN_PDU: Final = Struct("!III8s16sBIB")
LOGIN_RESP_PDU: Final = Struct("!IIII16sB")
ANSWER_PDU: Final = Struct("!III10sI")
"""SUBMIT_RESP and DELIVER_RESP."""
DELIVER_PDU: Final = Struct("!III10sBB14s21s21sB")
"""DELIVER up to MsgLength."""

RECEIVERS_MAX: Final = 100
NUMBER_BYTES: Final = 21
CONTENT_MAX: Final = 140
"""Also for ASCII (§10.8)."""
RESERVE: Final = bytes(8)
TYPE_MT: Final = 6
"""MsgType: from an SP to a phone."""

TLV_UDHI: Final = 0x0002
TLV_CHARGE_USER_TYPE: Final = 0x0004
TLV_TOTAL: Final = 0x0009
TLV_NUMBER: Final = 0x000A
TLV_MSG_SRC: Final = 0x0010
TLV_PRODUCT: Final = 0x0012


class Layout:
    """SUBMIT of one version, as prepared structures."""

    def __init__(self, *, fixed_fee: bool) -> None:
        head = f"!IIIBBB10s2s6s{'6s' if fixed_fee else '0s'}B17s17s21s21sB"
        self.submit_head = Struct(head)
        self.submit_one = Struct(f"{head}21sB")


OLD: Final = Layout(fixed_fee=False)
"""1.3"""
NEW: Final = Layout(fixed_fee=True)
"""3.0"""


def layout_of(version: int) -> Layout:
    """1.3 is the only version with the old layout (§9)."""
    return NEW if version >= 0x30 else OLD


def answer_of(frame: bytes) -> tuple[bytes, int]:
    """MsgID and Status of SUBMIT_RESP or DELIVER_RESP; what stands behind is passed over. Raises Malformed."""
    if len(frame) < ANSWER_PDU.size:
        raise Malformed(f"smgp: an answer of {len(frame)} bytes")
    _, _, _, message_id, status = ANSWER_PDU.unpack_from(frame)
    return message_id, status


def content_size(content: bytes) -> int:
    """MsgLength. Raises ValueError naming the field above 140 bytes."""
    size = len(content)
    if size > CONTENT_MAX:
        raise ValueError(f"content: {size} bytes are too many for one message")
    return size


def lifeline(request: int, sequence: int) -> Probe | ProbeAnswer | Goodbye | GoodbyeAnswer | Ignored:
    """What both sides read alike: heartbeat, orderly end, and whatever is not for us. Bodies are not looked at."""
    if request == ACTIVE_TEST:
        return Probe(answer=HEAD.pack(HEAD.size, ACTIVE_TEST_RESP, sequence))
    if request == ACTIVE_TEST_RESP:
        return ProbeAnswer(sequence=sequence)
    if request == EXIT:
        return Goodbye(answer=HEAD.pack(HEAD.size, EXIT_RESP, sequence))
    if request == EXIT_RESP:
        return GoodbyeAnswer(sequence=sequence)
    return Ignored(note=f"smgp: request {request:08x} is not for us")


class Common(ShortHeader):
    """What client and server share; one object per connection."""

    PROBE = ACTIVE_TEST
    END = EXIT  # request 6, though one library sends 4 (§10.3)
    name = "smgp"
