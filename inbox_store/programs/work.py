"""Waiting work as rows: put with the fact, claimed under a lease, settled behind a fence.

``put`` belongs inside the fact that causes the work; a claim whose lease ran out is claimable again, and the fence
number keeps the late holder from settling what is no longer its own (faults.md 28).
"""

from __future__ import annotations

from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.times import US

AT_ONCE = 0
"""Due whatever the clock says, also when it is set back after the work was put."""


class Order(Noun, frozen=True, kw_only=True):
    """One claimed piece of work. ``payload`` is JSON; ``attempts`` counts this claim too."""

    id: int
    kind: str
    key: str
    payload: str
    fence: int
    attempts: int


def put(kind: str, key: str, payload: str, *, lane: int, due_at: int) -> Program[None]:
    """One row for one piece of work, however often it is put."""
    yield Sql("work_put", {"lane": lane, "kind": kind, "key": key, "payload": payload, "due_at": due_at})


def claim(batch: int, lease_s: int, now: int, lane_max: int = 9) -> Program[list[Order]]:
    """Take up to ``batch`` due pieces, urgent lanes first, for ``lease_s`` seconds.

    A lease that ends later than any given now would was given under a later clock: it holds nothing back.
    """
    orders = []
    lease_until = now + lease_s * US
    due = {"now": now, "limit": batch, "lane_max": lane_max, "lease_max": lease_until}
    for row in (yield Sql("work_due", due)):
        leased = {"id": row[0], "fence": row[4], "lease_until": lease_until}
        ((fence,),) = yield Sql("work_claim", leased)
        told = {"fence": fence, "attempts": row[5] + 1}
        orders.append(Order(id=row[0], kind=row[1], key=row[2], payload=row[3], **told))
    return orders


def done(order: Order) -> Program[None]:
    """The piece is done. Raises Refused("fenced") where another holder has it by now."""
    ((changed,),) = yield Sql("work_done", {"id": order.id, "fence": order.fence})
    if not changed:
        raise Refused("fenced", work=order.key)


def again(order: Order, due_at: int, payload: str | None = None) -> Program[None]:
    """Put the piece back for later, with what was reached so far. Raises Refused("fenced")."""
    told = {"id": order.id, "fence": order.fence, "due_at": due_at, "payload": payload or order.payload}
    ((changed,),) = yield Sql("work_again", told)
    if not changed:
        raise Refused("fenced", work=order.key)


def waiting() -> Program[list[tuple[str, int, int]]]:
    """What waits: (kind, how many, due_at of the first)."""
    return [(row[0], row[1], row[2]) for row in (yield Sql("work_waiting"))]
