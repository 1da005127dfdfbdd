"""Where short messages stand: of an alert, of a document, of a channel."""

from __future__ import annotations

from inbox_store.engine import Program, Sql
from inbox_store.nouns import Noun


def figures(alert_id: int) -> Program[dict[str, tuple[int, int]]]:
    """An alert's orders by state: (messages, segments)."""
    rows = yield Sql("sms_figures", {"alert_id": alert_id})
    return {row[0]: (row[1], row[2]) for row in rows}


class DocumentMessages(Noun, frozen=True, kw_only=True):
    """A document's messages: (messages, segments) by state, the segments charged and their li."""

    states: dict[str, tuple[int, int]]
    charged_segments: int
    amount_li: int


def of_document(document_id: int) -> Program[DocumentMessages]:
    """Where the messages of a document stand, and what they cost."""
    rows = yield Sql("sms_of_document", {"document_id": document_id})
    ((segments, amount),) = yield Sql("sms_charged_of_document", {"document_id": document_id})
    states = {row[0]: (row[1], row[2]) for row in rows}
    return DocumentMessages(states=states, charged_segments=segments, amount_li=amount)


class Backlog(Noun, frozen=True, kw_only=True):
    """What stands open: by route what waits and since when (UTC microseconds); by channel what left and has no end yet."""

    waiting: dict[str, tuple[int, int]]
    open: dict[str, tuple[int, int, int]]
    """Under way, in doubt, accepted without a report."""


def backlog() -> Program[Backlog]:
    """What stands open now."""
    found: dict[str, tuple[int, int, int]] = {}
    for channel, *counts in (yield Sql("sms_channels_open")):
        before = found.get(channel, (0, 0, 0))
        found[channel] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
    waiting = {row[0]: (row[1], row[2]) for row in (yield Sql("sms_backlog"))}
    return Backlog(waiting=waiting, open=found)
