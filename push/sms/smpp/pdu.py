"""The layouts of SMPP 3.4 PDUs (v3.4 issue 1.2): header, C-octet strings, the message of submit_sm and deliver_sm, TLVs."""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final

import msgspec

from push.sms.carrier import Malformed
from push.sms.fields import octets

BIND_RECEIVER: Final = 0x01
BIND_TRANSMITTER: Final = 0x02
SUBMIT: Final = 0x04
DELIVER: Final = 0x05
UNBIND: Final = 0x06
BIND_TRANSCEIVER: Final = 0x09
OUTBIND: Final = 0x0B
ENQUIRE_LINK: Final = 0x15
ALERT: Final = 0x102
RESPONSE: Final = 0x8000_0000
"""The bit that makes a request's id that of its answer."""
NACK: Final = RESPONSE

BINDS: Final = frozenset((BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER))
BIND_ANSWERS: Final = frozenset(RESPONSE | bind for bind in BINDS)
UNANSWERED: Final = frozenset((OUTBIND, ALERT))
"""Requests that have no answer (§5.1.2.1)."""

VERSION: Final = 0x34
HEADER_BYTES: Final = 16
LENGTH_MAX: Final = 69_632
"""A message_payload of 65,535 bytes, and a page for everything else."""
SEQUENCE_MAX: Final = 0x7FFF_FFFF
SHORT_MESSAGE_MAX: Final = 254

WITH_HEADER: Final = 0x40
"""esm_class: the text begins with a user data header. A bit among others: Kannel sets mode bits beside it (0x43)."""
KIND: Final = 0x3C
"""esm_class: what a deliver_sm is; 0 is a message from a phone, the others below or an acknowledgement by a phone."""
RECEIPT: Final = 0x04
INTERMEDIATE: Final = 0x20

RECEIPTED_ID: Final = 0x001E
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427
NETWORK_ERROR: Final = 0x0423
SAR_REFERENCE: Final = 0x020C
SAR_TOTAL: Final = 0x020E
SAR_NUMBER: Final = 0x020F
SC_VERSION: Final = 0x0210

_HEADER: Final = Struct(">IIII")
_TLV: Final = Struct(">HH")
Tlvs = Mapping[int, bytes]
"""Values by tag."""
NO_TLVS: Final[Tlvs] = {}


class Message(msgspec.Struct, frozen=True, gc=False):
    """The body of submit_sm and of deliver_sm, which is one layout (§4.4.1, §4.6.1), without its TLVs."""

    source_kind: bytes
    """TON and NPI, one byte each."""
    source: bytes
    dest_kind: bytes
    dest: bytes
    esm_class: int
    registered: int
    data_coding: int
    text: bytes
    priority: int = 0
    valid: bytes = b""
    service_type: bytes = b""
    schedule: bytes = b""
    protocol: int = 0
    replace: int = 0
    canned: int = 0


def pack(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    """A whole PDU."""
    return _HEADER.pack(HEADER_BYTES + len(body), command, status, sequence) + body


def head(frame: bytes) -> tuple[int, int, int]:
    """Command, status and sequence of a whole PDU. Raises Malformed where the frame is not as long as it says."""
    if len(frame) < HEADER_BYTES:
        raise Malformed(f"smpp: {len(frame)} bytes are no header")
    length, command, status, sequence = _HEADER.unpack_from(frame)
    if length != len(frame):
        raise Malformed(f"smpp: {len(frame)} bytes for a PDU of {length}")
    return command, status, sequence


def c_text(frame: bytes, start: int, field: str) -> tuple[str, int]:
    """The C-octet string at ``start`` and where the next field begins. Raises Malformed where it has no end."""
    end = frame.find(0, start)
    if end < 0:
        raise Malformed(f"smpp: {field} at {start} has no end")
    return frame[start:end].decode("latin-1"), end + 1


def rest_text(frame: bytes) -> str:
    """A body that is one C-octet string; one without its end, or no body at all, is taken as it is.

    An answer with an error has no body with some peers and an empty string with others (§7, 1).
    """
    return frame[HEADER_BYTES:].partition(b"\0")[0].decode("latin-1")


def c_octets(text: str, size: int, field: str) -> bytes:
    """``text`` with its end, at most ``size`` bytes. Raises ValueError naming ``field``."""
    return octets(text, size - 1, field) + b"\0"


def pack_message(command: int, sequence: int, message: Message, tlvs: Tlvs = NO_TLVS) -> bytes:
    """A submit_sm or deliver_sm. Raises ValueError for a text that its one byte of length cannot tell."""
    if len(message.text) > SHORT_MESSAGE_MAX:
        raise ValueError(f"content: {len(message.text)} bytes do not fit a short_message")
    # One join over the fields in their order: this is the hot place of a submit.
    body = b"".join(
        (
            message.service_type + b"\0" + message.source_kind,
            message.source + b"\0" + message.dest_kind,
            message.dest + b"\0",
            bytes((message.esm_class, message.protocol, message.priority)),
            message.schedule + b"\0" + message.valid + b"\0",
            bytes(
                (
                    message.registered,
                    message.replace,
                    message.data_coding,
                    message.canned,
                    len(message.text),
                )
            ),
            message.text,
        )
    )
    if tlvs:
        body += pack_tlvs(tlvs)
    return _HEADER.pack(HEADER_BYTES + len(body), command, 0, sequence) + body


def pack_tlvs(tlvs: Tlvs) -> bytes:
    """Optional parameters, in their order."""
    return b"".join(_TLV.pack(tag, len(value)) + value for tag, value in tlvs.items())


def read_message(frame: bytes) -> tuple[Message, int]:
    """The message of a whole submit_sm or deliver_sm and where its TLVs begin. Raises Malformed."""
    find = frame.index
    try:
        service = find(0, HEADER_BYTES)
        source = find(0, service + 3)
        dest = find(0, source + 3)
        schedule = find(0, dest + 4)
        valid = find(0, schedule + 1)
        registered, replace, coding, canned, size = frame[valid + 1 : valid + 6]
    except ValueError:
        raise Malformed("smpp: a message ends before its fields") from None
    end = valid + 6 + size
    if end > len(frame):
        raise Malformed(f"smpp: sm_length {size} goes beyond the PDU")
    message = Message(
        service_type=frame[HEADER_BYTES:service],
        source_kind=frame[service + 1 : service + 3],
        source=frame[service + 3 : source],
        dest_kind=frame[source + 1 : source + 3],
        dest=frame[source + 3 : dest],
        esm_class=frame[dest + 1],
        protocol=frame[dest + 2],
        priority=frame[dest + 3],
        schedule=frame[dest + 4 : schedule],
        valid=frame[schedule + 1 : valid],
        registered=registered,
        replace=replace,
        data_coding=coding,
        canned=canned,
        text=frame[valid + 6 : end],
    )
    return message, end


def read_tlvs(frame: bytes, start: int) -> tuple[Tlvs, bool]:
    """Every TLV from ``start`` on, known or not (of two alike the first), and whether they end where the PDU ends."""
    end = len(frame)
    if start == end:
        return NO_TLVS, True
    found: dict[int, bytes] = {}
    while start + 4 <= end:
        tag, size = _TLV.unpack_from(frame, start)
        start += 4
        if start + size > end:
            return found, False
        found.setdefault(tag, frame[start : start + size])
        start += size
    return found, start == end
