"""SMPP deliveries: receipts in every spelling of a peer, and messages from phones in every form."""

from __future__ import annotations

import pytest

from push.sms.carrier import (
    Ignored,
    Reply,
    Report,
    SubmitAnswer,
)
from push.sms.smpp import pdu
from push.sms.text import Part, header
from tests.push.smpp_cases import (
    DONE_AT,
    HEADED,
    PINGLIANG,
    SERVER,
    client,
    deliver,
    report,
    taken,
)

# Receipts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "answered", "told"),
    [
        ("as_is", "1f3a9c", "1f3a9c"),
        ("as_is", "1F3A9C", "1f3a9c"),
        ("as_is", "1f3a9c", "0001F3A9C"),
        ("as_is", "a1b2-c3d4", "A1B2-C3D4"),
        ("as_is", "0", "0000"),
        ("hex_to_decimal", "1f3a9c", "2046620"),
        ("hex_to_decimal", "001F3A9C", "0002046620"),
        ("decimal_to_hex", "2046620", "1f3a9c"),
        ("decimal_to_hex", "0002046620", "001F3A9C"),
        ("hex_to_decimal", "msg-7", "MSG-7"),
        ("decimal_to_hex", "msg-7", "MSG-7"),
    ],
)
def test_the_id_trap(form: str, answered: str, told: str) -> None:
    """Hexadecimal or decimal, leading zeros, other case: the receipt's id is that of the answer (§4, §7 2)."""
    reader = client(id_form=form)
    answer = reader.read(pdu.pack(0x8000_0004, 0, 2, answered.encode() + b"\0"))
    assert isinstance(answer, SubmitAnswer)
    assert report(f"id:{told} stat:DELIVRD", reader=reader).message_id == answer.message_id


def test_an_id_of_any_length_is_an_id() -> None:
    """Digits beyond what a number can be are left as they are."""
    for form in ("hex_to_decimal", "decimal_to_hex"):
        told = report(f"id:{'9' * 200} stat:DELIVRD", reader=client(id_form=form))
        assert told.message_id == "9" * 200


def test_the_tlv_id_is_not_converted_unless_it_is_the_texts() -> None:
    """receipted_message_id is the answer's id; only where it repeats the text's own spelling it changed as that did."""
    reader = client(id_form="hex_to_decimal")
    state = {pdu.MESSAGE_STATE: b"\2"}
    own = report("id:2046620 stat:DELIVRD", {pdu.RECEIPTED_ID: b"1F3A9C\0", **state}, reader)
    repeated = report("id:2046620 stat:DELIVRD", {pdu.RECEIPTED_ID: b"2046620\0", **state}, reader)
    unended = report("", {pdu.RECEIPTED_ID: b"001f3a9c", **state}, reader)
    assert {own.message_id, repeated.message_id, unended.message_id} == {"1f3a9c"}


@pytest.mark.parametrize(
    "text",
    [
        "id:7 sub:001 dlvrd:001 submit date:2511220930 done date:2511220931 stat:UNDELIV err:012 text:Hi",
        "id:7 sub:001 dlvrd:001 submit date:251122093000 done date:251122093100 stat:UNDELIV err:012 text:",
        "ID:7 SUB:1 DLVRD:0 SUBMIT DATE:2511220930 DONE DATE:2511220931 STAT:UNDELIV ERR:012 TEXT:Hi",
        "stat:UNDELIV err:012 done date:2511220931 id:7",
        "Stat: UNDELIV Id: 7 done_date: 2511220931 Err: 012",
        "id:7 donedate:2511220931 stat:UNDELIV err:012\0",
        "text:id:9 stat:DELIVRD id:7 done date:2511220931 stat:UNDELIV err:012",
        "id:7 done date:2511220931 stat:UNDELIV err:012 text:id:9 stat:DELIVRD err:000",
    ],
)
def test_a_receipt_is_read_by_its_labels(text: str) -> None:
    """Case, order, gaps and the length of dates vary; what the sender wrote behind text: deceives nobody."""
    assert report(text) == Report(
        message_id="7", to="13800138000", state="failed", stat="UNDELIV", error="012", done_at=DONE_AT
    )


def test_a_receipt_in_ucs2_is_read() -> None:
    """A gateway that writes receipts in the coding of the message is understood."""
    what = taken(deliver("id:7 stat:DELIVRD".encode("utf-16-be"), esm_class=pdu.RECEIPT))
    assert isinstance(what, Report)
    assert (what.message_id, what.state, what.done_at) == ("7", "delivered", None)


@pytest.mark.parametrize(
    ("number", "state", "stat"),
    [
        (1, "waiting", "ENROUTE"),
        (2, "delivered", "DELIVRD"),
        (3, "failed", "EXPIRED"),
        (4, "failed", "DELETED"),
        (5, "failed", "UNDELIV"),
        (6, "waiting", "ACCEPTD"),
        (7, "failed", "UNKNOWN"),
        (8, "failed", "REJECTD"),
    ],
)
def test_tlvs_alone_are_a_receipt(number: int, state: str, stat: str) -> None:
    """message_state decides, even against the text; without text or esm_class two TLVs are enough: no phone writes them."""
    told = {pdu.RECEIPTED_ID: b"7\0", pdu.MESSAGE_STATE: bytes((number,))}
    alone = report("", told, esm_class=0)
    against = report(f"id:7 stat:{'UNDELIV' if state == 'delivered' else 'DELIVRD'}", told)
    assert {(one.message_id, one.state, one.stat) for one in (alone, against)} == {("7", state, stat)}


def test_a_carriers_own_word_is_kept_beside_the_tlv() -> None:
    """The word says more than message_state where both mean failure; a state no text has leaves the word alone."""
    told = {pdu.RECEIPTED_ID: b"7\0", pdu.MESSAGE_STATE: b"\5", pdu.NETWORK_ERROR: b"\3\0\x15"}
    assert report("id:7 stat:MA:0001 err:000", told) == Report(
        message_id="7", to="13800138000", state="failed", stat="MA:0001", error="21"
    )
    assert report("id:7 stat:DELIVRD", told | {pdu.MESSAGE_STATE: b"\x63"}).state == "delivered"


@pytest.mark.parametrize(
    ("esm_class", "state"),
    [(0x04, "delivered"), (0x44, "delivered"), (0x07, "delivered"), (0x20, "waiting"), (0x23, "waiting")],
)
def test_esm_class_is_tested_by_its_bits(esm_class: int, state: str) -> None:
    """(esm_class & 0x3c) tells a receipt whatever else is set; an intermediate notice is never final."""
    assert report("id:7 stat:DELIVRD", esm_class=esm_class).state == state


@pytest.mark.parametrize("text", ["", "stat:DELIVRD", "id:7", "id: stat:", "nothing at all"])
def test_an_unreadable_receipt_is_kept_raw(text: str) -> None:
    """A receipt that names no message or no state is answered and kept."""
    assert taken(deliver(text.encode(), esm_class=pdu.RECEIPT, data_coding=0)) is None


@pytest.mark.parametrize("esm_class", [0x08, 0x10])
def test_a_phones_acknowledgement_is_kept_raw(esm_class: int) -> None:
    """It is neither a report of the network nor a message."""
    assert taken(deliver(PINGLIANG, esm_class=esm_class)) is None


def test_an_unknown_state_never_is_a_success() -> None:
    """ACCEPTD and ENROUTE wait; any word but DELIVRD is a failure."""
    words = ("DELIVRD", "ACCEPTD", "ENROUTE", "MK:0012", "WHATEVER")
    states = [report(f"id:7 stat:{word}").state for word in words]
    assert states == ["delivered", "waiting", "waiting", "failed", "failed"]


# Messages from phones -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "default", "coding"),
    [
        (0, "gsm", "gsm"),
        (0, "gbk", "gbk"),
        (1, "gsm", "ascii"),
        (4, "gsm", "binary"),
        (8, "gsm", "ucs2"),
        (15, "gsm", "gbk"),
        (2, "gsm", "binary"),
        (0xF5, "gsm", "binary"),
    ],
)
def test_data_coding_of_a_reply(number: int, default: str, coding: str) -> None:
    """0 is what the channel says the SMSC's default is, 15 GBK; what no table names keeps its bytes."""
    what = taken(deliver(b"ab", data_coding=number), client(default_coding=default))
    assert what == Reply(sender="13800138000", source="10690000", content=b"ab", coding=coding)  # type: ignore[arg-type]


def test_latin_1_becomes_ucs2() -> None:
    """Nothing of data_coding 3 is lost, and a header in front stays as it is."""
    lead = header(Part(reference=1, total=2, number=2))
    for marked, front in ((0, b""), (pdu.WITH_HEADER, lead)):
        what = taken(deliver(front + b"caf\xe9", data_coding=3, esm_class=marked))
        assert isinstance(what, Reply)
        assert (what.content, what.coding) == (front + "café".encode("utf-16-be"), "ucs2")


@pytest.mark.parametrize("esm_class", [0x40, 0x43, 0x41])
def test_a_header_is_a_bit_of_esm_class(esm_class: int) -> None:
    """Kannel's 0x43 sets mode bits beside the header's (§7, 4): the bit counts, not equality."""
    what = taken(deliver(HEADED, esm_class=esm_class))
    assert isinstance(what, Reply)
    assert (what.header, what.content) == (True, HEADED)


SAR = {pdu.SAR_REFERENCE: b"\0\x2a", pdu.SAR_TOTAL: b"\2", pdu.SAR_NUMBER: b"\1"}


def test_sar_tlvs_are_read_as_the_header_they_replace() -> None:
    """A part told by TLVs looks like one told by a header; beside a header they are passed over: never both."""
    bare_text = HEADED[6:]
    by_tlvs = taken(deliver(bare_text, SAR))
    wide = taken(deliver(bare_text, SAR | {pdu.SAR_REFERENCE: b"\1\x2a"}))
    both = taken(deliver(HEADED, SAR | {pdu.SAR_NUMBER: b"\2"}, esm_class=0x40))
    broken = taken(deliver(bare_text, SAR | {pdu.SAR_NUMBER: b"\3"}))
    assert (
        by_tlvs
        == both
        == Reply(sender="13800138000", source="10690000", content=HEADED, coding="ucs2", header=True)
    )
    assert isinstance(wide, Reply)
    assert wide.content == bytes.fromhex("060804012a0201") + bare_text
    assert isinstance(broken, Reply)
    assert (broken.content, broken.header) == (bare_text, False)


def test_message_payload_stands_for_an_empty_short_message() -> None:
    """A text above 254 bytes comes in the TLV; a receipt may come in it too."""
    long_text = "会".encode("utf-16-be") * 300
    what = taken(deliver(b"", {pdu.MESSAGE_PAYLOAD: long_text}))
    assert isinstance(what, Reply)
    assert what.content == long_text
    told = {pdu.MESSAGE_PAYLOAD: b"id:7 stat:DELIVRD"}
    assert report("", told).message_id == "7"


def test_unknown_tlvs_are_skipped() -> None:
    """Tags that nobody knows, empty values and repeated tags change nothing."""
    strange = {0x1403: b"vendor", 0x0005: b"", 0xFFFF: b"\0" * 40, pdu.MESSAGE_PAYLOAD: PINGLIANG}
    what = taken(deliver(b"", strange))
    assert isinstance(what, Reply)
    assert what.content == PINGLIANG


def test_a_broken_tlv_is_kept_raw_by_us_and_refused_by_the_smsc() -> None:
    """A TLV beyond the end does not cost the connection: the client keeps the PDU, the server answers c0."""
    whole = deliver(PINGLIANG) + bytes.fromhex("042700")
    frame = len(whole).to_bytes(4, "big") + whole[4:]
    assert taken(frame) is None
    told = SERVER.read(frame[:4] + pdu.SUBMIT.to_bytes(4, "big") + frame[8:])
    assert isinstance(told, Ignored)
    assert told.answer == pdu.pack(0x8000_0004, 0xC0, 9)
