"""Stored files on their way out: always as a download, never as a page (ASVS 3.2.1, 5.4.1)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from gateway.doors.file_names import disposition
from gateway.doors.sniffing import MEDIA_TYPES
from inbox_store.errors import Refused

TIMEOUT_S: Final = 600.0
XLSX: Final = MEDIA_TYPES["xlsx"]
CSV: Final = "text/csv"
_MADE: Final = {"xlsx": XLSX, "csv": f"{CSV}; charset=utf-8"}
_SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


class Download(web.FileResponse):
    """A file with Range support that gives up on a reader who takes longer than ``timeout_s`` for the whole of it."""

    def __init__(self, path: Path, *, headers: dict[str, str], timeout_s: float) -> None:
        super().__init__(path, headers=headers)
        self._timeout_s = timeout_s

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Sends the file. Raises ConnectionResetError when the reader is too slow."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await super().prepare(request)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the reader of a download was too slow") from None


def made(body: bytes, name: str) -> web.Response:
    """The answer that sends a workbook or CSV made for this request; ``name`` ends in .xlsx or .csv."""
    extension = name.rpartition(".")[2]
    headers = {"Content-Type": _MADE[extension], "Content-Disposition": disposition(name)}
    return web.Response(body=body, headers=headers)


async def download(path: Path, *, name: str, media_type: str, timeout_s: float = TIMEOUT_S) -> Download:
    """The answer that sends the file at ``path`` under ``name``. Raises Refused("not_found") when it is not there."""
    if not await asyncio.to_thread(path.is_file):
        raise Refused("not_found")
    headers = {
        "Content-Type": media_type,
        "Content-Disposition": disposition(name),
        "Content-Security-Policy": _SANDBOX,
    }
    return Download(path, headers=headers, timeout_s=timeout_s)
