"""What a file is, told by its content and never by its name (ASVS 5.2.2).

Nothing is unpacked or parsed: first bytes, the list of members of a ZIP, stream names of an OLE2 file, or a whole
reading as text. What is not recognised has no kind and is refused.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

BLOCK_BYTES: Final = 1 << 18

ZIP_LIST_MAX_BYTES: Final = 1 << 20
"""Of a ZIP's list of members: an office file has a few hundred, a list beyond this is an attack."""

_PDF: Final = b"%PDF-"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_ZIP: Final = b"PK\x03\x04"
_OLE2: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_MEMBER: Final = b"PK\x01\x02"

_ZIP_KINDS: Final = (
    ("docx", (b"[Content_Types].xml", b"word/document.xml")),
    ("xlsx", (b"[Content_Types].xml", b"xl/workbook.xml")),
    ("pptx", (b"[Content_Types].xml", b"ppt/presentation.xml")),
    ("ofd", (b"OFD.xml",)),
)
_MACROS: Final = b"vbaproject.bin"
_OLE2_KINDS: Final = (
    ("doc", "WordDocument".encode("utf-16-le")),
    ("xls", "Workbook".encode("utf-16-le")),
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")

CONTENT_OF: Final[dict[str, frozenset[str]]] = {
    "pdf": frozenset({"pdf"}),
    "ofd": frozenset({"ofd"}),
    "docx": frozenset({"docx"}),
    "doc": frozenset({"doc"}),
    "wps": frozenset({"doc", "docx"}),
    "xlsx": frozenset({"xlsx"}),
    "xls": frozenset({"xls"}),
    "et": frozenset({"xls", "xlsx"}),
    "pptx": frozenset({"pptx"}),
    "png": frozenset({"png"}),
    "jpg": frozenset({"jpg"}),
    "jpeg": frozenset({"jpg"}),
    "txt": frozenset({"txt"}),
}
"""Extension -> the contents that may stand behind it. WPS Office writes both containers under its own extensions."""

MEDIA_TYPES: Final[dict[str, str]] = {
    "pdf": "application/pdf",
    "ofd": "application/ofd",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "doc": "application/msword",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "png": "image/png",
    "jpg": "image/jpeg",
    "txt": "text/plain",
}
"""Content -> media type of the download."""


def content_of(file: BinaryIO) -> str | None:
    """The content of ``file``, one of MEDIA_TYPES; None when it is none of them. Reads it, from its beginning."""
    file.seek(0)
    head = file.read(16)
    for kind, magic in (("pdf", _PDF), ("png", _PNG), ("jpg", _JPEG)):
        if head.startswith(magic):
            return kind
    if head.startswith(_ZIP):
        return _zip_content(file)
    if head.startswith(_OLE2):
        return _ole2_content(file)
    return "txt" if head and is_text(file) else None


def _zip_content(file: BinaryIO) -> str | None:
    names = frozenset(zip_names(file))
    if any(name.lower().endswith(_MACROS) for name in names):
        return None
    return next((kind for kind, needed in _ZIP_KINDS if names.issuperset(needed)), None)


def zip_names(file: BinaryIO) -> Iterator[bytes]:
    """The members' names from a ZIP's own list at its end; none when the list is missing, broken, huge or ZIP64."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    end = tail.rfind(_ZIP_END)
    if end < 0 or len(tail) - end < 22:
        return
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    start = int.from_bytes(tail[end + 16 : end + 20], "little")
    if length > ZIP_LIST_MAX_BYTES or start + length > size:
        return
    file.seek(start)
    yield from _listed(file.read(length))


def _listed(entries: bytes) -> Iterator[bytes]:
    place = 0
    while entries[place : place + 4] == _ZIP_MEMBER:
        lengths = [int.from_bytes(entries[place + at : place + at + 2], "little") for at in (28, 30, 32)]
        yield entries[place + 46 : place + 46 + lengths[0]]
        place += 46 + sum(lengths)


def _ole2_content(file: BinaryIO) -> str | None:
    """Which office program's stream the container holds; an installer or an encrypted package holds neither."""
    file.seek(0)
    rest = b""
    while block := file.read(BLOCK_BYTES):
        window = rest + block
        for kind, name in _OLE2_KINDS:
            if name in window:
                return kind
        rest = window[-64:]
    return None


def is_text(file: BinaryIO) -> bool:
    """Whether the whole file is text in UTF-8 or GB 18030, without control characters but tabs, breaks and feeds."""
    return any(_reads_as(file, encoding) for encoding in ("utf-8", "gb18030"))


def _reads_as(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while block := file.read(BLOCK_BYTES):
            if _CONTROL.search(decoder.decode(block)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
