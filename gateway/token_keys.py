"""The Ed25519 keys under which tokens are signed: one current key, older ones until their tokens have run out.

A key lives in ``<store>/keys/token-<created_at>.pem`` with mode 600. It is parsed once, never per token,
and it is not the receipt key.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from inbox_store.times import US

OVERLAP_S = 2 * 86_400
"""How long a replaced key still verifies: longer than any access token lives, minted ones for trials included."""

_FILE = re.compile(r"^token-(\d{1,19})\.pem$")


class KeyFault(ValueError):
    """A key file cannot be used; the message names the file and what to do."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One signing key. ``kid`` is a digest of the public key: it says nothing and is only ever looked up."""

    kid: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey
    created_at: int

    @classmethod
    def of(cls, private: Ed25519PrivateKey, created_at: int) -> TokenKey:
        """The key with its ``kid``; ``created_at`` in UTC microseconds."""
        public = private.public_key()
        kid = hashlib.sha256(b"songda:token:" + public.public_bytes_raw()).hexdigest()[:16]
        return cls(kid, private, public, created_at)


class KeyRing:
    """The current key and those that still verify at ``now`` (UTC microseconds). Immutable: rotation makes a new one."""

    def __init__(self, keys: Iterable[TokenKey], now: int, *, overlap_s: int = OVERLAP_S) -> None:
        ordered = sorted(keys, key=lambda key: key.created_at)
        if not ordered:
            raise KeyFault("没有可用的令牌密钥 (no token key)")
        self.current = ordered[-1]
        replaced = pairwise(ordered)
        valid = [key for key, newer in replaced if now < newer.created_at + overlap_s * US]
        self.keys: Mapping[str, TokenKey] = MappingProxyType({key.kid: key for key in [*valid, self.current]})

    @classmethod
    def of_seed(cls, seed: bytes) -> KeyRing:
        """A ring of one key derived from a 32-byte seed: for trials and tests, where nothing outlives the folder."""
        return cls([TokenKey.of(Ed25519PrivateKey.from_private_bytes(seed), 0)], 0)


def _read(path: Path, created_at: int) -> TokenKey:
    if path.stat().st_mode & 0o077:
        raise KeyFault(f"{path}: 密钥文件可被他人读取, 请执行 chmod 600 (readable by others)")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as fault:
        raise KeyFault(f"{path}: 密钥文件已损坏, 请从备份恢复 (damaged key file)") from fault
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFault(f"{path}: 不是 Ed25519 私钥 (not an Ed25519 key)")
    return TokenKey.of(private, created_at)


def _files(folder: Path) -> dict[int, Path]:
    found = ((_FILE.match(path.name), path) for path in folder.glob("token-*.pem"))
    return {int(match.group(1)): path for match, path in found if match}


def _write(folder: Path, now: int) -> None:
    """Write one new key so that a crash leaves a whole file or none: the name appears only when the bytes are down."""
    told = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = folder / f".token-{now}.{os.getpid()}.draft"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(told)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(folder / f"token-{now}.pem")
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load_ring(folder: Path, now: int, *, overlap_s: int = OVERLAP_S) -> KeyRing:
    """The installation's token keys, the first made on the first start. Raises KeyFault naming the file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _files(folder):
        _write(folder, now)
    return KeyRing((_read(path, at) for at, path in _files(folder).items()), now, overlap_s=overlap_s)


def rotate_ring(folder: Path, now: int, *, overlap_s: int = OVERLAP_S) -> KeyRing:
    """Add a new current key and delete those whose tokens have all run out; return the new ring."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder, now)
    ring = load_ring(folder, now, overlap_s=overlap_s)
    for created_at, path in _files(folder).items():
        if _read(path, created_at).kid not in ring.keys:
            path.unlink()
    return ring
