"""The signature of the sample scheme, and what a signed callback says."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.sms.carrier import Reply, Report
from push.sms.sample_http import NotSigned
from push.sms.sample_http.bodies import read_callback
from push.sms.sample_http.signing import SKEW_S, Nonces, Purpose, signed_headers, verify
from tests.push.simulator_world import ACCOUNTS

ACCOUNT, SECRET = "900001", ACCOUNTS["900001"]
NOW = 1_770_000_000 * US
NONCE = "n" * 24
BODY = b'{"events":[]}'


# The signature ------------------------------------------------------------------------------------------------------


def headers(
    body: bytes = BODY, *, now: int = NOW, nonce: str = NONCE, secret: str = SECRET
) -> dict[str, str]:
    """Signed as a callback."""
    return signed_headers(ACCOUNT, secret, "callback", body, now=now, nonce=nonce)


def check(
    told: dict[str, str],
    body: bytes = BODY,
    *,
    now: int = NOW,
    nonces: Nonces | None = None,
    purpose: Purpose = "callback",
) -> None:
    """Verify as our side does."""
    seen = Nonces(NOW - 3_600 * US) if nonces is None else nonces
    verify(told, body, account=ACCOUNT, secret=SECRET, purpose=purpose, now=now, nonces=seen)


@given(st.data())
def test_a_changed_character_is_refused(data: st.DataObject) -> None:
    """Whatever is changed in a header or in the body, the signature fits no more."""
    told = {**headers(), "body": BODY.decode()}
    name = data.draw(st.sampled_from(sorted(told)))
    place = data.draw(st.integers(0, len(told[name]) - 1))
    other = data.draw(
        st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != told[name][place])
    )
    told[name] = told[name][:place] + other + told[name][place + 1 :]
    with pytest.raises(NotSigned):
        check({**told}, told["body"].encode())


def test_what_is_signed_is_taken_once() -> None:
    """The nonce is good for one time, within five minutes; after ten it is forgotten, when its timestamp is too old."""
    nonces = Nonces(NOW - 3_600 * US)
    check(headers(), nonces=nonces)
    with pytest.raises(NotSigned, match="used before"):
        check(headers(), nonces=nonces)
    check(
        headers(nonce="m" * 24, now=NOW + 2 * SKEW_S * US + 2 * US),
        now=NOW + 2 * SKEW_S * US + 2 * US,
        nonces=nonces,
    )
    assert len(nonces) == 1
    with pytest.raises(NotSigned, match="five minutes"):
        check(headers(), now=NOW + 2 * SKEW_S * US + 2 * US, nonces=nonces)


@pytest.mark.parametrize("apart", [-SKEW_S - 1, SKEW_S + 1])
def test_clocks_may_be_five_minutes_apart(apart: int) -> None:
    """Five minutes either way and no more."""
    check(headers(now=NOW + (apart - (1 if apart > 0 else -1)) * US))
    with pytest.raises(NotSigned, match="five minutes"):
        check(headers(now=NOW + apart * US))


def test_nothing_from_before_the_start_is_taken() -> None:
    """Nonces are forgotten with the process, so that what was signed before it is to come again, signed anew."""
    check(headers(), nonces=Nonces(NOW))
    with pytest.raises(NotSigned, match="began"):
        check(headers(), now=NOW + US, nonces=Nonces(NOW + US))


def test_nonces_are_bounded_and_none_is_forgotten_early() -> None:
    """When there are too many within the time, more are refused rather than an old one let in again."""
    nonces = Nonces(NOW, size_max=1)
    check(headers(), nonces=nonces)
    with pytest.raises(NotSigned, match="too many"):
        check(headers(nonce="m" * 24), nonces=nonces)


def test_what_we_signed_cannot_be_sent_back() -> None:
    """A submit of ours, reflected, is no callback; another account's secret is none either; no headers are none."""
    ours = signed_headers(ACCOUNT, SECRET, "submit", BODY, now=NOW, nonce=NONCE)
    for told in (ours, headers(secret="other"), {}):
        with pytest.raises(NotSigned):
            check(told)


# Reading callbacks --------------------------------------------------------------------------------------------------


def test_a_callback_is_read() -> None:
    """Reports of a segment, of a whole message, on the way and failed; replies without 86; what is neither is kept raw."""
    events = [
        {"type": "report", "id": "a", "to": "+8613800138000", "stat": "DELIVRD", "done_at": 1_770_000_000},
        {"type": "report", "id": "b", "to": "13800138000", "stat": "MK:0001", "segments": 2, "error": "29"},
        {"type": "report", "id": "b", "to": "13800138000", "stat": "ACCEPTD", "segments": 2, "segment": 2},
        {"type": "reply", "sender": "8613800138000", "source": "1065733301", "text": "2 张伟"},
        {"type": "balance", "left": 3},
    ]
    told = read_callback(msgspec.json.encode({"events": events, "batch": 7}))
    reports = [one.what for one in told if isinstance(one.what, Report)]
    assert [(one.message_id, one.state, one.error, one.to) for one in reports] == [
        ("a", "delivered", "", "13800138000"),
        ("b/1", "failed", "29", "13800138000"),
        ("b/2", "failed", "29", "13800138000"),
        ("b/2", "waiting", "", "13800138000"),
    ]
    assert reports[0].done_at == 1_770_000_000 * US
    (reply,) = [one.what for one in told if isinstance(one.what, Reply)]
    assert (reply.sender, reply.source, reply.content.decode("utf-16-be")) == (
        "13800138000",
        "1065733301",
        "2 张伟",
    )
    assert [one.raw for one in told if one.what is None] == [b'{"type":"balance","left":3}']


@given(st.binary() | st.text().map(str.encode) | st.just(b"[" * 5_000))
def test_any_bytes_are_a_callback_or_a_value_error(body: bytes) -> None:
    """Nothing else is ever raised."""
    try:
        assert read_callback(body)
    except ValueError:
        return
