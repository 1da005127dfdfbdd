"""CMPP: the vectors of the fact sheet, byte for byte, both ways."""

from __future__ import annotations

import pytest

from push.sms.carrier import (
    ClientDialect,
    Goodbye,
    GoodbyeAnswer,
    Hello,
    InboundAnswer,
    Probe,
    ProbeAnswer,
    Report,
    ServerDialect,
    SubmitAnswer,
    Submitted,
    Welcome,
)
from push.sms.cmpp import CmppClient, CmppServer, ids, pdu
from push.sms.cmpp.account import VERSIONS, Version
from tests.push.carrier_cases import framed, instant
from tests.push.cmpp_cases import (
    CAPTURED_60,
    CAPTURED_71,
    CONNECT,
    CONNECT_RESP,
    DELIVER_REPLY,
    DELIVER_REPORT,
    ID,
    LOGIN_AT,
    REPLY,
    REPORT,
    SEGMENT,
    SUBMIT,
    SUBMITTED_AT,
    account,
    both,
    inbound,
    pair,
)


@pytest.mark.parametrize("version", VERSIONS)
def test_connect_vector(version: Version) -> None:
    """§13a: one reading of the clock makes digest and field, and the server finds the secret in it."""
    client, server = pair(version)
    frame = client.hello(0x17, LOGIN_AT)
    assert frame.hex() == CONNECT.format(f"{version:02x}")
    hello = server.read(frame)
    assert isinstance(hello, Hello)
    assert (hello.sequence, hello.account, hello.version, hello.timestamp) == (
        0x17,
        "900001",
        version,
        1021080510,
    )
    assert server.permits(hello, "888888")
    assert not server.permits(hello, "888889")


def test_connect_vector_with_a_leading_zero() -> None:
    """§13a: ten digits are hashed, the number is sent."""
    frame = CmppClient(account(0x20)).hello(1, instant("20250102030405"))
    assert frame.hex() == "0000002700000001000000013930303030313b7bba56a8c1d885b7d43d3f6d82cb94200614dc45"


@both
def test_connect_resp_vector(version: Version) -> None:
    """§13b: the status is hashed with as many bytes as it has in the version, as gocmpp does (§12.1)."""
    client, server = pair(version, check_server="strict")
    hello = server.read(client.hello(0x17, LOGIN_AT))
    assert isinstance(hello, Hello)
    frame = server.welcome(hello, 0, "888888")
    assert frame.hex() == CONNECT_RESP[version]
    assert client.read(frame) == Welcome(sequence=0x17, ok=True, code=0)


@both
def test_submit_vector(version: Version) -> None:
    """§13c: the segment of gocmpp and go_cmpp, byte for byte, and back."""
    client, server = pair(version)
    frame = client.submit(0x2A, SEGMENT)
    assert frame.hex() == SUBMIT[version]
    assert server.read(frame) == Submitted(sequence=0x2A, segment=SEGMENT, numbers=("13800138000",))


def test_submit_resp_vectors() -> None:
    """§13c: accepted in 2.0, flow control in 3.0."""
    asked = Submitted(sequence=0x2A, segment=SEGMENT, numbers=("13800138000",))
    old, new = pair(0x20), pair(0x30)
    accepted = old[1].submit_answer(asked, ID, 0)
    throttled = new[1].submit_answer(asked, ID, 8)
    assert accepted.hex() == "00000015800000040000002a522a4980002aa6cd00"
    assert throttled.hex() == "00000018800000040000002a522a4980002aa6cd00000008"
    assert old[0].read(accepted) == SubmitAnswer(sequence=0x2A, verdict="accepted", code="0", message_id=ID)
    assert new[0].read(throttled) == SubmitAnswer(sequence=0x2A, verdict="throttled", code="8", message_id=ID)


@both
def test_report_vector(version: Version) -> None:
    """§13d: 60 bytes of report in 2.0, 71 in 3.0; the DELIVER has an id of its own and is answered with it."""
    client, server = pair(version)
    frame = server.report(7, REPORT, "106573339001", SUBMITTED_AT)
    assert frame.hex() == DELIVER_REPORT[version]
    heard = inbound(client, frame)
    assert heard.what == REPORT
    assert heard.raw == b""
    assert (
        heard.answer.hex()
        == {
            0x20: "000000158000000500000007522a4980002aa6ce00",
            0x30: "000000188000000500000007522a4980002aa6ce00000000",
        }[version]
    )
    assert server.read(heard.answer) == InboundAnswer(sequence=7, ok=True, code=0)


def test_captured_report_of_60_bytes_under_3_0() -> None:
    """§13e, §12.2: the width of the number follows from Msg_Length."""
    body = bytes.fromhex(CAPTURED_60)
    heard = inbound(CmppClient(account()), framed(body, pdu.DELIVER))
    at = instant("2212051956")
    assert heard.what == Report(
        message_id="c2cf8400a37359d8", to="10086988", state="delivered", stat="DELIVRD", done_at=at
    )
    content = body[pdu.WIDE.deliver.size - 12 :][:60]
    assert pdu.REPORTS[60].unpack(content)[-1] == 255


def test_captured_report_with_a_short_word() -> None:
    """§13e: `AF:4` fills no seven bytes, and 0001010000 is no time."""
    heard = inbound(CmppClient(account()), framed(bytes.fromhex(CAPTURED_71), pdu.DELIVER))
    assert heard.what == Report(message_id=ID, to="13592261791", state="failed", stat="AF:4")
    assert ids.after(ID) == CAPTURED_71[:16]


def test_reply_vector() -> None:
    """§13f: 参加 from a phone to our extension, and back."""
    client, server = CmppClient(account()), CmppServer()
    frame = server.reply(8, REPLY, "522a4980002aa6cf")
    assert frame.hex() == DELIVER_REPLY
    assert inbound(client, frame).what == REPLY


def test_vectors_of_the_connection() -> None:
    """§13f: heartbeat, end and CANCEL are the same on both sides."""
    client, server = pair()
    one: ClientDialect = client
    other: ServerDialect = server
    for side, peer in ((one, other), (other, one)):
        assert side.probe(9).hex() == "0000000c0000000800000009"
        answer = Probe(answer=bytes.fromhex("0000000d800000080000000900"))
        assert peer.read(side.probe(9)) == answer
        assert side.read(answer.answer) == ProbeAnswer(sequence=9)
        assert side.goodbye(10).hex() == "0000000c000000020000000a"
        end = peer.read(side.goodbye(10))
        assert isinstance(end, Goodbye)
        assert side.read(end.answer) == GoodbyeAnswer(sequence=10)
    assert client.cancel(11, ID).hex() == "00000014000000070000000b522a4980002aa6cd"


def test_message_id_taken_apart() -> None:
    """§13: month 5, day 4, 10:36:38, gateway 42, sequence 42701; and put together again."""
    assert ids.parts(ID) == ids.MessageId(5, 4, 10, 36, 38, 42, 42701)
    assert ids.message_id(instant("20260504103638"), 42, 42701) == ID
    assert ids.after("522a49800029ffff", 2) == "522a498000290001"
    for wrong in ("522a", "unit" * 4, ID + "00"):
        with pytest.raises(ValueError, match="message_id"):
            ids.parts(wrong)
