"""Access tokens and tickets: what holds, and every forgery that must not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.token_keys import KeyRing, TokenKey
from gateway.tokens import (
    API,
    LIVE,
    TOKEN_SIZE_MAX,
    Audience,
    Holder,
    Tokens,
    digest_of,
    key_prefix,
    new_api_key,
    new_refresh,
    new_session,
    refresh_chain,
)
from inbox_store.errors import Refused
from inbox_store.times import US

NOW = 1_790_000_000 * US
HOLDER = Holder(account_id=12, epoch=3, session="s-1")
RING = KeyRing.of_seed(b"1" * 32)
TOKENS = Tokens(RING)


def claims(**changes: object) -> dict[str, Any]:
    """The claims of a good access token, with changes; a change to None leaves the claim out."""
    told: dict[str, Any] = {
        "iss": "songda",
        "aud": API,
        "sub": "12",
        "jti": "abc",
        "iat": NOW // US,
        "exp": NOW // US + 900,
        "sid": "s-1",
        "epoch": 3,
    }
    return {name: value for name, value in {**told, **changes}.items() if value is not None}


def signed(told: dict[str, Any], *, kid: object = None, key: Ed25519PrivateKey | None = None) -> str:
    """A token over these claims under the ring's own key, whatever they say."""
    headers = {"alg": "EdDSA", "typ": "JWT", "kid": RING.current.kid if kid is None else kid}
    part = f"{b64(json.dumps(headers).encode())}.{b64(json.dumps(told).encode())}"
    return f"{part}.{b64((key or RING.current.private).sign(part.encode()))}"


def b64(told: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(told).rstrip(b"=").decode()


def fault_of(text: str, audience: Audience = API, now: int = NOW, tokens: Tokens = TOKENS) -> str:
    """Which check refused the token."""
    with pytest.raises(Refused) as caught:
        tokens.read(text, audience, now)
    assert caught.value.code == "token_invalid"
    return str(caught.value.params["fault"])


def test_a_token_says_what_was_put_in() -> None:
    """Account, session, epoch, id and times come back; the id is the one that was told at minting."""
    minted = TOKENS.access(HOLDER, NOW)
    told = TOKENS.read(minted.text, API, NOW)
    assert (told.account_id, told.session, told.epoch, told.jti) == (12, "s-1", 3, minted.jti)
    assert (told.issued_at, told.expires_at) == (NOW, NOW + 900 * US) == (NOW, minted.expires_at)


def test_the_tests_own_token_is_good() -> None:
    """The hand-made token of the forgeries holds when nothing is forged."""
    assert TOKENS.read(signed(claims()), API, NOW).account_id == 12


def test_a_token_holds_until_its_end_and_not_at_it() -> None:
    """Valid one microsecond before exp, refused at exp."""
    text = TOKENS.access(HOLDER, NOW).text
    assert TOKENS.read(text, API, NOW + 900 * US - 1).account_id == 12
    assert fault_of(text, now=NOW + 900 * US) == "expired"


def test_a_trial_token_lives_as_long_as_it_was_told_to() -> None:
    """An operator's token has a stated life."""
    assert TOKENS.access(HOLDER, NOW, life_s=60).expires_at == NOW + 60 * US


def test_every_token_has_another_id() -> None:
    """Two tokens of one moment differ in their ids."""
    assert TOKENS.access(HOLDER, NOW).jti != TOKENS.access(HOLDER, NOW).jti


@pytest.mark.parametrize("audience", [API, LIVE])
def test_a_token_for_one_use_is_refused_for_the_other(audience: Audience) -> None:
    """A live ticket opens no API, an access token is no ticket (ASVS 9.2.2)."""
    text = TOKENS.ticket(HOLDER, NOW).text if audience == API else TOKENS.access(HOLDER, NOW).text
    assert fault_of(text, audience) == "InvalidAudienceError"


def test_a_ticket_lives_thirty_seconds_at_the_most() -> None:
    """Neither the setting nor a forged expiry gives a ticket a longer life (ASVS 4.4)."""
    assert TOKENS.ticket(HOLDER, NOW).expires_at == NOW + 30 * US
    assert fault_of(signed(claims(aud=LIVE, exp=NOW // US + 31)), LIVE) == "iat"
    with pytest.raises(ValueError, match="ticket_s"):
        Tokens(RING, ticket_s=31)


@pytest.mark.parametrize("name", ["exp", "iat", "jti", "sub", "aud", "iss"])
def test_a_token_without_a_required_claim_is_refused(name: str) -> None:
    """Each claim that the library would let be absent is required; a token without exp is no token."""
    assert fault_of(signed(claims(**{name: None}))) == "MissingRequiredClaimError"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"aud": "songda"}, "InvalidAudienceError"),
        ({"aud": [API, LIVE]}, "InvalidAudienceError"),
        ({"aud": [API]}, "InvalidAudienceError"),
        ({"iss": "songda-2"}, "InvalidIssuerError"),
        ({"iss": ["songda"]}, "InvalidIssuerError"),
        ({"sub": 12}, "InvalidSubjectError"),
        ({"sub": "12 "}, "sub"),
        ({"sub": "-12"}, "sub"),
        ({"sub": "0"}, "sub"),
        ({"sub": "٣"}, "sub"),
        ({"sub": "1" * 30}, "sub"),
        ({"jti": 5}, "InvalidJTIError"),
        ({"jti": "x" * 65}, "jti"),
        ({"exp": str(NOW // US + 900)}, "exp"),
        ({"exp": NOW / US + 900}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"iat": "now"}, "iat"),
        ({"iat": NOW // US + 6}, "iat"),
        ({"sid": None}, "sid"),
        ({"sid": ["s-1"]}, "sid"),
        ({"epoch": None}, "epoch"),
        ({"epoch": -1}, "epoch"),
        ({"epoch": "3"}, "epoch"),
        ({"epoch": False}, "epoch"),
    ],
)
def test_claims_of_another_type_or_place_are_refused(changes: dict[str, Any], fault: str) -> None:
    """Even under our own key: a number where a text belongs, another issuer, a time from the future."""
    assert fault_of(signed(claims(**changes))) == fault


def _public_pem() -> bytes:
    return RING.current.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _hmac_with(secret: bytes) -> str:
    headers = {"alg": "HS256", "typ": "JWT", "kid": RING.current.kid}
    part = f"{b64(json.dumps(headers).encode())}.{b64(json.dumps(claims()).encode())}"
    return f"{part}.{b64(hmac.digest(secret, part.encode(), hashlib.sha256))}"


def _unsigned(alg: str) -> str:
    headers = {"alg": alg, "kid": RING.current.kid}
    return f"{b64(json.dumps(headers).encode())}.{b64(json.dumps(claims()).encode())}."


FORGERIES: dict[str, Callable[[], str]] = {
    "alg none": lambda: _unsigned("none"),
    "alg None": lambda: _unsigned("None"),
    "alg NONE by the library": lambda: jwt.encode(
        claims(),
        None,  # type: ignore[arg-type]
        "none",
        {"kid": RING.current.kid},
    ),
    "empty signature": lambda: signed(claims()).rpartition(".")[0] + ".",
    "HMAC with the public key as PEM": lambda: _hmac_with(_public_pem()),
    "HMAC with the raw public key": lambda: _hmac_with(RING.current.public.public_bytes_raw()),
    "HMAC with the kid": lambda: _hmac_with(RING.current.kid.encode()),
    "unknown kid": lambda: signed(claims(), kid="0123456789abcdef"),
    "kid as a path": lambda: signed(claims(), kid="../../dev/null"),
    "kid as a number": lambda: signed(claims(), kid=7),
    "kid as a list": lambda: signed(claims(), kid=[RING.current.kid]),
    "kid as an object": lambda: signed(claims(), kid={"a": 1}),
    "kid empty": lambda: signed(claims(), kid=""),
    "another key under our kid": lambda: signed(claims(), key=Ed25519PrivateKey.generate()),
    "a key in the header": lambda: jwt.encode(
        claims(),
        (stranger := Ed25519PrivateKey.generate()),
        "EdDSA",
        {
            "kid": RING.current.kid,
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": b64(stranger.public_key().public_bytes_raw())},
        },
    ),
    "payload exchanged": lambda: ".".join(
        [
            (parts := signed(claims()).split("."))[0],
            b64(json.dumps(claims(sub="1")).encode()),
            parts[2],
        ]
    ),
    "nothing": lambda: "",
    "dots": lambda: "..",
    "text": lambda: "送达",
    "half a surrogate pair": lambda: "\ud800.\ud800.\ud800",
    "NUL": lambda: "\x00" * 40,
    "deep header": lambda: f"{b64(b'[' * 1_400)}.e30.",
    "too long": lambda: signed(claims(padding="x" * TOKEN_SIZE_MAX)),
    "an API key": lambda: new_api_key().text,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_are_refused(forgery: str) -> None:
    """Nothing but a token under a key of the ring, signed with its one algorithm, is ever taken."""
    assert fault_of(FORGERIES[forgery]())


def test_an_unknown_critical_header_is_refused() -> None:
    """A header that asks for an extension we do not know is not ignored (RFC 7515 §4.1.11)."""
    key = RING.current
    text = jwt.encode(claims(), key.private, "EdDSA", {"kid": key.kid, "crit": ["b64"], "b64": True})
    assert fault_of(text)


@given(st.text(max_size=300))
def test_any_text_is_refused_in_the_same_way(text: str) -> None:
    """Whatever is sent, the answer is a refusal and never another exception."""
    assert fault_of(text)


@given(st.binary(max_size=120), st.binary(max_size=120), st.binary(max_size=70))
def test_any_bytes_in_the_shape_of_a_token_are_refused(head: bytes, body: bytes, tail: bytes) -> None:
    """Broken JSON, broken UTF-8 and wrong types inside the three parts are refusals too."""
    assert fault_of(f"{b64(head)}.{b64(body)}.{b64(tail)}")


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_one_changed_character_breaks_a_token(position: int, letter: str) -> None:
    """No single character can be exchanged for another that means something else."""
    text = TOKENS.access(HOLDER, NOW).text
    at = position % len(text)
    if at in _loose_ends(text) or text[at] == letter:
        return
    assert fault_of(text[:at] + letter + text[at + 1 :])


def _loose_ends(text: str) -> set[int]:
    """The last letter of each part, of which base64 ignores some bits."""
    first, second = text.index("."), text.rindex(".")
    return {first - 1, second - 1, len(text) - 1}


def test_a_replaced_key_verifies_until_its_tokens_have_run_out() -> None:
    """After a rotation new tokens carry the new key, old ones hold through the overlap and not beyond."""
    old = TokenKey.of(Ed25519PrivateKey.generate(), NOW - 100 * US)
    new = TokenKey.of(Ed25519PrivateKey.generate(), NOW)
    text = Tokens(KeyRing([old], NOW)).access(HOLDER, NOW, life_s=7_200).text
    within = Tokens(KeyRing([new, old], NOW + 3_599 * US, overlap_s=3_600))
    beyond = Tokens(KeyRing([new, old], NOW + 3_600 * US, overlap_s=3_600))
    assert within.read(text, API, NOW + 3_599 * US).account_id == 12
    assert jwt.get_unverified_header(within.access(HOLDER, NOW).text)["kid"] == new.kid
    assert fault_of(text, now=NOW + 3_600 * US, tokens=beyond) == "kid"


def test_an_issuer_takes_only_its_own() -> None:
    """Two installations that share a key by mistake still refuse each other's tokens."""
    assert fault_of(Tokens(RING, issuer="songda-b").access(HOLDER, NOW).text) == "InvalidIssuerError"


def test_opaque_secrets_are_long_and_found_by_their_prefix() -> None:
    """256 random bits each, another every time; only the digest and the prefix are kept."""
    refresh, following, key = new_refresh(), new_refresh("c" * 22), new_api_key()
    assert refresh_chain(refresh.text) == refresh.prefix
    assert (refresh_chain(following.text), following.prefix) == ("c" * 22, "c" * 22)
    assert key_prefix(key.text) == key.prefix
    assert digest_of(key.text) == key.digest
    assert len({new_refresh().text, new_refresh().text, new_session(), new_session()}) == 4


@given(st.text(max_size=90))
def test_other_texts_have_no_prefix(text: str) -> None:
    """What has not the form of a secret is not looked up."""
    assert refresh_chain(text) is None
    assert key_prefix(text) is None


@pytest.mark.parametrize("end", ["\n", " ", "A", "=", "\u0661"])
def test_a_secret_with_something_behind_it_is_none(end: str) -> None:
    """The form is matched to the very end."""
    assert refresh_chain(new_refresh().text + end) is None
    assert key_prefix(new_api_key().text + end) is None
