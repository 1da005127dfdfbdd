"""What became of what was sent: dispatches by unit, copies by document, the register of general dispatches (F7, F12)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from inbox_store.engine import Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun


class SentRow(Noun, frozen=True, kw_only=True):
    """One dispatch with its document and the names of who handed it in and who decided. Times: UTC microseconds."""

    id: int
    document_id: int
    supplement_of: int | None
    state: str
    general: bool
    units: int
    persons: int
    segments: int
    amount_li: int
    submitted_by: int
    submitter: str
    submitted_at: int
    decided_by: int | None
    decider: str | None
    decided_at: int | None
    decision_note: str | None
    sent_at: int | None
    sender_unit_id: int
    title: str
    kind: str
    urgency: str
    doc_no: str
    recalled_at: int | None
    is_test: bool


class Places(Noun, frozen=True, kw_only=True):
    """Whose dispatches: of every unit, of ``units``, and those that ``own`` (a person, 0 for nobody) handed in."""

    everywhere: bool = False
    units: tuple[int, ...] = ()
    own: int = 0

    def params(self) -> dict[str, object]:
        """As the statements take it."""
        return {"everywhere": int(self.everywhere), "units": json.dumps(self.units), "own": self.own}


def _sent(row: Row) -> SentRow:
    told = dict(zip(SentRow.__struct_fields__, row, strict=True))
    return SentRow(**{**told, "general": bool(told["general"]), "is_test": bool(told["is_test"])})


def sent_page(places: Places, state: str, before: int, limit: int) -> Program[tuple[SentRow, ...]]:
    """Dispatches newest first, below the id ``before``; ``state`` "" means any."""
    params = {**places.params(), "state": state, "before": before, "limit": limit}
    return tuple(_sent(row) for row in (yield Sql("sent_page", params)))


def sent_one(dispatch_id: int) -> Program[SentRow]:
    """One dispatch. Raises Refused("not_found")."""
    rows = yield Sql("sent_one", {"dispatch_id": dispatch_id})
    if not rows:
        raise Refused("not_found", what="dispatch", id=dispatch_id)
    return _sent(rows[0])


def general_page(
    places: Places, from_at: int, to_at: int, after: int, limit: int
) -> Program[tuple[SentRow, ...]]:
    """General dispatches handed in within [from_at, to_at), oldest first, above the id ``after``."""
    params = {**places.params(), "from_at": from_at, "to_at": to_at, "after": after, "limit": limit}
    return tuple(_sent(row) for row in (yield Sql("general_page", params)))


class TrackRow(Noun, frozen=True, kw_only=True):
    """Where one copy stands, as the sender follows it (F12). Times in UTC microseconds."""

    unit_id: int
    role: str
    state: str
    sent_at: int
    sign_due_at: int | None
    delivered_at: int | None
    opened_at: int | None
    signed_at: int | None
    signed_by: str | None
    signed_unread: int
    signed_bulk: int
    handler: str | None
    handling_started_at: int | None
    handle_due_at: int | None
    handled_at: int | None
    archived_at: int | None
    returned_at: int | None
    return_reason: str | None
    recalled_at: int | None
    round: int


class TrackSum(Noun, frozen=True, kw_only=True):
    """How many copies stand in a state, how many of them were opened, how many signed unread."""

    state: str
    copies: int
    opened: int
    signed_unread: int


def track(document_id: int, after: int, limit: int) -> Program[tuple[TrackRow, ...]]:
    """The copies of a document by unit id, above ``after``."""
    rows = yield Sql("track_rows", {"document_id": document_id, "after": after, "limit": limit})
    return tuple(TrackRow(**dict(zip(TrackRow.__struct_fields__, row, strict=True))) for row in rows)


def track_sums(document_id: int) -> Program[tuple[TrackSum, ...]]:
    """The copies of a document by state; the sums equal the totals."""
    rows = yield Sql("track_sums", {"document_id": document_id})
    return tuple(TrackSum(state=row[0], copies=row[1], opened=row[2], signed_unread=row[3]) for row in rows)


def person_names(ids: Iterable[int]) -> Program[dict[int, str]]:
    """The names of persons by id."""
    return dict((yield Sql("person_names", {"ids": json.dumps(sorted(set(ids)))})))
