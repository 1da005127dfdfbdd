"""Signing for documents: the unit's receipt, once per copy, by clerk A or B, the first act wins (F8).

Signatures that wait together are one program: the checks are one query over all of them, the changes one statement each.
One signature alone takes the same road with one order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from inbox_store.chain import canonical
from inbox_store.engine import Audit, Many, Program, Receipt, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import NO_SIGNING_DUTY, Noun
from inbox_store.programs.copies import Actor
from inbox_store.programs.entries import clerks_are_done
from inbox_store.programs.tallies import Moves, count, move
from inbox_store.programs.tracking import person_names
from inbox_store.states import distribution_step


class SignOrder(Noun, frozen=True, kw_only=True):
    """One signature as it is asked for; ``now`` in UTC microseconds."""

    document_id: int
    unit_id: int
    actor: Actor
    now: int
    bulk: bool = False


class Signed(Noun, frozen=True, kw_only=True):
    """The unit's receipt: who signed for it and when, in time or late, read or unread."""

    document_id: int
    unit_id: int
    signed_at: int
    signed_by: str
    on_time: bool
    unread: bool
    signed_for: str = ""
    """Whose agent the signer was (代), "" for a clerk's own act."""


class BulkSigned(Noun, frozen=True, kw_only=True):
    """What became of each copy of a bulk signing: signed, or refused with the code that says why."""

    signed: tuple[Signed, ...]
    refused: tuple[tuple[int, int, str], ...]


class _Seen(Noun, frozen=True):
    """All that decides about one signature, as one query tells it; columns in the order of ``sign_look``."""

    kind: str | None
    doc_no: str
    digest: bytes
    state: str | None
    counted: int
    sent_at: int
    sign_due_at: int | None
    unit_code: str
    unit_name: str
    clerk: int
    agent_of: int | None
    opened_at: int | None


def sign(document_id: int, unit_id: int, actor: Actor, now: int) -> Program[Signed]:
    """Sign for the unit. Raises Refused as ``sign_each`` tells it."""
    order = SignOrder(document_id=document_id, unit_id=unit_id, actor=actor, now=now)
    (outcome,) = yield from sign_each([order])
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def sign_many(copies: Sequence[tuple[int, int]], actor: Actor, now: int) -> Program[BulkSigned]:
    """Sign for many copies at once: allowed, and marked as bulk (F9). A copy that cannot be signed stops no other."""
    orders = [
        SignOrder(document_id=document_id, unit_id=unit_id, actor=actor, now=now, bulk=True)
        for document_id, unit_id in copies
    ]
    outcomes = yield from sign_each(orders)
    return BulkSigned(
        signed=tuple(one for one in outcomes if isinstance(one, Signed)),
        refused=tuple(
            (order.document_id, order.unit_id, one.code)
            for order, one in zip(orders, outcomes, strict=True)
            if isinstance(one, Refused)
        ),
    )


def sign_each(orders: Sequence[SignOrder]) -> Program[list[Signed | Refused]]:
    """Sign for every order that may be signed; the receipts enter the commit's signed root.

    An outcome for each order, in their order: Refused with not_found, not_addressed, not_clerk, no_signing_duty,
    already_signed, already_returned, already_recalled. Orders for the same copy: the first wins.
    """
    rows = yield Sql("sign_look", {"orders": _wanted(orders)})
    outcomes: list[Signed | Refused] = []
    accepted: list[tuple[SignOrder, _Seen]] = []
    taken: set[tuple[int, int]] = set()
    absent = yield from _absent([_Seen(*row) for row in rows])
    for order, row in zip(orders, rows, strict=True):
        seen = _Seen(*row)
        copy = (order.document_id, order.unit_id)
        try:
            _permit(order, seen, taken=copy in taken)
        except Refused as refused:
            outcomes.append(refused)
        else:
            taken.add(copy)
            accepted.append((order, seen))
            outcomes.append(_signed(order, seen, absent))
    if accepted:
        yield from _write(accepted, absent)
    return outcomes


def _agent_of(seen: _Seen) -> int:
    """For whom the signer acts: 0 for a clerk of the unit, who needs nobody's right."""
    return 0 if seen.clerk else seen.agent_of or 0


def _absent(rows: Sequence[_Seen]) -> Program[dict[int, str]]:
    """The names of those for whom agents sign; mostly nobody, and then nothing is asked."""
    wanted = {_agent_of(seen) for seen in rows} - {0}
    return (yield from person_names(wanted)) if wanted else {}


def _wanted(orders: Sequence[SignOrder]) -> str:
    return json.dumps([(one.document_id, one.unit_id, one.actor.person_id, one.now) for one in orders])


def _permit(order: SignOrder, seen: _Seen, *, taken: bool) -> None:
    """Signing is the unit's act, done by clerk A or B: rechecked inside the transaction (F8). Raises Refused."""
    if seen.kind is None:
        raise Refused("not_found", what="document", id=order.document_id)
    if seen.state is None:
        raise Refused("not_addressed", document=order.document_id, unit=order.unit_id)
    if not seen.clerk and not seen.agent_of:
        raise Refused("not_clerk", unit=order.unit_id)
    if seen.kind in NO_SIGNING_DUTY:
        raise Refused("no_signing_duty", document=order.document_id)
    distribution_step("signed" if taken else seen.state, "sign")


def _on_time(order: SignOrder, seen: _Seen) -> bool:
    return seen.sign_due_at is None or order.now <= seen.sign_due_at


def _signed(order: SignOrder, seen: _Seen, absent: Mapping[int, str]) -> Signed:
    return Signed(
        document_id=order.document_id,
        unit_id=order.unit_id,
        signed_at=order.now,
        signed_by=order.actor.name,
        on_time=_on_time(order, seen),
        unread=seen.opened_at is None,
        signed_for=absent.get(_agent_of(seen), ""),
    )


def _write(accepted: Sequence[tuple[SignOrder, _Seen]], absent: Mapping[int, str]) -> Program[None]:
    """Copies, tallies, receipts, trace, and the entries of the units' clerks."""
    yield Many("copy_signed", [_copy_row(order, seen) for order, seen in accepted])
    moves: Moves = Counter()
    for order, seen in accepted:
        if seen.counted:
            copy = (order.unit_id, str(seen.kind), seen.sent_at)
            count(moves, copy, "on_time" if _on_time(order, seen) else "late", order.now)
            if seen.opened_at is None:  # 未阅即签: bulk signing cannot hide behind a good rate
                count(moves, copy, "signed_unread", order.now)
    yield from move(moves)
    for order, seen in accepted:
        yield Receipt(document_id=order.document_id, unit_id=order.unit_id, leaf=_leaf(order, seen, absent))
        yield _trace(order, seen)
    yield from clerks_are_done([(order.document_id, order.unit_id, order.now) for order, _ in accepted])


def _copy_row(order: SignOrder, seen: _Seen) -> dict[str, int | None]:
    return {
        "document_id": order.document_id,
        "unit_id": order.unit_id,
        "now": order.now,
        "person_id": order.actor.person_id,
        "unread": int(seen.opened_at is None),
        "bulk": int(order.bulk),
        "signed_for": _agent_of(seen) or None,
    }


def _trace(order: SignOrder, seen: _Seen) -> Audit:
    return Audit(
        action="document.sign",
        actor=order.actor.person_id,
        subject=f"document:{order.document_id}",
        detail={
            "unit": order.unit_id,
            "unread": seen.opened_at is None,
            "bulk": order.bulk,
            "device": order.actor.device,
            **({"on_behalf_of": _agent_of(seen)} if _agent_of(seen) else {}),
        },
        origin=order.actor.origin,
    )


def _leaf(order: SignOrder, seen: _Seen, absent: Mapping[int, str]) -> bytes:
    """The receipt's canonical bytes: what a stranger verifies with the published key and nothing else.

    An agent's names the absent person too (F38); a clerk's own has no such fields.
    """
    agent_of = _agent_of(seen)
    behalf = {"on_behalf_of": agent_of, "on_behalf_of_name": absent[agent_of]} if agent_of else {}
    return canonical(
        {
            "v": 1,
            "document": order.document_id,
            "doc_no": seen.doc_no,
            "digest": seen.digest.hex(),
            "unit": order.unit_id,
            "unit_code": seen.unit_code,
            "unit_name": seen.unit_name,
            "signer": order.actor.person_id,
            "signer_name": order.actor.name,
            "signed_at": order.now,
            "device": order.actor.device,
            "unread": seen.opened_at is None,
            "bulk": order.bulk,
            **behalf,
        }
    )
