"""Paging: an opaque cursor says where the next page begins, and belongs to one list only.

A cursor is base64url(msgpack([version, list name, position])). It carries a place, never a right: every page is read
through the same access rule as the first. So it is not signed, but it is read strictly; what ``encode`` did not write
is refused as ``cursor_invalid``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from gateway.doors.wire import Body
from inbox_store.errors import Refused

VERSION: Final = 1
LENGTH_MAX: Final = 512
PAGE_SIZE_MAX: Final = 100

P = TypeVar("P", bound=msgspec.Struct)
T = TypeVar("T")


class PageQuery(Body, frozen=True, kw_only=True):
    """What every paged list takes; a list with filters of its own inherits from it."""

    cursor: (
        Annotated[str, Meta(max_length=LENGTH_MAX, description="上一页答复中的 next；第一页不填")] | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX, description="每页条数")] = 20


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list; ``next`` is the cursor of the following page, null on the last."""

    items: tuple[T, ...]
    next: str | None = None


class Cursor(Generic[P]):
    """The cursors of the list ``name``, whose positions are the frozen struct ``kind`` (ints and short texts)."""

    def __init__(self, name: str, kind: type[P]) -> None:
        self.name = name
        self._decoder = msgspec.msgpack.Decoder(tuple[int, str, kind])  # type: ignore[valid-type]

    def encode(self, position: P) -> str:
        """The text that leads back to ``position``."""
        packed = msgspec.msgpack.encode((VERSION, self.name, position))
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    def decode(self, text: str | None) -> P | None:
        """The position behind ``text``, None for the first page. Raises Refused("cursor_invalid")."""
        if text is None:
            return None
        try:
            version, name, position = self._decoder.decode(_unwrapped(text))
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise Refused("cursor_invalid") from None
        if (version, name) != (VERSION, self.name) or self.encode(position) != text:
            raise Refused("cursor_invalid")
        return position

    def page(self, rows: list[T], limit: int, position_of: Callable[[T], P]) -> Page[T]:
        """A page of ``rows``, which were read with ``limit + 1``: the row too many tells that there is a next page."""
        shown = tuple(rows[:limit])
        more = len(rows) > limit and shown
        return Page(items=shown, next=self.encode(position_of(shown[-1])) if more else None)


def _unwrapped(text: str) -> bytes:
    """The packed bytes of a cursor's text. Raises ValueError where it is no unpadded base64url."""
    if len(text) > LENGTH_MAX or not text.isascii() or "=" in text:
        raise binascii.Error
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
