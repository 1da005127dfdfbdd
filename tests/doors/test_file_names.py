"""File names made harmless."""

from __future__ import annotations

import unicodedata

import pytest
from aiohttp import multipart
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.doors.file_names import LENGTH_MAX, NAMELESS, SIZE_MAX_BYTES, clean_name, disposition

hostile = st.text(
    alphabet=st.characters(codec="utf-8") | st.sampled_from('./\\:\0 \t\u202e\u200b\ufeff"*?<>|附件aé中'),
    max_size=300,
)


@pytest.mark.parametrize(
    ("given_name", "cleaned"),
    [
        ("关于召开会议的通知.docx", "关于召开会议的通知.docx"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("C:\\文件\\值班表.xlsx", "值班表.xlsx"),
        ("a\0b.pdf", "ab.pdf"),
        ("gnp.\u202efdp.exe", "gnp.fdp.exe"),
        ("..", NAMELESS),
        ("", NAMELESS),
        ("/", NAMELESS),
        ("   ", NAMELESS),
        ("...", NAMELESS),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("LPT1.pdf", "_LPT1.pdf"),
        ("名称. ", "名称"),
        ("a:b|c?.pdf", "a_b_c_.pdf"),
        ("e\u0301.pdf", "é.pdf"),
        ("一 \n 二.pdf", "一 二.pdf"),
        ("字" * 200 + ".pdf", "字" * 78 + ".pdf"),
        ("x" * 300 + ".docx", "x" * 115 + ".docx"),
        (".htaccess", "htaccess"),
        ("\udcff.pdf", ".pdf".strip(".")),
    ],
)
def test_known_tricks(given_name: str, cleaned: str) -> None:
    """Each trick ends as the harmless name."""
    assert clean_name(given_name) == cleaned


@given(hostile)
@example("a" * 119 + "é" + ".pdf")
@example("\u0344" * 120)
@example("..\u200b/..")
def test_cleaned_name_is_harmless(given_name: str) -> None:
    """No separator, no dot-dot, no hidden character, within both limits, never empty."""
    name = clean_name(given_name)
    assert name
    assert not set(name) & set('/\\\0<>:"|?*')
    assert name not in (".", "..")
    assert name == name.strip(" .")
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in name)
    assert len(name) <= LENGTH_MAX
    assert len(name.encode()) <= SIZE_MAX_BYTES


@given(hostile)
def test_cleaning_twice_changes_nothing(given_name: str) -> None:
    """A cleaned name is its own cleaned name."""
    once = clean_name(given_name)
    assert clean_name(once) == once


@given(hostile)
def test_disposition_is_one_safe_line_and_keeps_the_name(given_name: str) -> None:
    """A browser reads back the cleaned name, and nothing in it can end the header."""
    name = clean_name(given_name)
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    kind, params = multipart.parse_content_disposition(header)
    assert kind == "attachment"
    assert params["filename*"] == name
    assert header.count('"') == 2


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.pdf", "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"),
        ("通知.pdf", "attachment; filename=\"attachment.pdf\"; filename*=UTF-8''%E9%80%9A%E7%9F%A5.pdf"),
        ('a"b.pdf', "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf"),
    ],
)
def test_disposition_has_a_plain_name_for_old_clients(name: str, header: str) -> None:
    """Both forms stand in the header, as RFC 6266 (appendix D) advises."""
    assert disposition(name) == header
