"""Where a call comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doors.origin import UNKNOWN, is_loopback, networks, origin_of

TRUSTED = networks(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.2", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.2", ["1.1.1.1", "198.51.100.1, 10.0.0.3"], "198.51.100.1"),
        ("10.0.0.2", ["nonsense"], "10.0.0.2"),
        ("10.0.0.2", ["1.1.1.1, nonsense, 10.0.0.3"], "10.0.0.3"),
        ("10.0.0.2", ["10.0.0.3"], "10.0.0.3"),
        ("::ffff:10.0.0.2", ["2001:db8::1"], "2001:db8::1"),
        ("fd00::1%eth0", ["198.51.100.1"], "198.51.100.1"),
        ("", ["198.51.100.1"], UNKNOWN),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: list[str], origin: str) -> None:
    """The nearest address that no trusted proxy has is the caller's."""
    assert origin_of(peer, forwarded, TRUSTED) == origin


@given(st.text(max_size=30), st.lists(st.text(max_size=60), max_size=4))
def test_any_header_gives_an_origin(peer: str, forwarded: list[str]) -> None:
    """Junk in the header is never a fault."""
    assert origin_of(peer, forwarded, TRUSTED)


@given(st.lists(st.ip_addresses().map(str), max_size=5))
def test_a_stranger_cannot_choose_the_origin(forwarded: list[str]) -> None:
    """Without a trusted peer the header changes nothing."""
    assert origin_of("203.0.113.9", forwarded, TRUSTED) == "203.0.113.9"


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback(text: str, *, loopback: bool) -> None:
    """Loopback is the machine itself and nothing else."""
    assert is_loopback(text) is loopback
