"""The SP's side of SMGP: we submit; answers, reports and replies come back."""

from __future__ import annotations

from hmac import compare_digest

from push.sms.carrier import Heard, Inbound, Malformed, Reply, Report, Segment, SubmitAnswer, Welcome
from push.sms.checks import weighed
from push.sms.fields import (
    absolute,
    bare,
    coding_number,
    coding_of,
    login_proof,
    login_stamp,
    octets,
    server_proof,
    text_of,
    tlv,
    tlvs,
)
from push.sms.smgp import pdu, reports, results
from push.sms.smgp.account import SmgpAccount


class SmgpClient(pdu.Common):
    """One connection to a gateway: it keeps the proof that was sent, nothing else."""

    def __init__(self, account: SmgpAccount) -> None:
        self._account = account
        self._layout = pdu.layout_of(account.version)
        self._proof = b""
        self._verdicts = results.verdicts(account.throttle_codes, account.verdicts)
        texts = (account.service_id, account.fee_type, account.fee_code, account.fixed_fee)
        self._fees = tuple(text.encode() for text in texts)
        self._payer = account.charge_terminal.encode()
        self._tail = pdu.RESERVE + _account_tlvs(account)

    # Written ---------------------------------------------------------------------------------------------------

    def hello(self, sequence: int, now: int) -> bytes:
        """LOGIN; one reading of the clock serves digest and field (§10.4)."""
        account, stamp, shape = self._account, login_stamp(now), pdu.LOGIN_PDU
        client_id = account.client_id.encode()
        self._proof = login_proof(client_id, 7, account.secret, stamp)
        fields = (client_id, self._proof, account.mode, stamp, account.version)
        return shape.pack(shape.size, pdu.LOGIN, sequence, *fields)

    def submit(self, sequence: int, segment: Segment) -> bytes:
        """SUBMIT to one number. Raises ValueError naming the field that SMGP cannot carry."""
        shape, content, until = self._layout.submit_one, segment.content, segment.valid_until
        if not 0 <= segment.priority <= 9:
            raise ValueError(f"priority: {segment.priority} is not 0 to 9")
        size = pdu.content_size(content)
        tail = self._tail + _place(segment)
        head = shape.pack(
            shape.size + size + len(tail),
            pdu.SUBMIT,
            sequence,
            pdu.TYPE_MT,
            segment.report,
            # 0 to 9 on the scale of 0 to 3: only 0 stays the lowest.
            (segment.priority + 2) // 3,
            *self._fees,
            coding_number(segment.coding),
            b"" if until is None else absolute(until).encode(),
            b"",
            octets(segment.source, pdu.NUMBER_BYTES, "source"),
            self._payer,
            1,
            octets(self._account.number_prefix + segment.to, pdu.NUMBER_BYTES, "to"),
            size,
        )
        return head + content + tail

    def own_id(self, sequence: int) -> str:  # noqa: ARG002 - SGIP's id is the sequence
        """Empty: the gateway gives the id."""
        return ""

    # Read ------------------------------------------------------------------------------------------------------

    def read(self, frame: bytes) -> Heard:
        """One whole PDU. Raises Malformed."""
        request, sequence = self.head_of(frame)
        if request == pdu.SUBMIT_RESP:
            return self._submit_answer(sequence, frame)
        if request == pdu.DELIVER:
            return _inbound(sequence, frame)
        if request == pdu.LOGIN_RESP:
            return self._welcome(sequence, frame)
        return pdu.lifeline(request, sequence)

    def _submit_answer(self, sequence: int, frame: bytes) -> SubmitAnswer:
        message_id, status = pdu.answer_of(frame)
        named = status == 0 or any(message_id)
        return SubmitAnswer(
            sequence=sequence,
            verdict=self._verdicts.get(status, "failed"),
            code=str(status),
            message_id=message_id.hex() if named else "",
        )

    def _welcome(self, sequence: int, frame: bytes) -> Welcome:
        shape, account = pdu.LOGIN_RESP_PDU, self._account
        if len(frame) != shape.size:
            raise Malformed(f"smgp: a LOGIN_RESP of {len(frame)} bytes")
        *_, status, proof, version = shape.unpack(frame)
        if status:
            note = _refusal(status, version, account.client_id)
            alarm = status in results.ALARMING
            return Welcome(sequence=sequence, ok=False, code=status, alarm=alarm, note=note)
        note = "" if version >= account.version else f"网关最高版本 {version:#04x}，低于本通道的设置"
        due = server_proof(status.to_bytes(4, "big"), self._proof, account.secret)
        return weighed(sequence, account.check_server, note, proven=compare_digest(due, proof))


def _account_tlvs(account: SmgpAccount) -> bytes:
    payer = account.charge_user_type
    parts = (
        b"" if payer is None else tlv(pdu.TLV_CHARGE_USER_TYPE, bytes((payer,))),
        tlv(pdu.TLV_MSG_SRC, account.msg_src.encode().ljust(8, b"\0")) if account.msg_src else b"",
        tlv(pdu.TLV_PRODUCT, account.product_id.encode().ljust(21, b"\0")) if account.product_id else b"",
    )
    return b"".join(parts)


def _place(segment: Segment) -> bytes:
    """The TLVs of a header and of a segment's place in a long message (§6)."""
    total, number = segment.total, segment.number
    if not 1 <= number <= total <= 255:
        raise ValueError(f"number: segment {number} of {total}")
    said = tlv(pdu.TLV_UDHI, b"\1") if segment.header else b""
    if total > 1:
        said += tlv(pdu.TLV_TOTAL, bytes((total,))) + tlv(pdu.TLV_NUMBER, bytes((number,)))
    return said


def _refusal(status: int, version: int, client_id: str) -> str:
    reason = results.STATUS.get(status, "其他错误")
    note = f"{reason}（状态 {status}，网关最高版本 {version:#04x}）"
    if status == results.NOT_PROVEN and len(client_id) < 8:
        note += "；账号不足 8 位，个别网关会补零后再算认证码"
    return note


def _inbound(sequence: int, frame: bytes) -> Inbound:
    shape = pdu.DELIVER_PDU
    if len(frame) < shape.size:
        raise Malformed(f"smgp: a DELIVER of {len(frame)} bytes")
    _, _, _, own, is_report, coding, _, phone, ours, size = shape.unpack_from(frame)
    content = frame[shape.size : shape.size + size]
    what: Report | Reply | None = None
    if len(content) == size:
        if is_report:
            what = reports.read(content, phone)
        else:
            optional = tlvs(frame, shape.size + size + len(pdu.RESERVE))
            what = _reply(phone, ours, content, coding, optional.get(pdu.TLV_UDHI, b"\0"))
    answer = pdu.ANSWER_PDU.pack(pdu.ANSWER_PDU.size, pdu.DELIVER_RESP, sequence, own, 0)
    # What cannot be read is kept and answered as taken: any other answer brings it again for ever.
    return Inbound(sequence=sequence, what=what, answer=answer, raw=b"" if what else frame)


def _reply(phone: bytes, ours: bytes, content: bytes, coding: int, udhi: bytes) -> Reply:
    return Reply(
        sender=bare(text_of(phone)),
        source=text_of(ours),
        content=content,
        coding=coding_of(coding),
        header=any(udhi),
    )
