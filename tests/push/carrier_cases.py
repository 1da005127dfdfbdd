"""What the tests of the carriers' protocols share: any segment, report and reply, and bytes cut into any slices."""

from __future__ import annotations

from hypothesis import strategies as st

from push.sms.carrier import (
    ClientDialect,
    Coding,
    Dialect,
    Malformed,
    Reply,
    Report,
    ReportState,
    Segment,
    ServerDialect,
    cut,
)
from push.sms.fields import read_time

SECOND = 1_000_000
MINUTE = 60 * SECOND

CODINGS: tuple[Coding, ...] = ("ascii", "binary", "ucs2", "gbk")
STATS: tuple[tuple[str, ReportState], ...] = (
    ("DELIVRD", "delivered"),
    ("EXPIRED", "failed"),
    ("DELETED", "failed"),
    ("UNDELIV", "failed"),
    ("ACCEPTD", "waiting"),
    ("ENROUTE", "waiting"),
    ("UNKNOWN", "failed"),
    ("REJECTD", "failed"),
    ("MA:0001", "failed"),
    ("MB:0041", "failed"),
    ("MC:0001", "failed"),
    ("CA:0054", "failed"),
    ("CB:0001", "failed"),
    ("DA:0001", "failed"),
    ("DB:0108", "failed"),
    ("SA:0001", "failed"),
    ("SB:0001", "failed"),
    ("IA:0001", "failed"),
    ("IB:0064", "failed"),
    ("IC:0001", "failed"),
    ("MK:0004", "failed"),
    ("MI:0013", "failed"),
    ("XA:0001", "failed"),
    ("AF:4", "failed"),
)

EVENING = "【平凉市委办】会议通知"
EMOJI = "😀𠮷"
"""Two surrogate pairs in UCS-2, four bytes each in GB18030."""


def instant(beijing: str) -> int:
    """UTC microseconds of a Beijing time as the fact sheets write it (10, 12 or 14 digits)."""
    told = read_time(beijing)
    assert told is not None
    return told


_FIRST, _LAST = 978_278_400, 4_102_415_999
instants = st.integers(_FIRST, _LAST).map(lambda second: second * SECOND)
minutes = st.integers(_FIRST // 60, _LAST // 60).map(lambda minute: minute * MINUTE)
sequences = st.integers(0, 0xFFFFFFFF)
phones = st.from_regex(r"\A1[3-9][0-9]{9}\Z")
sources = st.from_regex(r"\A1[0-9]{2,20}\Z")
places = st.integers(1, 255).flatmap(lambda total: st.tuples(st.just(total), st.integers(1, total)))


@st.composite
def segments(draw: st.DrawFn, *, priorities: tuple[int, ...]) -> Segment:
    """Any segment to one number."""
    total, number = draw(places)
    return Segment(
        to=draw(phones),
        source=draw(sources),
        content=draw(st.binary(max_size=140)),
        coding=draw(st.sampled_from(CODINGS)),
        header=draw(st.booleans()),
        total=total,
        number=number,
        report=draw(st.booleans()),
        priority=draw(st.sampled_from(priorities)),
        valid_until=draw(st.none() | instants),
    )


@st.composite
def reports(draw: st.DrawFn, *, id_bytes: int, errors: st.SearchStrategy[str]) -> Report:
    """Any report in words that the sheets name, with any id."""
    stat, state = draw(st.sampled_from(STATS))
    return Report(
        message_id=draw(st.binary(min_size=id_bytes, max_size=id_bytes)).hex(),
        to=draw(phones),
        state=state,
        stat=stat,
        error=draw(errors),
        done_at=draw(st.none() | minutes),
    )


replies = st.builds(
    Reply,
    sender=phones,
    source=sources,
    content=st.binary(max_size=140),
    coding=st.sampled_from(CODINGS),
    header=st.booleans(),
)


def frames_in_slices(stream: bytes, sizes: list[int], dialect: Dialect) -> list[bytes]:
    """What ``cut`` takes off a stream that arrives in slices of these sizes, the rest at last."""
    buffer, found, start = bytearray(), list[bytes](), 0
    for size in [*sizes, len(stream)]:
        buffer += stream[start : start + size]
        start += size
        found += cut(buffer, dialect)
    assert not buffer
    return found


def read_or_malformed(dialect: ClientDialect | ServerDialect, frame: bytes) -> object:
    """What is read, or the Malformed that was raised; any other exception goes on and fails the test."""
    try:
        return dialect.read(frame)
    except Malformed as broken:
        return broken


def framed(body: bytes, command: int, sequence: int = 1) -> bytes:
    """A PDU with a right length in front."""
    return b"".join(number.to_bytes(4, "big") for number in (12 + len(body), command, sequence)) + body


def mutated(frame: bytes, changes: list[tuple[int, int]], keep: int) -> bytes:
    """The frame with bytes changed, cut to ``keep`` bytes, and its length put right again."""
    changed = bytearray(frame)
    for place, value in changes:
        changed[place % len(changed)] = value
    del changed[max(keep, 4) :]
    changed[:4] = len(changed).to_bytes(4, "big")
    return bytes(changed)


mutations = st.tuples(
    st.lists(st.tuples(st.integers(0, 250), st.integers(0, 255)), max_size=4),
    st.integers(4, 260),
)
