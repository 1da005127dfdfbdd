"""An ESME: we bind, submit, and answer receipts and messages from phones."""

from __future__ import annotations

from typing import Final

from push.sms.carrier import Heard, Inbound, Reply, Report, Segment, SubmitAnswer, Welcome
from push.sms.fields import bare, expiry, octets
from push.sms.smpp import bodies, pdu, receipts, results
from push.sms.smpp.account import BINDS, SmppAccount
from push.sms.smpp.common import SmppDialect, shared
from push.sms.smpp.pdu import Message

ADDRESS_MAX: Final = 20
PRIORITIES: Final = bytes(priority * 4 // 10 for priority in range(10))
"""priority_flag 0-3 for our 0-9."""

_UCS2: Final = 8


class SmppClient(SmppDialect):
    """The client's side for one account."""

    def __init__(self, account: SmppAccount) -> None:
        self._account = account
        self._source_kind = bytes((account.source_ton, account.source_npi))
        self._dest_kind = bytes((account.dest_ton, account.dest_npi))
        self._verdicts = results.verdicts(account.verdicts)
        self._service = account.service_type.encode("ascii")

    def hello(self, sequence: int, now: int) -> bytes:  # noqa: ARG002 - no digest, no time
        """A bind with the plain password."""
        account = self._account
        body = (
            pdu.c_octets(account.system_id, 16, "system_id")
            + pdu.c_octets(account.password, 9, "password")
            + pdu.c_octets(account.system_type, 13, "system_type")
            + bytes((pdu.VERSION, account.address_ton, account.address_npi))
            + pdu.c_octets(account.address_range, 41, "address_range")
        )
        return pdu.pack(BINDS[account.bind], results.OK, sequence, body)

    def submit(self, sequence: int, segment: Segment) -> bytes:
        """A submit_sm. Raises ValueError naming the field for what the account cannot carry."""
        account = self._account
        if account.bind == "receiver":
            raise ValueError("bind: a receiver cannot submit")
        if not 0 <= segment.priority <= 9:
            raise ValueError(f"priority: {segment.priority} is not 0 to 9")
        form = bodies.write(segment.content, segment.coding, account.long_text, marked=segment.header)
        message = Message(
            source_kind=self._source_kind,
            source=octets(segment.source, ADDRESS_MAX, "source"),
            dest_kind=self._dest_kind,
            dest=octets(account.prefix + segment.to, ADDRESS_MAX, "to"),
            esm_class=form.esm_class,
            registered=int(segment.report),
            data_coding=bodies.coding_number(segment.coding, account.default_coding),
            text=form.text,
            priority=PRIORITIES[segment.priority],
            valid=expiry(segment.valid_until),
            service_type=self._service,
        )
        return pdu.pack_message(pdu.SUBMIT, sequence, message, form.tlvs)

    def own_id(self, sequence: int) -> str:  # noqa: ARG002 - the SMSC gives the id
        """Unknown before the answer."""
        return ""

    def read(self, frame: bytes) -> Heard:
        """One PDU from an SMSC. Raises Malformed."""
        command, status, sequence = pdu.head(frame)
        if command == pdu.RESPONSE | pdu.SUBMIT:
            return SubmitAnswer(
                sequence=sequence,
                verdict=self._verdicts.get(status, "failed"),
                code=results.code(status),
                message_id=receipts.same(pdu.rest_text(frame)),
            )
        if command == pdu.DELIVER:
            return self._inbound(frame, sequence)
        if command in pdu.BIND_ANSWERS:
            return _welcome(frame, status, sequence)
        return shared(command, status, sequence)

    def _inbound(self, frame: bytes, sequence: int) -> Inbound:
        message, start = pdu.read_message(frame)
        tlvs, is_whole = pdu.read_tlvs(frame, start)
        what = self._what(message, tlvs) if is_whole else None
        answer = pdu.pack(pdu.RESPONSE | pdu.DELIVER, results.OK, sequence, b"\0")
        return Inbound(sequence=sequence, what=what, answer=answer, raw=frame)

    def _what(self, message: Message, tlvs: pdu.Tlvs) -> Report | Reply | None:
        kind = message.esm_class & pdu.KIND
        # A phone cannot write TLVs: with both of them it is a receipt, even where esm_class does not say so.
        if kind in (pdu.RECEIPT, pdu.INTERMEDIATE) or tlvs.keys() >= receipts.PROOFS:
            return self._report(message, tlvs, intermediate=kind == pdu.INTERMEDIATE)
        if kind:
            return None  # an acknowledgement by a phone or its user: kept raw
        body = bodies.read(message, tlvs, self._account.default_coding)
        return Reply(
            sender=bare(message.source.decode("latin-1")),
            source=message.dest.decode("latin-1"),
            content=body.content,
            coding=body.coding,
            header=body.header,
        )

    def _report(self, message: Message, tlvs: pdu.Tlvs, *, intermediate: bool) -> Report | None:
        raw = message.text or tlvs.get(pdu.MESSAGE_PAYLOAD, b"")
        text = raw.decode("utf-16-be" if message.data_coding == _UCS2 else "latin-1", "replace")
        phone = message.source.decode("latin-1")
        return receipts.read(text, tlvs, phone, self._account.id_form, intermediate=intermediate)


def _welcome(frame: bytes, status: int, sequence: int) -> Welcome:
    """A bind_*_resp, whose body may be missing."""
    tlvs, _ = pdu.read_tlvs(frame[pdu.HEADER_BYTES :].partition(b"\0")[2], 0)
    version = int.from_bytes(tlvs.get(pdu.SC_VERSION, b""), "big")
    note = ""
    if status:
        note = f"{results.LOGINS.get(status, '登录被拒')}（{results.name(status)}）"
    elif version not in (0, pdu.VERSION):
        note = f"短信中心的版本是 {version:#04x}"
    return Welcome(
        sequence=sequence,
        ok=status == results.OK,
        code=status,
        alarm=status in results.CONFIGURATION,
        note=note,
    )
