"""Following what was sent: one's own units' dispatches, what waits for approval, every copy, the general register."""

from __future__ import annotations

from gateway.house import House
from gateway.rules.access import ACTIONS, Principal, Reach, Target, permit, reach
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.org import Organisation
from inbox_store.programs import dispatch as dispatches
from inbox_store.programs import pushes, sms_figures
from inbox_store.programs import tracking as programs
from inbox_store.programs.sms_figures import DocumentMessages
from inbox_store.programs.tracking import Places, SentRow, TrackRow, TrackSum
from inbox_store.pushes import PushState


def places_of(told: Reach, organisation: Organisation, person_id: int) -> Places:
    """A reach as the statements take it: counties become their units."""
    inside = {unit.id for unit in organisation.units.values() if unit.county_id in told.county_ids}
    return Places(
        everywhere=told.all,
        units=tuple(sorted(told.unit_ids | inside)),
        own=person_id if told.own else 0,
    )


async def sent(
    house: House, principal: Principal, sender_unit_id: int | None, state: str, before: int, limit: int
) -> tuple[SentRow, ...]:
    """The dispatches of the principal's own units and own hand, or of one unit within reach, newest first.

    Raises Refused: not_found (no such unit), forbidden.
    """
    if sender_unit_id is not None:
        await house.require(principal, "dispatch.read", sender_unit_id)
        places = Places(units=(sender_unit_id,))
    else:
        told = reach(principal, "dispatch.read")
        posts = (Target(unit_id=one.unit_id, county_id=one.county_id or None) for one in principal.grants)
        mine = {post.unit_id for post in posts if post.unit_id and told.places(post)}
        places = Places(units=tuple(sorted(mine)), own=principal.person_id if told.own else 0)
    return await house.store.engine.read(programs.sent_page(places, state, before, limit))


async def held(house: House, principal: Principal, before: int, limit: int) -> tuple[SentRow, ...]:
    """What waits for a second person within the principal's reach, newest first."""
    places = places_of(reach(principal, "dispatch.review"), await house.organisation(), 0)
    return await house.store.engine.read(programs.sent_page(places, "held", before, limit))


async def general(
    house: House, principal: Principal, from_at: int, to_at: int, after: int, limit: int
) -> tuple[SentRow, ...]:
    """The register of general dispatches (普发登记) handed in within [from_at, to_at), oldest first (F7)."""
    told = reach(principal, "dispatch.read")
    places = places_of(told, await house.organisation(), principal.person_id)
    return await house.store.engine.read(programs.general_page(places, from_at, to_at, after, limit))


async def one(house: House, principal: Principal, dispatch_id: int) -> tuple[SentRow, tuple[TrackSum, ...]]:
    """A dispatch with the sums of its document's copies. Raises Refused("not_found") for whom it does not concern."""
    row, sums = await house.store.engine.read(_with_sums(dispatch_id))
    await _require(house, principal, row.sender_unit_id, row.submitted_by, "dispatch", dispatch_id)
    return row, sums


def _with_sums(dispatch_id: int) -> Program[tuple[SentRow, tuple[TrackSum, ...]]]:
    row = yield from programs.sent_one(dispatch_id)
    return row, (yield from programs.track_sums(row.document_id))


async def copies(
    house: House, principal: Principal, document_id: int, after: int, limit: int
) -> tuple[tuple[TrackRow, ...], tuple[TrackSum, ...]]:
    """Where each copy of a document stands, by unit id above ``after``, and the sums over all of them (F12).

    Raises Refused("not_found") for whom it does not concern.
    """
    head, rows, sums = await house.store.engine.read(_copies(document_id, after, limit))
    await _require(house, principal, head.sender_unit_id, head.created_by, "document", document_id)
    return rows, sums


def _copies(
    document_id: int, after: int, limit: int
) -> Program[tuple[dispatches.DocumentHead, tuple[TrackRow, ...], tuple[TrackSum, ...]]]:
    head = yield from dispatches.document_head(document_id)
    rows = yield from programs.track(document_id, after, limit)
    return head, rows, (yield from programs.track_sums(document_id))


async def messages(house: House, principal: Principal, document_id: int) -> DocumentMessages:
    """Where a document's short messages stand. Raises Refused("not_found") for whom it does not concern."""
    head, told = await house.store.engine.read(_messages(document_id))
    await _require(house, principal, head.sender_unit_id, head.created_by, "document", document_id)
    return told


async def alerts(house: House, principal: Principal, document_id: int) -> dict[PushState, int]:
    """A document's alerts to devices by state. Raises Refused("not_found") for whom it does not concern."""
    head, told = await house.store.engine.read(_alerts(document_id))
    await _require(house, principal, head.sender_unit_id, head.created_by, "document", document_id)
    return told


def _alerts(document_id: int) -> Program[tuple[dispatches.DocumentHead, dict[PushState, int]]]:
    head = yield from dispatches.document_head(document_id)
    return head, (yield from pushes.of_document(document_id))


def _messages(document_id: int) -> Program[tuple[dispatches.DocumentHead, DocumentMessages]]:
    head = yield from dispatches.document_head(document_id)
    return head, (yield from sms_figures.of_document(document_id))


async def _require(
    house: House, principal: Principal, unit_id: int, person_id: int, what: str, number: int
) -> None:
    """What one may not see is answered like what does not exist: numbers give nothing away."""
    if not permit(principal, "dispatch.read", await house.target(unit_id, person_id)):
        raise Refused("not_found", what=what, id=number, action=ACTIONS["dispatch.read"].zh)
