"""Attachments on their way to the disk: streamed, bounded, told by content, durable before anybody hears of them.

A file arrives under ``incoming/`` and moves to ``ab/cd/abcd...`` when it is whole, synced and of an allowed kind.
Ids are generated; the name that people gave is metadata and never part of a path. What the database does not know
after a crash is an orphan: ``ids`` lists what lies here, ``discard`` removes one.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import structlog

from gateway.doors.call import Incoming
from gateway.doors.file_names import clean_name, split_name
from gateway.doors.sniffing import BLOCK_BYTES, CONTENT_OF, MEDIA_TYPES, content_of
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.store import attachment_place

log = structlog.get_logger("songda.attachments")

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_INCOMING: Final = "incoming"
_DISK_FAULTS: Final = (errno.EIO, errno.EROFS, errno.ENOSPC, errno.EDQUOT)


def new_file_id() -> str:
    """128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


class Received(Noun, frozen=True, kw_only=True):
    """A file that lies in the folder: ``sha256`` as hexadecimal digits, ``name`` cleaned, ``media_type`` by content."""

    file_id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str


class AttachmentFolder:
    """The attachments under ``root``. ``types`` are extensions of CONTENT_OF; ``size_max_bytes`` is for one file."""

    def __init__(
        self,
        root: Path,
        *,
        size_max_bytes: int,
        types: tuple[str, ...],
        new_id: Callable[[], str] = new_file_id,
    ) -> None:
        self._root = root
        self._size_max_bytes = size_max_bytes
        # What is allowed as .jpg is allowed as .jpeg: they are two spellings of one thing.
        self._types = frozenset(types) | ({"jpeg"} if "jpg" in types else set())
        self._new_id = new_id

    async def receive(self, content: Incoming, *, name: str) -> Received:
        """Takes one file in; whatever goes wrong, nothing is left behind.

        Raises Refused: attachment_type, attachment_too_large, attachment_broken, request_timeout; OSError (a full disk
        is answered 507, one that fails 503).
        """
        cleaned = clean_name(name)
        self._expect_extension(cleaned)
        if (content.length or 0) > self._size_max_bytes:
            raise self._too_large()
        file_id = self._new_id()
        part = await asyncio.to_thread(_Part, self._root / _INCOMING, file_id)
        try:
            await self._pour(content, part)
            kind = await asyncio.to_thread(part.finish)
            self._expect_content(cleaned, kind)
            await asyncio.to_thread(_move, part.path, self._path(file_id))
        except BaseException as fault:
            if isinstance(fault, OSError) and fault.errno in _DISK_FAULTS:
                log.warning("attachment.not_kept", reason=fault.strerror)
            await asyncio.shield(asyncio.to_thread(part.drop, self._path(file_id)))
            raise
        return Received(
            file_id=file_id,
            name=cleaned,
            media_type=MEDIA_TYPES[kind or "txt"],
            size_bytes=part.size_bytes,
            sha256=part.sha256.hexdigest(),
        )

    async def _pour(self, content: Incoming, part: _Part) -> None:
        """Writes the chunks as they come, in blocks, never more than the limit."""
        block = bytearray()
        received = 0
        async for chunk in content.chunks:
            received += len(chunk)
            if received > self._size_max_bytes:
                raise self._too_large()
            block += chunk
            if len(block) >= BLOCK_BYTES:
                await asyncio.to_thread(part.write, bytes(block))
                block.clear()
        await asyncio.to_thread(part.write, bytes(block))
        if received == 0 or (content.length is not None and received != content.length):
            raise Refused("attachment_broken")

    def _too_large(self) -> Refused:
        return Refused("attachment_too_large", size_max_bytes=self._size_max_bytes)

    def _expect_extension(self, name: str) -> None:
        if split_name(name)[1] not in self._types:
            raise self._wrong_type(name)

    def _expect_content(self, name: str, kind: str | None) -> None:
        if kind not in CONTENT_OF.get(split_name(name)[1], frozenset()):
            raise self._wrong_type(name)

    def _wrong_type(self, name: str) -> Refused:
        return Refused("attachment_type", name=name, allowed=sorted(self._types))

    def _path(self, file_id: str) -> Path:
        return self._root / attachment_place(file_id)

    def path_of(self, file_id: str) -> Path:
        """Where the file lies. Raises Refused("not_found") for what was never an id of ours."""
        if not _ID.fullmatch(file_id):
            raise Refused("not_found")
        return self._path(file_id)

    async def discard(self, file_id: str) -> None:
        """Removes one file; that it is not there is no fault."""
        await asyncio.to_thread(self.path_of(file_id).unlink, missing_ok=True)

    def ids(self) -> Iterator[str]:
        """The ids of all files that lie here (blocking: for a thread)."""
        return (path.name for path in self._root.glob("??/??/*") if _ID.fullmatch(path.name))

    def sweep(self) -> int:
        """Removes what a crash left half received, and tells how many (blocking; at the start, before uploads)."""
        left = list((self._root / _INCOMING).glob("*.part"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


class _Part:
    """A file being received; every method blocks and is called in a thread."""

    def __init__(self, folder: Path, file_id: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{file_id}.part"
        self._file = os.fdopen(
            os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b", buffering=0
        )
        self.sha256 = hashlib.sha256()
        self.size_bytes = 0

    def write(self, block: bytes) -> None:
        """Writes the whole block; an unbuffered write may take only a part of it."""
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.sha256.update(block)
        self.size_bytes += len(block)

    def finish(self) -> str | None:
        """Makes the content durable and tells what it is."""
        os.fsync(self._file.fileno())
        kind = content_of(self._file)
        self._file.close()
        return kind

    def drop(self, path: Path) -> None:
        """Forgets the file, also where it has got its name already and only the folder could not be synced."""
        self._file.close()
        self.path.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def _move(part: Path, path: Path) -> None:
    """Gives the file its name durably: a rename is only on the disk when its folder is."""
    fresh = [folder for folder in (path.parent.parent, path.parent) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    part.replace(path)
    for folder in (path.parent, *(folder.parent for folder in reversed(fresh))):
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
