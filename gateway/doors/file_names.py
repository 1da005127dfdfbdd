"""File names as people gave them, made harmless, and said in a header (RFC 6266, RFC 8187). Pure.

A name is metadata only: files lie under generated ids. It still travels to other people's disks, so it keeps no path,
no control or direction characters, no name that Windows reserves, and a length every file system takes.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote

LENGTH_MAX: Final = 120
"""Characters of a cleaned name."""

SIZE_MAX_BYTES: Final = 240
"""Bytes of a cleaned name in UTF-8: below the 255 of common file systems, with room for a suffix."""

NAMELESS: Final = "附件"

_SEPARATORS = re.compile(r"[/\\]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE | re.DOTALL)
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that no name needs: controls, direction and width marks, surrogates, private, unassigned."""

_ATTRIBUTE_SAFE: Final = "!#$&+-.^_`|~"


def clean_name(given: str) -> str:
    """A harmless name for ``given``, with its extension; never empty, never a path. Cleaning twice changes nothing."""
    last = _SEPARATORS.split(unicodedata.normalize("NFC", given))[-1]
    told = "".join(" " if char.isspace() else char for char in last if not _is_hidden(char))
    told = unicodedata.normalize("NFC", _FORBIDDEN.sub("_", told))
    told = _shortened(re.sub(r" {2,}", " ", told).strip(" ."))
    if not told.strip("_ ."):
        return NAMELESS
    return _shortened("_" + told) if _RESERVED.fullmatch(told) else told


def _is_hidden(char: str) -> bool:
    return char not in "\t\n\r" and unicodedata.category(char) in _HIDDEN


def _shortened(name: str) -> str:
    """``name`` within both limits; the extension survives, the stem gives way."""
    stem, extension = split_name(name)
    ending = f".{extension}" if extension else ""
    while len(stem + ending) > LENGTH_MAX or len((stem + ending).encode()) > SIZE_MAX_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(" .") + ending) or NAMELESS


def split_name(name: str) -> tuple[str, str]:
    """The stem and the extension in lower case, "" when there is none; only short ASCII endings count as one."""
    stem, dot, ending = name.rpartition(".")
    if dot and stem and re.fullmatch(r"[A-Za-z0-9]{1,8}", ending, re.ASCII):
        return stem, ending.lower()
    return name, ""


def disposition(name: str) -> str:
    """The Content-Disposition of a download named ``name``: an ASCII form for old clients, then the true name."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    stem, extension = split_name(plain)
    if not re.search(r"[A-Za-z0-9]", stem):
        plain = f"attachment.{extension}" if extension else "attachment"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE_SAFE)}"
