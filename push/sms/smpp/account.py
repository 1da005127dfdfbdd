"""Who we are to an SMSC, and the habits of that SMSC which the protocol leaves open; the same for our own far end."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

from push.sms.carrier import Coding, Verdict
from push.sms.checks import check_verdicts, member
from push.sms.fields import octets
from push.sms.smpp import pdu

Bind = Literal["transceiver", "transmitter", "receiver"]

IdForm = Literal["as_is", "hex_to_decimal", "decimal_to_hex"]
"""How a message's id changes between submit_sm_resp and the text of its receipt: ``hex_to_decimal`` where the answer
gives ``1f3a9c`` and the receipt the same number as ``2046620``. The TLV receipted_message_id is not touched by it."""

LongText = Literal["header", "sar", "payload"]
"""How a segment is carried: header in short_message, TLVs sar_* without header, or all of it in message_payload."""

ReceiptForm = Literal["both", "text", "tlvs"]

BINDS: Final[dict[Bind, int]] = {
    "receiver": pdu.BIND_RECEIVER,
    "transmitter": pdu.BIND_TRANSMITTER,
    "transceiver": pdu.BIND_TRANSCEIVER,
}


def _byte(field: str, value: int) -> None:
    if not 0 <= value <= 255:
        raise ValueError(f"{field}: {value} is no byte")


class SmppAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account with an SMSC. Raises ValueError naming the field that the protocol cannot carry."""

    system_id: str
    password: str
    system_type: str = ""
    bind: Bind = "transceiver"
    service_type: str = ""
    address_ton: int = 0
    address_npi: int = 0
    address_range: str = ""
    source_ton: int = 0
    source_npi: int = 1
    dest_ton: int = 1
    dest_npi: int = 1
    prefix: str = "86"
    """In front of every number."""
    id_form: IdForm = "as_is"
    default_coding: Coding = "gsm"
    """What data_coding 0, the SMSC's default, stands for."""
    long_text: LongText = "header"
    verdicts: dict[int, Verdict] = {}
    """What the SMSC's own statuses (0x400-0x4ff) mean; takes precedence over the table."""

    def __post_init__(self) -> None:
        for field, size in (("system_id", 15), ("password", 8), ("system_type", 12), ("service_type", 5)):
            octets(getattr(self, field), size, field)
        octets(self.address_range, 40, "address_range")
        octets(self.prefix, 9, "prefix")
        if not self.system_id:
            raise ValueError("system_id: is empty")
        for field in ("address_ton", "address_npi", "source_ton", "source_npi", "dest_ton", "dest_npi"):
            _byte(field, getattr(self, field))
        member("bind", self.bind, get_args(Bind))
        member("id_form", self.id_form, get_args(IdForm))
        member("default_coding", self.default_coding, get_args(Coding))
        member("long_text", self.long_text, get_args(LongText))
        check_verdicts(self.verdicts)

    def __repr__(self) -> str:
        # Without the password: an account may stand in a log line.
        return f"SmppAccount(system_id={self.system_id!r}, bind={self.bind!r})"


class SmscAccount(msgspec.Struct, frozen=True, kw_only=True):
    """How our own SMSC behaves where the texts leave it open. Raises ValueError naming the field."""

    system_id: str = "SMSC"
    prefix: str = "86"
    default_coding: Coding = "gsm"
    id_form: IdForm = "as_is"
    receipt: ReceiptForm = "both"
    """Whether a receipt tells its facts in the text, in TLVs or in both."""
    error_body: bool = False
    """Whether a submit_sm_resp with an error has an empty string for a body (17 bytes) or none (16)."""

    def __post_init__(self) -> None:
        octets(self.system_id, 15, "system_id")
        octets(self.prefix, 9, "prefix")
        member("default_coding", self.default_coding, get_args(Coding))
        member("id_form", self.id_form, get_args(IdForm))
        member("receipt", self.receipt, get_args(ReceiptForm))
