"""SGIP 1.2: the sheet's vectors in both directions, every listed habit of a peer, both tables of codes."""

from __future__ import annotations

import msgspec
import pytest

from push.sms.carrier import (
    Goodbye,
    GoodbyeAnswer,
    Hello,
    Ignored,
    Inbound,
    InboundAnswer,
    Malformed,
    SubmitAnswer,
    Submitted,
    Welcome,
)
from push.sms.sgip import SgipCarrierClient, SgipClient, SgipListener, SgipServer, pdu, results, sequences
from push.sms.sgip.account import node_number
from push.sms.sgip.results import Codes
from push.sms.text import Part, header
from tests.push.carrier_cases import instant
from tests.push.sgip_cases import (
    ACCOUNT,
    BIND,
    BIND_OK,
    CARRIER,
    CLIENT,
    DELIVER,
    DELIVERED,
    ENDED,
    LISTENER,
    LOGIN_AT,
    MESSAGE_ID,
    NODE,
    OTHERS_SEQUENCE,
    OTHERS_SUBMIT,
    REPLIED,
    REPLY,
    REPORT,
    REPORTED,
    SEGMENT,
    SERVER,
    SMG,
    SUBMIT,
    SUBMITTED,
    UNBIND,
    UNBIND_OK,
    answer,
    client,
    sequence,
)

OTHERS_SEGMENT = msgspec.structs.replace(
    SEGMENT, to="18657118636", source="106559125028", content=b"233a", coding="ascii", priority=9
)


def others_client() -> SgipClient:
    """A client with the account of the other implementation's test."""
    return client(
        corp_id="61118",
        service_type="",
        payer="receiver",
        fee_type=2,
        fee_value="",
        given_value="",
        more_flag=0,
    )


# The sheet's vectors (§7) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vector", "written"),
    [
        (BIND, CLIENT.hello(LOGIN_AT, 0)),
        (BIND_OK, SgipServer(SMG).welcome(Hello(sequence=LOGIN_AT, account="", proof=b""), 0, "")),
        (SUBMIT, CLIENT.submit(SUBMITTED, SEGMENT)),
        (SUBMIT, CLIENT.submit(SUBMITTED, msgspec.structs.replace(SEGMENT, source=""))),
        (OTHERS_SUBMIT, others_client().submit(OTHERS_SEQUENCE, OTHERS_SEGMENT)),
        (REPORT, CARRIER.report(REPORTED, DELIVERED, "", 0)),
        (REPORT, SERVER.report(REPORTED, DELIVERED, "", 0)),
        (DELIVER, CARRIER.reply(REPLIED, REPLY, "")),
        (DELIVER, SERVER.reply(REPLIED, REPLY, "")),
        (UNBIND, CLIENT.goodbye(ENDED)),
    ],
)
def test_vectors_are_written(vector: str, written: bytes) -> None:
    """Each side writes the sheet's bytes."""
    assert written.hex() == vector


def test_vectors_are_read() -> None:
    """Each side understands the sheet's bytes."""
    login = SgipServer(SMG).read(bytes.fromhex(BIND))
    assert login == Hello(sequence=LOGIN_AT, account="oaclient", proof=b"s3cret", mode=1)
    assert CLIENT.read(bytes.fromhex(BIND_OK)) == Welcome(sequence=LOGIN_AT, ok=True, code=0)
    assert SERVER.read(bytes.fromhex(SUBMIT)) == Submitted(
        sequence=SUBMITTED, segment=SEGMENT, numbers=("13012345678",)
    )
    assert SERVER.read(bytes.fromhex(OTHERS_SUBMIT)) == Submitted(
        sequence=OTHERS_SEQUENCE, segment=OTHERS_SEGMENT, numbers=("18657118636",)
    )
    for vector, at, what in ((REPORT, REPORTED, DELIVERED), (DELIVER, REPLIED, REPLY)):
        raw = bytes.fromhex(vector)
        taken = answer(raw[7], 0, at)
        assert LISTENER.read(raw) == Inbound(sequence=at, what=what, answer=taken, raw=raw)
        assert CARRIER.read(taken) == InboundAnswer(sequence=at, ok=True, code=0)


@pytest.mark.parametrize("end", [CLIENT, SERVER, LISTENER, CARRIER])
def test_unbind_at_every_end(end: SgipClient | SgipServer | SgipCarrierClient) -> None:
    """UNBIND is answered without a body; an answer with nine bytes that no text has is taken too (§6, 2)."""
    assert end.read(bytes.fromhex(UNBIND)) == Goodbye(answer=bytes.fromhex(UNBIND_OK))
    assert end.read(bytes.fromhex(UNBIND_OK)) == GoodbyeAnswer(sequence=ENDED)
    assert end.read(answer(pdu.UNBIND, 0, ENDED)) == GoodbyeAnswer(sequence=ENDED)


# Sequences and ids ------------------------------------------------------------------------------------------------


def test_node_numbers_are_unsigned() -> None:
    """3AAAAQQQQQ is above 2^31; the long-distance code is filled up behind to four digits."""
    assert node_number("0933", "12345") == NODE == 0xB8603359
    assert node_number("010", "12345") == 3_010_012_345
    assert sequences.parts_of(CLIENT.first_sequence(instant("20251122093000"))).node == NODE
    for area, enterprise, field in (("0933a", "12345", "area"), ("0933", "1234", "enterprise")):
        with pytest.raises(ValueError, match=f"^{field}: "):
            node_number(area, enterprise)


def test_the_sequence_of_a_submit_is_its_message_id() -> None:
    """The id is known before sending, the answer bears none of its own, and the report quotes the 12 bytes."""
    assert CLIENT.own_id(SUBMITTED) == MESSAGE_ID
    told = CLIENT.read(
        SERVER.submit_answer(Submitted(sequence=SUBMITTED, segment=SEGMENT, numbers=()), "else", 0)
    )
    assert told == SubmitAnswer(sequence=SUBMITTED, verdict="accepted", code="0", message_id=MESSAGE_ID)
    assert sequences.from_text(MESSAGE_ID) == SUBMITTED
    for broken in ("", "b8603359", "x" * 24, MESSAGE_ID + "00"):
        with pytest.raises(ValueError, match=r"^message_id: "):
            sequences.from_text(broken)


def test_a_sequence_is_node_time_and_counter() -> None:
    """Beijing's time as a decimal number, the counter one more with each request, wrapping after four bytes."""
    now = instant("20251122093000")
    first = CLIENT.first_sequence(now)
    assert sequences.parts_of(first) == (NODE, 1122093000, 0)
    later = CLIENT.next_sequence(first, now + 61_000_000)
    assert sequences.parts_of(later) == (NODE, 1122093101, 1)
    full = sequence(1122093101, 0xFFFF_FFFF)
    assert sequences.parts_of(CLIENT.next_sequence(full, now)) == (NODE, 1122093000, 0)
    assert sequences.parts_of(CLIENT.first_sequence(instant("20250102030405"))).stamp == 102030405


def test_no_two_connections_of_a_node_share_an_id() -> None:
    """Connections that begin in the same second or count side by side in lanes never meet."""
    now = instant("20251122093000")
    assert CLIENT.first_sequence(now) != CLIENT.first_sequence(now + 1)
    assert sequences.parts_of(CLIENT.first_sequence(now + 999_999)).counter < 2**32
    seen: set[int] = set()
    for lane in range(3):
        end = SgipClient(ACCOUNT, lane, 3)
        for start in (end.first_sequence(now), sequence(1122093001, 2**32 - 4 + lane)):
            at = start
            for _ in range(100):
                assert at not in seen
                seen.add(at)
                at = end.next_sequence(at, now + (start > end.first_sequence(now)) * 1_000_000)


@pytest.mark.parametrize(
    ("stamp", "now", "at"),
    [
        (1122093000, "20251122093001", "20251122093000"),
        (1231235959, "20260101000001", "20251231235959"),
        (101000000, "20260101000001", "20260101000000"),
        (710093000, "20260101000001", "20260710093000"),
        (810093000, "20260101000001", "20250810093000"),
        (229120000, "20250301000000", "20240229120000"),
        (1322093000, "20251122093001", None),
        (4294967295, "20251122093001", None),
    ],
)
def test_the_year_is_missing_in_times(stamp: int, now: str, at: str | None) -> None:
    """A time more than 200 days ahead is last year's; what is no time is none."""
    told = sequences.time_of(sequence(stamp, 0), instant(now))
    assert told == (None if at is None else instant(at))


def test_a_part_beyond_four_bytes_is_refused() -> None:
    """The parts are unsigned numbers of four bytes."""
    for field in ("node", "stamp", "counter"):
        parts = sequences.Sequence(1, 1, 1)._replace(**{field: 2**32})
        with pytest.raises(ValueError, match=f"^{field}: "):
            sequences.join(parts)


# Log-ins ------------------------------------------------------------------------------------------------------------


def test_each_server_takes_its_own_login_type() -> None:
    """Type 1 is for the SMG, type 2 for our listener; another type is answered with code 4."""
    for end, fits, other in (
        (SgipServer(SMG), CLIENT, CARRIER),
        (SgipListener(NODE), CARRIER, CLIENT),
    ):
        hello = end.read(fits.hello(LOGIN_AT, 0))
        assert isinstance(hello, Hello)
        assert end.permits(hello, "s3cret")
        assert not end.permits(hello, "s3cre")
        told = end.read(other.hello(LOGIN_AT, 0))
        assert isinstance(told, Ignored)
        assert told.answer == answer(pdu.BIND, 4, LOGIN_AT)
        heard = fits.read(told.answer)
        assert isinstance(heard, Welcome)
        assert (heard.ok, heard.alarm) == (False, True)


def test_a_second_bind_on_the_connection_is_refused() -> None:
    """Code 2 for whoever is logged in; one who was refused may try again."""
    end = SgipListener(NODE)
    hello = end.read(CARRIER.hello(LOGIN_AT, 0))
    assert isinstance(hello, Hello)
    end.welcome(hello, 1, "s3cret")
    assert isinstance(end.read(CARRIER.hello(LOGIN_AT, 0)), Hello)
    end.welcome(hello, 0, "s3cret")
    told = end.read(CARRIER.hello(LOGIN_AT, 0))
    assert isinstance(told, Ignored)
    assert told.answer == answer(pdu.BIND, 2, LOGIN_AT)


@pytest.mark.parametrize(
    ("code", "alarm"), [(1, True), (2, False), (3, True), (4, True), (11, False), (34, True)]
)
def test_refused_logins(code: int, alarm: bool) -> None:  # noqa: FBT001 - the expectation
    """After 1, 3, 34 and a wrong type at least 60 s and an alarm; the note says why."""
    told = CLIENT.read(answer(pdu.BIND, code))
    assert isinstance(told, Welcome)
    assert (told.ok, told.code, told.alarm) == (False, code, alarm)
    assert str(code) in told.note


# Results ------------------------------------------------------------------------------------------------------------

BOTH_TABLES = {0: "accepted", 1: "misconfigured", 4: "misconfigured", 6: "bad_number", 9: "repeated"}
BOTH_TABLES |= {
    11: "throttled",
    88: "throttled",
    21: "unserved",
    22: "unserved",
    23: "unserved",
    29: "bad_number",
}
OF_13 = {13: "misconfigured", 14: "misconfigured", 33: "throttled"}


@pytest.mark.parametrize(("codes", "named"), [("1.2", BOTH_TABLES), ("1.3", BOTH_TABLES | OF_13)])
def test_the_tables_of_results(codes: Codes, named: dict[int, str]) -> None:
    """33 is a full queue in 1.2 and a limit in 1.3 (§6, 5); only 11, 33 of 1.3 and 88 come again, all else is final."""
    end = client(code_table=codes)
    for code in range(256):
        told = end.read(answer(pdu.SUBMIT, code))
        assert isinstance(told, SubmitAnswer)
        assert (told.verdict, told.code) == (named.get(code, "failed"), str(code))
        assert results.verdict(code, codes) == told.verdict


def test_the_default_is_the_table_of_13() -> None:
    """A channel that says nothing has 1.3's codes; their names differ too."""
    assert ACCOUNT.code_table == "1.3"
    assert results.name(33, "1.2") != results.name(33, "1.3")
    assert results.name(32, "1.2") != results.name(32, "1.3")
    # Listed twice with different meanings: told as a number only.
    assert results.name(112, "1.3") == "错误 112"


def test_a_gateways_own_code_means_what_the_channel_says() -> None:
    """The service platform's answers get their meaning from the account."""
    told = client(verdicts={110: "bad_number"}).read(answer(pdu.SUBMIT, 110))
    assert isinstance(told, SubmitAnswer)
    assert told.verdict == "bad_number"


def test_an_answer_may_lack_its_reserve_but_not_its_result() -> None:
    """What is left out at the end is nobody's loss; an answer that says nothing is Malformed: the client closes (§5)."""
    told = CLIENT.read(answer(pdu.SUBMIT, 0, reserve=0))
    assert isinstance(told, SubmitAnswer)
    for end, command in (
        (CLIENT, pdu.SUBMIT),
        (CLIENT, pdu.BIND),
        (CARRIER, pdu.REPORT),
        (SERVER, pdu.DELIVER),
    ):
        with pytest.raises(Malformed):
            end.read(pdu.pack(pdu.RESPONSE | command, 1))


# What cannot be said ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("node", 0),
        ("node", 2**32),
        ("corp_id", "123456"),
        ("login_name", "a" * 17),
        ("login_password", "口令"),
        ("login_password", "a" * 17),
        ("sp_number", "1" * 22),
        ("service_type", "a" * 11),
        ("fee_type", 5),
        ("fee_value", "1234567"),
        ("fee_value", "5.0"),
        ("given_value", "-1"),
        ("agent_flag", 2),
        ("more_flag", 4),
        ("code_table", "1.1"),
        ("payer", "nobody"),
        ("verdicts", {110: "accepted"}),
        ("verdicts", {0: "failed"}),
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
    ("field", "changes"),
    [
        ("content", {"content": b"x" * 141}),
        ("coding", {"coding": "gsm"}),
        ("to", {"to": "1" * 20}),
        ("source", {"source": "1" * 22}),
        ("priority", {"priority": 10}),
        ("valid_until", {"valid_until": -1}),
        ("priority", {"priority": -1}),
    ],
)
def test_what_cannot_be_carried_names_the_field(field: str, changes: dict[str, object]) -> None:
    """A submit is refused by the name of the field."""
    with pytest.raises(ValueError, match=f"^{field}: "):
        CLIENT.submit(1, msgspec.structs.replace(SEGMENT, **changes))


@pytest.mark.parametrize("error", ["x", "-1", "256"])
def test_a_report_needs_a_code_of_one_byte(error: str) -> None:
    """ErrorCode is a number from 0 to 255."""
    with pytest.raises(ValueError, match=r"^error: "):
        CARRIER.report(1, msgspec.structs.replace(DELIVERED, error=error), "", 0)


def test_a_long_message_keeps_its_place() -> None:
    """Total and number of a segment come from its header: a SUBMIT has no fields for them."""
    content = header(Part(reference=42, total=3, number=2)) + "会".encode("utf-16-be")
    segment = msgspec.structs.replace(
        SEGMENT,
        content=content,
        coding="ucs2",
        header=True,
        total=3,
        number=2,
        valid_until=instant("20251122180000"),
    )
    frame = CLIENT.submit(SUBMITTED, segment)
    assert b"251122180000032+" in frame
    told = SERVER.read(frame)
    assert isinstance(told, Submitted)
    assert told.segment == segment
