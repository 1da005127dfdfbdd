"""Reading: a document as one reader may see it, its attachments, receipts, a unit's register of what came in."""

from __future__ import annotations

import json

from gateway.house import House
from gateway.rules.access import Principal, Target, permit, permit_any
from inbox_store.engine import Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.programs import dispatch as dispatches
from inbox_store.programs import meetings, trace
from inbox_store.programs.entries import find_entry
from inbox_store.programs.meetings import MeetingRow
from inbox_store.programs.registers import Upload
from inbox_store.programs.trace import ProvenReceipt
from inbox_store.programs.tracking import person_names


class CopyView(Noun, frozen=True, kw_only=True):
    """How one of the reader's units stands to a document."""

    unit_id: int
    role: str
    state: str
    sent_at: int
    sign_due_at: int | None
    due_provisional: int
    opened_at: int | None
    signed_at: int | None
    signed_by: str | None
    handler_id: int | None
    handle_due_at: int | None
    archived_at: int | None
    return_reason: str | None
    recalled_at: int | None


class OpinionView(Noun, frozen=True, kw_only=True):
    """One opinion in the order in which they were given."""

    id: int
    unit_id: int
    person_id: int
    name: str
    at: int
    text: str


class DocumentView(Noun, frozen=True, kw_only=True):
    """A document as one reader may see it: with the copies of the reader's own units and their opinions.

    ``names`` are those of the handlers, by id; ``meeting`` is there for a meeting notice only; ``withheld``: body and
    attachments are kept back because the document was recalled before the reader's units signed for it (F11).
    """

    head: dispatches.DocumentHead
    body: str
    elements: dict[str, object]
    attachments: tuple[Upload, ...]
    copies: tuple[CopyView, ...]
    opinions: tuple[OpinionView, ...]
    entry_state: str | None
    names: dict[int, str]
    meeting: MeetingRow | None
    withheld: bool


class _Reader(Noun, frozen=True, kw_only=True):
    """What a reader may see of a document: ``withheld`` is the content of one that was recalled before signing (F11)."""

    head: dispatches.DocumentHead
    copies: tuple[CopyView, ...]
    entry_state: str | None
    withheld: bool


def _readable(document_id: int, principal: Principal, now: int) -> Program[_Reader]:
    """The reader's standing. Raises Refused("not_found") for whoever has nothing to do with the document.

    A document one may not read is answered like one that does not exist: numbers give nothing away.
    """
    head = yield from dispatches.document_head(document_id)
    rows = yield Sql("person_units_now", {"person_id": principal.person_id, "now": now})
    mine = (
        [row[0] for row in rows]
        if principal.kind == "person"
        else sorted(principal.units_as("clerk", "organiser"))
    )
    told = yield Sql("copies_of_units", {"document_id": document_id, "units": json.dumps(mine)})
    copies = tuple(_copy_view(row) for row in told)
    entry = yield from find_entry(principal.person_id, document_id)
    owner = principal.person_id if entry is not None else None
    sender = Target(unit_id=head.sender_unit_id)
    targets = [Target(unit_id=unit, person_id=owner) for unit in (*_units(copies), head.sender_unit_id)]
    if not (permit_any(principal, "document.read", targets) or (yield from _reviews(head, principal))):
        raise Refused("not_found", what="document", id=document_id)
    state = entry.state if entry else None
    gone = bool(copies) and all(copy.state in ("recalled", "returned") for copy in copies)
    unsigned = state == "withdrawn" or (gone and not permit(principal, "document.read", sender))
    withheld = head.recalled_at is not None and unsigned
    return _Reader(head=head, copies=copies, entry_state=state, withheld=withheld)


def _reviews(head: dispatches.DocumentHead, principal: Principal) -> Program[bool]:
    """Whoever decides on general dispatches reads what is to be decided on, and nothing else by that right."""
    places = yield Sql("general_sender", {"document_id": head.id})
    return any(
        permit(principal, "dispatch.review", Target(unit_id=head.sender_unit_id, county_id=county_id))
        for (county_id,) in places
    )


def _units(copies: tuple[CopyView, ...]) -> list[int]:
    return [copy.unit_id for copy in copies]


def document_view(document_id: int, principal: Principal, now: int) -> Program[DocumentView]:
    """The document with what the reader's own units have done with it. Raises Refused("not_found")."""
    reader = yield from _readable(document_id, principal, now)
    ((body, elements),) = yield Sql("document_text", {"document_id": document_id})
    files = yield Sql("attachments_of", {"document_id": document_id})
    notice = reader.head.kind == "meeting_notice"
    handlers = (copy.handler_id for copy in reader.copies if copy.handler_id)
    return DocumentView(
        head=reader.head,
        body="" if reader.withheld else body,
        elements=json.loads(elements),
        attachments=() if reader.withheld else tuple(_upload(row) for row in files),
        copies=reader.copies,
        opinions=(yield from _opinions(document_id, _units(reader.copies))),
        entry_state=reader.entry_state,
        names=(yield from person_names(handlers)),
        meeting=(yield from meetings.meeting_row(document_id)) if notice else None,
        withheld=reader.withheld,
    )


def _opinions(document_id: int, units: list[int]) -> Program[tuple[OpinionView, ...]]:
    told: list[OpinionView] = []
    for unit_id in units:
        rows = yield Sql("opinions_of", {"document_id": document_id, "unit_id": unit_id})
        told += [OpinionView(**dict(zip(OpinionView.__struct_fields__, row, strict=True))) for row in rows]
    return tuple(told)


def _copy_view(row: Row) -> CopyView:
    return CopyView(**dict(zip(CopyView.__struct_fields__, row, strict=True)))


def _upload(row: Row) -> Upload:
    return Upload(**dict(zip(Upload.__struct_fields__, row, strict=True)))


def attachment(attachment_id: str, principal: Principal, now: int) -> Program[Upload]:
    """An attachment that the reader may open. Raises Refused: not_found, already_recalled."""
    rows = yield Sql("attachment_one", {"id": attachment_id})
    if not rows:
        raise Refused("not_found", what="attachment", id=attachment_id)
    *told, document_id, uploaded_by = rows[0]
    if document_id is None:
        if uploaded_by != principal.person_id:
            raise Refused("not_found", what="attachment", id=attachment_id)
    else:
        reader = yield from _readable(document_id, principal, now)
        if reader.withheld:
            raise Refused("already_recalled", id=document_id)
    return _upload(tuple(told))


def receipt(document_id: int, unit_id: int, principal: Principal) -> Program[ProvenReceipt]:
    """The unit's sign-for receipt with its proof, for the unit itself and for the sender.

    Raises Refused: not_found (also for whom it does not concern), not_signed.
    """
    head = yield from dispatches.document_head(document_id)
    targets = [Target(unit_id=unit) for unit in (unit_id, head.sender_unit_id)]
    copies = yield Sql("copies_of_units", {"document_id": document_id, "units": json.dumps([unit_id])})
    if not copies or not permit_any(principal, "document.read", targets):
        raise Refused("not_found", what="document", id=document_id)
    return (yield from trace.receipt(document_id, unit_id))


class UnitCopy(Noun, frozen=True, kw_only=True):
    """One line of a unit's register of incoming documents."""

    document_id: int
    state: str
    sent_at: int
    sign_due_at: int | None
    signed_at: int | None
    handle_due_at: int | None
    title: str
    kind: str
    urgency: str
    doc_no: str
    sender_unit_id: int


async def unit_copies(
    house: House, principal: Principal, unit_id: int, state: str, before: int, limit: int
) -> tuple[UnitCopy, ...]:
    """What came to a unit, newest first: a new clerk finds everything here that a predecessor left.

    Raises Refused: not_found (no such unit), forbidden.
    """
    await house.require(principal, "document.read", unit_id)
    return await house.store.engine.read(_unit_copies(unit_id, state, before, limit))


def _unit_copies(unit_id: int, state: str, before: int, limit: int) -> Program[tuple[UnitCopy, ...]]:
    params = {"unit_id": unit_id, "state": state, "before": before, "limit": limit}
    rows = yield Sql("unit_copies_page", params)
    return tuple(UnitCopy(**dict(zip(UnitCopy.__struct_fields__, row, strict=True))) for row in rows)
