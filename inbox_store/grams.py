"""Search by bigrams of our own: two-character Chinese words such as 会议 are found (FTS5's trigram cannot)."""

from __future__ import annotations

import unicodedata

TEXT_MAX = 500
"""Characters of a text that are indexed: titles, numbers and names are shorter."""


def fold(text: str) -> str:
    """Text as it is compared: NFKC, lower case, without blanks and punctuation."""
    flat = unicodedata.normalize("NFKC", text).casefold()[:TEXT_MAX]
    return "".join(letter for letter in flat if letter.isalnum())


def grams(text: str) -> frozenset[str]:
    """All single characters and neighbouring pairs of ``text``, folded word by word at blanks."""
    found: set[str] = set()
    for word in text.split():
        flat = fold(word)
        found.update(flat)
        found.update(flat[i : i + 2] for i in range(len(flat) - 1))
    return frozenset(found)


def query_grams(text: str) -> tuple[str, ...]:
    """The bigrams a text to look for must all have; a single character stands for itself."""
    wanted: set[str] = set()
    for word in text.split():
        flat = fold(word)
        wanted.update({flat} if len(flat) == 1 else {flat[i : i + 2] for i in range(len(flat) - 1)})
    wanted.discard("")
    return tuple(sorted(wanted))
