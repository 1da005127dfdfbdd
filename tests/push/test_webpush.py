"""Web Push without any I/O: encryption, tokens, requests, answers, pauses of hosts."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.times import US
from push.app.endpoints import EndpointRules
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.webpush import VapidKey, message
from push.app.webpush.answers import retry_after_s, verdict
from push.app.webpush.encryption import PAYLOAD_MAX, Undecipherable, decrypt, encrypt, padded_length
from push.app.webpush.hosts import Host, HostRules, Hosts
from push.app.webpush.subscription import (
    CURVE,
    SubscriptionFault,
    base64url,
    parse_subscription,
    read_keys,
    unbase64url,
)
from push.app.webpush.vapid import Authorizations, VapidFault, check_authorization
from tests.push import webpush_cases as cases

KEYS = read_keys(cases.UA_PUBLIC, cases.AUTH)
SALT = unbase64url(cases.SALT)
PRIVATE = cases.private_of(cases.AS_PRIVATE)
DEVICE = cases.private_of(cases.UA_PRIVATE)
AUTH = unbase64url(cases.AUTH)
NOW_S = 1_700_000_000


def test_the_rfcs_example_byte_for_byte() -> None:
    """RFC 8291 §5: the same keys and salt give the published body."""
    assert base64url(encrypt(KEYS, cases.PLAINTEXT, SALT, PRIVATE)) == cases.BODY


def test_the_rfcs_example_is_read() -> None:
    """The device's side opens the published body."""
    assert decrypt(DEVICE, AUTH, unbase64url(cases.BODY)) == cases.PLAINTEXT


@given(st.binary(max_size=PAYLOAD_MAX), st.integers(0, PAYLOAD_MAX))
def test_what_is_encrypted_is_read(payload: bytes, step: int) -> None:
    """Any payload, with any padding, comes back as it was, in at most 4096 bytes."""
    body = encrypt(KEYS, payload, SALT, PRIVATE, step)
    assert len(body) <= 4096
    assert decrypt(DEVICE, AUTH, body) == payload


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """What is no message is told as such."""
    with pytest.raises(Undecipherable):
        decrypt(DEVICE, AUTH, body)


@pytest.mark.parametrize("place", [0, 20, 30, 100, 143])
def test_a_spoilt_byte_is_noticed(place: int) -> None:
    """Each part of a body is guarded."""
    body = bytearray(unbase64url(cases.BODY))
    body[place] ^= 1
    with pytest.raises(Undecipherable):
        decrypt(DEVICE, AUTH, bytes(body))


def test_padding_hides_lengths() -> None:
    """All alerts up to a step are of one length, and the largest still fits."""
    lengths = {len(encrypt(KEYS, bytes(size), SALT, PRIVATE, 1024)) for size in (0, 1, 300, 1024)}
    assert len(lengths) == 1
    assert [padded_length(size, 1024) for size in (1025, 3992, 3993)] == [2048, 3993, 3993]
    assert padded_length(7, 0) == 7


def test_too_much_is_refused() -> None:
    """A payload that no service has to take, and a salt of another length, are faults of ours."""
    with pytest.raises(ValueError, match="payload"):
        encrypt(KEYS, bytes(PAYLOAD_MAX + 1), SALT, PRIVATE)
    with pytest.raises(ValueError, match="salt"):
        encrypt(KEYS, b"", SALT[:-1], PRIVATE)


# Subscriptions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pad", ["", "="])
def test_subscriptions_with_and_without_padding(pad: str) -> None:
    """Both forms of base64url are read, also of the usual alphabet."""
    told = {"p256dh": cases.UA_PUBLIC.replace("-", "+").replace("_", "/") + pad, "auth": cases.AUTH + pad * 2}
    token = msgspec.json.encode({"endpoint": "https://push.example.net/a", "keys": told}).decode()
    read = parse_subscription(token, EndpointRules())
    assert read.keys is not None
    assert (read.keys.point, read.keys.auth) == (KEYS.point, KEYS.auth)


@pytest.mark.parametrize(
    ("point", "auth", "code"),
    [
        (cases.UA_PUBLIC[:-4], cases.AUTH, "p256dh"),
        (base64url(b"\4" + bytes(64)), cases.AUTH, "p256dh"),
        (base64url(b"\2" + bytes(64)), cases.AUTH, "p256dh"),
        (cases.UA_PUBLIC, base64url(bytes(15)), "auth"),
        (cases.UA_PUBLIC, "中文", "base64"),
        ("a", cases.AUTH, "base64"),
    ],
)
def test_what_is_no_key(point: str, auth: str, code: str) -> None:
    """A point off the curve, and other lengths and letters, are told apart."""
    with pytest.raises(SubscriptionFault) as told:
        read_keys(point, auth)
    assert told.value.code == code


@pytest.mark.parametrize(
    "token", ["", "{}", "[]", '{"endpoint":1}', '{"endpoint":"x","keys":{}}', "x" * 5000, "\ud800"]
)
def test_what_is_no_subscription(token: str) -> None:
    """Anything else raises one error, whatever it is."""
    with pytest.raises(SubscriptionFault):
        parse_subscription(token, EndpointRules())


# VAPID ---------------------------------------------------------------------------------------------------------------


def test_a_deterministic_token() -> None:
    """Header, claims and signature, letter by letter (RFC 6979 makes it repeatable)."""
    key = VapidKey(ec.derive_private_key(cases.RFC6979_KEY, CURVE), cases.CONTACT)
    assert key.token("https://push.example.net", 1_700_043_200) == cases.RFC6979_TOKEN


def test_the_rfcs_token_is_believed() -> None:
    """RFC 8292 §2.4: the published token holds for its origin and time."""
    header = f"vapid t={cases.RFC8292_TOKEN}, k={cases.RFC8292_KEY}"
    shown = check_authorization(header, "https://push.example.net", 1_453_500_000)
    assert base64url(shown.key) == cases.RFC8292_KEY
    assert shown.claims.sub == cases.CONTACT


@pytest.mark.parametrize(
    ("header", "origin", "now_s", "code"),
    [
        ("", "https://push.example.net", 1_453_500_000, "header"),
        (f"WebPush {cases.RFC8292_TOKEN}", "https://push.example.net", 1_453_500_000, "header"),
        (f"vapid t={cases.RFC8292_TOKEN}", "https://push.example.net", 1_453_500_000, "header"),
        (
            f"vapid t={cases.RFC8292_TOKEN}, k={cases.RFC8292_KEY}",
            "https://other.example",
            1_453_500_000,
            "aud",
        ),
        (
            f"vapid t={cases.RFC8292_TOKEN}, k={cases.RFC8292_KEY}",
            "https://push.example.net",
            1_453_600_000,
            "exp",
        ),
        (
            f"vapid t={cases.RFC8292_TOKEN}, k={cases.RFC8292_KEY}",
            "https://push.example.net",
            1_453_400_000,
            "exp",
        ),
        (
            f"vapid t={cases.RFC8292_TOKEN}, k={cases.UA_PUBLIC}",
            "https://push.example.net",
            1_453_500_000,
            "signature",
        ),
        (f"vapid t=a.b.c, k={cases.RFC8292_KEY}", "https://push.example.net", 1_453_500_000, "token"),
        (f"vapid t={cases.RFC8292_TOKEN}, k=AAAA", "https://push.example.net", 1_453_500_000, "p256dh"),
    ],
)
def test_what_is_not_believed(header: str, origin: str, now_s: int, code: str) -> None:
    """Another origin, time or key, and what is no token, are each told in one word."""
    with pytest.raises(VapidFault) as told:
        check_authorization(header, origin, now_s)
    assert told.value.code == code


def test_a_token_is_kept_until_half_of_its_life() -> None:
    """One signature per origin; renewed at half life, after a refusal, and when the clock was set back."""
    kept = Authorizations(cases.vapid_key(), 1000)
    first = kept.header("https://a.example", NOW_S)
    assert kept.header("https://a.example", NOW_S + 499) == first
    assert kept.header("https://b.example", NOW_S) != first
    assert kept.header("https://a.example", NOW_S + 500) != first
    kept.refused("https://a.example")
    assert kept.header("https://a.example", NOW_S + 600) != first
    assert kept.header("https://a.example", NOW_S - 86_400) != kept.header("https://a.example", NOW_S + 600)
    check_authorization(kept.header("https://a.example", NOW_S), "https://a.example", NOW_S)


@pytest.mark.parametrize(
    "contact", ["", "push@example.com", "mailto:root", "mailto:a@localhost", "http://a.example"]
)
def test_a_contact_that_services_refuse(contact: str) -> None:
    """The contact is checked at the start, not by the first 403."""
    with pytest.raises(ValueError, match="contact"):
        VapidKey(ec.generate_private_key(CURVE), contact)


# Requests ------------------------------------------------------------------------------------------------------------


def test_headers_of_an_alert() -> None:
    """TTL, urgency, topic and types as the services want them."""
    told = message.headers(
        cases.alert("", urgent=True, tag="document:1", ttl_s=99_999_999), b"s", "vapid t=1, k=2"
    )
    topic = told.pop("Topic")
    assert told == {
        "TTL": "2419200",
        "Urgency": "high",
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "aes128gcm",
        "Authorization": "vapid t=1, k=2",
    }
    assert len(topic) == 32
    assert topic.isalnum()
    assert topic == message.topic("document:1", b"s") != message.topic("document:1", b"other")
    assert message.urgency(cases.alert("", silent=True)) == "low"
    assert "Topic" not in message.headers(cases.alert(""), b"s", "")


@given(st.text(max_size=3000), st.text(max_size=3000), st.sampled_from([200, 1024, PAYLOAD_MAX]))
def test_a_payload_is_shortened_to_fit(title: str, body: str, most: int) -> None:
    """Whatever is said, it is JSON of at most so many bytes; what fits is not touched."""
    push = cases.alert("", title=title.replace("\ud800", ""), body=body)
    written = message.payload(push, most)
    assert len(written) <= most
    read = msgspec.json.decode(written)
    assert read["id"] == "1"
    if "body" in read and not read["body"].endswith("…"):
        assert (read["title"], read["body"]) == (push.title, push.body)


def test_an_address_longer_than_a_message() -> None:
    """What cannot be shortened is a fault of ours."""
    with pytest.raises(ValueError, match="without title and body"):
        message.payload(cases.alert("", url="/" + "x" * 300), 200)


# Answers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (201, {"location": "https://a.example/m/1"}, Accepted(receipt="https://a.example/m/1")),
        (202, {}, Accepted()),
        (200, {}, Accepted()),
        (204, {}, Accepted()),
        (302, {"location": "http://127.0.0.1/"}, Refused(code="http_302")),
        (400, {}, Refused(code="http_400")),
        (401, {}, Refused(code="http_401", alarm=True)),
        (403, {}, Refused(code="http_403", alarm=True)),
        (404, {}, Refused(code="http_404", gone=True)),
        (410, {}, Refused(code="http_410", gone=True)),
        (413, {}, Refused(code="http_413")),
        (429, {"retry-after": "17"}, Deferred(code="flow:http_429", after_s=17)),
        (
            503,
            {"retry-after": "Tue, 14 Nov 2023 22:15:20 GMT"},
            Deferred(code="server:http_503", after_s=120),
        ),
        (503, {"retry-after": "Tue, 14 Nov 2023 22:10:20 GMT"}, Deferred(code="server:http_503")),
        (500, {}, Deferred(code="server:http_500")),
    ],
)
def test_what_each_status_means(status: int, headers: dict[str, str], outcome: Outcome) -> None:
    """The table of the sheet; only 404 and 410 end a subscription."""
    assert verdict(status, headers, NOW_S) == outcome


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "²", "Tue, 99 Nov 2023 22:15:20 GMT"])
def test_what_is_no_retry_after(text: str) -> None:
    """Nonsense leaves the pause to our own backoff."""
    assert retry_after_s(text, NOW_S) is None


def test_a_retry_after_of_years_is_a_day() -> None:
    """Nobody makes us wait for ever."""
    assert retry_after_s("9" * 40, NOW_S) == 86_400


# Hosts ---------------------------------------------------------------------------------------------------------------


def told(host: Host, *outcomes: Outcome, now: int = US) -> None:
    """Outcomes one after the other."""
    for outcome in outcomes:
        host.began(now)
        host.ended(outcome, now)


def test_a_host_that_fails_is_left_alone_and_tried_again() -> None:
    """Five failures open the circuit; after its pause one request tries, and a success closes it."""
    host = Host(HostRules())
    told(host, *[Deferred(code="server:http_500")] * 4)
    assert host.wait_us(US) == 0
    told(host, InDoubt(why="timeout"))
    assert host.wait_us(US) == 5 * US
    later = 7 * US
    assert host.wait_us(later) == 0
    host.began(later)
    assert host.wait_us(later) > 0
    host.ended(Accepted(), later)
    assert host.wait_us(later) == 0


def test_a_refused_subscription_is_no_fault_of_its_host() -> None:
    """Dead and unbelieved subscriptions, however many, close nothing."""
    host = Host(HostRules())
    told(host, *[Refused(code="http_410", gone=True), Refused(code="http_403", alarm=True)] * 20)
    assert host.wait_us(US) == 0


def test_many_endpoints_that_are_too_fast_pause_their_host() -> None:
    """One 429 is the endpoint's; eight without a success between are the host's, as long as it says."""
    host = Host(HostRules())
    throttled: Outcome = Deferred(code="flow:http_429", after_s=17)
    told(host, *[throttled] * 7, Accepted(), *[throttled] * 7)
    assert host.wait_us(US) == 0
    told(host, throttled)
    assert host.wait_us(US) == 17 * US


def test_a_server_that_says_when_is_believed_up_to_five_minutes() -> None:
    """503 with Retry-After is the whole host's word."""
    host = Host(HostRules())
    told(host, Deferred(code="server:http_503", after_s=9_999))
    assert host.wait_us(US) == 300 * US


def test_hosts_are_bounded_and_busy_ones_stay() -> None:
    """Who names ten thousand hosts gains nothing; one with requests under way is not forgotten."""
    hosts = Hosts(HostRules(hosts_max=2))
    first = hosts.of("https://a.example")
    first.began(US)
    for name in "bcd":
        hosts.of(f"https://{name}.example")
    assert len(hosts) == 2
    assert hosts.of("https://a.example") is first


def test_a_cancelled_trial_leaves_the_door_open() -> None:
    """A request that was given up says nothing, and the next one may try."""
    host = Host(HostRules())
    told(host, *[InDoubt(why="timeout")] * 5)
    host.began(9 * US)
    host.gave_up(9 * US)
    assert host.wait_us(9 * US) == 0


def test_pushes_are_what_they_were() -> None:
    """An alert without extras is told without them."""
    assert (
        message.payload(Push(id="1", token="", title="t", body="b"), 100)
        == b'{"id":"1","title":"t","body":"b"}'
    )
