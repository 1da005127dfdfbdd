"""SGIP as its peers speak it: reports and replies in every shape, commands nobody serves, no heartbeat."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from push.sms.carrier import (
    ClientDialect,
    Ignored,
    Inbound,
    Malformed,
    Report,
    ServerDialect,
    Submitted,
    cut,
)
from push.sms.sgip import SgipCarrierClient, SgipClient, SgipServer, pdu, results
from tests.push.sgip_cases import (
    CARRIER,
    CLIENT,
    DELIVER,
    DELIVERED,
    LISTENER,
    MESSAGE_ID,
    REPLY,
    REPORT,
    REPORTED,
    SEGMENT,
    SERVER,
    SUBMIT,
    SUBMITTED,
    UNBIND,
    answer,
)


@dataclass(frozen=True)
class World:
    """All ends, as the interface knows them."""

    clients: tuple[ClientDialect, ...] = (CLIENT, CARRIER)
    servers: tuple[ServerDialect, ...] = (SERVER, LISTENER)


# Reports and replies -------------------------------------------------------------------------------------------------


def reported(frame: bytes) -> Report | None:
    """The report that our listener takes, answered with 0."""
    told = LISTENER.read(frame)
    assert isinstance(told, Inbound)
    assert told.answer == answer(pdu.REPORT, 0, told.sequence)
    assert told.raw == frame
    assert told.what is None or isinstance(told.what, Report)
    return told.what


@pytest.mark.parametrize(
    ("state", "error", "means"),
    [
        (0, 0, "delivered"),
        (1, 0, "waiting"),
        (2, 25, "failed"),
        (2, 29, "failed"),
        (2, 33, "failed"),
        (2, 0, "failed"),
    ],
)
def test_the_states_of_a_report(state: int, error: int, means: str) -> None:
    """0 delivered, 1 on the way, 2 failed with a code, temporary or not: all of State 2 is final for the message."""
    frame = bytearray.fromhex(REPORT)
    frame[54:56] = bytes((state, error))
    told = reported(bytes(frame))
    code = str(error) if error else ""
    assert told == msgspec.structs.replace(DELIVERED, state=means, stat=str(state), error=code)


def test_codes_of_reports_say_whose_fault_it_is() -> None:
    """The same table tells a wrong number from a missing route and a passing trouble."""
    told = {code: results.verdict(code, "1.3") for code in (23, 25, 26, 29, 33)}
    assert told == {23: "unserved", 25: "failed", 26: "failed", 29: "bad_number", 33: "throttled"}


@pytest.mark.parametrize(("at", "value"), [(32, 1), (54, 3), (54, 255)])
def test_a_report_that_is_not_ours_is_kept_raw(at: int, value: int) -> None:
    """About a forwarded DELIVER, or with a State that no text has: answered, kept, no outcome."""
    frame = bytearray.fromhex(REPORT)
    frame[at] = value
    assert reported(bytes(frame)) is None


def test_a_report_may_end_early_or_late() -> None:
    """Reserve is 8 bytes with us, none or 21 with others (§6, 4)."""
    raw = bytes.fromhex(REPORT)
    for frame in (raw[:56], raw + bytes(13)):
        assert reported(len(frame).to_bytes(4, "big") + frame[4:]) == DELIVERED
    with pytest.raises(Malformed):
        LISTENER.read((55).to_bytes(4, "big") + raw[4:55])


def test_receivers_of_one_submit_have_reports_of_one_id() -> None:
    """The key of a report is the 12 bytes and the number (§3)."""
    numbers = ("13012345678", "13012345679")
    raw = bytes.fromhex(SUBMIT)
    users = b"".join(pdu.number(number, "to").ljust(21, b"\0") for number in numbers)
    frame = raw[:62] + b"\2" + users + raw[84:]
    told = SERVER.read(len(frame).to_bytes(4, "big") + frame[4:])
    assert told == Submitted(sequence=SUBMITTED, segment=SEGMENT, numbers=numbers)
    found = [
        reported(CARRIER.report(REPORTED, msgspec.structs.replace(DELIVERED, to=number), "", 0))
        for number in numbers
    ]
    assert {(one.message_id, one.to) for one in found if one} == {(MESSAGE_ID, number) for number in numbers}


@pytest.mark.parametrize("users", [0, 101, 255])
def test_a_submit_to_none_or_too_many_is_malformed(users: int) -> None:
    """1 to 100 numbers (§3; one public library allows 2048 by a slip, §6 6)."""
    raw = bytes.fromhex(SUBMIT)
    frame = raw[:62] + bytes((users,)) + bytes(21 * users) + raw[84:]
    with pytest.raises(Malformed):
        SERVER.read(len(frame).to_bytes(4, "big") + frame[4:])


def test_numbers_come_with_and_without_86() -> None:
    """We always write 86 and read whatever comes (§6, 8)."""
    assert CLIENT.submit(SUBMITTED, SEGMENT)[63:76] == b"8613012345678"
    bare = bytes.fromhex(REPORT).replace(b"8613012345678", b"13012345678\0\0")
    assert reported(bare) == DELIVERED


@pytest.mark.parametrize(("udhi", "marked"), [(0, 0), (1, 1), (0x40, 1), (0x41, 1), (0x80, 0)])
def test_a_header_is_told_by_either_bit(udhi: int, marked: int) -> None:
    """TP_udhi may come as 1 or as 0x40 (sms-text §3)."""
    frame = bytearray.fromhex(DELIVER)
    frame[63] = udhi
    told = LISTENER.read(bytes(frame))
    assert isinstance(told, Inbound)
    assert told.what == msgspec.structs.replace(REPLY, header=marked == 1)


@pytest.mark.parametrize(
    ("number", "coding"),
    [(0, "ascii"), (3, "binary"), (4, "binary"), (8, "ucs2"), (15, "gbk"), (25, "binary")],
)
def test_message_coding_of_a_reply(number: int, coding: str) -> None:
    """What no table names keeps its bytes."""
    frame = bytearray.fromhex(DELIVER)
    frame[64] = number
    told = LISTENER.read(bytes(frame))
    assert isinstance(told, Inbound)
    assert told.what == msgspec.structs.replace(REPLY, coding=coding)


def test_a_userrpt_is_answered_and_kept_raw() -> None:
    """A user who cancels or is barred changes nothing here; what was said stands in the raw bytes."""
    frame = pdu.pack_userrpt(REPORTED, "10655333", "13012345678", 1)
    assert len(frame) == 71
    told = LISTENER.read(frame)
    assert told == Inbound(sequence=REPORTED, what=None, answer=answer(pdu.USERRPT, 0, REPORTED), raw=frame)


def test_the_client_takes_a_report_on_its_own_connection() -> None:
    """A gateway that reports on the connection that is there is not refused."""
    told = CLIENT.read(bytes.fromhex(REPORT))
    assert isinstance(told, Inbound)
    assert told.what == DELIVERED


# What is not for us ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [CLIENT, SERVER, LISTENER, CARRIER])
def test_a_command_not_handled_is_answered_and_the_connection_kept(
    end: SgipClient | SgipServer | SgipCarrierClient,
) -> None:
    """An error code for routes, user checks and the unknown; TRACE is told that no node has seen the message."""
    for command in (0x06, 0x0E, 0x10, 0x77):
        told = end.read(pdu.pack(command, SUBMITTED, b"anything"))
        assert isinstance(told, Ignored)
        assert told.answer == answer(command, 7)
        assert end.read(pdu.pack(pdu.RESPONSE | command, SUBMITTED)) == Ignored(
            note=f"sgip: command {pdu.RESPONSE | command:08x} is not served here"
        )
    trace = end.read(pdu.pack(pdu.TRACE, SUBMITTED, bytes(41)))
    assert isinstance(trace, Ignored)
    assert trace.answer == pdu.pack(0x8000_1000, SUBMITTED, b"\0")


def test_a_submit_at_the_sp_is_answered_with_an_error() -> None:
    """Neither our listener nor our client takes a SUBMIT (§5)."""
    for end in (LISTENER, CLIENT):
        told = end.read(bytes.fromhex(SUBMIT))
        assert isinstance(told, Ignored)
        assert told.answer == answer(pdu.SUBMIT, 7)
    with pytest.raises(ValueError, match=r"^login_type: "):
        CARRIER.submit(1, SEGMENT)


def test_there_is_no_heartbeat() -> None:
    """No end probes; both ends fit the interface, and a buffer is cut by either."""
    world = World()
    assert [(end.probes, end.probe(1)) for end in (*world.clients, *world.servers)] == [(False, b"")] * 4
    stream = bytearray.fromhex(UNBIND + REPORT)
    assert cut(stream, world.servers[1]) == [bytes.fromhex(UNBIND), bytes.fromhex(REPORT)]
    for length in (19, 2049):
        with pytest.raises(Malformed):
            cut(bytearray(length.to_bytes(4, "big")), world.clients[0])
