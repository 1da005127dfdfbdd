"""The gateway's side of CMPP: what the simulator speaks."""

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
from push.sms.cmpp import pdu
from push.sms.cmpp.account import CmppGateway
from push.sms.cmpp.ids import after, octets_of
from push.sms.fields import (
    bare,
    coding_number,
    coding_of,
    login_proof,
    minutes,
    octets,
    read_absolute,
    server_proof,
    text_of,
)

_PLAIN: Final = CmppGateway()
_WRONG_STRUCTURE: Final = 1
_WRONG_LENGTH: Final = 4
_NOT_DONE: Final = 1


class CmppServer(pdu.Common):
    """One connection of a client: it keeps the version agreed on, nothing else."""

    def __init__(self, gateway: CmppGateway = _PLAIN) -> None:
        self._gateway = gateway
        self._layout = pdu.layout_of(gateway.version)
        self._service = gateway.service_id.encode()

    # Read ------------------------------------------------------------------------------------------------------

    def read(self, frame: bytes) -> Asked:
        """One whole PDU. Raises Malformed. CANCEL and QUERY are answered with "not done" and zeros."""
        command, sequence = self.head_of(frame)
        if command == pdu.SUBMIT:
            return self._submitted(sequence, frame)
        if command == pdu.DELIVER_RESP:
            result = pdu.answer_of(frame)[1]
            return InboundAnswer(sequence=sequence, ok=result == 0, code=result)
        if command == pdu.CONNECT:
            return _hello(frame)
        if command == pdu.CANCEL:
            return self._not_cancelled(sequence, frame)
        if command == pdu.QUERY:
            return _no_totals(sequence, frame)
        return pdu.lifeline(command, sequence)

    def _submitted(self, sequence: int, frame: bytes) -> Submitted | Ignored:
        layout, shape = self._layout, self._layout.submit_head
        if len(frame) < shape.size:
            raise Malformed(f"cmpp: a SUBMIT of {len(frame)} bytes")
        fields = shape.unpack_from(frame)
        count = fields[-1]
        at = shape.size + count * layout.number_bytes + layout.type_bytes
        size = frame[at] if at < len(frame) else 0
        content = frame[at + 1 : at + 1 + size]
        if not 1 <= count <= pdu.RECEIVERS_MAX:
            return self._refused(sequence, _WRONG_STRUCTURE, f"{count} receivers")
        if at >= len(frame) or len(content) < size:
            return self._refused(sequence, _WRONG_LENGTH, "inner lengths beyond the PDU")
        ends = range(shape.size, at - layout.type_bytes, layout.number_bytes)
        numbers = tuple(bare(text_of(frame[start : start + layout.number_bytes])) for start in ends)
        return Submitted(sequence=sequence, segment=_segment(fields, numbers[0], content), numbers=numbers)

    def _refused(self, sequence: int, result: int, why: str) -> Ignored:
        shape = self._layout.answer
        answer = shape.pack(shape.size, pdu.SUBMIT_RESP, sequence, b"", result)
        return Ignored(note=f"cmpp: a SUBMIT with {why}", answer=answer)

    def _not_cancelled(self, sequence: int, frame: bytes) -> Ignored:
        if len(frame) != pdu.MESSAGE_ID_PDU.size:
            raise Malformed(f"cmpp: a CANCEL of {len(frame)} bytes")
        shape = pdu.WORD_PDU if self._layout.wide else pdu.BYTE_PDU
        answer = shape.pack(shape.size, pdu.CANCEL_RESP, sequence, _NOT_DONE)
        return Ignored(note=f"cmpp: cancel of {frame[self.header_bytes :].hex()}", answer=answer)

    # Written ---------------------------------------------------------------------------------------------------

    def permits(self, hello: Hello, secret: str) -> bool:
        """Whether the log-in shows the secret; only an account of 6 characters is hashed by all alike (§12.4)."""
        account = hello.account.encode("latin-1")
        return compare_digest(login_proof(account, 9, secret, hello.timestamp), hello.proof)

    def welcome(self, hello: Hello, code: int, secret: str) -> bytes:
        """CONNECT_RESP. Status 0 agrees on the version offered, at most ours; a pinned version stays (§4)."""
        gateway = self._gateway
        version = gateway.version if gateway.pins_version else min(hello.version, gateway.version)
        layout = pdu.layout_of(version)
        status = layout.status.pack(code)
        proof = b"" if code else server_proof(status, hello.proof, secret)
        if not code:
            self._layout = layout
        size = layout.connect_resp.size
        return layout.connect_resp.pack(size, pdu.CONNECT_RESP, hello.sequence, code, proof, gateway.version)

    def submit_answer(self, asked: Submitted, message_id: str, code: int) -> bytes:
        """SUBMIT_RESP; of several receivers the first one's id (the others' by ``ids.after``). Empty id is zeros."""
        shape = self._layout.answer
        return shape.pack(shape.size, pdu.SUBMIT_RESP, asked.sequence, octets_of(message_id), code)

    def report(self, sequence: int, report: Report, source: str, submitted_at: int) -> bytes:
        """DELIVER with a report; its own Msg_Id is the one after the report's, as captured gateways do (§13)."""
        layout = self._layout
        shape = pdu.NARROW.report if self._gateway.narrow_reports else layout.report
        width = shape.size - pdu.REPORT_FIXED_BYTES
        content = shape.pack(
            octets_of(report.message_id),
            octets(report.stat, 7, "stat"),
            minutes(submitted_at).encode(),
            b"" if report.done_at is None else minutes(report.done_at).encode(),
            octets(report.to, width, "to"),
            self._gateway.smsc_sequence,
        )
        return self._deliver(sequence, after(report.message_id), source, report.to, content, reports=1)

    def reply(self, sequence: int, reply: Reply, message_id: str) -> bytes:
        """DELIVER with a message from a phone. Raises ValueError naming the field that CMPP cannot carry."""
        pdu.content_size(reply.content, reply.coding)
        return self._deliver(
            sequence,
            message_id,
            reply.source,
            reply.sender,
            reply.content,
            udhi=reply.header,
            coding=coding_number(reply.coding),
        )

    def _deliver(
        self,
        sequence: int,
        message_id: str,
        source: str,
        phone: str,
        content: bytes,
        *,
        udhi: bool = False,
        coding: int = 0,
        reports: int = 0,
    ) -> bytes:
        layout = self._layout
        head = layout.deliver.pack(
            layout.deliver.size + len(content) + layout.tail_bytes,
            pdu.DELIVER,
            sequence,
            octets_of(message_id),
            octets(source, 21, "source"),
            self._service,
            0,
            udhi,
            coding,
            octets(phone, layout.number_bytes, "sender"),
            pdu.TYPE_REAL,
            reports,
            len(content),
        )
        return head + content + layout.tail


def _hello(frame: bytes) -> Hello:
    if len(frame) != pdu.CONNECT_PDU.size:
        raise Malformed(f"cmpp: a CONNECT of {len(frame)} bytes")
    _, _, sequence, account, proof, version, stamp = pdu.CONNECT_PDU.unpack(frame)
    return Hello(sequence=sequence, account=text_of(account), proof=proof, timestamp=stamp, version=version)


def _segment(fields: tuple[Any, ...], to: str, content: bytes) -> Segment:
    """``fields`` as ``submit_head`` takes them apart."""
    total, number, report, priority = fields[3:7]
    udhi, coding, *_, valid, _, source, _ = fields[12:]
    return Segment(
        to=to,
        source=text_of(source),
        content=content,
        coding=coding_of(coding),
        header=bool(udhi & pdu.UDHI),
        total=total,
        number=number,
        report=report == 1,
        priority=priority,
        valid_until=read_absolute(text_of(valid)),
    )


def _no_totals(sequence: int, frame: bytes) -> Ignored:
    if len(frame) != pdu.QUERY_PDU.size:
        raise Malformed(f"cmpp: a QUERY of {len(frame)} bytes")
    _, _, _, day, kind, code, _ = pdu.QUERY_PDU.unpack(frame)
    shape = pdu.QUERY_RESP_PDU
    answer = shape.pack(shape.size, pdu.QUERY_RESP, sequence, day, kind, code, b"")
    return Ignored(note="cmpp: a QUERY, answered with zeros", answer=answer)
