"""Fields that the carriers' protocols write alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.fields import (
    absolute,
    bare,
    coding_number,
    coding_of,
    login_proof,
    login_stamp,
    minutes,
    octets,
    read_absolute,
    read_time,
    report_state,
    seconds,
    server_proof,
    text_of,
    tlv,
    tlvs,
)
from tests.push.carrier_cases import CODINGS, MINUTE, SECOND, STATS, instant, instants

NINE_THIRTY = 1_763_775_051 * SECOND
"""2025-11-22 09:30:51 in Beijing, 01:30:51 UTC."""


def test_beijing_times() -> None:
    """Every spelling of a time is the same instant, eight hours ahead of UTC."""
    assert minutes(NINE_THIRTY) == "2511220930"
    assert seconds(NINE_THIRTY) == "20251122093051"
    assert absolute(NINE_THIRTY) == "251122093051032+"
    assert login_stamp(NINE_THIRTY) == 1122093051
    assert read_time("20251122093051") == read_time("251122093051") == NINE_THIRTY
    assert read_time("2511220930") == NINE_THIRTY - 51 * SECOND


def test_the_stamp_of_a_log_in_loses_its_leading_zero() -> None:
    """3 March midnight is the number 301000000."""
    assert login_stamp(instant("20260301000000")) == 0x11F0E540


@given(instants)
def test_times_come_back(at: int) -> None:
    """Whatever instant is written is read again, as fine as the form tells it."""
    assert read_time(seconds(at)) == read_absolute(absolute(at)) == at
    assert read_time(minutes(at)) == at // MINUTE * MINUTE


@pytest.mark.parametrize("edge", [978_278_400 * SECOND - 1, 4_102_416_000 * SECOND, -(10**30), 10**30])
def test_two_digits_tell_no_other_century(edge: int) -> None:
    """An instant outside 2001 to 2099 is refused, not written as another year."""
    for write in (minutes, seconds, absolute, login_stamp):
        with pytest.raises(ValueError, match="2001 to 2099"):
            write(edge)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000000000",
        "0001010000",
        "00010101000000",
        "2513010000",
        "2502300000",
        "25112209",
        "2511220960",
        "２５11220930",
        "abcdefghij",
    ],
)
def test_an_unreadable_time_is_none(text: str) -> None:
    """A time that no calendar has costs a report nothing but its time."""
    assert read_time(text) is None


def test_absolute_times_of_other_offsets() -> None:
    """Quarter hours and sign are honoured, tenths too; relative times need a clock and are none."""
    assert read_absolute("251122013051000+") == NINE_THIRTY
    assert read_absolute("251121203051020-") == NINE_THIRTY
    assert read_absolute("251122093051532+") == NINE_THIRTY + SECOND // 2
    assert read_absolute("000001000000000R") is None
    assert read_absolute("251322093051032+") is None
    assert read_absolute("") is None


def test_octets_name_the_field() -> None:
    """What does not fit is refused with the field's name, never cut."""
    assert octets("900001", 6, "sp_id") == b"900001"
    for wrong in ("9000011", "九", "90\0"):
        with pytest.raises(ValueError, match=re.escape("sp_id")):
            octets(wrong, 6, "sp_id")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"DELIVRD", "DELIVRD"),
        (b"AF:4\0\0\0", "AF:4"),
        (b"AF:4   ", "AF:4"),
        (b"AF:4\0xx", "AF:4"),
        (b"\0\0\0", ""),
        (b"\xff1", "ÿ1"),
        (b"", ""),
    ],
)
def test_fixed_texts_end_at_the_first_zero(raw: bytes, text: str) -> None:
    """A field may fill its width; what stands behind a zero is rubbish; any byte is readable."""
    assert text_of(raw) == text


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13800138000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("+8613800138000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("869338212345", "9338212345"),
        ("86123456", "86123456"),
        ("10086988", "10086988"),
        ("", ""),
    ],
)
def test_numbers_lose_their_country(written: str, number: str) -> None:
    """86 is taken off a phone's number and left on a short one."""
    assert bare(written) == number


def test_codings() -> None:
    """Every coding comes back; unknown ones are kept as bytes; GSM is refused by name."""
    assert [coding_of(coding_number(coding)) for coding in CODINGS] == list(CODINGS)
    assert coding_of(3) == coding_of(246) == "binary"
    with pytest.raises(ValueError, match="coding: gsm"):
        coding_number("gsm")


def test_proofs() -> None:
    """The digests of the CMPP and SMGP sheets."""
    proof = login_proof(b"900001", 9, "888888", 1021080510)
    assert proof.hex() == "90d00c1d517abd0b4f65f6bcf8535d16"
    assert server_proof(b"\0", proof, "888888").hex() == "6c0b846e25bab6daa4ed1c466e0f4bd8"
    assert login_proof(b"10690000", 7, "s3cret", 301000000).hex() == "112c728f42579fed25cb3877ba296ca2"


@pytest.mark.parametrize(
    ("stat", "state"), [*STATS, ("", "failed"), ("delivrd", "delivered"), ("DELIVRDX", "failed")]
)
def test_words_of_reports(stat: str, state: str) -> None:
    """Only DELIVRD is a success and only ACCEPTD and ENROUTE are intermediate; every other word is a failure."""
    assert report_state(stat) == state


def test_optional_parameters() -> None:
    """Any order, unknown tags kept aside, the first of two counts, a broken end does no harm."""
    raw = tlv(0x0999, b"unknown") + tlv(2, b"\1") + tlv(3, b"") + tlv(2, b"\0")
    assert tlvs(raw) == {0x0999: b"unknown", 2: b"\1", 3: b""}
    assert tlvs(b"\0\0\0" + raw + b"\0\x09\0\x05abc", 3) == tlvs(raw)
    assert tlvs(raw, len(raw) + 8) == {}


@given(st.binary(max_size=60), st.integers(0, 80))
def test_optional_parameters_of_any_bytes(raw: bytes, at: int) -> None:
    """No bytes make the reader fail or invent bytes."""
    assert sum(4 + len(value) for value in tlvs(raw, at).values()) <= max(0, len(raw) - at)
