"""An SMSC as the far end of our client: it takes binds and submits, and sends receipts and messages from phones."""

from __future__ import annotations

import hmac
from typing import Final

from push.sms.carrier import (
    Asked,
    Hello,
    Ignored,
    InboundAnswer,
    Malformed,
    Reply,
    Report,
    Segment,
    Submitted,
)
from push.sms.fields import bare, octets, read_absolute
from push.sms.smpp import bodies, pdu, receipts, results
from push.sms.smpp.account import SmscAccount
from push.sms.smpp.client import ADDRESS_MAX
from push.sms.smpp.common import SmppDialect, shared
from push.sms.smpp.pdu import Message
from push.sms.text import place

_PRIORITIES: Final = (0, 3, 5, 8)
"""The least of our priorities that each priority_flag stands for."""
_PLAIN: Final = b"\0\0"
_FINAL_RECEIPT: Final = 1


class SmppServer(SmppDialect):
    """The SMSC's side with the habits of ``account``."""

    def __init__(self, account: SmscAccount | None = None) -> None:
        self._account = account or SmscAccount()

    def read(self, frame: bytes) -> Asked:
        """One PDU from an ESME. Raises Malformed."""
        command, status, sequence = pdu.head(frame)
        if command == pdu.SUBMIT:
            return self._submitted(frame, sequence)
        if command == pdu.RESPONSE | pdu.DELIVER:
            return InboundAnswer(sequence=sequence, ok=status == results.OK, code=status)
        if command in pdu.BINDS:
            return _hello(frame, command, sequence)
        return shared(command, status, sequence)

    def _submitted(self, frame: bytes, sequence: int) -> Submitted | Ignored:
        message, start = pdu.read_message(frame)
        tlvs, is_whole = pdu.read_tlvs(frame, start)
        if not is_whole:
            answer = pdu.pack(pdu.RESPONSE | pdu.SUBMIT, results.BAD_TLVS, sequence)
            return Ignored(note="smpp: a submit_sm with a broken TLV", answer=answer)
        body = bodies.read(message, tlvs, self._account.default_coding)
        to = bare(message.dest.decode("latin-1"))
        total, number = place(body.content) if body.header else (1, 1)
        segment = Segment(
            to=to,
            source=message.source.decode("latin-1"),
            content=body.content,
            coding=body.coding,
            header=body.header,
            total=total,
            number=number,
            report=message.registered & 3 == _FINAL_RECEIPT,
            priority=_PRIORITIES[message.priority & 3],
            valid_until=read_absolute(message.valid.decode("latin-1")) if message.valid else None,
        )
        return Submitted(sequence=sequence, segment=segment, numbers=(to,))

    def permits(self, hello: Hello, secret: str) -> bool:
        """Whether the plain password is ``secret``, compared in constant time."""
        return hmac.compare_digest(hello.proof, secret.encode())

    def welcome(self, hello: Hello, code: int, secret: str) -> bytes:  # noqa: ARG002 - nothing is signed
        """A bind_*_resp of the bind that ``hello`` was; without body where ``code`` is an error."""
        command = pdu.RESPONSE | hello.mode
        if code:
            return pdu.pack(command, code, hello.sequence)
        version = pdu.pack_tlvs({pdu.SC_VERSION: bytes((pdu.VERSION,))})
        body = pdu.c_octets(self._account.system_id, 16, "system_id") + version
        return pdu.pack(command, code, hello.sequence, body)

    def submit_answer(self, asked: Submitted, message_id: str, code: int) -> bytes:
        """A submit_sm_resp; with an error its body is as the account says."""
        command = pdu.RESPONSE | pdu.SUBMIT
        if code:
            return pdu.pack(command, code, asked.sequence, b"\0" if self._account.error_body else b"")
        return pdu.pack(command, code, asked.sequence, pdu.c_octets(message_id, 65, "message_id"))

    def report(self, sequence: int, report: Report, source: str, submitted_at: int) -> bytes:
        """A receipt; one that is not final goes as an intermediate notice. ``source`` is the sender's own number."""
        account = self._account
        named = receipts.as_told(report.message_id, account.id_form)
        text = "" if account.receipt == "tlvs" else receipts.text(report, named, submitted_at)
        kind = pdu.INTERMEDIATE if report.state == "waiting" else pdu.RECEIPT
        message = self._from_phone(report.to, source, kind, 0, text.encode("latin-1", "replace"))
        tlvs = pdu.NO_TLVS if account.receipt == "text" else receipts.tlvs(report)
        return pdu.pack_message(pdu.DELIVER, sequence, message, tlvs)

    def reply(self, sequence: int, reply: Reply, message_id: str) -> bytes:  # noqa: ARG002 - a deliver_sm bears no id
        """A message from a phone, its header in front of the text. Raises ValueError naming the field."""
        form = bodies.write(reply.content, reply.coding, "header", marked=reply.header)
        coding = bodies.coding_number(reply.coding, self._account.default_coding)
        message = self._from_phone(reply.sender, reply.source, form.esm_class, coding, form.text)
        return pdu.pack_message(pdu.DELIVER, sequence, message)

    def _from_phone(self, phone: str, source: str, esm_class: int, coding: int, text: bytes) -> Message:
        return Message(
            source_kind=_PLAIN,
            source=octets(self._account.prefix + phone, ADDRESS_MAX, "to"),
            dest_kind=_PLAIN,
            dest=octets(source, ADDRESS_MAX, "source"),
            esm_class=esm_class,
            registered=0,
            data_coding=coding,
            text=text,
        )


def _hello(frame: bytes, command: int, sequence: int) -> Hello:
    account, start = pdu.c_text(frame, pdu.HEADER_BYTES, "system_id")
    password, start = pdu.c_text(frame, start, "password")
    _, start = pdu.c_text(frame, start, "system_type")
    if start + 3 > len(frame):
        raise Malformed("smpp: a bind ends before its version")
    pdu.c_text(frame, start + 3, "address_range")
    return Hello(
        sequence=sequence,
        account=account,
        proof=password.encode("latin-1"),
        version=frame[start],
        mode=command,
    )
