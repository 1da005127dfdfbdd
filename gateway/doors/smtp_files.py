"""Attachments of a mail into the folder of attachments, by the checks of an upload."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.doors.call import Incoming
from gateway.doors.uploads import AttachmentFolder
from inbox_store.programs.registers import Upload


class MailFiles:
    """What a mail brought, file by file (``gateway.flows.mail_in.Files``)."""

    def __init__(self, folder: AttachmentFolder) -> None:
        self._folder = folder

    async def keep(self, name: str, content: bytes) -> Upload:
        """Take one file in. Raises Refused: attachment_type, attachment_too_large, attachment_broken; OSError."""
        received = await self._folder.receive(Incoming(length=len(content), chunks=_once(content)), name=name)
        return Upload(
            id=received.file_id,
            name=received.name,
            media_type=received.media_type,
            size_bytes=received.size_bytes,
            sha256=bytes.fromhex(received.sha256),
        )

    async def discard(self, file_id: str) -> None:
        """Remove one that nothing refers to."""
        await self._folder.discard(file_id)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
