"""The secrets of one installation: files of mode 600 under ``<store>/keys``, made once, never in a configuration file."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from config.secret_files import secret_file


class PhoneVault:
    """Phone numbers: sealed with AES-SIV (RFC 5297) under a numbered key, found by a keyed hash.

    The number of the key stands beside each sealed number, so that keys rotate row by row; the look-up key stays.
    """

    def __init__(self, keys: Mapping[int, bytes], current: int, lookup_key: bytes) -> None:
        self._boxes = {number: AESSIV(key) for number, key in keys.items()}
        self.current = current
        self._lookup_key = lookup_key

    def seal(self, number: str) -> bytes:
        """The number under the current key."""
        return self._boxes[self.current].encrypt(number.encode(), [b"phone"])

    def open(self, sealed: bytes, key: int) -> str:
        """The number in clear. Raises ValueError where the key is unknown or the text was changed."""
        try:
            return self._boxes[key].decrypt(sealed, [b"phone"]).decode()
        except (KeyError, InvalidTag) as fault:
            raise ValueError(f"phone number under key {key} cannot be opened") from fault

    def lookup(self, number: str) -> bytes:
        """The keyed hash by which a number is found without opening any."""
        return hmac.digest(self._lookup_key, number.encode(), hashlib.sha256)


def mask(number: str) -> str:
    """138****1234: how a number is shown everywhere (ASVS 14.2.6)."""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 8 else "****"


class ReceiptKey:
    """The Ed25519 key under which receipts are signed; not the token key (architecture, Decided 6)."""

    def __init__(self, private: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self.public = self._key.public_key().public_bytes_raw()
        self.key_id = hashlib.sha256(self.public).hexdigest()[:16]

    def sign(self, told: bytes) -> bytes:
        """The 64-byte signature over ``told``."""
        return self._key.sign(told)


def signature_holds(public: bytes, signature: bytes, told: bytes) -> bool:
    """Whether ``signature`` over ``told`` was made by the key behind ``public``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, told)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Keys:
    """What the store needs to seal and to sign, and the key of activation codes and cursors."""

    phones: PhoneVault
    receipts: ReceiptKey
    codes: bytes

    @classmethod
    def of(cls, secret: bytes) -> Keys:
        """Keys derived from one secret: for trials and tests, where nothing has to outlive the folder."""

        def derive(label: str, size: int) -> bytes:
            return hashlib.blake2b(label.encode(), key=secret[:64], digest_size=size).digest()

        vault = PhoneVault({1: derive("phone", 64)}, 1, derive("lookup", 32))
        return cls(vault, ReceiptKey(derive("receipt", 32)), derive("codes", 32))


def load_keys(folder: Path) -> Keys:
    """The installation's keys, made on the first start. Raises ConfigFault naming a damaged file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    phones = {int(path.stem.removeprefix("phone-")): path for path in folder.glob("phone-[0-9]*.key")}
    numbers = sorted(phones) or [1]
    vault = PhoneVault(
        {number: secret_file(folder / f"phone-{number}.key", 64) for number in numbers},
        numbers[-1],
        secret_file(folder / "phone-lookup.key", 32),
    )
    return Keys(
        vault, ReceiptKey(secret_file(folder / "receipt.key", 32)), secret_file(folder / "codes.key", 32)
    )
