"""What both ends of SMPP say alike: sequences, heartbeat, goodbye, and what is said to a PDU nobody serves."""

from __future__ import annotations

from push.sms.carrier import Goodbye, GoodbyeAnswer, Ignored, Probe, ProbeAnswer
from push.sms.smpp import pdu, results


class SmppDialect:
    """The part of the dialect that has no side."""

    name: str = "smpp"
    header_bytes: int = pdu.HEADER_BYTES
    length_max: int = pdu.LENGTH_MAX
    probes: bool = True

    def first_sequence(self, now: int) -> int:  # noqa: ARG002 - others begin with the time
        """1 (§3.2)."""
        return 1

    def next_sequence(self, before: int, now: int) -> int:  # noqa: ARG002 - others carry the time
        """One more; after 0x7FFFFFFF comes 1."""
        return before + 1 if before < pdu.SEQUENCE_MAX else 1

    def probe(self, sequence: int) -> bytes:
        """An enquire_link."""
        return pdu.pack(pdu.ENQUIRE_LINK, results.OK, sequence)

    def goodbye(self, sequence: int) -> bytes:
        """An unbind."""
        return pdu.pack(pdu.UNBIND, results.OK, sequence)


Shared = Probe | ProbeAnswer | Goodbye | GoodbyeAnswer | Ignored


def shared(command: int, status: int, sequence: int) -> Shared:
    """What a PDU means at either end; a request that nobody here serves is told so, an answer never is answered."""
    if command == pdu.ENQUIRE_LINK:
        return Probe(answer=pdu.pack(pdu.RESPONSE | command, results.OK, sequence))
    if command == pdu.RESPONSE | pdu.ENQUIRE_LINK:
        return ProbeAnswer(sequence=sequence)
    if command == pdu.UNBIND:
        return Goodbye(answer=pdu.pack(pdu.RESPONSE | command, results.OK, sequence))
    if command == pdu.RESPONSE | pdu.UNBIND:
        return GoodbyeAnswer(sequence=sequence)
    return _unserved(command, status, sequence)


def _unserved(command: int, status: int, sequence: int) -> Ignored:
    if command == pdu.NACK:
        return Ignored(note=f"smpp: generic_nack {results.name(status)}", ends=sequence)
    note = f"smpp: command {command:08x} is not served here"
    if command & pdu.RESPONSE or command in pdu.UNANSWERED:
        return Ignored(note=note)
    return Ignored(note=note, answer=pdu.pack(pdu.NACK, results.UNKNOWN_COMMAND, sequence))
