"""What runs by itself: the fan-out, withdrawals, the merge of the inbox, dated posts, forgetting old keys.

Every loop takes one bounded step at a time, so that stopping waits for a step and never for a job; after a crash each
goes on from what is committed.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog

from gateway.flows import alerts, heads, leave, lights, urging
from gateway.house import House
from gateway.rules.alert_policy import mail_due, sms_due
from gateway.rules.deadlines import handle_due, sign_due
from inbox_store.engine import Program
from inbox_store.errors import Refused, StoreBroken
from inbox_store.programs import dispatch, idempotency, inbox, organisation, work
from inbox_store.programs.announcing import Due
from inbox_store.programs.dispatch import DocumentHead
from inbox_store.times import US

LOOK_EVERY_S: Final = 1.0
"""How long a loop sleeps when nobody wakes it."""

BACK_OFF_MAX_S: Final = 30.0
LEASE_S: Final = 60
SWEEP_UNITS: Final = 10
WITHDRAW_UNITS: Final = 5
"""Units in one step: some hundred people of a city, so that the writer is held for a few milliseconds."""

MERGE_RESTS: Final = 4
"""Slices' times of rest after a slice of the merge: a fifth of the writer at the most."""

HOT_PRESSING: Final = 4 * inbox.HOT_SENDS_MAX
"""Hot sends above which the merge no longer rests: each costs every reader a probe."""

SWEEP_EVERY_S: Final = 30.0
FORGET_EVERY_S: Final = 3600.0
HEAD_EVERY_S: Final = 600.0

URGENCY_RANK: Final = {"flash": 0, "extra_urgent": 1, "urgent": 2, "routine_urgent": 3, "ordinary": 4}

log = structlog.get_logger("upkeep")


def due_of(house: House) -> Callable[[DocumentHead, int], Due]:
    """The deadlines of a chunk sent now, by the document's urgency (F13)."""

    def due(head: DocumentHead, now: int) -> Due:
        mail_at, digest = mail_due(head.urgency, now, house.settings.mail.digest_minutes)
        signing = sign_due(now, head.urgency, house.calendar, house.rules)  # type: ignore[arg-type]
        handling = handle_due(now, head.urgency, house.calendar, house.rules)  # type: ignore[arg-type]
        return Due(
            sign_due_at=signing.at,
            handle_due_at=handling.at if head.duty == "handle" else None,
            provisional=signing.provisional or handling.provisional,
            alert=partial(alerts.arrival, house, head, now),
            devices=house.pushing,
            online=house.online(),
            grace_us=house.alert_rules.ack_grace_s * US,
            sms_due_at=sms_due(head.urgency, now, house.alert_rules),
            mail_due_at=mail_at if house.settings.mail.host else None,
            mail_digest=digest,
        )

    return due


async def fan_out_step(house: House) -> bool:
    """Send one chunk of the most urgent open dispatch; returns whether there may be more to do."""
    waiting = await house.store.engine.read(dispatch.open_dispatches())
    if not waiting:
        return False
    dispatch_id, _ = min(waiting, key=lambda row: (URGENCY_RANK.get(row[1], 9), row[0]))
    rows = house.settings.dispatch.chunk_rows
    await house.store.engine.write(
        dispatch.fan_out_chunk(dispatch_id, rows, due_of(house), house.clock()), bulk=True
    )
    return True


async def order_step(house: House) -> bool:
    """Work one waiting order off; returns whether there was one."""
    now = house.clock()
    orders = await house.store.engine.write(work.claim(1, LEASE_S, now))
    for order in orders:
        await _withdraw(house, order)
    return bool(orders)


async def _withdraw(house: House, order: work.Order) -> None:
    """Take a recalled document out of the next units' inboxes; the cursor travels in the order."""
    told = json.loads(order.payload)
    document_id, after = int(told["document_id"]), int(told.get("after", 0))
    now = house.clock()
    try:
        await house.store.engine.write(_withdraw_fact(order, document_id, after, now), bulk=True)
    except Refused as fault:
        log.warning("order.refused", order=order.key, code=fault.code)


def _withdraw_fact(order: work.Order, document_id: int, after: int, now: int) -> Program[None]:
    """One step of a withdrawal and the order's own progress, in one transaction."""
    reached = yield from dispatch.withdraw_chunk(document_id, after, WITHDRAW_UNITS, now)
    if reached is None:
        yield from work.done(order)
    else:
        payload = json.dumps({"document_id": document_id, "after": reached})
        yield from work.again(order, work.AT_ONCE, payload)


async def merge_step(house: House) -> bool:
    """One slice of the inbox's merge, then a rest of several slices: it is nobody's business but the readers', later.

    Only when so many sends are hot that readers would feel it does the merge go on without a rest.
    """
    began = time.monotonic()
    hot = await house.store.engine.write(inbox.merge_slice(inbox.HOT_SENDS_MAX), bulk=True)
    if 0 < hot <= HOT_PRESSING:
        await asyncio.sleep(MERGE_RESTS * (time.monotonic() - began))
    return hot > 0


async def sweep_step(house: House) -> bool:
    """Let dated posts and freezes that came due take effect."""
    now = house.clock()
    units = await house.store.engine.read(organisation.units_due(now))
    for at in range(0, len(units), SWEEP_UNITS):
        last = at + SWEEP_UNITS >= len(units)
        fact = organisation.sweep(units[at : at + SWEEP_UNITS], now, last=last)
        await house.store.engine.write(fact, bulk=True)
    return False


async def forget_step(house: House) -> bool:
    """Forget idempotency keys older than the setting."""
    await house.store.engine.write(idempotency.prune(house.clock(), house.settings.dispatch.idempotency_days))
    return False


async def head_step(house: House) -> bool:
    """Export the signed head of the trace once a day."""
    await heads.export_daily(house)
    return False


async def loop(
    name: str, house: House, step: Callable[[House], Awaitable[bool]], wake: asyncio.Event, every_s: float
) -> None:
    """Run ``step`` while it says that there is more, else wait to be woken or for ``every_s`` seconds."""
    pause_s = every_s
    while True:
        try:
            while await step(house):
                pause_s = every_s
        except StoreBroken:
            log.exception("upkeep.stopped", loop=name)
            return
        except Exception:
            # A step that fails is tried again later and said each time; the loop itself must not die of it.
            log.exception("upkeep.failed", loop=name)
            pause_s = min(pause_s * 2, BACK_OFF_MAX_S)
        wake.clear()
        try:
            async with asyncio.timeout(pause_s):
                await wake.wait()
        except TimeoutError:
            continue


async def run(house: House, forget: Callable[[], Awaitable[None]]) -> None:
    """All loops in one task group, until cancelled. ``forget`` purges ended log-ins beside the old keys."""

    async def forget_all(house: House) -> bool:
        await forget()
        return await forget_step(house)

    fan, orders = asyncio.Event(), asyncio.Event()
    house.wake += [fan.set, orders.set]
    async with asyncio.TaskGroup() as group:
        group.create_task(loop("fan_out", house, fan_out_step, fan, LOOK_EVERY_S))
        group.create_task(loop("orders", house, order_step, orders, LOOK_EVERY_S))
        group.create_task(loop("merge", house, merge_step, asyncio.Event(), LOOK_EVERY_S))
        group.create_task(loop("sweep", house, sweep_step, asyncio.Event(), SWEEP_EVERY_S))
        group.create_task(loop("urging", house, urging.urging_step, asyncio.Event(), LOOK_EVERY_S))
        group.create_task(loop("lights", house, lights.sweep_step, asyncio.Event(), SWEEP_EVERY_S))
        group.create_task(loop("requests", house, leave.request_step, asyncio.Event(), LOOK_EVERY_S))
        group.create_task(loop("forget", house, forget_all, asyncio.Event(), FORGET_EVERY_S))
        group.create_task(loop("head", house, head_step, asyncio.Event(), HEAD_EVERY_S))


async def settle(house: House) -> None:
    """Do all that waits, now: for tests, the demo and tools that must see the end of a fan-out."""
    while await fan_out_step(house) or await order_step(house):
        continue
