"""Apple's words: the sheet's vector, headers, payloads of any size, the provider token's life, a verdict for every reason."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.app.apns.account import ApnsAccount
from push.app.apns.bodies import IDS, PAYLOAD_MAX, apns_id, collapse_id, is_token, payload, request
from push.app.apns.provider_token import ProviderTokens
from push.app.apns.results import Step, verdict_of
from push.app.calls import Answer
from push.app.cutting import ELLIPSIS, fitted, whole
from push.app.jose import es256, p256_key, rsa_key
from push.app.sender import Accepted, Deferred, Outcome, Refused
from push.sms.carrier import Verdict
from tests.push.http2_world import KEY_ID, TEAM, apns_account, ec_pems, push, rsa_pems

NOW: Final = 1_700_000_000 * US
MINUTE: Final = 60 * US
SCALAR: Final = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
VECTOR: Final = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IkFCQzEyM0RFRkcifQ.eyJpc3MiOiJERUYxMjNHSElKIiwiaWF0IjoxNzAwMDAwMDAwfQ."
    "2UY659mmI-kanULhIhaMxVcDTuhgEKDVmwBbnsFzr682dQD2KtgLureLuXr5iR8ZNdjyMvuVEgiueFbGDam53A"
)
PUBLIC: Final = "BGD-1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p-2eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk"


def vector_key() -> ec.EllipticCurvePrivateKey:
    """The key of the sheet (RFC 6979 A.2.5)."""
    return ec.derive_private_key(SCALAR, ec.SECP256R1())


def tokens() -> ProviderTokens:
    """Of the sheet's key."""
    return ProviderTokens(vector_key(), KEY_ID, TEAM)


def test_the_token_of_the_sheet_is_made() -> None:
    """Header and claims byte for byte; both signatures hold with the sheet's public key (apns §3)."""
    token = es256(vector_key(), {"alg": "ES256", "kid": KEY_ID}, {"iss": TEAM, "iat": 1_700_000_000})
    assert token.rpartition(".")[0] == VECTOR.rpartition(".")[0]
    point = base64.urlsafe_b64decode(PUBLIC + "=")
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    for one in (token, VECTOR):
        told = jwt.decode(one, public, algorithms=["ES256"], options={"verify_iat": False})
        assert told == {"iss": TEAM, "iat": 1_700_000_000}


def test_the_token_is_made_anew_in_time_and_not_more_often() -> None:
    """One token for 50 minutes, whoever asks how often; then another."""
    held = tokens()
    first = held.value(NOW)
    assert {held.value(NOW + minute * MINUTE) for minute in range(50)} == {first}
    second = held.value(NOW + 50 * MINUTE)
    assert second != first
    assert jwt.decode(second, options={"verify_signature": False})["iat"] == 1_700_000_000 + 3_000


def test_a_clock_that_jumps_brings_a_token_of_its_time() -> None:
    """Forty days ahead, or an hour back: Apple compares iat with its own clock. A small step back changes nothing."""
    held = tokens()
    first = held.value(NOW)
    assert held.value(NOW - 10 * MINUTE) == first
    assert held.value(NOW - 60 * MINUTE) != first
    assert held.value(NOW + 40 * 24 * 60 * MINUTE) != first


def test_an_expired_token_is_replaced_once_for_all_who_met_it() -> None:
    """The first tidings sign a new one; those of the others find it there. A young token is not signed again."""
    held = tokens()
    first = held.value(NOW)
    assert not held.expired(first, NOW + 10 * MINUTE)
    assert held.expired(first, NOW + 30 * MINUTE)
    second = held.value(NOW + 30 * MINUTE)
    assert second != first
    assert held.expired(first, NOW + 30 * MINUTE)
    assert held.value(NOW + 30 * MINUTE) == second
    assert not held.expired(second, NOW + 31 * MINUTE)


def test_signing_too_often_goes_back_to_the_last_token() -> None:
    """TooManyProviderTokenUpdates: the last token is used again, and nothing is signed for 20 minutes."""
    held = tokens()
    first = held.value(NOW)
    assert not held.too_many(first, NOW)
    later = NOW + 61 * MINUTE
    second = held.value(later)
    assert held.too_many(second, later)
    assert held.value(later) == first
    assert held.too_many(second, later)
    assert not held.expired(first, later + 10 * MINUTE)
    assert held.value(later + 19 * MINUTE) == first


def headers(**changes: object) -> dict[str, str]:
    """Of a request at ``NOW``."""
    made = request(apns_account(), push(**changes), b"{}", "j.w.t", NOW)
    assert [name for name, _ in made.headers[:4]] == [b":method", b":scheme", b":authority", b":path"]
    return {name.decode(): value.decode() for name, value in made.headers}


def test_the_headers_say_what_the_sheet_says() -> None:
    """Path, topic, type, priority, expiration, id (apns §1, §2)."""
    told = headers(token="00FC13AD", ttl_s=3_600, urgent=True)
    assert told[":path"] == "/3/device/00fc13ad"
    assert told["authorization"] == "bearer j.w.t"
    assert told["apns-topic"] == "cn.example.songda"
    assert (told["apns-push-type"], told["apns-priority"]) == ("alert", "10")
    assert told["apns-expiration"] == str(1_700_003_600)
    assert "apns-collapse-id" not in told
    assert headers()["apns-priority"] == "5"


@pytest.mark.parametrize(
    ("ttl_s", "told"), [(0, "0"), (-5, "0"), (90 * 86_400, str(1_700_000_000 + 30 * 86_400))]
)
def test_what_is_stored_ends_within_a_month(ttl_s: int, told: str) -> None:
    """0 tries once; longer than 30 days is not stored (apns §2)."""
    assert headers(ttl_s=ttl_s)["apns-expiration"] == told


def test_an_id_is_the_same_for_the_same_push() -> None:
    """A canonical UUIDv5, as the standard library makes it."""
    assert apns_id("push-1") == str(uuid.uuid5(uuid.UUID(bytes=IDS), "push-1"))
    assert apns_id("push-1") != apns_id("push-2")


@pytest.mark.parametrize("tag", ["inbox", "x" * 64, "x" * 65, "公文", "a b", "a\r\nb", "\ud800"])
def test_a_collapse_id_is_at_most_64_printable_bytes(tag: str) -> None:
    """What fits is used as it is, anything else gets a name that does; no two tags share one."""
    told = collapse_id(tag)
    assert len(told) <= 64
    assert told.isascii()
    assert told.isprintable()
    assert " " not in told
    assert (told == tag) == (tag in ("inbox", "x" * 64))


@pytest.mark.parametrize(("token", "fits"), [("00fc", True), ("a" * 200, True), ("", False), ("abc", False), ("../x", False), ("zz", False)])  # fmt: skip
def test_a_token_is_hexadecimal_of_any_length(token: str, fits: bool) -> None:  # noqa: FBT001 - the expectation
    """Its length is not ours to say (apns §1); anything else could not stand in a path."""
    assert is_token(token) is fits


def test_a_payload_tells_the_phone_what_to_do() -> None:
    """Alert, sound, badge, group, urgency, and what the app's extension needs for a receipt (apns §2, §4)."""
    told = json.loads(
        payload(apns_account(base_url="https://gw"), push(tag="t", badge=3, urgent=True)) or b""
    )
    assert told["aps"] == {
        "alert": {"title": "新公文", "body": "您有 3 件公文待签收"},
        "mutable-content": 1,
        "badge": 3,
        "sound": "default",
        "interruption-level": "time-sensitive",
        "thread-id": "t",
    }
    assert (told["id"], told["url"]) == ("push-0", "https://gw/inbox")
    quiet = json.loads(payload(apns_account(), push(silent=True, body="")) or b"")
    assert quiet["aps"] == {
        "alert": {"title": "新公文"},
        "mutable-content": 1,
        "interruption-level": "passive",
    }


@given(st.text(max_size=40), st.text(max_size=60), st.integers(0, 90), st.integers(300, PAYLOAD_MAX))
def test_a_payload_always_fits(title: str, body: str, times: int, most: int) -> None:
    """Any text, also with quotes and lone surrogates: at most so many bytes of JSON, the title whole where it can be."""
    encoded = payload(apns_account(), push(title=title, body=body * times), most)
    assert encoded is not None
    assert len(encoded) <= most
    alert = json.loads(encoded)["aps"]["alert"]
    if (cut := alert.get("body", "")).endswith(ELLIPSIS):
        sent = (body * times).encode("utf-8", "replace").decode()
        assert sent.startswith(cut.removesuffix(ELLIPSIS)) or sent == cut


def test_a_payload_is_cut_at_the_limit_and_not_before() -> None:
    """A long body loses no more than it must: within one character of 4,096 bytes."""
    encoded = payload(apns_account(), push(body="公" * 3_000))
    assert encoded is not None
    assert PAYLOAD_MAX - 3 < len(encoded) <= PAYLOAD_MAX
    assert payload(apns_account(), push(url="/" + "x" * 5_000)) is None


@pytest.mark.parametrize(
    ("text", "at", "kept"),
    [
        ("ab", 1, 1),
        ("e\u0301x", 1, 0),
        ("👨\u200d👩\u200d👧!", 3, 0),
        ("👍🏽!", 1, 0),
        ("🇨🇳🇨🇳", 1, 0),
        ("🇨🇳🇨🇳", 2, 2),
        ("🇨🇳🇨🇳", 3, 2),
    ],
)
def test_a_text_is_cut_where_a_reader_sees_an_end(text: str, at: int, kept: int) -> None:
    """Accents, joined emoji, skin tones and flags stay whole."""
    assert whole(text, at) == kept


def test_nothing_fits_where_not_even_nothing_does() -> None:
    """None, not a text that is too long; an empty one where only that fits."""
    assert fitted("abc", lambda _text: False) is None
    assert fitted("abc", lambda text: text == "") == ""


ALARM: Final = Refused(code="", alarm=True)
DEAD: Final = Refused(code="", gone=True)
TABLE: Final[list[tuple[int, str, Outcome, Verdict, Step]]] = [
    (200, "", Accepted(receipt="the-id"), "accepted", "told"),
    (410, "Unregistered", DEAD, "accepted", "told"),
    (410, "ExpiredToken", DEAD, "accepted", "told"),
    (410, "", Refused(code=""), "accepted", "told"),
    (400, "BadDeviceToken", DEAD, "failed", "told"),
    (400, "DeviceTokenNotForTopic", DEAD, "failed", "told"),
    (400, "TopicDisallowed", ALARM, "misconfigured", "told"),
    (400, "BadTopic", ALARM, "misconfigured", "told"),
    (400, "MissingTopic", ALARM, "misconfigured", "told"),
    (400, "InvalidPushType", ALARM, "misconfigured", "told"),
    (400, "BadPriority", ALARM, "failed", "told"),
    (400, "BadExpirationDate", ALARM, "failed", "told"),
    (400, "BadCollapseId", ALARM, "failed", "told"),
    (400, "BadMessageId", ALARM, "failed", "told"),
    (400, "DuplicateHeaders", ALARM, "failed", "told"),
    (400, "MissingDeviceToken", ALARM, "failed", "told"),
    (400, "PayloadEmpty", ALARM, "failed", "told"),
    (400, "", ALARM, "failed", "told"),
    (400, "IdleTimeout", Deferred(code="server:"), "throttled", "new_connection"),
    (403, "ExpiredProviderToken", ALARM, "misconfigured", "new_token"),
    (403, "InvalidProviderToken", ALARM, "misconfigured", "told"),
    (403, "MissingProviderToken", ALARM, "misconfigured", "told"),
    (403, "BadCertificate", ALARM, "misconfigured", "told"),
    (403, "BadCertificateEnvironment", ALARM, "misconfigured", "told"),
    (403, "Forbidden", ALARM, "misconfigured", "told"),
    (403, "SomeNewReason", ALARM, "misconfigured", "told"),
    (404, "BadPath", ALARM, "failed", "told"),
    (405, "MethodNotAllowed", ALARM, "failed", "told"),
    (413, "PayloadTooLarge", Refused(code=""), "failed", "shorten"),
    (429, "TooManyRequests", Deferred(code="flow:", after_s=300), "throttled", "told"),
    (429, "TooManyProviderTokenUpdates", Deferred(code="auth:"), "throttled", "last_token"),
    (500, "InternalServerError", Deferred(code="server:"), "retry", "told"),
    (503, "ServiceUnavailable", Deferred(code="server:"), "retry", "told"),
    (503, "Shutdown", Deferred(code="server:"), "retry", "new_connection"),
    (503, "", Deferred(code="server:"), "retry", "told"),
]


@pytest.mark.parametrize(
    ("status", "reason", "outcome", "weight", "step"), TABLE, ids=lambda one: str(one)[:24]
)
def test_every_reason_has_its_verdict(
    status: int, reason: str, outcome: Outcome, weight: Verdict, step: Step
) -> None:
    """The sheet's table of answers (apns §4), each also without a body; gone on the listed ones only."""
    body = json.dumps({"reason": reason}).encode() if reason else b""
    told = verdict_of(Answer(status=status, headers={"apns-id": "the-id"}, body=body), proven=True)
    word = reason or f"http_{status}"
    expected = outcome
    if isinstance(outcome, Refused):
        expected = Refused(code=word, gone=outcome.gone, alarm=outcome.alarm)
    elif isinstance(outcome, Deferred):
        expected = Deferred(code=outcome.code + word, after_s=outcome.after_s)
    assert told == (expected, weight, step)


def test_a_token_of_another_environment_is_not_dead_before_one_was_alive() -> None:
    """Sandbox and production mixed up make every device look dead: first an alarm, nothing is pruned (apns §4)."""
    for reason in ("BadDeviceToken", "DeviceTokenNotForTopic"):
        answer = Answer(status=400, body=json.dumps({"reason": reason}).encode())
        assert verdict_of(answer, proven=False).outcome == Refused(code=reason, alarm=True)


def test_retry_after_is_honoured() -> None:
    """503 and 429 with a time."""
    for status in (503, 429):
        told = verdict_of(Answer(status=status, headers={"retry-after": "17"}), proven=True).outcome
        assert isinstance(told, Deferred)
        assert told.after_s == 17


@given(st.integers(200, 599), st.binary(max_size=80))
def test_any_answer_has_a_verdict(status: int, body: bytes) -> None:
    """Strange bodies are no reason to fail; gone only with a listed reason."""
    told = verdict_of(Answer(status=status, body=body), proven=True).outcome
    assert isinstance(told, Accepted | Refused | Deferred)
    assert not (isinstance(told, Refused) and told.gone)


@pytest.mark.parametrize(
    ("field", "value"),
    [("team_id", "short"), ("key_id", "abc123defg"), ("topic", "公文"), ("topic", ""), ("key_pem", "no key"), ("host", "a b")],
)  # fmt: skip
def test_an_account_that_cannot_work_is_refused_at_once(field: str, value: str) -> None:
    """The fault names the field, and never shows a key."""
    with pytest.raises(ValueError, match=field.partition("_pem")[0]):
        apns_account(**{field: value})
    assert "PRIVATE" not in repr(apns_account())


def test_keys_of_the_wrong_kind_are_refused() -> None:
    """An RSA key is none for Apple, an elliptic one none for Google."""
    with pytest.raises(ValueError, match="P-256"):
        p256_key(rsa_pems()[0])
    with pytest.raises(ValueError, match="RSA"):
        rsa_key(ec_pems()[0])


def test_the_hosts_are_apples() -> None:
    """Production unless told otherwise; the port stands in the authority where it is another one."""
    told = ApnsAccount(team_id=TEAM, key_id=KEY_ID, key_pem=ec_pems()[0], topic="a.b")
    assert (told.server, told.authority) == ("api.push.apple.com", "api.push.apple.com")
    other = ApnsAccount(
        team_id=TEAM, key_id=KEY_ID, key_pem=ec_pems()[0], topic="a.b", environment="sandbox", port=2197
    )
    assert other.authority == "api.sandbox.push.apple.com:2197"
