"""The short link in a message: what it says, who it is for, until when; nobody can make or change one without the key.

    text = f"您有一份文件待签收，办理：{placeholder(base_url)}"                       # counted and kept with the alert
    with_link(text, order_id, expires_at, link_key(keys.codes), base_url, to=to)     # as each message leaves

A token is 23 letters and digits, always: 80 bits of HMAC-SHA256 over the order, the hour of its end, the person and the
document, and the order and the hour themselves. An order is one person's message of one alert, so that the link is
bound to both; they are in the digest as well, so that a link from before a restored backup, whose order number was
given again to somebody else, opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from inbox_store.nouns import Noun
from inbox_store.times import US

LENGTH: Final = 23
"""Characters of a token: 62**23 is just above 2**136."""
PATH: Final = "/s/"
PLACEHOLDER: Final = "0" * LENGTH
"""Stands in an alert's text for the token, so that the length is known before: order 0 in hour 0, which never is one."""

HOUR_US: Final = 3_600 * US

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_LETTERS)}
_DIGEST_BYTES: Final = 10
_ORDER_BITS: Final = 36
_HOUR_BITS: Final = 20
_PAYLOAD_BYTES: Final = (_ORDER_BITS + _HOUR_BITS) // 8
_LABEL: Final = b"songda short link 1"


class LinkTo(Noun, frozen=True, kw_only=True):
    """Whom a link is for, and what about."""

    person_id: int
    document_id: int


class Token(Noun, frozen=True, kw_only=True):
    """What a token says of itself: not to be believed before ``genuine``. ``expires_at``: UTC microseconds, a full hour."""

    order_id: int
    expires_at: int
    digest: bytes


def link_key(codes: bytes) -> bytes:
    """The key of links, derived from the key of activation codes: one of the two is no help with the other."""
    return hmac.digest(codes, _LABEL, hashlib.sha256)


def placeholder(base_url: str) -> str:
    """What stands for a whole link in an alert's text; exactly as long as the link will be."""
    return f"{base_url}{PATH}{PLACEHOLDER}"


def with_link(text: str, order_id: int, expires_at: int, key: bytes, base_url: str, *, to: LinkTo) -> str:
    """The text with the order's own link where the placeholder stands; as long as before.

    ``base_url`` is the address people see, without a slash at the end; where it was another when the text was made, the
    link keeps the one of the text, whose length has been counted. Raises ValueError as ``token_of`` does.
    """
    token = token_of(order_id, expires_at, key, to=to)
    linked = text.replace(placeholder(base_url), f"{base_url}{PATH}{token}")
    return linked.replace(f"{PATH}{PLACEHOLDER}", f"{PATH}{token}")


def token_of(order_id: int, expires_at: int, key: bytes, *, to: LinkTo) -> str:
    """The token of an order; it ends with the hour in which ``expires_at`` (UTC microseconds) lies.

    Raises ValueError for an order or a time that its places cannot hold (2**36 orders, the year 2089).
    """
    hour = -(-expires_at // HOUR_US)
    if not (0 < order_id < 1 << _ORDER_BITS and 0 < hour < 1 << _HOUR_BITS):
        raise ValueError(f"order {order_id} until {expires_at} fits no short link")
    payload = (order_id << _HOUR_BITS | hour).to_bytes(_PAYLOAD_BYTES, "big")
    return _written(_digest(key, payload, to) + payload)


def read_token(text: str) -> Token | None:
    """What a token says; None for what can be none. Every token is written in one way only."""
    if len(text) != LENGTH or not all(letter in _VALUES for letter in text):
        return None
    number = 0
    for letter in text:
        number = number * 62 + _VALUES[letter]
    if number >> 8 * (_DIGEST_BYTES + _PAYLOAD_BYTES):
        return None
    raw = number.to_bytes(_DIGEST_BYTES + _PAYLOAD_BYTES, "big")
    payload = int.from_bytes(raw[_DIGEST_BYTES:], "big")
    hour = payload & (1 << _HOUR_BITS) - 1
    return Token(order_id=payload >> _HOUR_BITS, expires_at=hour * HOUR_US, digest=raw[:_DIGEST_BYTES])


def genuine(token: Token, key: bytes, to: LinkTo) -> bool:
    """Whether this house made the token, for this person and document; compared in constant time."""
    payload = (token.order_id << _HOUR_BITS | token.expires_at // HOUR_US).to_bytes(_PAYLOAD_BYTES, "big")
    return hmac.compare_digest(token.digest, _digest(key, payload, to))


def _digest(key: bytes, payload: bytes, to: LinkTo) -> bytes:
    told = payload + to.person_id.to_bytes(8, "big") + to.document_id.to_bytes(8, "big")
    return hmac.digest(key, told, hashlib.sha256)[:_DIGEST_BYTES]


def _written(raw: bytes) -> str:
    number, letters = int.from_bytes(raw, "big"), []
    for _ in range(LENGTH):
        number, value = divmod(number, 62)
        letters.append(_LETTERS[value])
    return "".join(reversed(letters))
