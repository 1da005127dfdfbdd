"""Encryption of one message for one device (RFC 8291 over RFC 8188, aes128gcm). Pure: salt and key are passed in.

    header  salt(16) ‖ record size(4) ‖ 0x41 ‖ our point(65)
    body    AES-128-GCM(payload ‖ 0x02 ‖ zeros)

Five HMACs stand for the general HKDF: each of its outputs fits into one block of SHA-256.
"""

from __future__ import annotations

import hmac
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from push.app.webpush.subscription import POINT_BYTES, Keys, SubscriptionFault, read_point

SALT_BYTES: Final = 16
RECORD_BYTES: Final = 4096
HEADER_BYTES: Final = SALT_BYTES + 4 + 1 + POINT_BYTES
TAG_BYTES: Final = 16
PAYLOAD_MAX: Final = RECORD_BYTES - HEADER_BYTES - TAG_BYTES - 1
"""3993: what fits into the 4096 bytes that a push service must take (RFC 8291 §4)."""

_ECDH: Final = ec.ECDH()
_SIZE: Final = struct.pack(">IB", RECORD_BYTES, POINT_BYTES)
_KEY_INFO: Final = b"WebPush: info\x00"
_CEK_INFO: Final = b"Content-Encoding: aes128gcm\x00\x01"
_NONCE_INFO: Final = b"Content-Encoding: nonce\x00\x01"
_LAST: Final = b"\x02"


class Undecipherable(ValueError):
    """A body that is no message for these keys."""


def padded_length(length: int, step: int) -> int:
    """What a payload of ``length`` bytes is filled up to: whole steps, so that lengths tell little. 0: as it is."""
    return min(PAYLOAD_MAX, -(-max(length, 1) // step) * step) if step else length


def encrypt(
    keys: Keys, payload: bytes, salt: bytes, private: ec.EllipticCurvePrivateKey, pad_step: int = 0
) -> bytes:
    """The body of a request. ``salt`` (16 random bytes) and ``private`` are fresh for every message (RFC 8291 §3.1).

    Raises ValueError for a payload of more than 3993 bytes or a salt of another length.
    """
    if len(payload) > PAYLOAD_MAX:
        raise ValueError(f"payload: {len(payload)} bytes are more than {PAYLOAD_MAX}")
    if len(salt) != SALT_BYTES:
        raise ValueError(f"salt: {len(salt)} bytes are not {SALT_BYTES}")
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    cek, nonce = _derived(private.exchange(_ECDH, keys.public), keys.auth, keys.point + point, salt)
    padding = bytes(padded_length(len(payload), pad_step) - len(payload))
    return b"".join((salt, _SIZE, point, AESGCM(cek).encrypt(nonce, payload + _LAST + padding, None)))


def decrypt(private: ec.EllipticCurvePrivateKey, auth: bytes, body: bytes) -> bytes:
    """What the device does with a body: the payload without padding. Raises Undecipherable."""
    head, sealed = body[:HEADER_BYTES], body[HEADER_BYTES:]
    salt, size, point = head[:SALT_BYTES], head[SALT_BYTES : SALT_BYTES + 4], head[SALT_BYTES + 5 :]
    if len(sealed) <= TAG_BYTES or head[SALT_BYTES + 4] != POINT_BYTES:
        raise Undecipherable("header")
    if len(sealed) > int.from_bytes(size, "big"):
        raise Undecipherable("more than one record")
    own = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    try:
        cek, nonce = _derived(private.exchange(_ECDH, read_point(point)), auth, own + point, salt)
        plain = AESGCM(cek).decrypt(nonce, sealed, None).rstrip(b"\x00")
    except (InvalidTag, SubscriptionFault) as why:
        raise Undecipherable(type(why).__name__) from None
    if plain[-1:] != _LAST:
        raise Undecipherable("delimiter")
    return plain[:-1]


def _derived(shared: bytes, auth: bytes, points: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Content encryption key and nonce; ``points`` is the device's, then the sender's (RFC 8291 §3.4)."""
    digest = hmac.digest
    key = digest(auth, shared, "sha256")
    ikm = digest(key, _KEY_INFO + points + b"\x01", "sha256")
    prk = digest(salt, ikm, "sha256")
    return digest(prk, _CEK_INFO, "sha256")[:16], digest(prk, _NONCE_INFO, "sha256")[:12]
