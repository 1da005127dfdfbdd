"""What all sides of SGIP say alike: the missing heartbeat, the goodbye, and what is said to a command nobody serves."""

from __future__ import annotations

from push.sms.carrier import Goodbye, GoodbyeAnswer, Ignored, InboundAnswer, Welcome
from push.sms.sgip import pdu, results
from push.sms.sgip.results import Codes
from push.sms.sgip.sequences import Counting


class SgipDialect(Counting):
    """The part of the dialect that has no side; a node counts its own requests."""

    name: str = "sgip"
    header_bytes: int = pdu.HEADER_BYTES
    length_max: int = pdu.LENGTH_MAX
    probes: bool = False

    def probe(self, sequence: int) -> bytes:  # noqa: ARG002 - others have one
        """Nothing: there is no heartbeat; an idle connection is closed and opened again on demand (§5)."""
        return b""

    def goodbye(self, sequence: int) -> bytes:
        """An UNBIND."""
        return pdu.pack(pdu.UNBIND, sequence)


def shared(command: int, sequence: int) -> Goodbye | GoodbyeAnswer | Ignored:
    """What a PDU means at every end; what is not handled is answered with an error and the connection kept (§5).

    An UNBIND_RESP may have a body: one public gateway sends nine bytes that no text has.
    """
    if command == pdu.UNBIND:
        return Goodbye(answer=pdu.pack_answer(command, sequence, results.OK))
    if command == pdu.RESPONSE | pdu.UNBIND:
        return GoodbyeAnswer(sequence=sequence)
    note = f"sgip: command {command:08x} is not served here"
    if command & pdu.RESPONSE:
        return Ignored(note=note)
    if command == pdu.TRACE:
        # Its answer begins with a count of nodes, not with a result.
        return Ignored(note=note, answer=pdu.pack(pdu.RESPONSE | command, sequence, b"\0"))
    return Ignored(note=note, answer=pdu.pack_answer(command, sequence, results.UNKNOWN_COMMAND))


def welcome(frame: bytes, sequence: int, codes: Codes) -> Welcome:
    """A BIND_RESP. Raises Malformed."""
    code = pdu.result(frame)
    return Welcome(
        sequence=sequence,
        ok=code == results.OK,
        code=code,
        alarm=code in results.LOGIN_ALARMS,
        note=results.name(code, codes) if code else "",
    )


def inbound_answer(frame: bytes, sequence: int) -> InboundAnswer:
    """The answer to a DELIVER, REPORT or USERRPT. Raises Malformed."""
    code = pdu.result(frame)
    return InboundAnswer(sequence=sequence, ok=code == results.OK, code=code)
