"""The sides of SGIP that are connected to: an SMG for our submits, and our own listener for what an SMG reports."""

from __future__ import annotations

import hmac

from push.sms.carrier import Asked, Hello, Ignored, Reply, Report, Submitted
from push.sms.sgip import pdu, results, sequences
from push.sms.sgip.common import SgipDialect, inbound_answer, shared


class SgipServer(SgipDialect):
    """An SMG's side towards SPs: it takes log-ins of type 1 and SUBMITs. One per connection: it knows who logged in."""

    login_type: int = pdu.SP_TO_SMG

    def __init__(self, node: int, lane: int = 0, lanes: int = 1) -> None:
        super().__init__(node, lane, lanes)
        self._is_bound = False

    def read(self, frame: bytes) -> Asked:
        """One PDU from the side that connected. Raises Malformed."""
        command, sequence = pdu.head(frame)
        if command == pdu.BIND:
            return self._hello(frame, sequence)
        return self._asked(command, sequence, frame)

    def _asked(self, command: int, sequence: int, frame: bytes) -> Asked:
        if command == pdu.SUBMIT:
            told = pdu.read_submit(frame)
            return Submitted(sequence=sequence, segment=told.segment, numbers=told.numbers)
        if command in pdu.INBOUND_ANSWERS:
            return inbound_answer(frame, sequence)
        return shared(command, sequence)

    def _hello(self, frame: bytes, sequence: int) -> Hello | Ignored:
        bind = pdu.read_bind(frame)
        if self._is_bound:
            answer = pdu.pack_answer(pdu.BIND, sequence, results.LOGIN_REPEATED)
            return Ignored(note="sgip: a second log-in on the connection", answer=answer)
        if bind.login_type != self.login_type:
            answer = pdu.pack_answer(pdu.BIND, sequence, results.WRONG_TYPE)
            return Ignored(note=f"sgip: a log-in of type {bind.login_type}", answer=answer)
        return Hello(sequence=sequence, account=bind.name, proof=bind.password, mode=bind.login_type)

    def permits(self, hello: Hello, secret: str) -> bool:
        """Whether the plain password is ``secret``, compared in constant time."""
        return hmac.compare_digest(hello.proof, secret.encode())

    def welcome(self, hello: Hello, code: int, secret: str) -> bytes:  # noqa: ARG002 - nothing is signed
        """A BIND_RESP. After ``code`` 0 a second BIND is refused."""
        self._is_bound = code == results.OK
        return pdu.pack_answer(pdu.BIND, hello.sequence, code)

    def submit_answer(self, asked: Submitted, message_id: str, code: int) -> bytes:  # noqa: ARG002 - see below
        """A SUBMIT_RESP, which bears no id: the SUBMIT's own sequence is the id."""
        return pdu.pack_answer(pdu.SUBMIT, asked.sequence, code)

    def report(self, sequence: int, report: Report, source: str, submitted_at: int) -> bytes:  # noqa: ARG002 - no field for them
        """A REPORT with State and ErrorCode of ``report``. Raises ValueError naming the field."""
        submitted = sequences.from_text(report.message_id).to_bytes(sequences.BYTES, "big")
        return pdu.pack_report(sequence, report, submitted)

    def reply(self, sequence: int, reply: Reply, message_id: str) -> bytes:  # noqa: ARG002 - its sequence is its id
        """A DELIVER. Raises ValueError naming the field."""
        return pdu.pack_deliver(sequence, reply)


class SgipListener(SgipServer):
    """Our side towards an SMG that connects to us: it takes log-ins of type 2, reports and replies, and no SUBMIT."""

    login_type: int = pdu.SMG_TO_SP

    def _asked(self, command: int, sequence: int, frame: bytes) -> Asked:
        if command in pdu.INBOUND:
            return pdu.read_inbound(command, sequence, frame)
        return shared(command, sequence)
