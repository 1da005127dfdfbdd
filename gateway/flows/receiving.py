"""Receiving: read, open, sign for, return, transfer, opinions, finish, archive; the person's inbox and its pages."""

from __future__ import annotations

import json

from gateway.house import Act, House
from gateway.rules.access import Principal, Target, permit_any
from gateway.rules.deadlines import handle_due
from inbox_store.engine import Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.programs import copies
from inbox_store.programs import dispatch as dispatches
from inbox_store.programs.copies import BulkSigned, Signed
from inbox_store.programs.entries import find_entry
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.registers import Upload

BULK_MAX = 200
"""Copies signed for in one call: bounds how long the writer is held."""


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
    """A document as one reader may see it: with the copies of the reader's own units and their opinions."""

    head: dispatches.DocumentHead
    body: str
    elements: dict[str, object]
    attachments: tuple[Upload, ...]
    copies: tuple[CopyView, ...]
    opinions: tuple[OpinionView, ...]
    entry_state: str | None


def _readable(
    document_id: int, principal: Principal, now: int
) -> Program[tuple[dispatches.DocumentHead, list[int]]]:
    """The head and the reader's addressed units. Raises Refused("not_found") for whoever has nothing to do with it.

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
    addressed = [row[0] for row in told]
    entry = yield from find_entry(principal.person_id, document_id)
    owner = principal.person_id if entry is not None else None
    targets = [Target(unit_id=unit, person_id=owner) for unit in (*addressed, head.sender_unit_id)]
    if not permit_any(principal, "document.read", targets):
        raise Refused("not_found", what="document", id=document_id)
    return head, addressed


def document_view(document_id: int, principal: Principal, now: int) -> Program[DocumentView]:
    """The document with what the reader's own units have done with it."""
    head, addressed = yield from _readable(document_id, principal, now)
    ((body, elements),) = yield Sql("document_text", {"document_id": document_id})
    files = yield Sql("attachments_of", {"document_id": document_id})
    key = {"document_id": document_id, "units": json.dumps(addressed)}
    mine = [_copy_view(row) for row in (yield Sql("copies_of_units", key))]
    opinions: list[OpinionView] = []
    for unit_id in addressed:
        rows = yield Sql("opinions_of", {"document_id": document_id, "unit_id": unit_id})
        opinions += [
            OpinionView(**dict(zip(OpinionView.__struct_fields__, row, strict=True))) for row in rows
        ]
    entry = yield from find_entry(principal.person_id, document_id)
    withdrawn = entry is not None and entry.state == "withdrawn"
    return DocumentView(
        head=head,
        body="" if withdrawn else body,
        elements=json.loads(elements),
        attachments=() if withdrawn else tuple(_upload(row) for row in files),
        copies=tuple(mine),
        opinions=tuple(opinions),
        entry_state=entry.state if entry else None,
    )


def _copy_view(row: Row) -> CopyView:
    return CopyView(**dict(zip(CopyView.__struct_fields__, row, strict=True)))


def _upload(row: Row) -> Upload:
    return Upload(**dict(zip(Upload.__struct_fields__, row, strict=True)))


def attachment(attachment_id: str, principal: Principal, now: int) -> Program[Upload]:
    """An attachment that the reader may open. Raises Refused("not_found")."""
    rows = yield Sql("attachment_one", {"id": attachment_id})
    if not rows:
        raise Refused("not_found", what="attachment", id=attachment_id)
    *told, document_id, uploaded_by = rows[0]
    if document_id is None:
        if uploaded_by != principal.person_id:
            raise Refused("not_found", what="attachment", id=attachment_id)
    else:
        yield from _readable(document_id, principal, now)
        entry = yield from find_entry(principal.person_id, document_id)
        if entry is not None and entry.state == "withdrawn":
            raise Refused("already_recalled", id=document_id)
    return _upload(tuple(told))


async def open_document(house: House, act: Act, document_id: int) -> Answer:
    """The reader opens the document; kept apart from signing (F9)."""
    fact = copies.open_document(document_id, act.actor, act.now)
    return await house.once(act, fact, lambda first: {"document_id": document_id, "first": first})


async def sign(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
) -> Answer:
    """Sign for the unit (F8)."""
    await house.require(act.principal, "document.sign", unit_id)
    fact = copies.sign(document_id, unit_id, act.actor, act.now)
    return await house.once(act, fact, signed_view)


def signed_view(done: Signed) -> Signed:
    """The answer to a signature is the receipt's head itself."""
    return done


async def sign_many(
    house: House,
    act: Act,
    wanted: tuple[tuple[int, int], ...],
) -> Answer:
    """Sign for several copies at once, marked as bulk; each stands for itself (F9)."""
    if len(wanted) > BULK_MAX:
        raise Refused("too_many", limit=BULK_MAX)
    for unit_id in {unit_id for _, unit_id in wanted}:
        await house.require(act.principal, "document.sign", unit_id)
    fact = copies.sign_many(wanted, act.actor, act.now)

    def told(done: BulkSigned) -> dict[str, object]:
        refused = [{"document_id": d, "unit_id": u, "code": code} for d, u, code in done.refused]
        return {"signed": list(done.signed), "refused": refused}

    return await house.once(act, fact, told)


async def return_copy(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    reason: str,
) -> Answer:
    """Send a copy back with a reason, before signing only (F10)."""
    await house.require(act.principal, "document.return", unit_id)
    fact = copies.return_copy(document_id, unit_id, reason, act.actor, act.now)
    return await house.once(
        act, fact, lambda _: {"document_id": document_id, "unit_id": unit_id, "state": "returned"}
    )


async def transfer(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    handler_id: int,
    due_at: int | None,
    note: str,
) -> Answer:
    """Transfer to internal handling; without a date the deadline follows the urgency."""
    await house.require(act.principal, "document.transfer", unit_id)
    head = await house.store.engine.read(dispatches.document_head(document_id))
    due = due_at or handle_due(act.now, head.urgency, house.calendar, house.rules).at  # type: ignore[arg-type]
    actor = act.actor
    fact = copies.transfer(document_id, unit_id, handler_id, due, note, actor, act.now)
    told = {"document_id": document_id, "unit_id": unit_id, "state": "handling", "handle_due_at": due}
    return await house.once(act, fact, lambda _: told)


async def opinion(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    text: str,
) -> Answer:
    """Add an opinion; opinions stay in order and are never changed."""
    await house.require(act.principal, "document.opinion", unit_id, act.person_id)
    fact = copies.opinion(document_id, unit_id, text, act.actor, act.now)
    return await house.once(act, fact, lambda number: {"opinion_id": number}, 201)


async def finish(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
) -> Answer:
    """The matter is dealt with (办结)."""
    await house.require(act.principal, "document.finish", unit_id, act.person_id)
    fact = copies.finish(document_id, unit_id, act.actor, act.now)
    return await house.once(
        act, fact, lambda _: {"document_id": document_id, "unit_id": unit_id, "state": "finished"}
    )


async def archive(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
) -> Answer:
    """File the copy (归档)."""
    await house.require(act.principal, "document.archive", unit_id)
    fact = copies.archive(document_id, unit_id, act.actor, act.now)
    return await house.once(
        act, fact, lambda _: {"document_id": document_id, "unit_id": unit_id, "state": "archived"}
    )


async def reopen(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    handler_id: int,
) -> Answer:
    """Take a filed copy up again; it counts as not archived until it is filed anew."""
    await house.require(act.principal, "document.transfer", unit_id)
    head = await house.store.engine.read(dispatches.document_head(document_id))
    due = handle_due(act.now, head.urgency, house.calendar, house.rules).at  # type: ignore[arg-type]
    fact = copies.reopen(document_id, unit_id, handler_id, due, act.actor, act.now)
    return await house.once(
        act, fact, lambda _: {"document_id": document_id, "unit_id": unit_id, "state": "handling"}
    )


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


def unit_copies(unit_id: int, state: str, before: int, limit: int) -> Program[tuple[UnitCopy, ...]]:
    """What came to a unit, newest first: a new clerk finds everything here that a predecessor left."""
    rows = yield Sql(
        "unit_copies_page", {"unit_id": unit_id, "state": state, "before": before, "limit": limit}
    )
    return tuple(UnitCopy(**dict(zip(UnitCopy.__struct_fields__, row, strict=True))) for row in rows)
