"""SMGP: whatever is written is read again, whatever arrives does no harm, and accounts say what is wrong with them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.carrier import Reply, Report, Segment, Submitted, cut
from push.sms.smgp import SmgpAccount, SmgpClient, SmgpGateway, pdu, reports
from push.sms.smgp.account import Version
from tests.push.carrier_cases import (
    EMOJI,
    framed,
    frames_in_slices,
    instants,
    mutated,
    mutations,
    read_or_malformed,
    replies,
    segments,
    sequences,
)
from tests.push.carrier_cases import reports as any_report
from tests.push.smgp_cases import ID, LOGIN_AT, REPLY, REPORT, SEGMENT, account, inbound, pair

versions = st.sampled_from((0x13, 0x30))
errors = st.from_regex(r"\A[0-9]{3}\Z")


@given(versions, sequences, segments(priorities=(0, 3, 6, 9)), st.sampled_from(["", "86"]))
def test_any_segment_comes_back(version: Version, sequence: int, segment: Segment, prefix: str) -> None:
    """What the client submits is what the server reads, priorities as fine as SMGP's scale."""
    client, server = pair(version, number_prefix=prefix)
    frame = client.submit(sequence, segment)
    assert cut(bytearray(frame), server) == [frame]
    assert server.read(frame) == Submitted(sequence=sequence, segment=segment, numbers=(segment.to,))


@given(sequences, any_report(id_bytes=10, errors=errors), instants)
def test_any_report_comes_back(sequence: int, report: Report, submitted_at: int) -> None:
    """A report's binary id, word, error and time survive, whatever bytes the id has."""
    client, server = pair()
    heard = inbound(client, server.report(sequence, report, "10690000", submitted_at))
    assert (heard.sequence, heard.what) == (sequence, report)


@given(sequences, replies)
def test_any_reply_comes_back(sequence: int, reply: Reply) -> None:
    """A reply's bytes pass unchanged, header and coding with them."""
    client, server = pair()
    heard = inbound(client, server.reply(sequence, reply, ID))
    assert (heard.sequence, heard.what) == (sequence, reply)


@pytest.mark.parametrize(("coding", "codec"), [("ucs2", "utf-16-be"), ("gbk", "gb18030")])
def test_content_passes_unchanged(coding: str, codec: str) -> None:
    """Surrogate pairs and four-byte GB18030 are bytes like others; half a pair is carried too, and not judged."""
    client, server = pair()
    for content in (EMOJI.encode(codec), EMOJI.encode(codec)[:-1], bytes(range(116, 256))):
        segment = msgspec.structs.replace(SEGMENT, content=content, coding=coding)
        heard = server.read(client.submit(1, segment))
        assert isinstance(heard, Submitted)
        assert heard.segment.content == content


@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    """Bytes that are no PDU are Malformed and nothing else, on both sides."""
    for side in (*pair(0x13), *pair(0x30)):
        read_or_malformed(side, raw)


REQUESTS = [value for name, value in vars(pdu).items() if name.isupper() and isinstance(value, int)]


@given(st.sampled_from([*REQUESTS, 5, 7, 0x80000010]), st.binary(max_size=260))
def test_any_body(request: int, body: bytes) -> None:
    """A right header with any body behind it is a value or Malformed."""
    for side in (*pair(0x13), *pair(0x30)):
        read_or_malformed(side, framed(body, request))


@given(st.binary(max_size=130), st.binary(max_size=21))
def test_any_report_text(content: bytes, phone: bytes) -> None:
    """No text of a report makes the tolerant search fail."""
    for text in (content, b"id:" + content, b"id:0123456789" + content + b"stat:" + content):
        told = reports.read(text, phone)
        assert told is None or told.stat


def _frames(version: Version) -> list[bytes]:
    client, server = pair(version)
    asked = Submitted(sequence=3, segment=SEGMENT, numbers=("18900001111",))
    long = msgspec.structs.replace(SEGMENT, header=True, total=2, number=1)
    return [
        client.hello(1, LOGIN_AT),
        client.submit(2, long),
        server.submit_answer(asked, ID, 0),
        server.report(4, REPORT, "1069", LOGIN_AT),
        server.reply(5, msgspec.structs.replace(REPLY, header=True), ID),
        client.probe(6),
        client.goodbye(7),
    ]


@given(versions, st.integers(0, 6), mutations)
def test_mutated_frames(version: Version, which: int, change: tuple[list[tuple[int, int]], int]) -> None:
    """A PDU with bytes changed or cut off is a value or Malformed."""
    frame = mutated(_frames(version)[which], *change)
    for side in (*pair(0x13), *pair(0x30)):
        read_or_malformed(side, frame)


@given(versions, st.lists(st.integers(0, 90), max_size=40))
def test_slices_do_not_matter(version: Version, sizes: list[int]) -> None:
    """However the stream is sliced, the same PDUs are cut off it."""
    frames = _frames(version)
    assert frames_in_slices(b"".join(frames), sizes, pair(version)[0]) == frames


def test_the_largest_submit_fits() -> None:
    """§4: 100 receivers, 140 bytes and an unsigned byte of length."""
    client, server = pair()
    one = client.submit(1, msgspec.structs.replace(SEGMENT, content=b"\xff" * 140, coding="binary"))
    frame = framed(one[12:116] + bytes((100,)) + one[117:138] * 100 + one[138:], pdu.SUBMIT)
    assert len(frame) == 126 + 21 * 100 + 140 <= server.length_max
    heard = server.read(frame)
    assert isinstance(heard, Submitted)
    assert heard.numbers == ("18900001111",) * 100
    assert heard.segment.content == b"\xff" * 140


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("to", {"to": "1" * 22}),
        ("source", {"source": "市委办"}),
        ("content", {"content": b"x" * 141, "coding": "ascii"}),
        ("coding", {"coding": "gsm"}),
        ("priority", {"priority": -1}),
        ("number", {"number": 2}),
        ("2001 to 2099", {"valid_until": 0}),
    ],
)
def test_what_smgp_cannot_carry(field: str, change: dict[str, object]) -> None:
    """A segment that would not fit is refused with the name of the field, never cut; ASCII has 140 too (§10.8)."""
    with pytest.raises(ValueError, match=f"^{field}|{field}$"):
        SmgpClient(account()).submit(1, msgspec.structs.replace(SEGMENT, **change))


WRONG: list[tuple[str, dict[str, object]]] = [
    ("client_id", {"client_id": ""}),
    ("client_id", {"client_id": "106900001"}),
    ("secret", {"secret": ""}),
    ("secret", {"secret": "x" * 16}),
    ("version", {"version": 0x20}),
    ("mode", {"mode": 3}),
    ("service_id", {"service_id": "业务"}),
    ("fee_type", {"fee_type": "04"}),
    ("fee_code", {"fee_code": ""}),
    ("fixed_fee", {"fixed_fee": "-1"}),
    ("charge_terminal", {"charge_terminal": "1" * 22}),
    ("charge_user_type", {"charge_user_type": 4}),
    ("msg_src", {"msg_src": "123456789"}),
    ("product_id", {"product_id": "x" * 22}),
    ("number_prefix", {"number_prefix": "0086"}),
    ("check_server", {"check_server": ""}),
    ("throttle_codes", {"throttle_codes": (0,)}),
    ("verdicts", {"verdicts": {200: "accepted"}}),
]


@pytest.mark.parametrize(("field", "change"), WRONG)
def test_accounts_name_the_wrong_field(field: str, change: dict[str, object]) -> None:
    """An operator is told which setting is wrong, also where the account is built in code."""
    fields: dict[str, object] = {"client_id": "10690000", "secret": "s3cret", **change}
    with pytest.raises(ValueError, match=f"^{field}:"):
        SmgpAccount(**fields)  # type: ignore[arg-type] # the point of the test


def test_accounts_keep_their_secret() -> None:
    """What is printed of an account holds no secret."""
    assert "s3cret" not in repr(account())


def test_gateways_name_the_wrong_field() -> None:
    """The simulator's settings are checked too."""
    with pytest.raises(ValueError, match="report_text:"):
        SmgpGateway(report_text="x" * 21)


def test_sequences_wrap() -> None:
    """§1: from 1 upwards, 0 after the last."""
    client = SmgpClient(account())
    assert client.first_sequence(0) == 1
    assert client.next_sequence(0xFFFFFFFF, 0) == 0
    assert client.own_id(1) == ""
