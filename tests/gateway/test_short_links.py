"""The token of a short link: made by us alone, bound to order, person, document and hour, and as long as announced."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.rules.short_links import (
    HOUR_US,
    LENGTH,
    PLACEHOLDER,
    LinkTo,
    genuine,
    link_key,
    placeholder,
    read_token,
    token_of,
    with_link,
)
from inbox_store.times import parse_iso
from push.sms.text import count, normalise

KEY = link_key(b"k" * 32)
BASE = "https://oa.yunshui.gov.example"
NOON = parse_iso("2026-06-01T12:00:00+08:00")
TO = LinkTo(person_id=7, document_id=9)

orders = st.integers(1, (1 << 36) - 1)
times = st.integers(1, (1 << 20) * HOUR_US - HOUR_US)
ids = st.integers(1, (1 << 62) - 1)
letters = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


@given(orders, times, ids, ids)
def test_what_is_made_is_read(order: int, at: int, person: int, document: int) -> None:
    """Every token has the same length, says its order and the end of its hour, and is genuine for whom it was made."""
    to = LinkTo(person_id=person, document_id=document)
    text = token_of(order, at, KEY, to=to)
    token = read_token(text)
    assert token is not None
    assert (len(text), text.isalnum(), text.isascii()) == (LENGTH, True, True)
    assert token.order_id == order
    assert at <= token.expires_at < at + HOUR_US
    assert genuine(token, KEY, to)


@given(st.data(), orders, times)
def test_any_changed_character_is_refused(data: st.DataObject, order: int, at: int) -> None:
    """Whatever character stands in whatever place instead, the token is none, or not genuine."""
    text = token_of(order, at, KEY, to=TO)
    place = data.draw(st.integers(0, LENGTH - 1))
    other = data.draw(letters | st.characters())
    assume(other != text[place])
    token = read_token(text[:place] + other + text[place + 1 :])
    assert token is None or not genuine(token, KEY, TO)


@given(st.text(letters, min_size=LENGTH, max_size=LENGTH) | st.text())
def test_no_guess_opens(text: str) -> None:
    """What nobody made is none, or not genuine."""
    token = read_token(text)
    assert token is None or not genuine(token, KEY, TO)


@pytest.mark.parametrize("to", [LinkTo(person_id=8, document_id=9), LinkTo(person_id=7, document_id=10)])
def test_a_link_is_of_one_person_and_one_document(to: LinkTo) -> None:
    """An order's number given again to somebody else, after a restored backup, opens nothing with the old link."""
    token = read_token(token_of(1, NOON, KEY, to=TO))
    assert token is not None
    assert not genuine(token, KEY, to)
    assert not genuine(token, link_key(b"j" * 32), TO)
    assert not genuine(token, b"k" * 32, TO)


def test_what_fits_no_token_is_said() -> None:
    """An order or an hour beyond their places raises rather than become another's."""
    for order, at in ((0, NOON), (1 << 36, NOON), (1, 0), (1, (1 << 20) * HOUR_US)):
        with pytest.raises(ValueError, match="no short link"):
            token_of(order, at, KEY, to=TO)


def test_the_placeholder_is_no_link() -> None:
    """What stands for the token opens nothing, should it ever leave."""
    token = read_token(PLACEHOLDER)
    assert token is None or not genuine(token, KEY, TO)


@given(orders, times)
def test_the_length_is_known_before(order: int, at: int) -> None:
    """The text with its link has the length and the segments of the text with the placeholder."""
    text = normalise(f"【云水政务】您有1份特急公文待签收，请点开办理：{placeholder(BASE)} 。")
    linked = with_link(text, order, at, KEY, BASE, to=TO)
    assert PLACEHOLDER not in linked
    assert f"{BASE}/s/{token_of(order, at, KEY, to=TO)}" in linked
    assert (len(linked), count(linked), normalise(linked)) == (len(text), count(text), linked)


def test_an_address_that_changed_meanwhile() -> None:
    """The link keeps the address that was counted; a text without placeholder stays as it is."""
    text = f"办理：{placeholder(BASE)}"
    linked = with_link(text, 1, NOON, KEY, "https://a.example", to=TO)
    assert linked == f"办理：{BASE}/s/{token_of(1, NOON, KEY, to=TO)}"
    assert with_link("没有链接", 1, NOON, KEY, BASE, to=TO) == "没有链接"
