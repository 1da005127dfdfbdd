"""An SP towards its SMG: we log in with type 1 and submit; reports come elsewhere, on our listener."""

from __future__ import annotations

from typing import Final

from push.sms.carrier import Heard, Segment, SubmitAnswer
from push.sms.fields import expiry, octets
from push.sms.sgip import pdu, results, sequences
from push.sms.sgip.account import SgipAccount
from push.sms.sgip.common import SgipDialect, shared, welcome

_ALWAYS: Final = 1
_NEVER: Final = 2


class SgipClient(SgipDialect):
    """The submitting side for one account; ``lane`` of ``lanes`` where it has several connections."""

    def __init__(self, account: SgipAccount, lane: int = 0, lanes: int = 1) -> None:
        super().__init__(account.node, lane, lanes)
        self._account = account
        self._verdicts = results.verdicts(account.code_table, account.verdicts)
        self._charge = b"0" * pdu.NUMBER_BYTES if account.payer == "sp" else b""
        # From CorpId to MorelatetoMTFlag nothing changes from one message to the next.
        self._fixed = (
            account.corp_id.encode("ascii"),
            account.service_type.encode("ascii"),
            account.fee_type,
            account.fee_value.encode("ascii"),
            account.given_value.encode("ascii"),
            account.agent_flag,
            account.more_flag,
        )

    def hello(self, sequence: int, now: int) -> bytes:  # noqa: ARG002 - no digest, no time
        """A BIND with the plain password."""
        account = self._account
        return pdu.pack_bind(sequence, pdu.SP_TO_SMG, account.login_name, account.login_password)

    def submit(self, sequence: int, segment: Segment) -> bytes:
        """A SUBMIT to one number. Raises ValueError naming the field for what SGIP cannot carry."""
        if not 0 <= segment.priority <= 9:
            raise ValueError(f"priority: {segment.priority} is not 0 to 9")
        coding = pdu.content(segment.content, segment.coding)
        size = len(segment.content)
        packed = pdu.SUBMIT_ONE.pack(
            pdu.SUBMIT_ONE.size + size + len(pdu.RESERVE),
            pdu.SUBMIT,
            sequence.to_bytes(sequences.BYTES, "big"),
            octets(segment.source or self._account.sp_number, pdu.NUMBER_BYTES, "source"),
            self._charge,
            1,
            pdu.number(segment.to, "to"),
            *self._fixed,
            segment.priority,
            expiry(segment.valid_until),
            b"",  # at once
            _ALWAYS if segment.report else _NEVER,
            0,
            int(segment.header),
            coding,
            0,
            size,
        )
        return packed + segment.content + pdu.RESERVE

    def own_id(self, sequence: int) -> str:
        """The 12 bytes of the SUBMIT, which a REPORT quotes: store them before sending."""
        return sequences.to_text(sequence)

    def read(self, frame: bytes) -> Heard:
        """One PDU from an SMG. Raises Malformed.

        Reports and replies are taken here too, should a gateway send them on the connection that is there.
        """
        command, sequence = pdu.head(frame)
        if command == pdu.RESPONSE | pdu.SUBMIT:
            code = pdu.result(frame)
            return SubmitAnswer(
                sequence=sequence,
                verdict=self._verdicts.get(code, "failed"),
                code=str(code),
                message_id=sequences.to_text(sequence),
            )
        if command in pdu.INBOUND:
            return pdu.read_inbound(command, sequence, frame)
        if command == pdu.RESPONSE | pdu.BIND:
            return welcome(frame, sequence, self._account.code_table)
        return shared(command, sequence)
