"""Looking into an inbox: lines with the standing of the reader's units, found by text, folder, state, sender and days."""

from __future__ import annotations

from inbox_store.engine import Program
from inbox_store.nouns import Noun
from inbox_store.programs import inbox
from inbox_store.programs.inbox import CopyStatus, EntryFilter, EntryView, FolderCount


class EntryLine(Noun, frozen=True, kw_only=True):
    """One line of an inbox page: the entry, when it was sent, and how each of the reader's units stands to it."""

    view: EntryView
    sent_at: int
    copies: tuple[CopyStatus, ...]


def entries(
    person_id: int, wanted: EntryFilter, before: int, limit: int, now: int
) -> Program[tuple[EntryLine, ...]]:
    """Entries newest first, below send number ``before``, each with the standing of the reader's units."""
    views = yield from inbox.page(person_id, wanted, before, limit)
    sends = [(view.commit_no, view.send_no, False) for view in views]
    items = {item.send_no: item for item in (yield from inbox.items_of(person_id, sends, now))}
    lines = []
    for view in views:
        copies = items[view.send_no].copies
        sent_at = min((copy.sent_at for copy in copies), default=items[view.send_no].submitted_at)
        lines.append(EntryLine(view=view, sent_at=sent_at, copies=copies))
    return tuple(lines)


def folders(person_id: int) -> Program[tuple[int, tuple[FolderCount, ...]]]:
    """The position and the counts that belong to it: one snapshot, so that a client can go on from there."""
    return (yield from inbox.position()), (yield from inbox.counts(person_id))
