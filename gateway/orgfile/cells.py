"""The cells of one row as typed values. A faulty cell gives the neutral value and a fault, never an exception."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final

from gateway.orgfile import columns
from gateway.orgfile.faults import Place, masked_phone
from gateway.orgfile.findings import Findings
from gateway.orgfile.words import TAGS, W, plain

_CODE: Final = re.compile(rf"[0-9A-Za-z][0-9A-Za-z._\-]{{0,{columns.CODE_MAX_CHARS - 1}}}")
_PHONE: Final = re.compile(r"1[3-9]\d{9}", re.ASCII)
_LOGIN: Final = re.compile(rf"[0-9A-Za-z][0-9A-Za-z._@\-]{{1,{columns.LOGIN_MAX_CHARS - 1}}}")
_SCIENTIFIC: Final = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_CONTROL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)
_EDGE: Final = " \t\r\n\u3000\xa0\u200b\ufeff"
_DAY: Final = re.compile(
    r"(\d{4})(?:-|/|\.|年)?(\d{1,2})(?:-|/|\.|月)?(\d{1,2})日?(?: 00:00(?::00)?)?", re.ASCII
)
_DAY_RUN: Final = re.compile(r"\d{8}", re.ASCII)
_YEARS: Final = range(1949, 2101)
_FORMULA_SIGNS: Final = ("=", "+", "-", "@")
_TAG_BREAK: Final = re.compile(r"[、,;，；\s]+")


@lru_cache(maxsize=8192)
def parse_day(text: str) -> date | None:
    """The calendar day in one of the usual spellings, or None where it is none (or lies outside 1949 to 2100)."""
    folded = unicodedata.normalize("NFKC", text).strip()
    parts = _DAY.fullmatch(folded)
    if parts is None or (folded.isdigit() and not _DAY_RUN.fullmatch(folded)):
        return None
    year, month, day = (int(part) for part in parts.groups())
    try:
        return date(year, month, day) if year in _YEARS else None
    except ValueError:
        return None


class Cells:
    """A reader of rows of one sheet: set to a row by ``turn``, then asked cell by cell, by header."""

    def __init__(self, sheet: str, positions: Mapping[str, int], findings: Findings) -> None:
        self.sheet = sheet
        self.row = 0
        self._positions = positions
        self._findings = findings
        self._texts: Sequence[str] = ()

    def turn(self, row: int, texts: Sequence[str]) -> None:
        """Go to a row."""
        self.row = row
        self._texts = texts

    def tell(self, code: str, header: str, value: str = "", **params: object) -> None:
        """Note a fault in a cell of this row."""
        self._findings.tell(code, Place(self.sheet, self.row, header), value, **params)

    def raw(self, header: str, *, needed: bool = False) -> str:
        """The text of the cell without blanks around it."""
        index = self._positions.get(header, -1)
        text = self._texts[index].strip(_EDGE) if 0 <= index < len(self._texts) else ""
        if needed and not text:
            self.tell("missing", header)
        return text

    def text(self, header: str, max_chars: int, *, needed: bool = False) -> str:
        """A line of text such as a name: as typed, but no control character, no formula, not over-long."""
        text = self.raw(header, needed=needed)
        if len(text) > max_chars:
            self.tell("too_long", header, text, max_chars=max_chars)
        elif _CONTROL.search(text):
            self.tell("control", header, text)
        elif text.startswith(_FORMULA_SIGNS):
            self.tell("formula_text", header, text, sign=text[0])
        else:
            return text
        return ""

    def code(self, header: str, *, needed: bool = True) -> str:
        """A code of the office."""
        text = self.raw(header, needed=needed)
        if not text or _CODE.fullmatch(text):
            return text
        folded = unicodedata.normalize("NFKC", text)
        if _CODE.fullmatch(folded):
            return folded
        told = "scientific" if _SCIENTIFIC.fullmatch(folded) else "bad_code"
        self.tell(told, header, text, max_chars=columns.CODE_MAX_CHARS)
        return ""

    def phone(self, header: str) -> str:
        """A mobile number of the mainland as eleven digits; blanks, hyphens and +86 are taken off."""
        text = self.raw(header)
        if not text or _PHONE.fullmatch(text):
            return text
        folded = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text))
        number = re.sub(r"^(\+86|0086)", "", folded)
        if _PHONE.fullmatch(number):
            return number
        told = "scientific" if _SCIENTIFIC.fullmatch(folded) else "bad_phone"
        self.tell(told, header, masked_phone(text))
        return ""

    def login(self, header: str) -> str:
        """A login name."""
        text = self.raw(header)
        if text and not _LOGIN.fullmatch(text):
            self.tell("bad_login", header, text, max_chars=columns.LOGIN_MAX_CHARS)
            return ""
        return text

    def day(self, header: str) -> date | None:
        """A calendar day."""
        text = self.raw(header)
        found = parse_day(text) if text else None
        if text and found is None:
            self.tell("bad_day", header, text)
        return found

    def word(self, header: str, words: Mapping[str, W], default: W | None) -> W | None:
        """A word of a closed list; blank means ``default``, and where that is None the cell must be filled in."""
        text = self.raw(header, needed=default is None)
        if not text:
            return default
        found = words.get(text) or words.get(plain(text))
        if found is None:
            allowed = self._allowed(header)
            self.tell(
                "bad_word",
                header,
                text,
                nearest=self._findings.nearest(header, text, allowed),
                allowed="、".join(allowed),
            )
        return found

    def optional_word(self, header: str, words: Mapping[str, W]) -> W | None:
        """A word of a closed list or None for a blank cell."""
        return self.word(header, words, None) if self.raw(header) else None

    def tags(self, header: str) -> tuple[str, ...]:
        """Tags, sorted, each once; those the programme acts on by their code."""
        text = self.raw(header)
        tags = sorted({TAGS.get(plain(tag), tag) for tag in _TAG_BREAK.split(text) if tag})
        if any(len(tag) > columns.TAG_MAX_CHARS for tag in tags):
            self.tell("too_long", header, text, max_chars=columns.TAG_MAX_CHARS)
        elif len(tags) > columns.TAGS_MAX:
            self.tell("too_many_tags", header, text, max_tags=columns.TAGS_MAX)
        elif _CONTROL.search("".join(tags)):
            self.tell("control", header, text)
        else:
            return tuple(tags)
        return ()

    def _allowed(self, header: str) -> tuple[str, ...]:
        table = columns.TABLE_BY_NAME[self.sheet]
        return next(column.choices for column in table.columns if column.header == header)
