"""CMPP: whatever is written is read again, whatever arrives does no harm, and accounts say what is wrong with them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.carrier import Malformed, Reply, Report, Segment, Submitted, Verdict, cut
from push.sms.cmpp import CmppAccount, CmppClient, CmppGateway, CmppServer, ids, pdu
from push.sms.cmpp.account import Version
from tests.push.carrier_cases import (
    EMOJI,
    framed,
    frames_in_slices,
    instants,
    mutated,
    mutations,
    read_or_malformed,
    replies,
    reports,
    segments,
    sequences,
)
from tests.push.cmpp_cases import ID, LOGIN_AT, REPLY, REPORT, SEGMENT, account, both, inbound, pair

versions = st.sampled_from((0x20, 0x21, 0x30))


@given(versions, sequences, segments(priorities=tuple(range(10))), st.sampled_from(["", "86", "+86"]))
def test_any_segment_comes_back(version: Version, sequence: int, segment: Segment, prefix: str) -> None:
    """What the client submits is what the server reads, in every version and with every prefix."""
    client, server = pair(version, number_prefix=prefix)
    frame = client.submit(sequence, segment)
    assert cut(bytearray(frame), server) == [frame]
    assert server.read(frame) == Submitted(sequence=sequence, segment=segment, numbers=(segment.to,))


@given(versions, sequences, reports(id_bytes=8, errors=st.just("")), instants)
def test_any_report_comes_back(version: Version, sequence: int, report: Report, submitted_at: int) -> None:
    """A report's key, word, state and time survive, in both widths."""
    client, server = pair(version)
    heard = inbound(client, server.report(sequence, report, "106573339001", submitted_at))
    assert (heard.sequence, heard.what) == (sequence, report)


@given(versions, sequences, replies)
def test_any_reply_comes_back(version: Version, sequence: int, reply: Reply) -> None:
    """A reply's bytes pass unchanged, header and coding with them."""
    client, server = pair(version)
    heard = inbound(client, server.reply(sequence, reply, ID))
    assert (heard.sequence, heard.what) == (sequence, reply)


@both
@pytest.mark.parametrize(("coding", "codec"), [("ucs2", "utf-16-be"), ("gbk", "gb18030")])
def test_content_passes_unchanged(version: Version, coding: str, codec: str) -> None:
    """Surrogate pairs and four-byte GB18030 are bytes like others; half a pair is carried too, and not judged."""
    client, server = pair(version)
    for content in (EMOJI.encode(codec), EMOJI.encode(codec)[:-1], bytes(range(116, 256))):
        segment = msgspec.structs.replace(SEGMENT, content=content, coding=coding)
        heard = server.read(client.submit(1, segment))
        assert isinstance(heard, Submitted)
        assert heard.segment.content == content


@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    """Bytes that are no PDU are Malformed and nothing else, on both sides."""
    for side in (*pair(0x20), *pair(0x30)):
        read_or_malformed(side, raw)


COMMANDS = [value for name, value in vars(pdu).items() if name.isupper() and isinstance(value, int)]


@given(st.sampled_from([*COMMANDS, 0x00000009, 0x80000010]), st.binary(max_size=260))
def test_any_body(command: int, body: bytes) -> None:
    """A right header with any body behind it is a value or Malformed."""
    for side in (*pair(0x20), *pair(0x30)):
        read_or_malformed(side, framed(body, command))


def _frames(version: Version) -> list[bytes]:
    client, server = pair(version)
    asked = Submitted(sequence=3, segment=SEGMENT, numbers=("13800138000",))
    return [
        client.hello(1, LOGIN_AT),
        client.submit(2, SEGMENT),
        server.submit_answer(asked, ID, 0),
        server.report(4, REPORT, "1065", LOGIN_AT),
        server.reply(5, REPLY, ID),
        client.probe(6),
        client.cancel(7, ID),
        client.goodbye(8),
    ]


@given(versions, st.integers(0, 7), mutations)
def test_mutated_frames(version: Version, which: int, change: tuple[list[tuple[int, int]], int]) -> None:
    """A PDU with bytes changed or cut off is a value or Malformed."""
    frame = mutated(_frames(version)[which], *change)
    for side in (*pair(0x20), *pair(0x30)):
        read_or_malformed(side, frame)


@given(versions, st.lists(st.integers(0, 90), max_size=40))
def test_slices_do_not_matter(version: Version, sizes: list[int]) -> None:
    """However the stream is sliced, the same PDUs are cut off it."""
    frames = _frames(version)
    assert frames_in_slices(b"".join(frames), sizes, pair(version)[0]) == frames


@pytest.mark.parametrize("length", [0, 11, 4097, 0xFFFFFFFF])
def test_lengths_that_no_pdu_has(length: int) -> None:
    """§2: such a length ends the stream before anything is allocated."""
    with pytest.raises(Malformed):
        cut(bytearray(length.to_bytes(4, "big")), CmppServer())


def test_the_largest_submit_fits() -> None:
    """§2, §12.9: 99 receivers and 159 bytes are 3490 bytes in 3.0, above what some peers' readers take."""
    body = msgspec.structs.replace(SEGMENT, content=b"a" * 159, coding="ascii")
    client, server = pair(0x30)
    one = client.submit(1, body)
    at = pdu.WIDE.submit_head.size
    many = one[12 : at - 1] + bytes((99,)) + one[at : at + 32] * 99 + one[at + 32 :]
    frame = framed(many, pdu.SUBMIT)
    assert len(frame) == 163 + 32 * 99 + 159 <= server.length_max
    heard = server.read(frame)
    assert isinstance(heard, Submitted)
    assert heard.numbers == ("13800138000",) * 99


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("to", {"to": "1" * 33}),
        ("to", {"to": "138\0"}),
        ("source", {"source": "1" * 22}),
        ("source", {"source": "市委办"}),
        ("content", {"content": b"x" * 141}),
        ("content", {"content": b"x" * 160, "coding": "ascii"}),
        ("coding", {"coding": "gsm"}),
        ("priority", {"priority": 10}),
        ("number", {"number": 2}),
        ("number", {"total": 256}),
        ("2001 to 2099", {"valid_until": 0}),
    ],
)
def test_what_cmpp_cannot_carry(field: str, change: dict[str, object]) -> None:
    """A segment that would not fit is refused with the name of the field, never cut."""
    with pytest.raises(ValueError, match=f"^{field}|{field}$"):
        CmppClient(account()).submit(1, msgspec.structs.replace(SEGMENT, **change))


def test_ascii_may_have_159_bytes() -> None:
    """§5: Msg_Length is below 160 for Msg_Fmt 0."""
    segment = msgspec.structs.replace(SEGMENT, content=b"x" * 159, coding="ascii")
    assert len(CmppClient(account()).submit(1, segment)) == 163 + 32 + 159


WRONG: list[tuple[str, dict[str, object]]] = [
    ("secret", {"secret": ""}),
    ("secret", {"secret": "密"}),
    ("version", {"version": 0x7F}),
    ("service_id", {"service_id": "OANOTICEXXX"}),
    ("fee_user_type", {"fee_user_type": 4}),
    ("fee_terminal", {"fee_user_type": 3}),
    ("fee_terminal", {"fee_terminal": "13800138000"}),
    ("fee_terminal_type", {"fee_terminal_type": 2}),
    ("fee_type", {"fee_type": "06"}),
    ("fee_type", {"fee_type": "04"}),
    ("fee_code", {"fee_code": "5.00"}),
    ("fee_code", {"fee_code": "1234567"}),
    ("number_prefix", {"number_prefix": "0086"}),
    ("check_server", {"check_server": "maybe"}),
    ("verdicts", {"verdicts": {0: "failed"}}),
    ("verdicts", {"verdicts": {100: "accepted"}}),
]


@pytest.mark.parametrize(("field", "change"), WRONG)
def test_accounts_name_the_wrong_field(field: str, change: dict[str, object]) -> None:
    """An operator is told which setting is wrong, also where the account is built in code."""
    fields: dict[str, object] = {"sp_id": "900001", "secret": "888888", **change}
    with pytest.raises(ValueError, match=f"^{field}:"):
        CmppAccount(**fields)  # type: ignore[arg-type] # the point of the test


def test_accounts_keep_their_secret() -> None:
    """What is printed of an account holds no secret."""
    assert "888888" not in repr(account())


def test_a_payer_of_ones_own() -> None:
    """§5: fee fields go out as the account has them."""
    own: dict[int, Verdict] = {}
    client = CmppClient(account(fee_user_type=3, fee_terminal="13900139000", fee_type="02", verdicts=own))
    assert b"13900139000" in client.submit(1, SEGMENT)


def test_gateways_name_the_wrong_field() -> None:
    """The simulator's settings are checked too."""
    with pytest.raises(ValueError, match="version: 64"):
        CmppGateway(version=0x40)  # type: ignore[arg-type] # the point of the test
    with pytest.raises(ValueError, match="service_id:"):
        CmppGateway(service_id="x" * 11)


def test_sequences_wrap() -> None:
    """§2, §12.7: from 1 upwards, 0 after the last; a peer's 0 is read as any other."""
    client = CmppClient(account())
    assert client.first_sequence(0) == 1
    assert client.next_sequence(1, 0) == 2
    assert client.next_sequence(0xFFFFFFFF, 0) == 0
    assert client.own_id(1) == ""


@given(instants, st.integers(0, 0x3FFFFF), st.integers(0, 0xFFFF))
def test_message_ids_come_back(at: int, gateway: int, sequence: int) -> None:
    """What a gateway of ours puts into an id is what a log shows of it."""
    parts = ids.parts(ids.message_id(at, gateway, sequence))
    assert (parts.gateway, parts.sequence) == (gateway, sequence)
    assert 1 <= parts.month <= 12
    assert parts.second < 60
