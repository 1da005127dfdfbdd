"""Cursors and pages."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doors.cursors import Cursor
from inbox_store.errors import Refused
from tests.doors.asking import refusal_of


class Place(msgspec.Struct, frozen=True):
    """A position with two parts."""

    at: int
    id: int


INBOX = Cursor("inbox.list", Place)
NOTES = Cursor("note.list", Place)

positions = st.builds(Place, at=st.integers(-(2**63), 2**63 - 1), id=st.integers(0, 2**63 - 1))


@given(positions)
def test_cursor_leads_back_to_its_position(position: Place) -> None:
    """What a cursor encodes it decodes, in URL-safe characters."""
    text = INBOX.encode(position)
    assert INBOX.decode(text) == position
    assert text.isascii()
    assert not set(text) & set("+/=&?#% ")


def test_no_cursor_is_the_first_page() -> None:
    """Without a cursor a list begins at its beginning."""
    assert INBOX.decode(None) is None


@given(positions)
def test_cursor_of_another_list_is_refused(position: Place) -> None:
    """A cursor belongs to one list."""
    with pytest.raises(Refused, match="cursor_invalid"):
        NOTES.decode(INBOX.encode(position))


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_junk_is_refused_or_exactly_ours(text: str) -> None:
    """A text is a cursor only when encoding would have written just that."""
    refused = refusal_of(lambda: INBOX.decode(text))
    assert refused in (None, "cursor_invalid")
    if refused is None:
        position = INBOX.decode(text)
        assert position is not None
        assert INBOX.encode(position) == text


@given(positions, st.data())
def test_a_changed_character_never_crashes(position: Place, data: st.DataObject) -> None:
    """One changed character gives a refusal or another position of the same list."""
    text = INBOX.encode(position)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from("Aa0_-")) + text[place + 1 :]
    assert refusal_of(lambda: INBOX.decode(changed)) in (None, "cursor_invalid")


@given(st.integers(0, 60), st.integers(1, 20))
def test_pages_give_every_row_once(count: int, limit: int) -> None:
    """Following the cursors visits all rows in order and ends."""
    rows = [Place(at=n, id=n) for n in range(count)]
    seen: list[Place] = []
    cursor: str | None = None
    while True:
        after = INBOX.decode(cursor)
        rest = [row for row in rows if after is None or row.id > after.id]
        page = INBOX.page(rest[: limit + 1], limit, lambda row: row)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
    assert seen == rows
