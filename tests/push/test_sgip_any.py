"""SGIP for any values: what one side writes the other reads back, any bytes are a value or Malformed."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from push.sms.carrier import Inbound, Malformed, Reply, Report, Segment, Submitted, cut
from push.sms.sgip import SgipClient, SgipServer, pdu, results, sequences
from push.sms.sgip.sequences import Sequence
from push.sms.text import place
from tests.push.carrier_cases import (
    frames_in_slices,
    instant,
    instants,
    mutated,
    mutations,
    phones,
    read_or_malformed,
    replies,
    segments,
)
from tests.push.sgip_cases import (
    ACCOUNT,
    BIND,
    BIND_OK,
    CARRIER,
    CLIENT,
    DELIVER,
    LISTENER,
    OTHERS_SUBMIT,
    REPORT,
    SERVER,
    SUBMIT,
    UNBIND,
    UNBIND_OK,
)

FRAMES = [
    bytes.fromhex(each) for each in (BIND, BIND_OK, SUBMIT, OTHERS_SUBMIT, REPORT, DELIVER, UNBIND, UNBIND_OK)
]
ENDS = (CLIENT, SERVER, LISTENER, CARRIER)
LATEST = instant("20991231235959")
all_sequences = st.integers(0, 2**96 - 1)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Any report that SGIP can carry."""
    state = draw(st.sampled_from(list(results.STATE_NUMBERS)))
    return Report(
        message_id=draw(all_sequences.map(sequences.to_text)),
        to=draw(phones),
        state=state,
        stat=str(results.STATE_NUMBERS[state]),
        error=draw(st.sampled_from(["", *map(str, range(1, 256))])),
    )


@given(all_sequences, segments(priorities=tuple(range(10))))
def test_any_segment_comes_back(sequence: int, segment: Segment) -> None:
    """What the client submits is what the gateway reads; its place only where a header tells it."""
    total, number = place(segment.content) if segment.header else (1, 1)
    told = SERVER.read(CLIENT.submit(sequence, segment))
    expected = msgspec.structs.replace(segment, total=total, number=number)
    assert told == Submitted(sequence=sequence, segment=expected, numbers=(segment.to,))


@given(all_sequences, reports())
def test_any_report_comes_back(sequence: int, report: Report) -> None:
    """Over the carrier's connection to our listener, or over ours."""
    for writer, reader in ((CARRIER, LISTENER), (SERVER, CLIENT)):
        told = reader.read(writer.report(sequence, report, "", 0))
        assert isinstance(told, Inbound)
        assert (told.sequence, told.what) == (sequence, report)


@given(all_sequences, replies)
def test_any_reply_comes_back(sequence: int, reply: Reply) -> None:
    """A reply's bytes pass unchanged, header and coding with them."""
    told = LISTENER.read(CARRIER.reply(sequence, reply, ""))
    assert isinstance(told, Inbound)
    assert (told.sequence, told.what) == (sequence, reply)


@given(all_sequences)
def test_a_sequence_is_its_parts_and_its_text(sequence: int) -> None:
    """One number, three parts, 24 letters: the same 12 bytes."""
    assert sequences.join(sequences.parts_of(sequence)) == sequence
    assert sequences.from_text(sequences.to_text(sequence)) == sequence


@given(instants, st.lists(st.integers(0, 3_000_000), max_size=30), st.integers(1, 8), st.data())
def test_no_sequence_comes_twice(now: int, pauses: list[int], lanes: int, data: st.DataObject) -> None:
    """Each request has its own, each fits its 12 bytes and bears our node, in every lane."""
    end = SgipClient(ACCOUNT, data.draw(st.integers(0, lanes - 1)), lanes)
    at, found = end.first_sequence(now), []
    for pause in pauses:
        found.append(at)
        now = min(now + pause, LATEST)
        at = end.next_sequence(at, now)
    assert len(set(found)) == len(found)
    assert {sequences.parts_of(one).node for one in found} <= {ACCOUNT.node}


@given(st.integers(0, 2**32 - 1), instants)
def test_any_time_of_a_sequence_is_an_instant_or_none(stamp: int, now: int) -> None:
    """Never more than 200 days ahead; a peer's nonsense is None."""
    told = sequences.time_of(sequences.join(Sequence(1, stamp, 0)), now)
    assert told is None or told - now <= 200 * 86_400_000_000


@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    """Bytes that are no PDU are Malformed and nothing else, at every end."""
    for end in ENDS:
        read_or_malformed(end, raw)


@given(st.sampled_from(FRAMES), mutations)
def test_any_mutation(frame: bytes, change: tuple[list[tuple[int, int]], int]) -> None:
    """A PDU with bytes changed or cut is a value or Malformed, also for one who is logged in."""
    bound = SgipServer(1)
    for end in (*ENDS, bound):
        read_or_malformed(end, mutated(frame, *change))


@given(st.sampled_from([1, 2, 3, 4, 5, 0x11, 0x1000]), st.integers(0, 1), st.binary(max_size=260))
def test_any_body(command: int, is_answer: int, body: bytes) -> None:
    """A right header with any body behind it is a value or Malformed."""
    frame = pdu.pack(command | (pdu.RESPONSE if is_answer else 0), 1, body)
    for end in ENDS:
        read_or_malformed(end, frame)


@given(st.sampled_from(FRAMES), st.data())
def test_cut_frames_are_malformed(frame: bytes, data: st.DataObject) -> None:
    """A frame that is not as long as it says is never taken for another."""
    part = frame[: data.draw(st.integers(0, len(frame) - 1))]
    assert all(isinstance(read_or_malformed(end, part), Malformed) for end in ENDS)


@given(st.lists(st.sampled_from(FRAMES), max_size=8), st.lists(st.integers(1, 90), max_size=40))
def test_any_slicing_cuts_the_same(frames: list[bytes], sizes: list[int]) -> None:
    """However the bytes arrive, the PDUs are the same."""
    assert frames_in_slices(b"".join(frames), sizes, CLIENT) == frames
    assert cut(bytearray(b"".join(frames)), LISTENER) == frames
