"""The SP's side of CMPP: we submit; answers, reports and replies come back."""

from __future__ import annotations

from hmac import compare_digest

from push.sms.carrier import (
    Heard,
    Ignored,
    Inbound,
    Malformed,
    Reply,
    Report,
    Segment,
    SubmitAnswer,
    Welcome,
)
from push.sms.checks import weighed
from push.sms.cmpp import pdu, results
from push.sms.cmpp.account import CmppAccount
from push.sms.cmpp.ids import octets_of
from push.sms.fields import (
    absolute,
    bare,
    coding_number,
    coding_of,
    login_proof,
    login_stamp,
    octets,
    read_time,
    report_state,
    server_proof,
    text_of,
)


class CmppClient(pdu.Common):
    """One connection to a gateway: it keeps the version agreed on and the proof that was sent, nothing else."""

    def __init__(self, account: CmppAccount) -> None:
        self._account = account
        self._layout = pdu.layout_of(account.version)
        self._proof = b""
        self._verdicts = results.verdicts(account.version, account.verdicts)
        self._fees = (
            account.service_id.encode(),
            account.fee_user_type,
            account.fee_terminal.encode(),
            bytes((account.fee_terminal_type,)),
        )
        self._contract = (account.sp_id.encode(), account.fee_type.encode(), account.fee_code.encode())

    # Written ---------------------------------------------------------------------------------------------------

    def hello(self, sequence: int, now: int) -> bytes:
        """CONNECT; one reading of the clock serves digest and field (§4)."""
        account, stamp = self._account, login_stamp(now)
        sp_id = account.sp_id.encode()
        self._proof = login_proof(sp_id, 9, account.secret, stamp)
        size = pdu.CONNECT_PDU.size
        return pdu.CONNECT_PDU.pack(size, pdu.CONNECT, sequence, sp_id, self._proof, account.version, stamp)

    def submit(self, sequence: int, segment: Segment) -> bytes:
        """SUBMIT to one number. Raises ValueError naming the field that CMPP cannot carry."""
        layout, fees, content = self._layout, self._fees, segment.content
        if not 1 <= segment.number <= segment.total <= 255:
            raise ValueError(f"number: segment {segment.number} of {segment.total}")
        if not 0 <= segment.priority <= 9:
            raise ValueError(f"priority: {segment.priority} is not 0 to 9")
        size = pdu.content_size(content, segment.coding)
        until = segment.valid_until
        head = layout.submit_one.pack(
            layout.submit_one.size + size + layout.tail_bytes,
            pdu.SUBMIT,
            sequence,
            segment.total,
            segment.number,
            segment.report,
            segment.priority,
            *fees,
            0,
            segment.header,
            coding_number(segment.coding),
            *self._contract,
            b"" if until is None else absolute(until).encode(),
            b"",
            octets(segment.source, 21, "source"),
            1,
            octets(self._account.number_prefix + segment.to, layout.number_bytes, "to"),
            pdu.TYPE_REAL,
            size,
        )
        return head + content + layout.tail

    def own_id(self, sequence: int) -> str:  # noqa: ARG002 - SGIP's id is the sequence
        """Empty: the gateway gives the id."""
        return ""

    def cancel(self, sequence: int, message_id: str) -> bytes:
        """CANCEL of a submitted message; what becomes of it is read as Ignored (§8)."""
        size = pdu.MESSAGE_ID_PDU.size
        return pdu.MESSAGE_ID_PDU.pack(size, pdu.CANCEL, sequence, octets_of(message_id))

    # Read ------------------------------------------------------------------------------------------------------

    def read(self, frame: bytes) -> Heard:
        """One whole PDU. Raises Malformed. The length of CONNECT_RESP decides the layouts that follow (§4)."""
        command, sequence = self.head_of(frame)
        if command == pdu.SUBMIT_RESP:
            return self._submit_answer(sequence, frame)
        if command == pdu.DELIVER:
            return self._inbound(sequence, frame)
        if command == pdu.CONNECT_RESP:
            return self._welcome(sequence, frame)
        if command == pdu.CANCEL_RESP:
            return _cancelled(frame)
        return pdu.lifeline(command, sequence)

    def _submit_answer(self, sequence: int, frame: bytes) -> SubmitAnswer:
        message_id, result = pdu.answer_of(frame)
        named = result == 0 or any(message_id)
        return SubmitAnswer(
            sequence=sequence,
            verdict=self._verdicts.get(result, "failed"),
            code=str(result),
            message_id=message_id.hex() if named else "",
        )

    def _welcome(self, sequence: int, frame: bytes) -> Welcome:
        layout = next((each for each in (pdu.WIDE, pdu.NARROW) if len(frame) == each.connect_resp.size), None)
        if layout is None:
            raise Malformed(f"cmpp: a CONNECT_RESP of {len(frame)} bytes")
        *_, status, proof, version = layout.connect_resp.unpack(frame)
        asked, self._layout = self._layout, layout
        note = "" if layout is asked else f"网关按 {'3.0' if layout.wide else '2.0'} 版应答，已随之"
        if status:
            reason = results.STATUS.get(status, "其他错误")
            note = f"{reason}（状态 {status}，网关最高版本 {version:#04x}）"
            alarm = status in results.ALARMING
            return Welcome(sequence=sequence, ok=False, code=status, alarm=alarm, note=note)
        # Status is hashed with as many bytes as it came in (§12.1).
        due = server_proof(layout.status.pack(status), self._proof, self._account.secret)
        return weighed(sequence, self._account.check_server, note, proven=compare_digest(due, proof))

    def _inbound(self, sequence: int, frame: bytes) -> Inbound:
        layout = self._layout
        shape = layout.deliver
        if len(frame) < shape.size:
            raise Malformed(f"cmpp: a DELIVER of {len(frame)} bytes")
        _, _, _, own, ours, _, _, udhi, coding, phone, _, reports, size = shape.unpack_from(frame)
        content = frame[shape.size : shape.size + size]
        what: Report | Reply | None = None
        # The tail behind the content is not looked at: real gateways shorten it (§7).
        if len(content) == size:
            what = _report(content, phone) if reports else _reply(phone, ours, content, coding, udhi)
        answer = layout.answer.pack(layout.answer.size, pdu.DELIVER_RESP, sequence, own, 0)
        # What cannot be read is kept and answered as taken: any other answer brings it again for ever.
        return Inbound(sequence=sequence, what=what, answer=answer, raw=b"" if what else frame)


def _report(content: bytes, phone: bytes) -> Report | None:
    """The report inside Msg_Content, by its length; None for a length that no version has."""
    shape = pdu.REPORTS.get(len(content))
    if shape is None:
        return None
    message_id, word, _, done, number, _ = shape.unpack(content)
    stat = text_of(word)
    return Report(
        message_id=message_id.hex(),
        to=bare(text_of(number) or text_of(phone)),
        state=report_state(stat),
        stat=stat,
        done_at=read_time(text_of(done)),
    )


def _reply(phone: bytes, ours: bytes, content: bytes, coding: int, udhi: int) -> Reply:
    return Reply(
        sender=bare(text_of(phone)),
        source=text_of(ours),
        content=content,
        coding=coding_of(coding),
        header=bool(udhi & pdu.UDHI),
    )


def _cancelled(frame: bytes) -> Ignored:
    """CANCEL_RESP: one byte in 2.0, four in 3.0, by length (§12.3)."""
    for shape in (pdu.WORD_PDU, pdu.BYTE_PDU):
        if len(frame) == shape.size:
            return Ignored(note=f"cmpp: cancel answered with {shape.unpack(frame)[3]}")
    raise Malformed(f"cmpp: a CANCEL_RESP of {len(frame)} bytes")
