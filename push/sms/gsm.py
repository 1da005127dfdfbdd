"""The GSM 03.38 default alphabet: 128 codes and a few more behind an escape; only for SMPP channels set to it."""

from __future__ import annotations

from typing import Final

_ESCAPE: Final = 0x1B
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

CODES: Final[dict[str, bytes]] = {
    character: bytes((code,)) for code, character in enumerate(_BASIC) if code != _ESCAPE
} | {character: bytes((_ESCAPE, code)) for character, code in _EXTENDED.items()}
"""Each character's one code, or two where an escape is needed."""

_CHARACTERS: Final = {code: character for character, code in CODES.items()}


def encodable(text: str) -> bool:
    """Whether the table has every character of ``text``."""
    return all(character in CODES for character in text)


def width(character: str) -> int:
    """Septets of one character of the table. Raises KeyError for another."""
    return len(CODES[character])


def encode(text: str) -> bytes:
    """One code per byte, unpacked. Raises KeyError for a character the table does not have."""
    return b"".join(CODES[character] for character in text)


def decode(data: bytes) -> str:
    """The text of unpacked codes; what the table does not have becomes U+FFFD, for a phone may send anything."""
    text, position = [], 0
    while position < len(data):
        size = 2 if data[position] == _ESCAPE else 1
        text.append(_CHARACTERS.get(data[position : position + size], "\ufffd"))
        position += size
    return "".join(text)
