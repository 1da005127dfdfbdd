"""SMPP for any values: what one side writes the other reads back, any bytes are a value or Malformed, any slicing cuts alike."""

from __future__ import annotations

import string
from typing import Any, get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from push.sms.carrier import Coding, Inbound, Malformed, Reply, Report, Segment, SubmitAnswer, Submitted
from push.sms.smpp import SmppServer, SmscAccount, bodies, pdu
from push.sms.smpp.account import IdForm, LongText, ReceiptForm
from push.sms.smpp.client import PRIORITIES
from push.sms.text import Part, header, place
from tests.push.carrier_cases import CODINGS, STATS, frames_in_slices, instants, minutes, phones, sources
from tests.push.smpp_cases import CLIENT, DELIVERED, PINGLIANG, SEGMENT, SERVER, SUBMITTED_AT, client, deliver

SEVEN_BIT_TOO: tuple[Coding, ...] = (*CODINGS, "gsm")
FORMS = get_args(LongText)
ID_FORMS = get_args(IdForm)
SEQUENCES = st.integers(1, pdu.SEQUENCE_MAX)
NUMBERS = sources.map(lambda number: number[:20])


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    """A header of concatenation; the 16-bit one with a reference that needs it."""
    total = draw(st.integers(1, 255))
    wide = draw(st.booleans())
    reference = draw(st.integers(256, 65_535) if wide else st.integers(0, 255))
    part = Part(reference=reference, total=total, number=draw(st.integers(1, total)))
    return header(part, 7 if wide else 6)


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    """Content with its coding, with and without header."""
    lead = draw(st.one_of(st.just(b""), headers()))
    content = lead + draw(st.binary(max_size=140 - len(lead)))
    return {"content": content, "coding": draw(st.sampled_from(SEVEN_BIT_TOO)), "header": lead != b""}


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    """Any segment that SMPP can carry."""
    text = draw(texts())
    total, number = place(text["content"]) if text["header"] else (1, 1)
    return Segment(
        to=draw(phones),
        source=draw(NUMBERS),
        total=total,
        number=number,
        report=draw(st.booleans()),
        priority=draw(st.integers(0, 9)),
        valid_until=draw(st.none() | instants),
        **text,
    )


@st.composite
def reports(draw: st.DrawFn, digits: str) -> Report:
    """Any report that SMPP can carry whole, its id in ``digits``."""
    stat, state = draw(st.sampled_from(STATS))
    return Report(
        message_id=draw(st.text(digits, min_size=1, max_size=20).map(lambda text: "1" + text)),
        to=draw(phones),
        state=state,
        stat=stat,
        error=draw(st.sampled_from(["", "001", "999", "12a"])),
        done_at=draw(minutes),
    )


@given(SEQUENCES, segments(), st.sampled_from(FORMS), st.sampled_from(SEVEN_BIT_TOO))
def test_any_segment_is_read_back(sequence: int, segment: Segment, form: str, default: Coding) -> None:
    """Whatever form the account asks for and whatever data_coding 0 stands for, the SMSC reads what was submitted."""
    if segment.coding == "gsm":
        default = "gsm"
    esme = client(long_text=form, default_coding=default)
    told = SmppServer(SmscAccount(default_coding=default)).read(esme.submit(sequence, segment))
    assert isinstance(told, Submitted)
    assert (told.sequence, told.numbers) == (sequence, (segment.to,))
    # Ten priorities become four: the least that is sent alike.
    least = PRIORITIES.index(PRIORITIES[segment.priority])
    assert told.segment == msgspec.structs.replace(segment, priority=least)


@given(st.data(), st.sampled_from(ID_FORMS), st.sampled_from(("both", "text")))
def test_any_report_is_read_back(data: st.DataObject, form: IdForm, receipt: ReceiptForm) -> None:
    """Through text or TLVs, in any form of id, the report has the id of the submit's answer."""
    told = data.draw(reports(string.digits if form == "decimal_to_hex" else "0123456789abcdef"))
    smsc = SmppServer(SmscAccount(id_form=form, receipt=receipt))
    esme = client(id_form=form)
    heard = esme.read(smsc.report(7, told, "10690000", SUBMITTED_AT))
    assert isinstance(heard, Inbound)
    assert heard.what == told
    answer = esme.read(
        smsc.submit_answer(Submitted(sequence=2, segment=SEGMENT, numbers=()), told.message_id, 0)
    )
    assert isinstance(answer, SubmitAnswer)
    assert answer.message_id == told.message_id


@given(reports("0123456789abcdef"))
def test_any_report_by_tlvs_keeps_id_and_state(told: Report) -> None:
    """Without a text no time, no error and no word of the carrier's own come through; id and state do."""
    heard = CLIENT.read(SmppServer(SmscAccount(receipt="tlvs")).report(7, told, "10690000", SUBMITTED_AT))
    assert isinstance(heard, Inbound)
    assert isinstance(heard.what, Report)
    assert (heard.what.message_id, heard.what.state) == (told.message_id, told.state)


@given(SEQUENCES, phones, NUMBERS, texts())
def test_any_reply_is_read_back(sequence: int, sender: str, source: str, text: dict[str, Any]) -> None:
    """A message from a phone arrives as it was sent."""
    default: Coding = "gsm" if text["coding"] == "gsm" else "ascii"
    told = Reply(sender=sender, source=source, **text)
    heard = client(default_coding=default).read(
        SmppServer(SmscAccount(default_coding=default)).reply(sequence, told, "")
    )
    assert isinstance(heard, Inbound)
    assert (heard.sequence, heard.what) == (sequence, told)


FRAMES = (
    CLIENT.hello(1, 0),
    CLIENT.submit(2, SEGMENT),
    client(long_text="payload").submit(3, SEGMENT),
    SERVER.report(4, DELIVERED, "10690000", SUBMITTED_AT),
    deliver(PINGLIANG, {pdu.SAR_REFERENCE: b"\0\1", pdu.SAR_TOTAL: b"\2", pdu.SAR_NUMBER: b"\1"}),
    deliver(b"\x05\0\3\1\2\1caf\xe9", esm_class=0x40, data_coding=3),
    bytes.fromhex("0000001780000004000000000000000231663361396300"),
    bytes.fromhex("0000001a800000090000000000000001534d5343000210000134"),
    CLIENT.probe(5),
    CLIENT.goodbye(6),
)
"""One of every kind that has a body, and two that have none."""


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A PDU cut or grown, with bytes changed anywhere behind its length, and a length that fits."""
    frame = bytearray(draw(st.sampled_from(FRAMES)))
    for _ in range(draw(st.integers(0, 6))):
        frame[draw(st.integers(4, len(frame) - 1))] = draw(st.integers(0, 255))
    frame = frame[: draw(st.integers(16, len(frame)))] + draw(st.binary(max_size=8))
    return len(frame).to_bytes(4, "big") + frame[4:]


def read_everywhere(frame: bytes) -> None:
    """Both ends and every form of id read a frame to a value or Malformed."""
    ends = (CLIENT, SERVER, client(id_form="hex_to_decimal"), client(id_form="decimal_to_hex"))
    for end in ends:
        try:
            told = end.read(frame)
        except Malformed:
            continue
        assert isinstance(told, msgspec.Struct)


@given(st.one_of(st.binary(max_size=200), mutations()))
def test_any_bytes_are_a_value_or_malformed(frame: bytes) -> None:
    """Nothing a peer sends raises anything else."""
    read_everywhere(frame)


@given(st.binary(max_size=120), st.sampled_from([0, 4, 0x20, 0x40, 0x44]), st.sampled_from([0, 3, 8]))
def test_any_receipt_text_is_a_value(text: bytes, esm_class: int, coding: int) -> None:
    """Receipts are free text: any of it is a report, or is kept raw."""
    labelled = b"id:" + text + b" stat:" + text + b" done date:" + text
    for content in (text, labelled[:254]):
        read_everywhere(deliver(content, esm_class=esm_class, data_coding=coding))


@given(st.data())
def test_cut_frames_are_malformed(data: st.DataObject) -> None:
    """A frame that is not as long as it says is never taken for another."""
    frame = data.draw(st.sampled_from(FRAMES))
    part = frame[: data.draw(st.integers(0, len(frame) - 1))]
    for end in (CLIENT, SERVER):
        try:
            told = end.read(part)
        except Malformed:
            continue
        raise AssertionError(f"{part.hex()} was read as {told}")


@given(st.lists(st.sampled_from(FRAMES), max_size=8), st.lists(st.integers(1, 90), max_size=40))
def test_any_slicing_cuts_the_same(frames: list[bytes], sizes: list[int]) -> None:
    """However the bytes arrive, the PDUs are the same."""
    assert frames_in_slices(b"".join(frames), sizes, CLIENT) == frames


@given(st.one_of(st.binary(max_size=300), texts().map(lambda text: text["content"])), st.sampled_from(FORMS))
def test_content_is_carried_whole_or_refused(content: bytes, form: LongText) -> None:
    """No byte behind a header is lost in any form, whatever that header says; what does not fit is refused by name."""
    try:
        written = bodies.write(content, "ucs2", form, marked=True)
    except ValueError as fault:
        told = str(fault)
    else:
        body = bodies.read(
            pdu.Message(b"", b"", b"", b"", written.esm_class, 0, 8, written.text), written.tlvs, "gsm"
        )
        assert body.header
        is_whole = place(body.content) == place(content) and body.content[7:] == content[7:]
        told = "content: whole" if body.content == content or is_whole else "cut"
    assert told.startswith("content: ")


def test_a_header_with_more_than_the_place_stays_a_header() -> None:
    """Ports beside the place cannot be told by sar_* TLVs: the header goes as it is."""
    ports = bytes.fromhex("0b0504158a00000003020201") + PINGLIANG
    segment = msgspec.structs.replace(SEGMENT, content=ports, coding="ucs2", header=True)
    told = SERVER.read(client(long_text="sar").submit(1, segment))
    assert isinstance(told, Submitted)
    assert (told.segment.content, told.segment.number) == (ports, 1)
