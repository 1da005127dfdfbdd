"""Token keys as files: made once, private, rotated without logging anybody out, never half written."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.token_keys import KeyFault, KeyRing, load_ring, rotate_ring
from gateway.tokens import API, Holder, Tokens
from inbox_store.errors import Refused
from inbox_store.times import US

NOW = 1_790_000_000 * US
DAY = 86_400 * US
HOLDER = Holder(account_id=12, epoch=0)


def test_the_first_start_makes_a_private_key(tmp_path: Path) -> None:
    """One file of mode 600 in a folder of mode 700; the next start takes up the same key."""
    folder = tmp_path / "keys"
    ring = load_ring(folder, NOW)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert load_ring(folder, NOW + DAY).current.kid == ring.current.kid


def test_rotation_keeps_old_tokens_good_and_then_drops_the_key(tmp_path: Path) -> None:
    """A token minted before a rotation holds for two days after it; a later rotation deletes the key's file."""
    first = load_ring(tmp_path, NOW)
    text = Tokens(first).access(HOLDER, NOW, life_s=86_400).text
    second = rotate_ring(tmp_path, NOW + US)
    assert second.current.kid != first.current.kid
    assert Tokens(second).read(text, API, NOW + 2 * US).account_id == 12
    third = rotate_ring(tmp_path, NOW + 3 * DAY)
    assert first.current.kid not in third.keys
    assert len(list(tmp_path.iterdir())) == 2
    with pytest.raises(Refused):
        Tokens(third).read(text, API, NOW + 2 * US)


def test_a_key_that_others_may_read_stops_the_start(tmp_path: Path) -> None:
    """The message names the file and the mend."""
    load_ring(tmp_path, NOW)
    (file,) = tmp_path.iterdir()
    file.chmod(0o640)
    with pytest.raises(KeyFault, match=rf"{file}.*chmod 600"):
        load_ring(tmp_path, NOW)


@pytest.mark.parametrize("told", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_damaged_key_stops_the_start(tmp_path: Path, told: bytes) -> None:
    """A cut or empty file is named; no new key silently takes its place."""
    load_ring(tmp_path, NOW)
    (file,) = tmp_path.iterdir()
    file.write_bytes(told)
    with pytest.raises(KeyFault, match=file.name):
        load_ring(tmp_path, NOW)


def test_a_key_of_another_kind_stops_the_start(tmp_path: Path) -> None:
    """An elliptic-curve key of another curve is refused by name."""
    file = tmp_path / f"token-{NOW}.pem"
    key = generate_private_key(SECP256R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    with pytest.raises(KeyFault, match="Ed25519"):
        load_ring(tmp_path, NOW)


def test_half_written_and_foreign_files_are_not_keys(tmp_path: Path) -> None:
    """A draft left by a crash and the other secrets of the folder are passed over."""
    (tmp_path / ".token-5.1.draft").write_bytes(b"half")
    (tmp_path / "receipt.key").write_bytes(b"another secret")
    (tmp_path / "token-x.pem").write_bytes(b"not ours")
    assert len(load_ring(tmp_path, NOW).keys) == 1


def test_a_ring_needs_a_key() -> None:
    """No key, no ring."""
    with pytest.raises(KeyFault):
        KeyRing([], NOW)
