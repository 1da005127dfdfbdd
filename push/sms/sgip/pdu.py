"""The layouts of SGIP 1.2 PDUs: header, BIND, SUBMIT, DELIVER, REPORT, USERRPT and their one answer (§3)."""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from push.sms.carrier import Coding, Inbound, Malformed, Reply, Report, Segment
from push.sms.fields import bare, coding_number, coding_of, octets, read_absolute, text_of
from push.sms.sgip import results
from push.sms.text import place

BIND: Final = 0x01
UNBIND: Final = 0x02
SUBMIT: Final = 0x03
DELIVER: Final = 0x04
REPORT: Final = 0x05
USERRPT: Final = 0x11
TRACE: Final = 0x1000
RESPONSE: Final = 0x8000_0000
"""The bit that makes a request's id that of its answer."""

INBOUND: Final = frozenset((DELIVER, REPORT, USERRPT))
INBOUND_ANSWERS: Final = frozenset(RESPONSE | command for command in INBOUND)

SP_TO_SMG: Final = 1
SMG_TO_SP: Final = 2

HEADER_BYTES: Final = 20
LENGTH_MAX: Final = 2048
CONTENT_MAX: Final = 140
USERS_MAX: Final = 100
NUMBER_BYTES: Final = 21
COUNTRY: Final = "86"

_HEADER: Final = Struct(">II12s")
_ANSWER: Final = Struct(">II12sB8x")
_BIND: Final = Struct(">B16s16s8x")
# Header and all fields of a SUBMIT to one number, up to its content.
SUBMIT_ONE: Final = Struct(">II12s21s21sB21s5s10sB6s6sBBB16s16s5BI")
_SUBMIT_TAIL: Final = Struct(">5s10sB6s6sBBB16s16s5BI")
_DELIVER: Final = Struct(">21s21sBBBI")
_REPORT: Final = Struct(">12sB21sBB")
_USERRPT: Final = Struct(">21s21sB")
RESERVE: Final = bytes(8)

HEADER_BITS: Final = 0x41
"""TP_udhi tells a header by its lowest bit; some write the 0x40 of the first byte of a PDU of the air interface."""


class Bind(NamedTuple):
    """A log-in."""

    login_type: int
    name: str
    password: bytes


class Submit(NamedTuple):
    """A SUBMIT as the far end sees it."""

    segment: Segment
    numbers: tuple[str, ...]


def pack(command: int, sequence: int, body: bytes = b"") -> bytes:
    """A whole PDU."""
    return _HEADER.pack(HEADER_BYTES + len(body), command, sequence.to_bytes(12, "big")) + body


def pack_answer(command: int, sequence: int, result: int) -> bytes:
    """The answer to the request ``command``; ``result`` 0 is ok. UNBIND is answered without a body."""
    if command == UNBIND:
        return pack(RESPONSE | command, sequence)
    raw = sequence.to_bytes(12, "big")
    return _ANSWER.pack(_ANSWER.size, RESPONSE | command, raw, result)


def head(frame: bytes) -> tuple[int, int]:
    """Command and sequence of a whole PDU. Raises Malformed where the frame is not as long as it says."""
    if len(frame) < HEADER_BYTES:
        raise Malformed(f"sgip: {len(frame)} bytes are no header")
    length, command, raw = _HEADER.unpack_from(frame)
    if length != len(frame):
        raise Malformed(f"sgip: {len(frame)} bytes for a PDU of {length}")
    return command, int.from_bytes(raw, "big")


def result(frame: bytes) -> int:
    """The Result of an answer. Raises Malformed where there is none; a missing Reserve is nobody's loss."""
    if len(frame) == HEADER_BYTES:
        raise Malformed("sgip: an answer without a result")
    return frame[HEADER_BYTES]


def _room(frame: bytes, start: int, layout: Struct, name: str) -> None:
    if len(frame) < start + layout.size:
        raise Malformed(f"sgip: a {name} of {len(frame)} bytes")


def _content(frame: bytes, start: int, size: int) -> bytes:
    if start + size > len(frame):
        raise Malformed(f"sgip: a content of {size} bytes goes beyond the PDU")
    return frame[start : start + size]


def pack_bind(sequence: int, login_type: int, name: str, password: str) -> bytes:
    """A BIND. Raises ValueError naming the field."""
    body = _BIND.pack(login_type, octets(name, 16, "login_name"), octets(password, 16, "login_password"))
    return pack(BIND, sequence, body)


def read_bind(frame: bytes) -> Bind:
    """A BIND. Raises Malformed."""
    _room(frame, HEADER_BYTES, Struct(">B16s16s"), "BIND")
    password = frame[HEADER_BYTES + 17 : HEADER_BYTES + 33]
    return Bind(
        login_type=frame[HEADER_BYTES],
        name=text_of(frame[HEADER_BYTES + 1 : HEADER_BYTES + 17]),
        password=password.partition(b"\0")[0],
    )


def number(text: str, field: str) -> bytes:
    """A phone as the texts demand it: with 86, in at most 21 bytes. Raises ValueError naming ``field``."""
    return octets(COUNTRY + text, NUMBER_BYTES, field)


def content(data: bytes, coding: Coding) -> int:
    """The MessageCoding of ``data``. Raises ValueError naming ``content`` or ``coding``."""
    if len(data) > CONTENT_MAX:
        raise ValueError(f"content: {len(data)} bytes are above the {CONTENT_MAX} of one message")
    return coding_number(coding)


def read_submit(frame: bytes) -> Submit:
    """A SUBMIT, to however many numbers. Raises Malformed."""
    users_at = HEADER_BYTES + 2 * NUMBER_BYTES
    users = frame[users_at] if len(frame) > users_at else 0
    tail = users_at + 1 + users * NUMBER_BYTES
    if not 1 <= users <= USERS_MAX:
        raise Malformed(f"sgip: a SUBMIT to {users} numbers")
    _room(frame, tail, _SUBMIT_TAIL, "SUBMIT")
    told = _SUBMIT_TAIL.unpack_from(frame, tail)
    priority, expire, flag, header, coding, size = (told[at] for at in (7, 8, 10, 12, 13, 15))
    starts = range(users_at + 1, tail, NUMBER_BYTES)
    numbers = tuple(bare(text_of(frame[start : start + NUMBER_BYTES])) for start in starts)
    said = _content(frame, tail + _SUBMIT_TAIL.size, size)
    marked = header & HEADER_BITS != 0
    total, place_number = place(said) if marked else (1, 1)
    segment = Segment(
        to=numbers[0],
        source=text_of(frame[HEADER_BYTES : HEADER_BYTES + NUMBER_BYTES]),
        content=said,
        coding=coding_of(coding),
        header=marked,
        total=total,
        number=place_number,
        report=flag == 1,
        priority=min(priority, 9),
        valid_until=read_absolute(text_of(expire)),
    )
    return Submit(segment, numbers)


def pack_deliver(sequence: int, reply: Reply) -> bytes:
    """A DELIVER. Raises ValueError naming the field."""
    coding = content(reply.content, reply.coding)
    body = _DELIVER.pack(
        number(reply.sender, "sender"),
        octets(reply.source, NUMBER_BYTES, "source"),
        0,
        int(reply.header),
        coding,
        len(reply.content),
    )
    return pack(DELIVER, sequence, body + reply.content + RESERVE)


def pack_report(sequence: int, report: Report, submitted: bytes) -> bytes:
    """A REPORT about the SUBMIT with the 12 bytes ``submitted``. Raises ValueError naming the field."""
    error = report.error or "0"
    if not error.isdecimal() or int(error) > 255:
        raise ValueError(f"error: {report.error!r} is no ErrorCode of one byte")
    state = results.STATE_NUMBERS[report.state]
    body = _REPORT.pack(submitted, 0, number(report.to, "to"), state, int(error))
    return pack(REPORT, sequence, body + RESERVE)


def pack_userrpt(sequence: int, source: str, user: str, condition: int) -> bytes:
    """A USERRPT: the user has cancelled (0), is barred for debt (1) or restored (2)."""
    body = _USERRPT.pack(octets(source, NUMBER_BYTES, "source"), number(user, "user"), condition)
    return pack(USERRPT, sequence, body + RESERVE)


def read_inbound(command: int, sequence: int, frame: bytes) -> Inbound:
    """A DELIVER, REPORT or USERRPT. Raises Malformed. What is neither a reply nor a report of ours is kept raw."""
    what: Report | Reply | None = None
    if command == DELIVER:
        what = _reply(frame)
    elif command == REPORT:
        what = _report(frame)
    answer = pack_answer(command, sequence, results.OK)
    return Inbound(sequence=sequence, what=what, answer=answer, raw=frame)


def _reply(frame: bytes) -> Reply:
    _room(frame, HEADER_BYTES, _DELIVER, "DELIVER")
    user, source, _, header, coding, size = _DELIVER.unpack_from(frame, HEADER_BYTES)
    return Reply(
        sender=bare(text_of(user)),
        source=text_of(source),
        content=_content(frame, HEADER_BYTES + _DELIVER.size, size),
        coding=coding_of(coding),
        header=header & HEADER_BITS != 0,
    )


def _report(frame: bytes) -> Report | None:
    """None for a report about a forwarded DELIVER, or with a State that no text has."""
    _room(frame, HEADER_BYTES, _REPORT, "REPORT")
    submitted, kind, user, number_of_state, error = _REPORT.unpack_from(frame, HEADER_BYTES)
    state = results.state_of(number_of_state)
    if kind != 0 or state is None:
        return None
    return Report(
        message_id=submitted.hex(),
        to=bare(text_of(user)),
        state=state,
        stat=str(number_of_state),
        error=str(error) if error else "",
    )
