"""CMPP's command words and layouts, for both versions and both sides.

The two layouts differ in widths only. What 2.0 lacks (the type bytes) is a field of zero bytes there, so that one set of
arguments fits both.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from push.sms.carrier import (
    Coding,
    Goodbye,
    GoodbyeAnswer,
    Ignored,
    Malformed,
    Probe,
    ProbeAnswer,
)
from push.sms.short_header import HEAD, ShortHeader

CONNECT: Final = 0x00000001
TERMINATE: Final = 0x00000002
SUBMIT: Final = 0x00000004
DELIVER: Final = 0x00000005
QUERY: Final = 0x00000006
CANCEL: Final = 0x00000007
ACTIVE_TEST: Final = 0x00000008
CONNECT_RESP: Final = 0x80000001
TERMINATE_RESP: Final = 0x80000002
SUBMIT_RESP: Final = 0x80000004
DELIVER_RESP: Final = 0x80000005
QUERY_RESP: Final = 0x80000006
CANCEL_RESP: Final = 0x80000007
ACTIVE_TEST_RESP: Final = 0x80000008

CONNECT_PDU: Final = Struct("!III6s16sBI")
MESSAGE_ID_PDU: Final = Struct("!III8s")
QUERY_PDU: Final = Struct("!III8sB10s8s")
QUERY_RESP_PDU: Final = Struct("!III8sB10s32s")
BYTE_PDU: Final = Struct("!IIIB")
WORD_PDU: Final = Struct("!IIII")

"""Above the largest legal SUBMIT (3490); peers' own limits are smaller than their largest PDU (§12.9)."""

RECEIVERS_MAX: Final = 99

UDHI: Final = 0x41
"""TP_udhi: written as 1; some gateways pass SMPP's 0x40 through (§12.10)."""

TYPE_REAL: Final = b"\0"
"""Dest_terminal_type, Src_terminal_type: a real number, no pseudo code."""


class Layout:
    """The widths of one version, as prepared structures."""

    def __init__(self, *, wide: bool) -> None:
        number, kind, self.tail_bytes = ("32s", "1s", 20) if wide else ("21s", "0s", 8)
        self.wide = wide
        self.number_bytes = 32 if wide else 21
        self.type_bytes = 1 if wide else 0
        self.tail = bytes(self.tail_bytes)
        status = "I" if wide else "B"
        self.connect_resp = Struct(f"!III{status}16sB")
        self.answer = Struct(f"!III8s{status}")
        self.status = Struct(f"!{status}")
        # Msg_Id is zero in a SUBMIT: the gateway assigns it.
        head = f"!III8xBBBB10sB{number}{kind}BBB6s2s6s17s17s21sB"
        self.submit_head = Struct(head)
        self.submit_one = Struct(f"{head}{number}{kind}B")
        self.deliver = Struct(f"!III8s21s10sBBB{number}{kind}BB")
        self.report = Struct(f"!8s7s10s10s{number}I")


NARROW: Final = Layout(wide=False)
"""2.0 and 2.1."""
WIDE: Final = Layout(wide=True)
"""3.0."""

REPORT_FIXED_BYTES: Final = 39
"""A report without the number in it (§7)."""

REPORTS: Final = {NARROW.report.size: NARROW.report, WIDE.report.size: WIDE.report}
"""By length of Msg_Content: a 3.0 gateway may send the 60 bytes of 2.0 (§7)."""


def layout_of(version: int) -> Layout:
    """0x21 has the layouts of 2.0 (§4)."""
    return WIDE if version >= 0x30 else NARROW


def answer_of(frame: bytes) -> tuple[bytes, int]:
    """Msg_Id and Result of SUBMIT_RESP or DELIVER_RESP, by length, whatever was agreed. Raises Malformed."""
    for layout in (WIDE, NARROW):
        if len(frame) == layout.answer.size:
            fields = layout.answer.unpack(frame)
            return fields[3], fields[4]
    raise Malformed(f"cmpp: an answer of {len(frame)} bytes")


def lifeline(command: int, sequence: int) -> Probe | ProbeAnswer | Goodbye | GoodbyeAnswer | Ignored:
    """What both sides read alike: heartbeat, orderly end, and whatever is not for us.

    Bodies are not looked at: ACTIVE_TEST_RESP comes with one byte or with none (§8).
    """
    if command == ACTIVE_TEST:
        return Probe(answer=BYTE_PDU.pack(BYTE_PDU.size, ACTIVE_TEST_RESP, sequence, 0))
    if command == ACTIVE_TEST_RESP:
        return ProbeAnswer(sequence=sequence)
    if command == TERMINATE:
        return Goodbye(answer=HEAD.pack(HEAD.size, TERMINATE_RESP, sequence))
    if command == TERMINATE_RESP:
        return GoodbyeAnswer(sequence=sequence)
    return Ignored(note=f"cmpp: command {command:08x} is not for us")


def content_size(content: bytes, coding: Coding) -> int:
    """Msg_Length: below 160 for ASCII, else at most 140. Raises ValueError naming the field."""
    size = len(content)
    if size > (159 if coding == "ascii" else 140):
        raise ValueError(f"content: {size} bytes of {coding} are too many for one message")
    return size


class Common(ShortHeader):
    """What client and server share; one object per connection."""

    PROBE = ACTIVE_TEST
    END = TERMINATE
    name = "cmpp"
