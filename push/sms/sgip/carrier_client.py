"""An SMG that connects to an SP's listener with login type 2: only the simulator is one."""

from __future__ import annotations

from push.sms.carrier import Heard, Reply, Report, Segment
from push.sms.sgip import pdu, sequences
from push.sms.sgip.common import SgipDialect, inbound_answer, shared, welcome
from push.sms.sgip.results import Codes


class SgipCarrierClient(SgipDialect):
    """The SMG with node number ``node``, logging in to a listener as ``login_name``."""

    def __init__(self, node: int, login_name: str, login_password: str, code_table: Codes = "1.3") -> None:
        super().__init__(node)
        self._login_name = login_name
        self._login_password = login_password
        self._codes: Codes = code_table

    def hello(self, sequence: int, now: int) -> bytes:  # noqa: ARG002 - no digest, no time
        """A BIND of type 2. Raises ValueError naming the field."""
        return pdu.pack_bind(sequence, pdu.SMG_TO_SP, self._login_name, self._login_password)

    def submit(self, sequence: int, segment: Segment) -> bytes:  # noqa: ARG002 - refused whatever it is
        """Never: raises ValueError."""
        raise ValueError("login_type: an SMG submits nothing to an SP")

    def own_id(self, sequence: int) -> str:
        """The 12 bytes of a request."""
        return sequences.to_text(sequence)

    def report(self, sequence: int, report: Report, source: str, submitted_at: int) -> bytes:  # noqa: ARG002 - no field for them
        """A REPORT with State and ErrorCode of ``report``. Raises ValueError naming the field."""
        submitted = sequences.from_text(report.message_id).to_bytes(sequences.BYTES, "big")
        return pdu.pack_report(sequence, report, submitted)

    def reply(self, sequence: int, reply: Reply, message_id: str) -> bytes:  # noqa: ARG002 - its sequence is its id
        """A DELIVER. Raises ValueError naming the field."""
        return pdu.pack_deliver(sequence, reply)

    def read(self, frame: bytes) -> Heard:
        """One PDU from a listener. Raises Malformed."""
        command, sequence = pdu.head(frame)
        if command in pdu.INBOUND_ANSWERS:
            return inbound_answer(frame, sequence)
        if command == pdu.RESPONSE | pdu.BIND:
            return welcome(frame, sequence, self._codes)
        return shared(command, sequence)
