"""Search by bigrams: what is in a text is found, down to words of two characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.grams import TEXT_MAX, fold, grams, query_grams

CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30)
TITLE = "关于召开2026年防汛工作会议的通知（云政办发〔2026〕7号）"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("会议", True),
        ("防汛", True),
        ("防汛 会议", True),
        ("会议 防汛", True),
        ("2026年", True),
        ("２０２６年", True),  # full width
        ("云政办发[2026]7号", True),
        ("汛", True),
        ("防火", False),
        ("会议 防火", False),
        ("议会", False),
    ],
)
def test_words_of_a_title_are_found(wanted: str, found: bool) -> None:  # noqa: FBT001 - the expectation
    """Two-character words, single characters, several words in any order, any width of digits and brackets."""
    assert grams(TITLE).issuperset(query_grams(wanted)) is found


@given(CHINESE, st.data())
def test_every_part_of_a_text_is_found(text: str, data: st.DataObject) -> None:
    """Any stretch of a text finds it."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert grams(text).issuperset(query_grams(text[start:end]))


@given(st.text(max_size=40))
def test_any_text_is_taken(text: str) -> None:
    """No text breaks the folding, and folding twice changes nothing."""
    assert all(1 <= len(gram) <= 2 for gram in grams(text))
    assert fold(fold(text)) == fold(text)
    assert query_grams(text) == tuple(sorted(set(query_grams(text))))


def test_blanks_ask_for_nothing() -> None:
    """A text of blanks and marks has no bigrams, and a very long one is cut."""
    assert query_grams(" 　、。 ") == ()
    assert len(fold("长" * (TEXT_MAX + 9))) == TEXT_MAX
