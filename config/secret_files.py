"""Key files: random bytes in files of mode 600, made once, read back with care. No key stands in a configuration."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from config.faults import ConfigFault, Fault

OTHERS = stat.S_IRWXG | stat.S_IRWXO
KINDS_OF_BYTE_MIN = 8


def secret_file(path: Path, size_bytes: int = 32) -> bytes:
    """The key in `path`, made at random with mode 600 when there is none; its folder gets mode 700.

    The bytes are raw: 32 of them serve as a MAC key or as the seed of an Ed25519 key. Raises ConfigFault when the
    file is open to others, has another length, or was plainly not made at random.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path, size_bytes)
    told = path.read_bytes()
    if reason := _reason(told, path.stat().st_mode, size_bytes):
        raise ConfigFault((Fault(str(path), "", reason),))
    return told


def _make(path: Path, size_bytes: int) -> None:
    """Written aside and linked when it is whole: a crash leaves no half key, and of two starts the first wins."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(size_bytes))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(fresh)
    fresh.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(told: bytes, mode: int, size_bytes: int) -> str:
    if mode & OTHERS:
        return "密钥文件对他人开放；请执行 chmod 600"
    if len(told) != size_bytes:
        return f"密钥长度为 {len(told)} 字节，应为 {size_bytes} 字节；请从备份恢复"
    if len(set(told)) < KINDS_OF_BYTE_MIN or told.isascii():
        return "密钥像是占位文字，不是随机生成的；删去此文件后重新启动会生成新的"
    return ""


TOLD_MAX_BYTES = 128


def told_secret(path: Path, whose: str) -> str:
    """A password that another party gave, from its file of mode 600. Raises ValueError saying how to make the file."""
    try:
        mode, told = path.stat().st_mode, path.read_bytes()
    except OSError:
        raise ValueError(f"{whose}：没有密钥文件 {path}；把对方给的口令写入其中，并 chmod 600") from None
    if mode & OTHERS:
        raise ValueError(f"{whose}：密钥文件 {path} 对他人开放；请执行 chmod 600")
    secret = told[: TOLD_MAX_BYTES + 1].decode("ascii", "replace").strip()
    if not secret or len(secret) > TOLD_MAX_BYTES or not secret.isprintable() or not secret.isascii():
        raise ValueError(f"{whose}：密钥文件 {path} 应为一行 ASCII 口令")
    return secret
