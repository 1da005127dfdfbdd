"""Why a person was, or was not, told of a document: the entry, and every order with its reason."""

from __future__ import annotations

from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun


class ToldOf(Noun, frozen=True):
    """The person's entry of a document, and what could be told by; columns in the order of ``why_entry``."""

    title: str
    sender_unit_id: int
    created_by: int
    name: str
    delivered_at: int | None
    opened_at: int | None
    done_at: int | None
    state: str | None
    has_number: int
    devices: int


class ToldBy(Noun, frozen=True):
    """One order: by which channel, where it stands and why; columns in the order of ``why_orders``."""

    alert_id: int
    kind: str
    round: int
    created_at: int
    policy: str
    channel: str
    device: str
    state: str
    reason: str
    due_at: int
    settled_at: int | None
    until_opened: int


def why(document_id: int, person_id: int) -> Program[tuple[ToldOf, tuple[ToldBy, ...]]]:
    """The entry and the orders. Raises Refused("not_found")."""
    key = {"document_id": document_id, "person_id": person_id}
    rows = yield Sql("why_entry", key)
    if not rows:
        raise Refused("not_found", what="document", id=document_id)
    orders = tuple(ToldBy(*row) for row in (yield Sql("why_orders", key)))
    return ToldOf(*rows[0]), orders
