"""Who sends, shown to a push service by a signed token (RFC 8292): made once per origin, and checked. Pure.

``now_s`` is in seconds of the epoch.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from push.app.jose import es256, p256_key
from push.app.webpush.subscription import CURVE, SubscriptionFault, base64url, read_point, unbase64url

LIFETIME_S: Final = 12 * 3600
LIFETIME_MAX_S: Final = 24 * 3600
"""RFC 8292 §2: a service refuses a token that holds longer."""
SKEW_S: Final = 60
"""What two clocks may differ by when a token is checked."""
ORIGINS_MAX: Final = 1000
"""Tokens kept at once: hosts are named by users."""

_CHECKING: Final = ec.ECDSA(SHA256())
_HEAD: Final = {"typ": "JWT", "alg": "ES256"}
_CONTACT: Final = re.compile(r"(mailto:[^\s@]+@[^\s@]+|https://\S+)", re.ASCII)
_PARAMETER: Final = re.compile(r'\s*([a-z]+)\s*=\s*"?([A-Za-z0-9_.=-]+)"?\s*', re.ASCII)


class VapidFault(ValueError):
    """No valid token; ``code`` says why in one word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Claims(msgspec.Struct, frozen=True):
    """The claims that the RFC names."""

    aud: str
    exp: int
    sub: str = ""


class _Head(msgspec.Struct):
    alg: str


class VapidKey:
    """Our key and whom to write to about it. Subscriptions are bound to the key: another one ends them all."""

    def __init__(self, private: ec.EllipticCurvePrivateKey, contact: str) -> None:
        if private.curve.name != CURVE.name:
            raise ValueError("vapid: the key is not of the curve P-256")
        if not _CONTACT.fullmatch(contact) or "localhost" in contact:
            raise ValueError(f"vapid: {contact!r} is no mailto: or https: contact that others can reach")
        self._private = private
        self._contact = contact
        self.public = base64url(
            private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        )
        """``applicationServerKey`` of the page, ``k`` of the header."""

    def __repr__(self) -> str:
        """Without the private key."""
        return f"VapidKey(public={self.public!r}, contact={self._contact!r})"

    @classmethod
    def from_pem(cls, pem: str, contact: str) -> VapidKey:
        """A key file as ``openssl ecparam -genkey -name prime256v1`` writes it. Raises ValueError."""
        return cls(p256_key(pem), contact)

    def secret_for(self, use: bytes) -> bytes:
        """A secret that follows from the key, so that none more has to be kept; never shown outside."""
        number = self._private.private_numbers().private_value.to_bytes(32, "big")
        return hmac.digest(number, use, "sha256")

    def token(self, origin: str, expires_s: int) -> str:
        """A token for one origin (scheme://host[:port]), at most 24 h ahead."""
        claims = {"aud": origin, "exp": expires_s, "sub": self._contact}
        return es256(self._private, _HEAD, claims)


class _Kept(NamedTuple):
    header: str
    renew_at_s: float


class Authorizations:
    """The header of each origin, signed anew at half of its life: signing costs more than all else but the ECDH."""

    def __init__(self, key: VapidKey, lifetime_s: int = LIFETIME_S) -> None:
        if not 2 <= lifetime_s <= LIFETIME_MAX_S:
            raise ValueError(f"lifetime_s: {lifetime_s} is not between 2 and {LIFETIME_MAX_S}")
        self._key = key
        self._lifetime_s = lifetime_s
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def header(self, origin: str, now_s: float) -> str:
        """``Authorization`` for a request to the origin."""
        kept = self._kept.get(origin)
        # A clock set back by more than a life would show a token that is too far ahead.
        if kept is None or not kept.renew_at_s - self._lifetime_s <= now_s < kept.renew_at_s:
            kept = self._signed(origin, now_s)
        return kept.header

    def refused(self, origin: str) -> None:
        """The service did not believe the token: the next one is new."""
        self._kept.pop(origin, None)

    def _signed(self, origin: str, now_s: float) -> _Kept:
        token = self._key.token(origin, int(now_s) + self._lifetime_s)
        kept = _Kept(f"vapid t={token}, k={self._key.public}", now_s + self._lifetime_s / 2)
        self._kept[origin] = kept
        self._kept.move_to_end(origin)
        if len(self._kept) > ORIGINS_MAX:
            self._kept.popitem(last=False)
        return kept


class Shown(NamedTuple):
    """A valid token: by which key, and its claims."""

    key: bytes
    claims: Claims


def check_authorization(header: str, origin: str, now_s: float) -> Shown:
    """The far end's check of ``Authorization: vapid t=…, k=…`` (RFC 8292 §3, §4.2). Raises VapidFault."""
    scheme, _, rest = header.strip().partition(" ")
    found = [_PARAMETER.fullmatch(one) for one in rest.split(",")]
    told = {one[1]: one[2] for one in found if one}
    if scheme.lower() != "vapid" or not {"t", "k"} <= told.keys() or len(header) > 4096:
        raise VapidFault("header")
    try:
        point = unbase64url(told["k"])
        claims = _checked(told["t"], point)
    except (ValueError, SubscriptionFault) as why:
        raise VapidFault(getattr(why, "code", "token")) from None
    if claims.aud != origin:
        raise VapidFault("aud")
    if not now_s - SKEW_S < claims.exp <= now_s + LIFETIME_MAX_S + SKEW_S:
        raise VapidFault("exp")
    return Shown(point, claims)


def _checked(token: str, point: bytes) -> Claims:
    """The claims of a token that this key signed. Raises ValueError."""
    signed, _, signature = token.rpartition(".")
    head, _, body = signed.partition(".")
    raw = unbase64url(signature)
    if len(raw) != 64 or msgspec.json.decode(unbase64url(head), type=_Head).alg != "ES256":
        raise VapidFault("alg")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    try:
        read_point(point).verify(der, signed.encode(), _CHECKING)
    except InvalidSignature:
        raise VapidFault("signature") from None
    return msgspec.json.decode(unbase64url(body), type=Claims)
