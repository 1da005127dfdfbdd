"""What a carrier's protocol is to the rest of the house: segments out; answers, reports and replies back.

A *dialect* knows the bytes of one protocol and nothing else: no clock, no socket, no window. ``push.sms.session`` drives
any of them as a client (we submit) or as a server (the simulator, and our own listener for SGIP). Sequence numbers are
plain integers, also where a protocol packs several fields into them; message ids are text, compared as the channel says.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

import msgspec

Coding = Literal["ucs2", "gbk", "ascii", "gsm", "binary"]
"""How the bytes of a segment are to be read (sms-text §1)."""

Verdict = Literal[
    "accepted",
    "throttled",
    "bad_number",
    "unserved",
    "misconfigured",
    "repeated",
    "retry",
    "failed",
]
"""What an answer to a submit means for us.

``accepted``: wait for the report; billable. ``throttled``: slow down and send again, no failure, not charged.
``bad_number``: the receiver's number is wrong. ``unserved``: this gateway does not serve the number, another channel may.
``misconfigured``: our account is set up wrongly, the channel stops with an alarm. ``repeated``: the peer has seen this
sequence; where we had resent, the outcome is unknown. ``retry``: temporary, later again. ``failed``: final for this message.
"""

ReportState = Literal["delivered", "failed", "waiting"]
"""``waiting`` is an intermediate report (ACCEPTD, ENROUTE): never a success, never final."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One segment (条) as it is submitted, to one number."""

    to: str
    """Mainland number of 11 digits; each dialect writes the prefix its carrier wants."""
    source: str
    """Access number and extension: what the phone shows as the sender."""
    content: bytes
    """The text in ``coding``, with the user data header in front where ``header`` is set; at most 140 bytes."""
    coding: Coding
    header: bool = False
    total: int = 1
    number: int = 1
    report: bool = True
    priority: int = 1
    """0 (low) to 9 (high); each dialect maps it to its own scale."""
    valid_until: int | None = None
    """UTC microseconds; after it the carrier is to give up."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery report about one submitted segment."""

    message_id: str
    """The id of the submit's answer (SGIP: of the submit itself)."""
    to: str
    """The number as the report names it, without 86."""
    state: ReportState
    stat: str
    """The word or code as it came, blanks and zeros cut."""
    error: str = ""
    done_at: int | None = None
    """UTC microseconds, from the carrier's Beijing time; None where it is missing or unreadable."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A message from a phone (上行, MO)."""

    sender: str
    """The phone, without 86."""
    source: str
    """Our access number with the extension that was answered to."""
    content: bytes
    coding: Coding
    header: bool = False


# What a client reads ------------------------------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to our log-in."""

    sequence: int
    ok: bool
    code: int
    alarm: bool = False
    """Refused for a reason that trying again soon does not mend: account, secret, version."""
    note: str = ""
    """What an operator should know, such as a digest that does not fit or another version than asked for."""


class SubmitAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a submit."""

    sequence: int
    verdict: Verdict
    code: str
    """The peer's own code, as it came."""
    message_id: str = ""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A report or a reply. ``answer`` may go out only after ``what`` is stored durably; None is for keeping raw."""

    sequence: int
    what: Report | Reply | None
    answer: bytes
    raw: bytes = b""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """The peer asks whether we live; ``answer`` goes out at once, also while the window is full."""

    answer: bytes


class ProbeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The peer lives."""

    sequence: int


class Goodbye(msgspec.Struct, frozen=True, kw_only=True):
    """The peer ends the session; after ``answer`` the connection is closed."""

    answer: bytes


class GoodbyeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The peer has taken our goodbye."""

    sequence: int


class Ignored(msgspec.Struct, frozen=True, kw_only=True):
    """A PDU that is not for us; ``answer`` is what the protocol wants said to it, if anything."""

    note: str
    answer: bytes = b""
    ends: int | None = None
    """The sequence of a request of ours that this ends without an outcome (SMPP generic_nack)."""


# What a server reads beside ----------------------------------------------------------------------------------------


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in. ``proof`` is what shows the secret, checked by ``ServerDialect.permits``."""

    sequence: int
    account: str
    proof: bytes
    timestamp: int = 0
    version: int = 0
    mode: int = 0
    """What the connection is for, where a protocol says so: its own number (SMGP LoginMode, SGIP Login Type, SMPP bind)."""


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """A submit as the far end sees it; several receivers of one PDU are several numbers."""

    sequence: int
    segment: Segment
    numbers: tuple[str, ...]


class InboundAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The client's answer to a report or a reply."""

    sequence: int
    ok: bool
    code: int


Heard = (
    Welcome | SubmitAnswer | Inbound | InboundAnswer | Probe | ProbeAnswer | Goodbye | GoodbyeAnswer | Ignored
)
"""An InboundAnswer is heard only by a carrier that connects to us (SGIP, login type 2)."""
Asked = Hello | Submitted | Inbound | InboundAnswer | Probe | ProbeAnswer | Goodbye | GoodbyeAnswer | Ignored
"""An Inbound is asked only of our own listener (SGIP)."""


class Malformed(ValueError):
    """Bytes that are no PDU of this protocol: the stream is lost and the connection must be closed. Says where."""


class Dialect(Protocol):
    """What both ends of a protocol share. Lengths in bytes, instants in UTC microseconds."""

    name: str
    header_bytes: int
    length_max: int
    """Above it a PDU is Malformed before anything is allocated."""
    probes: bool
    """Whether the protocol has a heartbeat (SGIP has none)."""

    def first_sequence(self, now: int) -> int:
        """The sequence of the first request of a connection."""
        ...

    def next_sequence(self, before: int, now: int) -> int:
        """The sequence after ``before``; wraps as the protocol says."""
        ...

    def probe(self, sequence: int) -> bytes:
        """A heartbeat; b"" where there is none."""
        ...

    def goodbye(self, sequence: int) -> bytes:
        """The orderly end."""
        ...


class ClientDialect(Dialect, Protocol):
    """The side that submits, or that connects."""

    def hello(self, sequence: int, now: int) -> bytes:
        """The log-in; ``now`` is taken once for digest and field."""
        ...

    def submit(self, sequence: int, segment: Segment) -> bytes:
        """A submit to one number. Raises ValueError naming the field for what the protocol cannot carry."""
        ...

    def own_id(self, sequence: int) -> str:
        """The message id where it is known before the answer (SGIP), else an empty text."""
        ...

    def read(self, frame: bytes) -> Heard:
        """One whole PDU. Raises Malformed. May take up the version that a Welcome has agreed on."""
        ...


class ServerDialect(Dialect, Protocol):
    """The side that is connected to: a carrier's gateway, or our own listener."""

    def read(self, frame: bytes) -> Asked:
        """One whole PDU. Raises Malformed."""
        ...

    def permits(self, hello: Hello, secret: str) -> bool:
        """Whether the log-in shows the secret (compared in constant time)."""
        ...

    def welcome(self, hello: Hello, code: int, secret: str) -> bytes:
        """The answer to a log-in; 0 is ok."""
        ...

    def submit_answer(self, asked: Submitted, message_id: str, code: int) -> bytes:
        """The answer to a submit; code 0 is accepted, others are the protocol's own."""
        ...

    def report(self, sequence: int, report: Report, source: str, submitted_at: int) -> bytes:
        """A delivery report; ``report.stat`` in the words of the protocol."""
        ...

    def reply(self, sequence: int, reply: Reply, message_id: str) -> bytes:
        """A message from a phone."""
        ...


BEIJING_SUFFIX: Final = "032+"
"""Quarter hours of Beijing's offset and their sign: the tail of an absolute SMPP time (smpp §3)."""


def cut(buffer: bytearray, dialect: Dialect) -> list[bytes]:
    """Take every whole PDU off the front of ``buffer``; all four protocols begin with their total length in 4 bytes.

    Raises Malformed for a length that no PDU has: what follows cannot be told apart any more.
    """
    found = []
    start = 0
    while len(buffer) - start >= 4:
        length = int.from_bytes(buffer[start : start + 4], "big")
        if not dialect.header_bytes <= length <= dialect.length_max:
            raise Malformed(f"{dialect.name}: a PDU of {length} bytes at {start}")
        if len(buffer) - start < length:
            break
        found.append(bytes(buffer[start : start + length]))
        start += length
    del buffer[:start]
    return found
