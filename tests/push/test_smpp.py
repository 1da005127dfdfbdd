"""SMPP 3.4: the sheet's vectors in both directions, log-ins, answers, and what cannot be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from push.sms.carrier import (
    Asked,
    ClientDialect,
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
    Segment,
    ServerDialect,
    SubmitAnswer,
    Submitted,
    Welcome,
    cut,
)
from push.sms.smpp import SmppClient, SmppServer, SmscAccount, pdu, receipts, results
from tests.push.smpp_cases import (
    ACCOUNT,
    CLIENT,
    DELIVERED,
    HEADED,
    PINGLIANG,
    RECEIPT_TAKEN,
    SEGMENT,
    SERVER,
    SUBMITTED_AT,
    client,
)

BIND = "000000250000000900000000000000016f61636c69656e7400733363726574000034000000"
BIND_OK = "0000001a800000090000000000000001534d5343000210000134"
HELLO_TEXT = (
    "0000003b000000040000000000000002000001313036393030303000010138363133383030313338303030"
    "000000000000010000000548656c6c6f"
)
UCS2 = (
    "0000003a000000040000000000000003000001313036393030303000010138363133383030313338303030"
    "00000000000001000800045e7351c9"
)
WITH_HEADER = (
    "0000003e000000040000000000000004000001313036393030303000010138363133383030313338303030"
    "00400000000001000800080500032a02014f1a"
)
PAYLOAD = (
    "0000003e000000040000000000000005000000313036393030303000000038363133383030313338303030"
    "0000000000000100080000042400045e7351c9"
)
ANSWER = "0000001780000004000000000000000231663361396300"
THROTTLED = "00000010800000040000005800000002"
RECEIPT = (
    "000000ae000000050000000000000009000000383631333830303133383030300000003130363930303030000400000000"
    "000000006869643a32303436363230207375623a30303120646c7672643a303031207375626d697420646174653a323531"
    "3132323039333020646f6e6520646174653a3235313132323039333120737461743a44454c49565244206572723a303030"
    "20746578743a48656c6c6f001e0007316633613963000427000102"
)
PROBE = "0000001000000015000000000000000a"
PROBE_ANSWER = "0000001080000015000000000000000a"
UNBIND = "0000001000000006000000000000000b"
NACK = "0000001080000000000000030000000c"


@dataclass(frozen=True)
class World:
    """Both ends, as the interface knows them."""

    client: ClientDialect = CLIENT
    server: ServerDialect = SERVER


# The sheet's vectors (§8) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vector", "written"),
    [
        (BIND, CLIENT.hello(1, 0)),
        (HELLO_TEXT, CLIENT.submit(2, SEGMENT)),
        (UCS2, CLIENT.submit(3, msgspec.structs.replace(SEGMENT, content=PINGLIANG, coding="ucs2"))),
        (
            WITH_HEADER,
            CLIENT.submit(4, msgspec.structs.replace(SEGMENT, content=HEADED, coding="ucs2", header=True)),
        ),
        (
            PAYLOAD,
            client(source_npi=0, dest_ton=0, dest_npi=0, long_text="payload").submit(
                5, msgspec.structs.replace(SEGMENT, content=PINGLIANG, coding="ucs2")
            ),
        ),
        (PROBE, CLIENT.probe(10)),
        (PROBE, SERVER.probe(10)),
        (UNBIND, CLIENT.goodbye(11)),
        (BIND_OK, SERVER.welcome(Hello(sequence=1, account="oaclient", proof=b"", mode=9), 0, "")),
        (ANSWER, SERVER.submit_answer(Submitted(sequence=2, segment=SEGMENT, numbers=()), "1f3a9c", 0)),
        (THROTTLED, SERVER.submit_answer(Submitted(sequence=2, segment=SEGMENT, numbers=()), "", 0x58)),
    ],
)
def test_vectors_are_written(vector: str, written: bytes) -> None:
    """Each side writes the sheet's bytes."""
    assert written.hex() == vector


def test_the_vector_of_a_receipt_is_written() -> None:
    """The receipt with its text and TLVs, the id in the text in decimal."""
    text = receipts.text(DELIVERED, receipts.as_told("1f3a9c", "hex_to_decimal"), SUBMITTED_AT, "Hello")
    message = pdu.Message(
        b"\0\0", b"8613800138000", b"\0\0", b"10690000", pdu.RECEIPT, 0, 0, text.encode("ascii")
    )
    assert pdu.pack_message(pdu.DELIVER, 9, message, receipts.tlvs(DELIVERED)).hex() == RECEIPT
    # Our server knows nothing of what was sent, and ends the text behind its label.
    whole = SmppServer(SmscAccount(id_form="hex_to_decimal")).report(9, DELIVERED, "10690000", SUBMITTED_AT)
    assert whole[20:] == bytes.fromhex(RECEIPT)[20:].replace(b"Hello", b"").replace(b"\0hid:", b"\0cid:")


@pytest.mark.parametrize(
    ("vector", "heard"),
    [
        (BIND_OK, Welcome(sequence=1, ok=True, code=0)),
        (ANSWER, SubmitAnswer(sequence=2, verdict="accepted", code="00", message_id="1f3a9c")),
        (THROTTLED, SubmitAnswer(sequence=2, verdict="throttled", code="58")),
        (
            RECEIPT,
            Inbound(
                sequence=9, what=DELIVERED, answer=bytes.fromhex(RECEIPT_TAKEN), raw=bytes.fromhex(RECEIPT)
            ),
        ),
        (PROBE, Probe(answer=bytes.fromhex(PROBE_ANSWER))),
        (PROBE_ANSWER, ProbeAnswer(sequence=10)),
        (UNBIND, Goodbye(answer=bytes.fromhex("0000001080000006000000000000000b"))),
        ("0000001080000006000000000000000b", GoodbyeAnswer(sequence=11)),
        (NACK, Ignored(note="smpp: generic_nack 03 RINVCMDID", ends=12)),
    ],
)
def test_vectors_are_heard(vector: str, heard: Heard) -> None:
    """The client understands what the sheet's SMSC says."""
    assert CLIENT.read(bytes.fromhex(vector)) == heard


@pytest.mark.parametrize(
    ("vector", "asked"),
    [
        (BIND, Hello(sequence=1, account="oaclient", proof=b"s3cret", version=0x34, mode=9)),
        (HELLO_TEXT, SEGMENT),
        (UCS2, msgspec.structs.replace(SEGMENT, content=PINGLIANG, coding="ucs2")),
        (
            WITH_HEADER,
            msgspec.structs.replace(SEGMENT, content=HEADED, coding="ucs2", header=True, total=2, number=1),
        ),
        (PAYLOAD, msgspec.structs.replace(SEGMENT, content=PINGLIANG, coding="ucs2")),
        (RECEIPT_TAKEN, InboundAnswer(sequence=9, ok=True, code=0)),
        (PROBE_ANSWER, ProbeAnswer(sequence=10)),
        (UNBIND, Goodbye(answer=bytes.fromhex("0000001080000006000000000000000b"))),
    ],
)
def test_vectors_are_asked(vector: str, asked: Asked | Segment) -> None:
    """The server understands what the sheet's ESME says."""
    told = SERVER.read(bytes.fromhex(vector))
    if isinstance(asked, Segment):
        assert isinstance(told, Submitted)
        assert (told.numbers, told.segment) == (("13800138000",), msgspec.structs.replace(asked, priority=0))
    else:
        assert told == asked


# Log-in ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bind", "command"), [("receiver", 1), ("transmitter", 2), ("transceiver", 9)])
def test_each_bind_has_its_own_answer(bind: str, command: int) -> None:
    """The three kinds of session are told apart at both ends; the secret is compared."""
    esme = client(bind=bind)
    hello = SERVER.read(esme.hello(1, 0))
    assert isinstance(hello, Hello)
    assert hello.mode == command
    assert SERVER.permits(hello, "s3cret")
    assert not SERVER.permits(hello, "S3cret")
    answer = SERVER.welcome(hello, 0, "s3cret")
    assert answer[4:8].hex() == f"8000000{command}"
    assert esme.read(answer) == Welcome(sequence=1, ok=True, code=0)


@pytest.mark.parametrize("body", [b"", b"\0", b"SMSC\0"])
@pytest.mark.parametrize(("status", "alarm"), [(0x0D, 1), (0x0E, 1), (0x0F, 1), (0x53, 1), (0x05, 0), (8, 0)])
def test_a_refused_bind_may_have_no_body(body: bytes, status: int, alarm: int) -> None:
    """bind_resp with an error comes with or without a body; account and secret raise the alarm, busyness does not."""
    told = CLIENT.read(pdu.pack(0x8000_0009, status, 1, body))
    assert isinstance(told, Welcome)
    assert (told.ok, told.code, told.alarm) == (False, status, bool(alarm))
    assert results.name(status) in told.note


def test_a_bind_answer_without_body_is_a_welcome() -> None:
    """bind_resp with status 0 and no body at all opens the session; another version is told to the operator."""
    assert CLIENT.read(pdu.pack(0x8000_0009, 0, 1)) == Welcome(sequence=1, ok=True, code=0)
    other = CLIENT.read(bytes.fromhex(BIND_OK[:-2] + "50"))
    assert isinstance(other, Welcome)
    assert other.ok
    assert "0x50" in other.note


# Answers to a submit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [16, 17])
def test_an_error_answer_has_no_body_or_an_empty_one(size: int) -> None:
    """node-smpp drops the body of a submit_sm_resp with an error, others keep an empty string: both are accepted (§7, 1)."""
    server = SmppServer(SmscAccount(error_body=size == 17))
    answer = server.submit_answer(Submitted(sequence=2, segment=SEGMENT, numbers=()), "", 0x14)
    assert len(answer) == size
    assert CLIENT.read(answer) == SubmitAnswer(sequence=2, verdict="retry", code="14")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, "retry") for status in (0x08, 0x14, 0x64)),
        *((status, "misconfigured") for status in (0x0D, 0x0E, 0x0F, 0x53, 0x15)),
        (0x58, "throttled"),
        (0x0B, "bad_number"),
        *(
            (status, "failed")
            for status in (1, 0x0A, 0x45, 0x61, 0xC0, 0xC4, 0xFE, 0xFF, 0x100, 0x400, 2**32 - 1)
        ),
    ],
)
def test_the_table_of_statuses(status: int, verdict: str) -> None:
    """Temporary, configuration, and everything else final for the message (§5), TLV errors and vendors' own by number."""
    told = CLIENT.read(pdu.pack(0x8000_0004, status, 2))
    assert isinstance(told, SubmitAnswer)
    assert (told.verdict, told.code) == (verdict, f"{status:02x}")


def test_a_vendors_status_means_what_the_channel_says() -> None:
    """An SMSC's own code gets its meaning from the account; none but 00 is acceptance."""
    told = client(verdicts={0x401: "bad_number"}).read(pdu.pack(0x8000_0004, 0x401, 2))
    assert isinstance(told, SubmitAnswer)
    assert told.verdict == "bad_number"


def test_an_accepted_answer_may_lack_its_id() -> None:
    """submit_sm_resp without a body, or with an id without end, is read for what it holds."""
    assert CLIENT.read(pdu.pack(0x8000_0004, 0, 2)) == SubmitAnswer(sequence=2, verdict="accepted", code="00")
    told = CLIENT.read(pdu.pack(0x8000_0004, 0, 2, b"00AB"))
    assert isinstance(told, SubmitAnswer)
    assert told.message_id == "ab"


# What is not for us ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [CLIENT, SERVER])
def test_an_unknown_command_is_told_so(end: SmppClient | SmppServer) -> None:
    """A request nobody serves gets generic_nack 03; outbind, alerts and unknown answers get nothing."""
    for command in (0x03, 0x07, 0x21, 0x103, 0x7777):
        told = end.read(pdu.pack(command, 0, 12))
        assert isinstance(told, Ignored)
        assert (told.answer.hex(), told.ends) == (NACK, None)
    for command in (0x0B, 0x102, 0x8000_0003, 0x8000_0103, 0xFFFF_FFFF):
        told = end.read(pdu.pack(command, 0, 12))
        assert isinstance(told, Ignored)
        assert (told.answer, told.ends) == (b"", None)


def test_a_generic_nack_ends_its_request() -> None:
    """The request with that sequence gets no other answer."""
    told = CLIENT.read(pdu.pack(pdu.NACK, 0x08, 77))
    assert told == Ignored(note="smpp: generic_nack 08 RSYSERR", ends=77)


def test_sequences_wrap_at_31_bits() -> None:
    """From 1 to 0x7FFFFFFF, then 1 again."""
    assert CLIENT.first_sequence(0) == 1
    assert CLIENT.next_sequence(1, 0) == 2
    assert CLIENT.next_sequence(0x7FFF_FFFF, 0) == 1


# What cannot be said ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("system_id", "a" * 16),
        ("system_id", ""),
        ("system_id", "a\0b"),
        ("password", "123456789"),
        ("password", "密码"),
        ("system_type", "a" * 13),
        ("service_type", "abcdef"),
        ("address_range", "a" * 41),
        ("prefix", "+" * 10),
        ("bind", "both"),
        ("id_form", "octal"),
        ("default_coding", "utf8"),
        ("long_text", "cut"),
        ("source_ton", 256),
        ("dest_npi", -1),
        ("verdicts", {0x400: "accepted"}),
    ],
)
def test_a_wrong_account_names_the_field(field: str, value: object) -> None:
    """What the protocol cannot carry is refused when the account is made, by name."""
    with pytest.raises(ValueError, match=f"^{field}: "):
        client(**{field: value})


def test_an_account_does_not_show_its_password() -> None:
    """An account may stand in a log line."""
    assert "s3cret" not in repr(ACCOUNT)


@pytest.mark.parametrize(
    ("field", "changes", "account"),
    [
        ("content", {"content": b"x" * 141, "coding": "ucs2"}, {}),
        ("content", {"content": b"x" * 161}, {}),
        ("content", {"content": b"\x40x", "header": True}, {"long_text": "sar"}),
        ("coding", {"coding": "gsm"}, {}),
        ("to", {"to": "1" * 19}, {}),
        ("source", {"source": "平凉"}, {}),
        ("priority", {"priority": 10}, {}),
        ("valid_until", {"valid_until": -1}, {}),
        ("bind", {}, {"bind": "receiver"}),
    ],
)
def test_what_cannot_be_carried_names_the_field(
    field: str, changes: dict[str, Any], account: dict[str, Any]
) -> None:
    """Never more than 140 bytes in a short message (§7, 5), 160 in a 7-bit alphabet; the field is named."""
    with pytest.raises(ValueError, match=f"^{field}: "):
        client(**account).submit(1, msgspec.structs.replace(SEGMENT, **changes))


def test_both_ends_fit_the_interface() -> None:
    """The type checker holds both ends against the protocols; the buffer is cut by either."""
    world = World()
    buffer = bytearray(bytes.fromhex(PROBE + UNBIND) + b"\0\0")
    assert cut(buffer, world.client) == [bytes.fromhex(PROBE), bytes.fromhex(UNBIND)]
    assert buffer == b"\0\0"
    for length in (15, world.server.length_max + 1):
        with pytest.raises(Malformed):
            cut(bytearray(length.to_bytes(4, "big")), world.server)
