"""The lists of replies from phones: those to a document's messages, and those that answer nothing we asked."""

from __future__ import annotations

from collections.abc import Sequence

from inbox_store.engine import Program, Row, Sql
from inbox_store.keys import PhoneVault, mask
from inbox_store.nouns import Noun
from inbox_store.programs.reply_rules import Kind


class ReplyRow(Noun, frozen=True, kw_only=True):
    """A reply as it is listed. ``phone`` is masked; ``refused`` is why it does not stand, ``why`` the rules' own words."""

    id: int
    channel: str
    phone: str
    source: str
    text: str
    received_at: int
    said_at: int
    person: str | None
    unit_id: int | None
    document_id: int | None
    complete: bool
    meaning: Kind
    detail: str
    refused: str
    why: str


def unmatched_page(before: int, limit: int, vault: PhoneVault) -> Program[tuple[ReplyRow, ...]]:
    """Replies that answer nothing we asked, newest first, below the id ``before``."""
    return _rows((yield Sql("reply_page_unmatched", {"before": before, "limit": limit})), vault)


def document_page(
    document_id: int, before: int, limit: int, vault: PhoneVault
) -> Program[tuple[ReplyRow, ...]]:
    """Replies to the messages about a document, newest first, below the id ``before``."""
    told = {"document_id": document_id, "before": before, "limit": limit}
    return _rows((yield Sql("reply_page_document", told)), vault)


def _rows(rows: Sequence[Row], vault: PhoneVault) -> tuple[ReplyRow, ...]:
    names = ReplyRow.__struct_fields__
    found = []
    for row_id, channel, sealed, key, *rest in rows:
        told = dict(zip(names, (row_id, channel, mask(vault.open(sealed, key)), *rest), strict=True))
        found.append(ReplyRow(**{**told, "complete": bool(told["complete"])}))
    return tuple(found)
