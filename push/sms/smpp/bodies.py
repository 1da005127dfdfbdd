"""The text of a message in its three forms (short_message, sar_* TLVs, message_payload), and data_coding."""

from __future__ import annotations

from typing import Final, NamedTuple

from push.sms.carrier import Coding
from push.sms.fields import CODINGS
from push.sms.fields import coding_of as shared_coding
from push.sms.smpp import pdu
from push.sms.smpp.account import LongText
from push.sms.smpp.pdu import Message
from push.sms.text import Part, header, read_header

CONTENT_MAX: Final = 140
"""Carriers cut longer ones, though a short_message holds 254 bytes (§7, 5)."""
SEPTETS_MAX: Final = 160
"""In a 7-bit alphabet one byte carries one character, and the SMSC packs them (§7, 6)."""
PAYLOAD_MAX: Final = 65_535
WIDE_HEADER_BYTES: Final = 7
"""The longest header that tells nothing but the place."""

_IA5: Final = 1
_LATIN_1: Final = 3


class Body(NamedTuple):
    """What a message says: ``content`` with its header in front where ``header`` is set."""

    content: bytes
    coding: Coding
    header: bool


class Form(NamedTuple):
    """What a message says, as the PDU carries it."""

    text: bytes
    esm_class: int
    tlvs: pdu.Tlvs


def coding_number(coding: Coding, default: Coding) -> int:
    """The data_coding for ``coding`` where 0 stands for ``default``. Raises ValueError naming ``coding``."""
    if coding == default:
        return 0
    if coding == "ascii":
        return _IA5
    if coding == "gsm":
        raise ValueError(f"coding: gsm cannot be told to an SMSC whose default is {default}")
    return CODINGS[coding]


def coding_of(number: int, default: Coding) -> Coding:
    """How to read a data_coding; what no table names is binary, so that its bytes are kept."""
    if number == 0:
        return default
    return "ascii" if number == _IA5 else shared_coding(number)


def read(message: Message, tlvs: pdu.Tlvs, default: Coding) -> Body:
    """The text of a message, whichever form it has; sar_* TLVs become the header that says the same.

    Where both are there the header counts: the peer should send one of them only. Latin-1 becomes UCS-2.
    """
    content = message.text or tlvs.get(pdu.MESSAGE_PAYLOAD, b"")
    marked = message.esm_class & pdu.WITH_HEADER != 0
    if message.data_coding == _LATIN_1:
        return _widened(content, tlvs, marked=marked)
    coding = coding_of(message.data_coding, default)
    if not tlvs or marked:
        return Body(content, coding, marked)
    lead = _sar_header(tlvs)
    return Body(lead + content, coding, lead != b"")


def _widened(content: bytes, tlvs: pdu.Tlvs, *, marked: bool) -> Body:
    size = content[0] + 1 if marked and content else 0
    lead = content[:size] if marked else _sar_header(tlvs)
    return Body(lead + content[size:].decode("latin-1").encode("utf-16-be"), "ucs2", lead != b"")


def _sar_header(tlvs: pdu.Tlvs) -> bytes:
    reference, total, number = (
        int.from_bytes(tlvs.get(tag, b""), "big")
        for tag in (pdu.SAR_REFERENCE, pdu.SAR_TOTAL, pdu.SAR_NUMBER)
    )
    if not (1 <= number <= total <= 255 and reference <= 0xFFFF):
        return b""
    return header(Part(reference=reference, total=total, number=number), 6 if reference <= 0xFF else 7)


def write(content: bytes, coding: Coding, form: LongText, *, marked: bool) -> Form:
    """The form that an account asks for. Raises ValueError naming ``content`` for what it cannot carry."""
    limit = SEPTETS_MAX if coding in ("gsm", "ascii") else CONTENT_MAX
    if len(content) > (PAYLOAD_MAX if form == "payload" else limit):
        raise ValueError(f"content: {len(content)} bytes are above the {limit} of one message")
    esm_class = pdu.WITH_HEADER if marked else 0
    if form == "payload":
        return Form(b"", esm_class, {pdu.MESSAGE_PAYLOAD: content})
    return _sar(content) if marked and form == "sar" else Form(content, esm_class, pdu.NO_TLVS)


def _sar(content: bytes) -> Form:
    """Never both: a peer crashes over a header beside the TLVs. One that says other things too stays a header."""
    try:
        part, rest = read_header(content)
    except ValueError as fault:
        raise ValueError(f"content: {fault}") from None
    if part is None or len(content) - len(rest) > WIDE_HEADER_BYTES:
        return Form(content, pdu.WITH_HEADER, pdu.NO_TLVS)
    return Form(
        rest,
        0,
        {
            pdu.SAR_REFERENCE: part.reference.to_bytes(2, "big"),
            pdu.SAR_TOTAL: bytes((part.total,)),
            pdu.SAR_NUMBER: bytes((part.number,)),
        },
    )
