"""Signed tokens as vendors ask for them (RFC 7515 compact form), from keys that were parsed once. Pure.

PyJWT reads the clock for what it checks, and adds ``typ``; a token is two lines of JSON and a signature. The far ends of
the tests check with PyJWT.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

RSA_BITS_MIN = 2048

_ES256 = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
"""RFC 6979: no randomness is asked for, and a published vector can be compared."""


def es256(key: ec.EllipticCurvePrivateKey, header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    """A token signed with ES256: r and s in 64 bytes (RFC 7518 §3.4), not DER. The same input gives the same token."""
    signed = _signed(header, claims)
    r, s = decode_dss_signature(key.sign(signed, _ES256))
    return _joined(signed, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def rs256(key: rsa.RSAPrivateKey, header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    """A token signed with RS256 (PKCS#1 v1.5): the same input gives the same token."""
    signed = _signed(header, claims)
    return _joined(signed, key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))


def p256_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """The key of a PEM file. Raises ValueError that shows nothing of the key."""
    key = _key(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("key: is no private key on the curve P-256")  # noqa: TRY004 - what somebody entered
    return key


def rsa_key(pem: str) -> rsa.RSAPrivateKey:
    """The key of a PEM text. Raises ValueError that shows nothing of the key. Takes about 30 ms (fcm §1)."""
    key = _key(pem)
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < RSA_BITS_MIN:
        raise ValueError(f"key: is no private RSA key of {RSA_BITS_MIN} bits or more")
    return key


def _key(pem: str) -> object:
    try:
        return serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("key: is no private key in PEM without a password") from None


def _signed(header: Mapping[str, object], claims: Mapping[str, object]) -> bytes:
    return b".".join((_coded(msgspec.json.encode(header)), _coded(msgspec.json.encode(claims))))


def _joined(signed: bytes, signature: bytes) -> str:
    return b".".join((signed, _coded(signature))).decode()


def _coded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
