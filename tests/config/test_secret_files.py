"""Key files are made once, kept from others, and a damaged or invented one stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.faults import ConfigFault
from config.secret_files import secret_file


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """The first call makes file and folder for this user alone; the second reads the same key."""
    path = tmp_path / "keys" / "token-1.key"
    key = secret_file(path)
    assert len(key) == 32
    assert secret_file(path) == key
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert secret_file(tmp_path / "keys" / "token-2.key") != key
    assert sorted(file.name for file in path.parent.iterdir()) == ["token-1.key", "token-2.key"]


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"\xff" * 32, 0o600, "占位"),
        (b"changeme-changeme-changeme-chang", 0o600, "占位"),
        (b"", 0o600, "0 字节"),
        (bytes(range(200, 232)), 0o640, "chmod 600"),
        (bytes(range(200, 231)), 0o600, "应为 32 字节"),
    ],
)
def test_a_doubtful_key_is_refused(tmp_path: Path, content: bytes, mode: int, reason: str) -> None:
    """Placeholder text, a wrong length or a file open to others is told with the file's name."""
    path = tmp_path / "token-1.key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(ConfigFault, match=reason) as told:
        secret_file(path)
    assert told.value.faults[0].place == str(path)
