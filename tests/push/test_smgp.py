"""SMGP: the vectors of the fact sheet byte for byte, both ways."""

from __future__ import annotations

import msgspec

from push.sms.carrier import (
    ClientDialect,
    Goodbye,
    GoodbyeAnswer,
    Hello,
    InboundAnswer,
    Probe,
    ProbeAnswer,
    ServerDialect,
    SubmitAnswer,
    Submitted,
    Welcome,
)
from tests.push.smgp_cases import (
    ASKED,
    DELIVER_REPORT,
    ID,
    LOGIN,
    LOGIN_AT,
    REPORT,
    SEGMENT,
    SUBMIT,
    SUBMIT_HEADER,
    SUBMITTED_AT,
    inbound,
    pair,
)


def test_login_vector() -> None:
    """§11, §10.4: one reading of the clock makes digest and field; the mode stands before the time."""
    client, server = pair(check_server="strict")
    frame = client.hello(1, LOGIN_AT)
    assert frame.hex() == LOGIN
    hello = server.read(frame)
    assert isinstance(hello, Hello)
    assert (hello.account, hello.mode, hello.timestamp, hello.version) == ("10690000", 2, 301000000, 0x30)
    assert server.permits(hello, "s3cret")
    assert not server.permits(hello, "secret")
    answer = server.welcome(hello, 0, "s3cret")
    assert answer.hex() == "000000218000000100000001" + "00000000" + "eedf2a069dc5a33664dd89accd016bff" + "30"
    assert client.read(answer) == Welcome(sequence=1, ok=True, code=0)


def test_submit_vector() -> None:
    """§11: the segment of go_smgp, 169 bytes, and back."""
    client, server = pair()
    frame = client.submit(0x2A, SEGMENT)
    assert frame.hex() == SUBMIT
    assert server.read(frame) == ASKED


def test_submit_vector_with_a_header() -> None:
    """§11, §6: TP_udhi is a TLV behind the reserve."""
    client, server = pair()
    content = bytes.fromhex("0500032a02014f1a")
    segment = msgspec.structs.replace(SEGMENT, content=content, coding="ucs2", header=True)
    frame = client.submit(0x2B, segment)
    assert frame.hex() == SUBMIT_HEADER
    assert server.read(frame) == Submitted(sequence=0x2B, segment=segment, numbers=("18900001111",))


def test_submit_resp_vector() -> None:
    """§11: ten bytes of id, four of status."""
    client, server = pair()
    frame = server.submit_answer(ASKED, ID, 0)
    assert frame.hex() == "0000001a800000020000002a0100610116170001234500000000"
    assert client.read(frame) == SubmitAnswer(sequence=0x2A, verdict="accepted", code="0", message_id=ID)


def test_report_vector() -> None:
    """§11: 122 bytes with a binary id; the DELIVER has an id of its own and is answered with it."""
    client, server = pair()
    frame = server.report(7, REPORT, "10690000", SUBMITTED_AT)
    assert frame.hex() == DELIVER_REPORT
    heard = inbound(client, frame)
    assert heard.what == REPORT
    assert heard.answer.hex() == "0000001a80000003000000070100610116170101234600000000"
    assert server.read(heard.answer) == InboundAnswer(sequence=7, ok=True, code=0)


def test_vectors_of_the_connection() -> None:
    """§11: heartbeat and end have no body, on both sides."""
    one: ClientDialect
    other: ServerDialect
    one, other = pair()
    for side, peer in ((one, other), (other, one)):
        assert side.probe(9).hex() == "0000000c0000000400000009"
        probe = peer.read(side.probe(9))
        assert probe == Probe(answer=bytes.fromhex("0000000c8000000400000009"))
        assert isinstance(probe, Probe)
        assert side.read(probe.answer) == ProbeAnswer(sequence=9)
        assert side.goodbye(10).hex() == "0000000c000000060000000a"
        end = peer.read(side.goodbye(10))
        assert isinstance(end, Goodbye)
        assert side.read(end.answer) == GoodbyeAnswer(sequence=10)
