"""Finding marks of secrecy (密级标志) in a title, the head of a body or a file name, and leaving ordinary words alone.

Classified documents never run on the platform (P24, J26; State Secrets Law). A *mark* is one of the three levels 绝密,
机密, 秘密 standing where GB/T 9704 and office habit put it; the same characters inside a sentence are a word. The rule:

=========== ==================================================================== ==========================
form        a mark                                                               an ordinary word
=========== ==================================================================== ==========================
star        the level followed by a star, anywhere: 秘密★5年, 机密☆               -
bracket     the level alone in brackets, with a period or 级/件: 【绝密】（秘密）   《秘密》, （秘密文件管理办法）
label       after 密级 with a colon or a blank: 密级：秘密                          密级分为绝密、机密、秘密
period      the level with a period of secrecy, not in a word: 机密10年            保守秘密10年
head        at the start, alone or before a blank, a dash, a colon, 特急, 关于;      秘密文件管理办法, 机密性检查
            in a body line only alone, before a blank or before 特急
tail        at the end of a title or name, set off: …的通知 机密, 名单-秘密        保守国家秘密
=========== ==================================================================== ==========================

Before looking, text is brought to one form: NFKC (full-width letters, brackets, Kangxi forms), traditional characters
of the words concerned, invisible characters dropped, blanks between the two characters allowed. The rule catches
honest mistakes; it does not unmask somebody who hides a mark on purpose.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

HEAD_LINES: Final = 10
"""Lines of the body that count as its head: the mark stands above the title, after copy number and urgency."""
HEAD_CHARACTERS: Final = 32 * 1024
"""How much of a body is looked at for its head, markup included."""
LINE_CHARACTERS: Final = 200
"""How much of one head line is looked at; a mark stands at its start."""

_TRADITIONAL: Final = str.maketrans("絕絶機級祕長啟關於", "绝绝机级秘长启关于")

_GAP: Final = r"[ \t]{0,6}"
_LEVEL: Final = rf"(?P<level>[绝机秘]){_GAP}密"
_PAPER: Final = r"(?:级|件|文件|资料|材料|公文|电报|传真)?"
_GRADE: Final = r"(?:级|件)?"
_PERIOD: Final = rf"(?:(?:\d{{1,2}}|[一二三四五六七八九十]{{1,3}}){_GAP}(?:年|个月)|长期|启封)"
_STAR: Final = rf"(?:[★☆✩✪✭✰⭐※]|\*(?={_GAP}(?:{_PERIOD}|$)))"
_URGENCY: Final = r"(?:特提|特急|加急|平急|急件)"
_DASHES: Final = r" \t_–—·|\-"
_NOT_A_WORD: Final = r"(?<!国家)(?<!商业)(?<!工作)"
_NOT_AFTER_HAN: Final = r"(?<![㐀-鿿])"

_STARRED: Final = re.compile(rf"{_LEVEL}{_PAPER}{_GAP}{_STAR}")
_BRACKETED: Final = re.compile(
    rf"[\[(<【〔〖]{_GAP}{_LEVEL}{_GAP}{_PAPER}{_GAP}[·.,]?{_GAP}{_PERIOD}?{_GAP}{_URGENCY}?{_GAP}[\])>】〕〗]"
)
_LABELLED: Final = re.compile(rf"密{_GAP}级(?:别|标志|标识)?(?:{_GAP}:{_GAP}|[ \t]{{1,6}}){_LEVEL}")
_PERIODED: Final = re.compile(rf"{_NOT_AFTER_HAN}{_LEVEL}{_GRADE}{_GAP}\(?{_GAP}{_PERIOD}")
_ALONE: Final = re.compile(rf"^{_LEVEL}{_PAPER}$")
_LEADING: Final = re.compile(rf"^{_LEVEL}{_GRADE}(?:[:{_DASHES}]|{_URGENCY}|关于)")
_LEADING_LINE: Final = re.compile(rf"^{_LEVEL}{_GRADE}(?:[ \t]|{_URGENCY})")
_TRAILING: Final = re.compile(rf"{_NOT_A_WORD}(?<![{_DASHES}])[{_DASHES}]{{1,6}}{_LEVEL}{_GRADE}$")
_TRAILING_LINE: Final = re.compile(rf"{_NOT_A_WORD}(?<![ \t])[ \t]{{2,40}}{_LEVEL}{_GRADE}$")

_ANYWHERE: Final = (_STARRED, _BRACKETED, _LABELLED, _PERIODED, _ALONE)
_IN_NAMES: Final = (*_ANYWHERE, _LEADING, _TRAILING)
_IN_LINES: Final = (*_ANYWHERE, _LEADING_LINE, _TRAILING_LINE)

_TAG: Final = re.compile(r"<!--.{0,500}?-->|</?[a-zA-Z][^<>]{0,2000}>", re.DOTALL)
_BREAKING_TAG: Final = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/td|/th)\b[^<>]{0,200}>", re.IGNORECASE)
_COPY_NUMBER: Final = re.compile(r"\(\d{1,3}\)$")


def mark_in_title(title: str) -> str | None:
    """The level (绝密, 机密 or 秘密) marked in a title, or None."""
    return _first(" ".join(one_form(title).split("\n")), _IN_NAMES)


def mark_in_file_name(name: str) -> str | None:
    """The level marked in a file name, its folders or before its extensions, or None."""
    return next(filter(None, (_first(piece, _IN_NAMES) for piece in _name_pieces(one_form(name)))), None)


def mark_in_body(body: str, lines: int = HEAD_LINES) -> str | None:
    """The level marked in the first ``lines`` lines of a body that are not empty, or None.

    A mark in the middle of a sentence further down is not looked for: the body of an ordinary document may speak of
    secrets. Markup is dropped first.
    """
    found = (_first(line, _IN_LINES) for line in head_of(body, lines))
    return next(filter(None, found), None)


def head_of(body: str, lines: int) -> list[str]:
    """The first ``lines`` lines that hold text, in one form, without markup."""
    text = _BREAKING_TAG.sub("\n", body[:HEAD_CHARACTERS])
    plain = one_form(html.unescape(_TAG.sub("", text)))
    held = [line.strip(" ") for line in plain.split("\n")]
    return [line[:LINE_CHARACTERS] for line in held if line][:lines]


def one_form(text: str) -> str:
    """The text as the rules read it; ideographic blanks become two, because a mark is set off with one of them."""
    folded = unicodedata.normalize("NFKC", text.replace("\u3000", "  ").replace("\xa0", " "))
    folded = re.sub(r"\r\n?|[\v\f\u2028\u2029]", "\n", folded)
    visible = (c for c in folded if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
    return "".join(visible).translate(_TRADITIONAL)


def _name_pieces(name: str) -> Iterator[str]:
    """Each folder and the name of a path, whole and cut at its dots: ``机密.2018.docx`` begins with a mark."""
    for part in re.split(r"[/\\\n]", name):
        yield from (_COPY_NUMBER.sub("", piece.strip()) for piece in (part, *part.split(".")))


def _first(text: str, patterns: tuple[re.Pattern[str], ...]) -> str | None:
    stripped = text.strip()
    found = next(filter(None, (pattern.search(stripped) for pattern in patterns)), None)
    return f"{found['level']}密" if found else None
