"""Small files of every kind, made here."""

from __future__ import annotations

import io
import zipfile
from typing import Final


def zipped(*names: str) -> bytes:
    """A ZIP whose members have these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def ole2(*streams: str) -> bytes:
    """The head of an OLE2 file and a directory that names ``streams``."""
    directory = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in streams)
    return bytes.fromhex("d0cf11e0a1b11ae1").ljust(512, b"\0") + directory


PDF: Final = b"%PDF-1.7\n1 0 obj\n"
PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(30)
JPEG: Final = b"\xff\xd8\xff\xe0" + bytes(30)
DOCX: Final = zipped("[Content_Types].xml", "word/document.xml")
OFD: Final = zipped("OFD.xml", "Doc_0/Document.xml")
