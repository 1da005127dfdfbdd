"""A protocol of a few lines, for what is common to all carriers: length 4, a letter 1, sequence 2, body."""

from __future__ import annotations

from typing import Final

from push.sms.carrier import (
    Asked,
    Dialect,
    Goodbye,
    GoodbyeAnswer,
    Heard,
    Hello,
    Ignored,
    Inbound,
    InboundAnswer,
    Malformed,
    Probe,
    ProbeAnswer,
    Reply,
    Report,
    Segment,
    SubmitAnswer,
    Submitted,
    Verdict,
    Welcome,
)

HEAD: Final = 7
VERDICTS: Final[dict[int, Verdict]] = {
    0: "accepted", 1: "misconfigured", 2: "bad_number", 3: "repeated", 8: "throttled", 9: "retry",
}  # fmt: skip


def pdu(letter: str, sequence: int, body: bytes = b"") -> bytes:
    """A whole PDU."""
    return (HEAD + len(body)).to_bytes(4, "big") + letter.encode() + sequence.to_bytes(2, "big") + body


def segment(text: str = "") -> Segment:
    """A segment whose content is ``text``, which the far end tells back as message id."""
    return Segment(to="13800138000", source="10657333", content=text.encode(), coding="ascii")


class Tiny(Dialect):
    """Both sides. Sequences run from ``first`` and wrap at ``modulus``."""

    name = "tiny"
    header_bytes = HEAD
    length_max = 256
    probes = True

    def __init__(self, first: int = 1, modulus: int = 1 << 16) -> None:
        self._first, self._modulus = first, modulus

    def first_sequence(self, now: int) -> int:
        """As told."""
        del now
        return self._first

    def next_sequence(self, before: int, now: int) -> int:
        """One more."""
        del now
        return (before + 1) % self._modulus

    def probe(self, sequence: int) -> bytes:
        """A heartbeat."""
        return pdu("P", sequence) if self.probes else b""

    def goodbye(self, sequence: int) -> bytes:
        """The end."""
        return pdu("G", sequence)


def both(letter: str, sequence: int, body: bytes) -> Probe | ProbeAnswer | Goodbye | GoodbyeAnswer | Ignored:
    """What both sides read alike."""
    if letter == "P":
        return Probe(answer=pdu("p", sequence))
    if letter == "p":
        return ProbeAnswer(sequence=sequence)
    if letter == "G":
        return Goodbye(answer=pdu("g", sequence))
    if letter == "g":
        return GoodbyeAnswer(sequence=sequence)
    if letter == "N":
        return Ignored(note="nack", ends=sequence)
    if letter == "?":
        return Ignored(note="unknown", answer=pdu("!", sequence))
    raise Malformed(f"tiny: {letter!r} {body!r}")


def inbound(letter: str, sequence: int, body: bytes) -> Inbound:
    """A report or a reply."""
    what: Report | Reply
    if letter == "R":
        what = Report(message_id=body.decode(), to="", state="delivered", stat="DELIVRD")
    else:
        what = Reply(sender="13800138000", source="10657333", content=body, coding="ascii")
    return Inbound(sequence=sequence, what=what, answer=pdu("K", sequence, b"\0"))


def taken(sequence: int, body: bytes) -> InboundAnswer:
    """The answer to a report or a reply."""
    return InboundAnswer(sequence=sequence, ok=body == b"\0", code=body[0])


class TinyClient(Tiny):
    """The side that logs in."""

    def __init__(self, account: str = "office", first: int = 1, modulus: int = 1 << 16) -> None:
        super().__init__(first, modulus)
        self._account = account

    def hello(self, sequence: int, now: int) -> bytes:
        """The account is proof enough."""
        del now
        return pdu("H", sequence, self._account.encode())

    def submit(self, sequence: int, segment: Segment) -> bytes:
        """The content. Raises ValueError for one of more than 100 bytes."""
        if len(segment.content) > 100:
            raise ValueError("content: too long")
        return pdu("S", sequence, segment.content)

    def report(self, sequence: int, message_id: str) -> bytes:
        """A report from the side that connects."""
        return pdu("R", sequence, message_id.encode())

    def own_id(self, sequence: int) -> str:
        """None."""
        del sequence
        return ""

    def read(self, frame: bytes) -> Heard:
        """One PDU."""
        letter, sequence, body = chr(frame[4]), int.from_bytes(frame[5:7], "big"), frame[7:]
        if letter == "W":
            code = body[0]
            return Welcome(sequence=sequence, ok=code == 0, code=code, alarm=code == 3)
        if letter == "A":
            verdict = VERDICTS.get(body[0], "failed")
            told = body[1:].decode()
            return SubmitAnswer(sequence=sequence, verdict=verdict, code=str(body[0]), message_id=told)
        if letter in "RD":
            return inbound(letter, sequence, body)
        if letter == "K":
            return taken(sequence, body)
        return both(letter, sequence, body)


class RestingClient(TinyClient):
    """Without a heartbeat, and with message ids of its own, as SGIP."""

    probes = False

    def own_id(self, sequence: int) -> str:
        """The sequence."""
        return f"own{sequence}"


class TinyServer(Tiny):
    """The side that is logged in to."""

    def read(self, frame: bytes) -> Asked:
        """One PDU."""
        letter, sequence, body = chr(frame[4]), int.from_bytes(frame[5:7], "big"), frame[7:]
        if letter == "H":
            return Hello(sequence=sequence, account=body.decode(), proof=b"")
        if letter == "S":
            asked = segment(body.decode())
            return Submitted(sequence=sequence, segment=asked, numbers=(asked.to,))
        if letter in "RD":
            return inbound(letter, sequence, body)
        if letter == "K":
            return taken(sequence, body)
        return both(letter, sequence, body)

    def permits(self, hello: Hello, secret: str) -> bool:
        """The account is proof enough."""
        return hello.account == secret

    def welcome(self, hello: Hello, code: int, secret: str) -> bytes:
        """The code."""
        del secret
        return pdu("W", hello.sequence, bytes((code,)))

    def submit_answer(self, asked: Submitted, message_id: str, code: int) -> bytes:
        """The code and the id."""
        return pdu("A", asked.sequence, bytes((code,)) + message_id.encode())

    def report(self, sequence: int, report: Report, source: str, submitted_at: int) -> bytes:
        """The id."""
        del source, submitted_at
        return pdu("R", sequence, report.message_id.encode())

    def reply(self, sequence: int, reply: Reply, message_id: str) -> bytes:
        """The content."""
        del message_id
        return pdu("D", sequence, reply.content)


class RestingServer(TinyServer):
    """Without a heartbeat."""

    probes = False
