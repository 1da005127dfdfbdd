"""Fits a text into a payload's bytes: cut where a reader sees the end of a character. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

ELLIPSIS: Final = "…"
_JOINER: Final = "\u200d"
_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)


def tidy(text: str) -> str:
    """Without what UTF-8 cannot hold: lone surrogates become a question mark."""
    return text.encode("utf-8", "replace").decode()


def fitted(text: str, fits: Callable[[str], bool]) -> str | None:
    """``text``, or its longest beginning with an ellipsis for which ``fits`` holds; None where not even "" does.

    ``fits`` must not say no to a shorter text than one it says yes to.
    """
    if fits(text):
        return text
    if not fits(""):
        return None
    least, most = 0, len(text)
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fits(text[:middle] + ELLIPSIS) else (least, middle)
    kept = whole(text, least)
    return text[:kept] + ELLIPSIS if kept else ""


def whole(text: str, length: int) -> int:
    """The last place at or before ``length`` that does not cut a character as it is seen: accents, flags, joined emoji."""
    while 0 < length < len(text) and _sticks(text, length):
        length -= 1
    return length


def _sticks(text: str, at: int) -> bool:
    """Whether the character at ``at`` belongs to the one in front of it."""
    here, before = text[at], text[at - 1]
    if _JOINER in (here, before) or unicodedata.category(here) in {"Mn", "Me", "Mc"}:
        return True
    if ord(here) in _TONES:
        return True
    if ord(here) in _FLAGS and ord(before) in _FLAGS:
        flags = 0
        while flags < at and ord(text[at - 1 - flags]) in _FLAGS:
            flags += 1
        return flags % 2 == 1
    return False
