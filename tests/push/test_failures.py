"""Which failed reports say that a number cannot be reached for good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.sms.failures import CODES, WORDS, permanent
from push.sms.fields import report_state

PROTOCOLS = ("cmpp2", "cmpp3", "sgip", "smgp", "smpp", "http")


@pytest.mark.parametrize(
    ("protocol", "stat", "error"),
    [
        ("cmpp3", "MK:0001", ""),
        ("cmpp3", "mk:0001", ""),
        ("cmpp3", "MK0001", ""),
        ("cmpp3", "MK00001", ""),
        ("cmpp3", "MB:1043", ""),
        ("cmpp3", "DB:0101", ""),
        ("smpp", "MK:0001", "000"),  # an aggregator hands on China Mobile's word
        ("http", "ID:0100", ""),
        ("sgip", "2", "1"),
        ("sgip", "2", "001"),
        ("sgip", "2", "5"),
        ("smgp", "UNDELIV", "640"),
    ],
)
def test_no_such_number(protocol: str, stat: str, error: str) -> None:
    """Unknown, invalid and stopped numbers are told by each carrier's own word or code."""
    assert permanent(protocol, stat, error)


@pytest.mark.parametrize(
    ("protocol", "stat", "error"),
    [
        ("cmpp3", "UNDELIV", ""),
        ("cmpp3", "EXPIRED", ""),
        ("cmpp3", "REJECTD", ""),
        ("cmpp3", "DELIVRD", ""),
        ("cmpp3", "MA:0001", ""),
        ("cmpp3", "MK:0000", ""),
        ("cmpp3", "MK:0012", ""),
        ("cmpp3", "MK:0024", ""),  # switched off
        ("cmpp3", "MN:0001", ""),
        ("cmpp3", "MK:1000", ""),
        ("cmpp3", "MK:00010", ""),
        ("cmpp3", "2", "1"),
        ("sgip", "0", ""),
        ("sgip", "1", "1"),  # waiting
        ("sgip", "2", ""),
        ("sgip", "2", "0"),
        ("sgip", "2", "12"),
        ("sgip", "2", "25"),
        ("sgip", "2", "29"),
        ("smgp", "EXPIRED", "640"),
        ("smgp", "UNDELIV", "001"),
        ("smgp", "UNDELIV", "601"),
        ("smpp", "UNDELIV", "001"),
        ("smpp", "UNDELIV", "640"),
        ("", "", ""),
    ],
)
def test_in_doubt_a_number_is_good(protocol: str, stat: str, error: str) -> None:
    """Off, full, blacklisted, screened, refused, and whatever sources read in two ways, is no fault of the number."""
    assert not permanent(protocol, stat, error)


def test_the_tables_can_come() -> None:
    """Every row has the form in which a report brings it, and none of a word that is no failure."""
    assert {len(word) for word in WORDS} == {7}
    assert all(permanent(protocol, word) for protocol in PROTOCOLS for word in WORDS)
    assert {protocol for protocol, _ in CODES} <= set(PROTOCOLS)
    assert all(code == code.lstrip("0") != "" for codes in CODES.values() for code in codes)


@given(st.sampled_from(PROTOCOLS), st.text(max_size=8), st.text(max_size=4))
def test_whatever_a_report_says(protocol: str, stat: str, error: str) -> None:
    """Any text gets an answer, and nothing that was delivered or still waits is permanent."""
    said = permanent(protocol, stat, error)
    assert not (said and protocol != "sgip" and report_state(stat.strip()) != "failed")
