"""The gateway's side of SMGP: what the simulator speaks."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any, Final

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
from push.sms.fields import (
    bare,
    coding_number,
    coding_of,
    login_proof,
    octets,
    read_absolute,
    seconds,
    server_proof,
    text_of,
    tlv,
    tlvs,
)
from push.sms.smgp import pdu, reports
from push.sms.smgp.account import SmgpGateway
from push.sms.smgp.ids import after, octets_of

_PLAIN: Final = SmgpGateway()
_MALFORMED: Final = 10
_WRONG_LENGTH: Final = 36
_REPORT: Final = (1, 0)


class SmgpServer(pdu.Common):
    """One connection of a client: it keeps the version the client said, nothing else."""

    def __init__(self, gateway: SmgpGateway = _PLAIN) -> None:
        self._gateway = gateway
        self._layout = pdu.layout_of(gateway.version)

    # Read ------------------------------------------------------------------------------------------------------

    def read(self, frame: bytes) -> Asked:
        """One whole PDU. Raises Malformed."""
        request, sequence = self.head_of(frame)
        if request == pdu.SUBMIT:
            return self._submitted(sequence, frame)
        if request == pdu.DELIVER_RESP:
            status = pdu.answer_of(frame)[1]
            return InboundAnswer(sequence=sequence, ok=status == 0, code=status)
        if request == pdu.LOGIN:
            return _hello(frame)
        return pdu.lifeline(request, sequence)

    def _submitted(self, sequence: int, frame: bytes) -> Submitted | Ignored:
        shape, width = self._layout.submit_head, pdu.NUMBER_BYTES
        if len(frame) < shape.size:
            raise Malformed(f"smgp: a SUBMIT of {len(frame)} bytes")
        fields = shape.unpack_from(frame)
        count = fields[-1]
        at = shape.size + count * width
        size = frame[at] if at < len(frame) else 0
        content = frame[at + 1 : at + 1 + size]
        if not 1 <= count <= pdu.RECEIVERS_MAX:
            return _refused(sequence, _MALFORMED, f"{count} receivers")
        if at >= len(frame) or len(content) < size:
            return _refused(sequence, _WRONG_LENGTH, "inner lengths beyond the PDU")
        numbers = tuple(bare(text_of(frame[start : start + width])) for start in range(shape.size, at, width))
        optional = tlvs(frame, at + 1 + size + len(pdu.RESERVE))
        segment = _segment(fields, numbers[0], content, optional)
        return Submitted(sequence=sequence, segment=segment, numbers=numbers)

    # Written ---------------------------------------------------------------------------------------------------

    def permits(self, hello: Hello, secret: str) -> bool:
        """Whether the log-in shows the secret; the account is hashed without padding (§10.2)."""
        account = hello.account.encode("latin-1")
        return compare_digest(login_proof(account, 7, secret, hello.timestamp), hello.proof)

    def welcome(self, hello: Hello, code: int, secret: str) -> bytes:
        """LOGIN_RESP. Status 0 takes up the client's version where it is not above ours."""
        shape, version = pdu.LOGIN_RESP_PDU, self._gateway.version
        proof = b"" if code else server_proof(code.to_bytes(4, "big"), hello.proof, secret)
        if not code:
            self._layout = pdu.layout_of(min(hello.version, version))
        return shape.pack(shape.size, pdu.LOGIN_RESP, hello.sequence, code, proof, version)

    def submit_answer(self, asked: Submitted, message_id: str, code: int) -> bytes:
        """SUBMIT_RESP; of several receivers the first one's id (the others' by ``ids.after``). Empty id is zeros."""
        shape = pdu.ANSWER_PDU
        return shape.pack(shape.size, pdu.SUBMIT_RESP, asked.sequence, octets_of(message_id), code)

    def report(self, sequence: int, report: Report, source: str, submitted_at: int) -> bytes:
        """DELIVER with a report; its own MsgID is the one after the report's, RecvTime that of the submit."""
        content = reports.write(report, submitted_at, self._gateway.report_text)
        addresses = seconds(submitted_at), report.to, source
        return _deliver(sequence, after(report.message_id), addresses, content, kind=_REPORT)

    def reply(self, sequence: int, reply: Reply, message_id: str) -> bytes:
        """DELIVER with a message from a phone. RecvTime is left empty: nobody has told it."""
        pdu.content_size(reply.content)
        optional = tlv(pdu.TLV_UDHI, b"\1") if reply.header else b""
        kind = (0, coding_number(reply.coding))
        addresses = "", reply.sender, reply.source
        return _deliver(sequence, message_id, addresses, reply.content, kind=kind, optional=optional)


def _hello(frame: bytes) -> Hello:
    if len(frame) != pdu.LOGIN_PDU.size:
        raise Malformed(f"smgp: a LOGIN of {len(frame)} bytes")
    _, _, sequence, account, proof, mode, stamp, version = pdu.LOGIN_PDU.unpack(frame)
    return Hello(
        sequence=sequence,
        account=text_of(account),
        proof=proof,
        timestamp=stamp,
        version=version,
        mode=mode,
    )


def _refused(sequence: int, status: int, why: str) -> Ignored:
    answer = pdu.ANSWER_PDU.pack(pdu.ANSWER_PDU.size, pdu.SUBMIT_RESP, sequence, b"", status)
    return Ignored(note=f"smgp: a SUBMIT with {why}", answer=answer)


def _segment(fields: tuple[Any, ...], to: str, content: bytes, optional: dict[int, bytes]) -> Segment:
    """``fields`` as ``submit_head`` takes them apart."""
    _, report, priority = fields[3:6]
    coding, valid, _, source, *_ = fields[10:]
    return Segment(
        to=to,
        source=text_of(source),
        content=content,
        coding=coding_of(coding),
        header=any(optional.get(pdu.TLV_UDHI, b"")),
        total=_byte(optional, pdu.TLV_TOTAL),
        number=_byte(optional, pdu.TLV_NUMBER),
        report=report == 1,
        priority=min(priority, 3) * 3,
        valid_until=read_absolute(text_of(valid)),
    )


def _byte(optional: dict[int, bytes], tag: int) -> int:
    """A TLV of one byte; 1 where it is missing."""
    return int.from_bytes(optional.get(tag, b"\1")[:1], "big") or 1


def _deliver(
    sequence: int,
    message_id: str,
    addresses: tuple[str, str, str],
    content: bytes,
    *,
    kind: tuple[int, int],
    optional: bytes = b"",
) -> bytes:
    """``addresses``: RecvTime, the phone, our number. ``kind``: IsReport and MsgFormat."""
    received, phone, source = addresses
    shape, tail = pdu.DELIVER_PDU, pdu.RESERVE + optional
    head = shape.pack(
        shape.size + len(content) + len(tail),
        pdu.DELIVER,
        sequence,
        octets_of(message_id),
        *kind,
        received.encode(),
        octets(phone, pdu.NUMBER_BYTES, "sender"),
        octets(source, pdu.NUMBER_BYTES, "source"),
        len(content),
    )
    return head + content + tail
