"""Both ends of SMPP for its tests, and a deliver_sm with any fields."""

from __future__ import annotations

from typing import Any

import msgspec

from push.sms.carrier import Inbound, Reply, Report, Segment
from push.sms.smpp import SmppAccount, SmppClient, SmppServer, SmscAccount, pdu
from push.sms.text import Part, header

ACCOUNT = SmppAccount(system_id="oaclient", password="s3cret", default_coding="ascii")
CLIENT = SmppClient(ACCOUNT)
SERVER = SmppServer(SmscAccount(default_coding="ascii"))
SEGMENT = Segment(to="13800138000", source="10690000", content=b"Hello", coding="ascii")
PINGLIANG = "平凉".encode("utf-16-be")
HEADED = header(Part(reference=0x2A, total=2, number=1)) + "会".encode("utf-16-be")

RECEIPT_TAKEN = "0000001180000005000000000000000900"

SUBMITTED_AT = 1_763_775_000_000_000
"""2025-11-22 09:30 in Beijing."""
DONE_AT = SUBMITTED_AT + 60_000_000
DELIVERED = Report(
    message_id="1f3a9c", to="13800138000", state="delivered", stat="DELIVRD", error="", done_at=DONE_AT
)


def client(**changes: object) -> SmppClient:
    """A client whose account differs in ``changes``."""
    return SmppClient(msgspec.structs.replace(ACCOUNT, **changes))


def deliver(text: bytes, tlvs: pdu.Tlvs = pdu.NO_TLVS, **changes: int) -> bytes:
    """A deliver_sm from 13800138000 to 10690000, for what our own server never sends."""
    fields: dict[str, Any] = {"esm_class": 0, "registered": 0, "data_coding": 8} | changes
    message = pdu.Message(b"\1\1", b"8613800138000", b"\0\1", b"10690000", text=text, **fields)
    return pdu.pack_message(pdu.DELIVER, 9, message, tlvs)


def taken(frame: bytes, reader: SmppClient = CLIENT) -> Report | Reply | None:
    """What the client makes of a deliver_sm."""
    told = reader.read(frame)
    assert isinstance(told, Inbound)
    assert told.raw == frame
    assert told.answer == bytes.fromhex(RECEIPT_TAKEN)
    return told.what


def report(text: str, tlvs: pdu.Tlvs = pdu.NO_TLVS, reader: SmppClient = CLIENT, **changes: int) -> Report:
    """The report that a receipt with this text is."""
    fields = {"esm_class": pdu.RECEIPT, "data_coding": 0} | changes
    what = taken(deliver(text.encode("latin-1"), tlvs, **fields), reader)
    assert isinstance(what, Report)
    return what
