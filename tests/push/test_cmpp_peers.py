"""CMPP: every habit of a peer and every number that the fact sheet names."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from push.sms.carrier import (
    Hello,
    Ignored,
    Malformed,
    Probe,
    ProbeAnswer,
    Reply,
    ReportState,
    SubmitAnswer,
    Submitted,
    Verdict,
    Welcome,
    cut,
)
from push.sms.cmpp import CmppClient, CmppGateway, CmppServer, ids, pdu
from push.sms.cmpp.account import Version
from tests.push.carrier_cases import STATS, framed
from tests.push.cmpp_cases import (
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
    welcome,
)


def login(client: CmppClient, server: CmppServer, code: int = 0) -> Welcome:
    """A log-in to its end."""
    hello = server.read(client.hello(1, LOGIN_AT))
    assert isinstance(hello, Hello)
    return welcome(client, server.welcome(hello, code, "888888"))


@pytest.mark.parametrize(
    ("offered", "highest", "pinned", "agreed"),
    [
        (0x30, 0x30, False, 0x30),
        (0x20, 0x30, False, 0x20),
        (0x21, 0x30, False, 0x20),
        (0x30, 0x20, False, 0x20),
        (0x20, 0x30, True, 0x30),
        (0x30, 0x21, True, 0x20),
    ],
)
def test_version_follows_the_length_of_connect_resp(
    offered: Version, highest: Version, *, pinned: bool, agreed: int
) -> None:
    """§4: 30 bytes mean 2.x, 33 mean 3.0, whatever was offered; both sides go on in the same layout."""
    client = CmppClient(account(offered, check_server="strict"))
    server = CmppServer(CmppGateway(version=highest, pins_version=pinned))
    told = login(client, server)
    assert told.ok
    assert bool(told.note) == ((offered == 0x30) != (agreed == 0x30))
    frame = client.submit(1, SEGMENT)
    assert len(frame) == len(SUBMIT[agreed]) // 2
    assert isinstance(server.read(frame), Submitted)
    assert inbound(client, server.report(1, REPORT, "1065", SUBMITTED_AT)).what == REPORT


@pytest.mark.parametrize(
    ("code", "alarm"), [(1, False), (2, True), (3, True), (4, True), (5, False), (9, False)]
)
@both
def test_refused_log_ins(version: Version, code: int, *, alarm: bool) -> None:
    """§10: after 2, 3 and 4 there is an alarm; the digest of a refusal is zeros and is not weighed."""
    client, server = pair(version, check_server="strict")
    told = login(client, server, code)
    assert (told.ok, told.code, told.alarm) == (False, code, alarm)
    assert f"{version:#04x}" in told.note


def server_proofs() -> dict[str, bytes]:
    """AuthenticatorISMG as peers make it, for a 3.0 log-in."""
    proof = CmppClient(account()).hello(1, LOGIN_AT)[18:34]
    return {
        "SMSGate in 2.0, itio: other bytes of status": hashlib.md5(b"0" + proof + b"888888").digest(),  # noqa: S324
        "gocmpp's example: over nothing": hashlib.md5(b"").digest(),  # noqa: S324
        "go_cmpp's mock": b"mockauth".ljust(16, b"\0"),
    }


@pytest.mark.parametrize("peer", list(server_proofs()))
@pytest.mark.parametrize(
    ("check", "ok", "noted"), [("off", True, False), ("warn", True, True), ("strict", False, True)]
)
def test_wrong_server_digest(peer: str, check: str, *, ok: bool, noted: bool) -> None:
    """§12.1: peers make AuthenticatorISMG in many ways; the account says what that does."""
    client = CmppClient(account(check_server=check))
    client.hello(1, LOGIN_AT)
    frame = framed(bytes(4) + server_proofs()[peer] + b"\x30", pdu.CONNECT_RESP)
    told = welcome(client, frame)
    assert (told.ok, told.alarm, bool(told.note)) == (ok, not ok, noted)


def test_narrow_reports_under_3_0() -> None:
    """§12.2: a server of ours can send the 60 bytes too."""
    server = CmppServer(CmppGateway(narrow_reports=True))
    frame = server.report(1, REPORT, "1065", SUBMITTED_AT)
    assert len(frame) == 109 + 60
    assert inbound(CmppClient(account()), frame).what == REPORT


@pytest.mark.parametrize("size", [0, 38, 39, 59, 61, 70, 72, 110])
def test_a_report_of_another_length_is_kept_raw(size: int) -> None:
    """§7: it is answered with 0 and handed on as it came."""
    head = bytes.fromhex(DELIVER_REPORT[0x30])[12 : pdu.WIDE.deliver.size - 1]
    frame = framed(head + bytes((size,)) + b"7" * size + bytes(20), pdu.DELIVER)
    heard = inbound(CmppClient(account()), frame)
    assert (heard.what, heard.raw) == (None, frame)
    assert heard.answer[-4:] == bytes(4)


@pytest.mark.parametrize("left", range(21))
def test_shortened_tails(left: int) -> None:
    """§7: real gateways shorten LinkID; whatever is left is accepted."""
    frame = bytearray(bytes.fromhex(DELIVER_REPLY)[: 113 - 20 + left])
    frame[:4] = len(frame).to_bytes(4, "big")
    assert inbound(CmppClient(account()), bytes(frame)).what == REPLY


def test_content_beyond_the_pdu_is_kept_raw() -> None:
    """A DELIVER whose Msg_Length lies is kept and answered with 0: another answer brings it again for ever."""
    whole = bytes.fromhex(DELIVER_REPLY)
    heard = inbound(CmppClient(account()), framed(whole[12 : 113 - 21], pdu.DELIVER))
    assert heard.what is None
    assert heard.raw


@pytest.mark.parametrize("size", [13, 16])
def test_cancel_resp_by_length(size: int) -> None:
    """§12.3: one byte in the text of 2.0, four with SMSGate in both."""
    frame = framed(bytes(size - 13) + b"\1", pdu.CANCEL_RESP)
    assert CmppClient(account(0x20)).read(frame) == Ignored(note="cmpp: cancel answered with 1")


@both
def test_cancel_and_query_are_answered(version: Version) -> None:
    """§8: a server of ours has nothing to cancel and no totals, and says so in the version's lengths."""
    client, server = pair(version)
    cancel = server.read(client.cancel(11, ID))
    assert isinstance(cancel, Ignored)
    assert len(cancel.answer) == (16 if version == 0x30 else 13)
    assert client.read(cancel.answer) == Ignored(note="cmpp: cancel answered with 1")
    query = server.read(framed(b"20251122" + b"\0" + bytes(18), pdu.QUERY))
    assert isinstance(query, Ignored)
    assert query.answer.hex() == "0000003f8000000600000001" + b"20251122".hex() + "00" * 43


@pytest.mark.parametrize("body", [b"", b"\0"])
def test_active_test_resp_lengths(body: bytes) -> None:
    """§8: one byte as the text has it, or none."""
    assert CmppClient(account()).read(framed(body, pdu.ACTIVE_TEST_RESP, 9)) == ProbeAnswer(sequence=9)


def test_active_test_resp_of_pycmpp_breaks_the_stream() -> None:
    """§12.6: four characters `0x00` behind a length of 13 cannot be told apart from what follows."""
    buffer = bytearray(bytes.fromhex("0000000d8000000800000009") + b"0x00" + bytes.fromhex(DELIVER_REPLY))
    with pytest.raises(Malformed, match="a PDU of"):
        cut(buffer, CmppClient(account()))


def test_go_cmpp_answers_a_heartbeat_with_a_heartbeat() -> None:
    """§12.6: a new ACTIVE_TEST with our sequence is life too, and is answered as any other."""
    client = CmppClient(account())
    assert client.read(client.probe(9)) == Probe(answer=framed(b"\0", pdu.ACTIVE_TEST_RESP, 9))


def test_our_server_answers_a_heartbeat_rightly() -> None:
    """§12.6: neither four characters nor a new ACTIVE_TEST."""
    client, server = pair()
    probe = server.read(client.probe(9))
    assert isinstance(probe, Probe)
    assert cut(bytearray(probe.answer), client) == [framed(b"\0", pdu.ACTIVE_TEST_RESP, 9)]


@pytest.mark.parametrize("wrong", ["", "90001", "9000011", "九00001"])
def test_sp_id_has_six_characters(wrong: str) -> None:
    """§12.4: gocmpp pads or cuts from the left before it hashes, others do not; six characters are alike for all."""
    with pytest.raises(ValueError, match="sp_id"):
        account(sp_id=wrong)


VERDICTS: dict[int, tuple[Verdict, Verdict]] = {
    0: ("accepted", "accepted"),
    1: ("failed", "failed"),
    2: ("failed", "failed"),
    3: ("repeated", "repeated"),
    4: ("failed", "failed"),
    5: ("misconfigured", "misconfigured"),
    6: ("failed", "failed"),
    7: ("misconfigured", "misconfigured"),
    8: ("throttled", "throttled"),
    9: ("unserved", "unserved"),
    10: ("failed", "misconfigured"),
    11: ("failed", "misconfigured"),
    12: ("failed", "misconfigured"),
    13: ("failed", "bad_number"),
    14: ("failed", "failed"),
    99: ("failed", "failed"),
    100: ("throttled", "throttled"),
    199: ("failed", "failed"),
}


@pytest.mark.parametrize("result", list(VERDICTS))
def test_results(result: int) -> None:
    """§5, §12.5: the table as the text has it (itio's is shifted by one), with the channel's own codes over it."""
    for version, due in zip((0x20, 0x30), VERDICTS[result], strict=True):
        client, server = pair(0x30 if version == 0x30 else 0x20, verdicts={100: "throttled"})
        asked = Submitted(sequence=5, segment=SEGMENT, numbers=("13800138000",))
        heard = client.read(server.submit_answer(asked, ID if result == 0 else "", result))
        named = ID if result == 0 else ""
        assert heard == SubmitAnswer(sequence=5, verdict=due, code=str(result), message_id=named)


def test_2_1_knows_the_later_results() -> None:
    """§4: 0x21 has the layouts of 2.0 with more values of Result."""
    frame = framed(bytes(8) + b"\x0d", pdu.SUBMIT_RESP)
    heard = CmppClient(account(0x21)).read(frame)
    assert isinstance(heard, SubmitAnswer)
    assert heard.verdict == "bad_number"


def test_go_cmpp_gives_one_id_to_all() -> None:
    """§12.8: an accepted submit with Msg_Id 0 keeps that id; it is only unique with channel and number."""
    heard = CmppClient(account(0x20)).read(framed(bytes(9), pdu.SUBMIT_RESP))
    assert heard == SubmitAnswer(sequence=1, verdict="accepted", code="0", message_id="0" * 16)


@pytest.mark.parametrize(
    ("written", "header"), [(0, False), (1, True), (0x40, True), (0x41, True), (2, False)]
)
def test_udhi_has_two_bits(written: int, *, header: bool) -> None:
    """§12.10: the text's bit is 1, real gateways pass SMPP's 0x40 through."""
    frame = bytearray(bytes.fromhex(DELIVER_REPLY))
    frame[52] = written
    what = inbound(CmppClient(account()), bytes(frame)).what
    assert isinstance(what, Reply)
    assert what.header == header


def test_udhi_is_written_as_1() -> None:
    """§12.10: we write what the text says, with the place in the long message."""
    client, _ = pair(0x20)
    frame = client.submit(1, msgspec.structs.replace(SEGMENT, header=True, total=3, number=2))
    assert frame[20:22] == bytes((3, 2))
    assert frame[57] == 1


def test_version_7f_is_not_supported() -> None:
    """§12.11: SMSGate's private dialect is seen as a version above ours, to be refused with status 4."""
    client, server = pair()
    frame = bytearray(client.hello(1, LOGIN_AT))
    frame[34] = 0x7F
    hello = server.read(bytes(frame))
    assert isinstance(hello, Hello)
    assert hello.version > 0x30
    assert welcome(client, server.welcome(hello, 4, "888888")).alarm


@pytest.mark.parametrize("length", [29, 31, 32, 34])
def test_connect_resp_of_no_version(length: int) -> None:
    """§4: a log-in answered in a length that no version has is no CMPP."""
    with pytest.raises(Malformed, match="CONNECT_RESP"):
        CmppClient(account()).read(framed(bytes(length - 12), pdu.CONNECT_RESP))


@both
@pytest.mark.parametrize(
    ("place", "value", "result"), [("count", 0, 1), ("count", 100, 1), ("length", 200, 4)]
)
def test_a_submit_that_does_not_add_up_is_refused(
    version: Version, place: str, value: int, result: int
) -> None:
    """§5: inner lengths that lie are answered with malformed or wrong length; the stream goes on."""
    client, server = pair(version)
    frame = bytearray(client.submit(3, SEGMENT))
    layout = pdu.layout_of(version)
    frame[layout.submit_head.size - 1 if place == "count" else layout.submit_one.size - 1] = value
    heard = server.read(bytes(frame))
    assert isinstance(heard, Ignored)
    answer = client.read(heard.answer)
    assert answer == SubmitAnswer(sequence=3, verdict="failed", code=str(result))


def test_many_receivers_have_a_range_of_ids() -> None:
    """§6: receiver i has Msg_Id + i, the low 16 bits wrap."""
    assert [ids.after("522a49800029fffe", count) for count in range(3)] == [
        "522a49800029fffe",
        "522a49800029ffff",
        "522a498000290000",
    ]


def test_a_report_without_a_number_inside_has_the_senders() -> None:
    """§7: Src_terminal_Id of a report is the number our submit went to."""
    frame = bytearray(bytes.fromhex(DELIVER_REPORT[0x30]))
    start = pdu.WIDE.deliver.size + 35
    frame[start : start + 32] = bytes(32)
    assert inbound(CmppClient(account()), bytes(frame)).what == REPORT


@pytest.mark.parametrize(("stat", "state"), STATS)
def test_words_of_reports(stat: str, state: ReportState) -> None:
    """§7: every word of the table, kept as it came."""
    client, server = pair()
    report = msgspec.structs.replace(REPORT, stat=stat, state=state)
    assert inbound(client, server.report(1, report, "1065", SUBMITTED_AT)).what == report


def test_orders_between_gateways_are_ignored() -> None:
    """§3: FWD, routes and unknown commands are none of ours and get no answer."""
    for command in (0x00000003, 0x00000009, 0x00000010, 0x80000017, 0x80000006):
        for side in pair():
            heard = side.read(framed(b"", command))
            assert isinstance(heard, Ignored)
            assert heard.answer == b""
