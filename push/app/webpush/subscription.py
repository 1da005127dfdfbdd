"""What a browser hands over: an endpoint with two keys, read once (webpush §1). Pure."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from push.app.endpoints import Endpoint, EndpointRules, check_endpoint

POINT_BYTES: Final = 65
AUTH_BYTES: Final = 16
CURVE: Final = ec.SECP256R1()
TOKEN_MAX: Final = 4096
"""Bytes of a subscription as JSON."""


class SubscriptionFault(ValueError):
    """No subscription; ``code`` says why and shows nothing of it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Keys(msgspec.Struct, frozen=True, eq=False):
    """What a message is encrypted for: the device's point (``p256dh``) and its secret (``auth``)."""

    public: ec.EllipticCurvePublicKey
    point: bytes
    auth: bytes


class Subscription(msgspec.Struct, frozen=True, eq=False):
    """One device. ``keys`` is None only where an old UnifiedPush client handed in none."""

    endpoint: Endpoint
    keys: Keys | None


class _KeysJson(msgspec.Struct):
    p256dh: str
    auth: str


class _Json(msgspec.Struct):
    endpoint: str
    keys: _KeysJson | None = None


_READER: Final = msgspec.json.Decoder(_Json)


def parse_subscription(token: str, rules: EndpointRules) -> Subscription:
    """A ``PushSubscription.toJSON()``. Raises SubscriptionFault, and EndpointFault for where it leads."""
    if len(token) > TOKEN_MAX:
        raise SubscriptionFault("length")
    try:
        told = _READER.decode(token)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise SubscriptionFault("json") from None
    endpoint = check_endpoint(told.endpoint, rules)
    return Subscription(endpoint, None if told.keys is None else read_keys(told.keys.p256dh, told.keys.auth))


def read_keys(p256dh: str, auth: str) -> Keys:
    """Both keys, base64url with or without padding. Raises SubscriptionFault for what is no key."""
    try:
        point, secret = unbase64url(p256dh), unbase64url(auth)
    except ValueError:
        raise SubscriptionFault("base64") from None
    if len(secret) != AUTH_BYTES:
        raise SubscriptionFault("auth")
    return Keys(read_point(point), point, secret)


def read_point(point: bytes) -> ec.EllipticCurvePublicKey:
    """A public key as an uncompressed point. Raises SubscriptionFault where it is not on the curve."""
    if len(point) != POINT_BYTES or point[0] != 4:
        raise SubscriptionFault("p256dh")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except ValueError:
        raise SubscriptionFault("p256dh") from None


def base64url(raw: bytes) -> str:
    """Without padding, as everywhere in Web Push."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """Padded or not; the usual alphabet is tolerated. Raises ValueError for anything else."""
    plain = text.rstrip("=").translate(_URL_ALPHABET)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("no base64url") from None


_URL_ALPHABET: Final = str.maketrans("+/", "-_")
