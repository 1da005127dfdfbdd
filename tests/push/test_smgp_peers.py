"""SMGP: every habit of a peer and every number that the fact sheet names."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from push.sms.carrier import (
    Goodbye,
    Hello,
    Ignored,
    Malformed,
    Probe,
    Report,
    ReportState,
    SubmitAnswer,
    Submitted,
    Verdict,
)
from push.sms.fields import tlv
from push.sms.smgp import SmgpClient, SmgpServer, ids, pdu, reports
from push.sms.smgp.account import Version
from tests.push.carrier_cases import STATS, framed, instant
from tests.push.smgp_cases import (
    ASKED,
    DELIVER_REPORT,
    ID,
    LOGIN,
    LOGIN_AT,
    ODD_REPORT,
    REPLY,
    REPORT,
    SEGMENT,
    SUBMITTED_AT,
    account,
    inbound,
    login,
    pair,
    welcome,
)

ODD: dict[str, tuple[str, bytes]] = {
    "SMSGate: 110 bytes, no blank after the id, underscores, txt": (
        "6495c36ac4ea6b00000b",
        bytes.fromhex(ODD_REPORT),
    ),
    "go_smgp: the letter s for each blank, capitals": (
        "05701305301550567501",
        b"id:"
        + bytes.fromhex("05701305301550567501")
        + b"sSub:001sDlvrd:001sSubmit_Date:1805301550sDone_Date:1805301550sStat:DELIVRDsErr:000sText:fillfillfillfillfill",
    ),
    "blanks, Text in capitals": (
        "01006101161700012345",
        b"ID:"
        + bytes.fromhex("01006101161700012345")
        + b" SUB:001 DLVRD:001 SUBMIT DATE:1805301550 DONE DATE:1805301550 STAT:DELIVRD ERR:000 TEXT:",
    ),
    "an id that spells a label": (
        b"stat:UNKNO".hex(),
        b"id:stat:UNKNO sub:001 dlvrd:001 submit date:1805301550 done date:1805301550 stat:DELIVRD err:000 text:stat:EXPIRED",
    ),
    "labels in another order": (
        "00" * 10,
        b"id:" + bytes(10) + b" err:000 stat:DELIVRD done date:1805301550",
    ),
    "no labels: by offset": (
        "ff" * 10,
        b"id:"
        + b"\xff" * 10
        + b"." * 52
        + b"1805301550"
        + b"." * 6
        + b"DELIVRD"
        + b"....."
        + b"000"
        + b"." * 26,
    ),
}


@pytest.mark.parametrize("spelling", list(ODD))
def test_odd_report_texts(spelling: str) -> None:
    """§5, §10.6: whatever the spelling, the id is binary, the word is DELIVRD and the error 000."""
    message_id, text = ODD[spelling]
    told = reports.read(text, b"8618900001111")
    assert told is not None
    assert (told.message_id, told.to, told.state, told.stat) == (
        message_id,
        "18900001111",
        "delivered",
        "DELIVRD",
    )
    assert told.error == "000"
    assert told.done_at in (instant("1805301550"), instant("1807052207"))


def test_a_text_may_spell_labels() -> None:
    """§5: what stands in the message's own text is no word of the report."""
    content = b"id:" + bytes(10) + b" stat:EXPIRED text:020stat:DELIVRD err:000"
    told = reports.read(content, b"18900001111")
    assert told == Report(message_id="00" * 10, to="18900001111", state="failed", stat="EXPIRED")


@pytest.mark.parametrize("text", [b"", b"id:", b"id:123456789", b"id:" + bytes(10), b"no:" + bytes(119)])
def test_a_report_without_id_or_word_is_kept_raw(text: bytes) -> None:
    """What cannot be read is answered with 0 and handed on as it came."""
    head = bytes.fromhex(DELIVER_REPORT)[12:80]
    frame = framed(head + bytes((len(text),)) + text + bytes(8), pdu.DELIVER)
    heard = inbound(pair()[0], frame)
    assert (heard.what, heard.raw) == (None, frame)
    assert heard.answer[-4:] == bytes(4)


@pytest.mark.parametrize(("stat", "state"), STATS)
def test_words_of_reports(stat: str, state: ReportState) -> None:
    """§5: every word, with the error number that goes with it."""
    client, server = pair()
    report = msgspec.structs.replace(REPORT, stat=stat, state=state, error="003")
    assert inbound(client, server.report(1, report, "1069", SUBMITTED_AT)).what == report


def server_proofs() -> dict[str, str]:
    """AuthenticatorServer as peers make it for the log-in of the vectors."""
    proof = bytes.fromhex(LOGIN)[20:36]
    helper = bytes(8) + proof + b"s3cret"
    return {
        "gosmgp packing: one byte of status": "79d619d37e8aaaa7a039259417ea0252",
        "gosmgp's helper: eight bytes, little-endian": hashlib.md5(helper, usedforsecurity=False).hexdigest(),
        "go_smgp's mock: a text": b"mockauth".ljust(16, b"\0").hex(),
    }


@pytest.mark.parametrize("peer", list(server_proofs()))
@pytest.mark.parametrize(
    ("check", "ok", "noted"), [("off", True, False), ("warn", True, True), ("strict", False, True)]
)
def test_wrong_server_digest(peer: str, check: str, *, ok: bool, noted: bool) -> None:
    """§10.1: peers make AuthenticatorServer in many ways; the account says what that does."""
    client = SmgpClient(account(check_server=check))
    client.hello(1, LOGIN_AT)
    told = welcome(client, framed(bytes(4) + bytes.fromhex(server_proofs()[peer]) + b"\x30", pdu.LOGIN_RESP))
    assert (told.ok, told.alarm, bool(told.note)) == (ok, not ok, noted)


def test_short_client_ids_are_hashed_unpadded_and_noted() -> None:
    """§10.2: gosmgp's server hashes the padded field; a refusal of a short id says so."""
    client, server = SmgpClient(account(client_id="1069")), SmgpServer()
    hello = server.read(client.hello(1, LOGIN_AT))
    assert isinstance(hello, Hello)
    assert (
        hello.proof == hashlib.md5(b"1069" + bytes(7) + b"s3cret0301000000", usedforsecurity=False).digest()
    )
    assert server.permits(hello, "s3cret")
    assert "补零" in login(client, server, 21).note
    assert "补零" not in login(pair()[0], server, 21).note


def test_exit_is_request_6() -> None:
    """§10.3: gosmgp's EXIT has the number of ACTIVE_TEST and is a heartbeat to anyone else."""
    client, server = pair()
    assert isinstance(server.read(client.goodbye(1)), Goodbye)
    assert isinstance(server.read(framed(b"", 4)), Probe)


@pytest.mark.parametrize(
    ("code", "alarm"),
    [(1, False), (2, False), (10, False), (20, True), (21, True), (22, True), (76, True), (128, False)],
)
def test_refused_log_ins(code: int, *, alarm: bool) -> None:
    """§8: after 20, 21, 22 and 76 there is an alarm; the digest of a refusal is not weighed."""
    told = login(*pair(check_server="strict"), code=code)
    assert (told.ok, told.code, told.alarm) == (False, code, alarm)
    assert told.note


@pytest.mark.parametrize("version", [0x13, 0x30])
def test_version_1_3_has_no_fixed_fee(version: Version) -> None:
    """§9: six bytes less, as the channel says; a server of ours takes up what the client says."""
    client, server = SmgpClient(account(version)), SmgpServer()
    assert login(client, server).ok
    frame = client.submit(0x2A, SEGMENT)
    assert len(frame) == (163 if version == 0x13 else 169)
    assert server.read(frame) == ASKED


def test_the_version_is_not_guessed() -> None:
    """§9: a gateway that knows only 1.3 is noted, the layout stays as it is set."""
    client = SmgpClient(account(check_server="off"))
    told = welcome(client, framed(bytes(20) + b"\x13", pdu.LOGIN_RESP))
    assert told.ok
    assert "0x13" in told.note
    assert len(client.submit(1, SEGMENT)) == 169


def test_unknown_tlvs_are_skipped() -> None:
    """§4, §6: in any order, with unknown tags between, in SUBMIT and in DELIVER."""
    client, server = pair()
    strange = tlv(0x1234, b"strange" * 5) + tlv(0x000E, b"")
    place = tlv(pdu.TLV_NUMBER, b"\2") + strange + tlv(pdu.TLV_UDHI, b"\1") + tlv(pdu.TLV_TOTAL, b"\3")
    heard = server.read(framed(client.submit(1, SEGMENT)[12:] + place, pdu.SUBMIT))
    assert isinstance(heard, Submitted)
    assert heard.segment == msgspec.structs.replace(SEGMENT, header=True, total=3, number=2)
    reply = server.reply(1, REPLY, ID)[12:]
    told = inbound(client, framed(reply + strange + tlv(pdu.TLV_UDHI, b"\1"), pdu.DELIVER)).what
    assert told == msgspec.structs.replace(REPLY, header=True)


@pytest.mark.parametrize("left", range(8))
def test_shortened_tails(left: int) -> None:
    """A DELIVER that ends before the reserve does is read all the same."""
    client, server = pair()
    reply = server.reply(1, REPLY, ID)[12:]
    assert inbound(client, framed(reply[: len(reply) - 8 + left], pdu.DELIVER)).what == REPLY


def test_long_messages_tell_their_place_in_tlvs() -> None:
    """§6: TP_udhi, PkTotal and PkNumber; what the account adds stands with them."""
    client, _ = pair(charge_user_type=2, msg_src="SP01", product_id="P9")
    frame = client.submit(1, msgspec.structs.replace(SEGMENT, header=True, total=3, number=2))
    assert frame.endswith(
        tlv(4, b"\2")
        + tlv(0x10, b"SP01\0\0\0\0")
        + tlv(0x12, b"P9".ljust(21, b"\0"))
        + tlv(2, b"\1")
        + tlv(9, b"\3")
        + tlv(10, b"\2")
    )


@pytest.mark.parametrize(("priority", "written"), [(0, 0), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3)])
def test_priorities(priority: int, written: int) -> None:
    """§4: 0 to 9 on the scale of 0 to 3."""
    frame = pair()[0].submit(1, msgspec.structs.replace(SEGMENT, priority=priority))
    assert frame[14] == written


def test_message_ids() -> None:
    """§4, §10.5: BCD counts 000000 to 999999 and wraps; other bytes are opaque and count in binary."""
    assert ids.message_id(instant("20251116170000"), "010061", 12345) == "01006111161700012345"
    assert ids.after("01006101161700999999", 2) == "01006101161700000001"
    assert ids.after("6495c36ac4ea6bffffff") == "6495c36ac4ea6b000000"
    with pytest.raises(ValueError, match="message_id"):
        ids.after("0100610116170001234")


VERDICTS: dict[Verdict, tuple[int, ...]] = {
    "accepted": (0,),
    "retry": (1, 2, 74, 75),
    "repeated": (12,),
    "misconfigured": (20, 21, 22, 32, 33, 40, 43, 46, 48, 49, 69, 73, 76),
    "bad_number": (47,),
    "unserved": (39, 58, 200),
    "throttled": (150,),
    "failed": (3, 10, 11, 30, 31, 34, 35, 36, 37, 38, 41, 42, 44, 45, 56, 57, 59, 68, 70, 71, 72, 128, 255),
}


@pytest.mark.parametrize(
    ("verdict", "status"), [(word, code) for word, codes in VERDICTS.items() for code in codes]
)
def test_statuses(verdict: Verdict, status: int) -> None:
    """§7: the table, with the channel's throttle codes and own verdicts over it."""
    client, server = pair(throttle_codes=[150], verdicts={200: "unserved"})
    heard = client.read(server.submit_answer(ASKED, "", status))
    named = "00" * 10 if status == 0 else ""
    assert heard == SubmitAnswer(sequence=0x2A, verdict=verdict, code=str(status), message_id=named)


def test_busy_may_mean_too_fast() -> None:
    """§7: some carriers say 1 where others have a code of their own."""
    heard = SmgpClient(account(throttle_codes=[1])).read(framed(bytes(13) + b"\1", pdu.SUBMIT_RESP))
    assert isinstance(heard, SubmitAnswer)
    assert heard.verdict == "throttled"


@pytest.mark.parametrize(("at", "value", "status"), [(116, 0, 10), (116, 101, 10), (138, 200, 36)])
def test_a_submit_that_does_not_add_up_is_refused(at: int, value: int, status: int) -> None:
    """§7: inner lengths that lie are answered with malformed or MsgLength; the stream goes on."""
    client, server = pair()
    frame = bytearray(client.submit(3, SEGMENT))
    frame[at] = value
    heard = server.read(bytes(frame))
    assert isinstance(heard, Ignored)
    assert client.read(heard.answer) == SubmitAnswer(sequence=3, verdict="failed", code=str(status))


def test_orders_between_gateways_are_ignored() -> None:
    """§2: FORWARD, QUERY, routes and unknown requests are none of ours and get no answer."""
    for request in (5, 7, 8, 0x12, 0x80000007):
        for side in pair():
            heard = side.read(framed(b"", request))
            assert isinstance(heard, Ignored)
            assert heard.answer == b""


def test_login_resp_of_another_length_is_no_smgp() -> None:
    """§3: the answer to a log-in has 33 bytes."""
    with pytest.raises(Malformed, match="LOGIN_RESP"):
        pair()[0].read(framed(bytes(20), pdu.LOGIN_RESP))
