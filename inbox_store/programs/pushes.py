"""Facts of alerts to devices: who is to get them, what may leave, what vendors answered, which devices are gone.

An order is committed as sent before its request leaves. What has no answer is in doubt, and is sent again only under its
own id, which vendors with an idempotency key take once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.keys import PhoneVault
from inbox_store.pushes import (
    DecidePush,
    Device,
    NewDevice,
    Preference,
    PushAnswered,
    PushFacts,
    PushGo,
    PushLeaving,
    PushReceipt,
    PushState,
    PushStop,
    PushWait,
)

PRIORITIES: Final = 4
"""0 extra urgent, 1 urgent, 2 ordinary, 3 drills, as of short messages."""
LOOKED_MAX: Final = 500
DEVICES_MAX: Final = 10
"""Devices of one person; the one not seen for the longest makes room."""

# Devices ------------------------------------------------------------------------------------------------------------


def register(device: NewDevice, vault: PhoneVault, now: int) -> Program[int]:
    """A device asks to be alerted; the same address again is the same device, also after it was gone or changed hands."""
    told = {"person_id": device.person_id, "vendor": device.vendor, "label": device.label, "now": now}
    sealed = {
        "token_sealed": vault.seal(device.token),
        "token_key": vault.current,
        "token_lookup": vault.lookup(f"{device.vendor}:{device.token}"),
    }
    ((device_id,),) = yield Sql("device_add", {**told, **sealed})
    for (old,) in (yield Sql("device_oldest", {"person_id": device.person_id, "keep": DEVICES_MAX})):
        yield Sql("device_gone", {"id": old, "why": "crowded", "now": now})
    detail = {"vendor": device.vendor, "device": device_id}
    yield Audit(
        action="device.add", actor=device.person_id, subject=f"person:{device.person_id}", detail=detail
    )
    return int(device_id)


def devices_of(person_id: int) -> Program[tuple[Device, ...]]:
    """A person's devices, those that are gone too."""
    return tuple(Device(*row) for row in (yield Sql("devices_of", {"person_id": person_id})))


def remove(person_id: int, device_id: int, now: int) -> Program[None]:
    """The person takes a device away. Raises Refused("not_found")."""
    yield from _own(person_id, device_id)
    yield Sql("device_gone", {"id": device_id, "why": "removed", "now": now})
    detail = {"device": device_id}
    yield Audit(action="device.remove", actor=person_id, subject=f"person:{person_id}", detail=detail)


def _own(person_id: int, device_id: int) -> Program[None]:
    mine = yield from devices_of(person_id)
    if device_id not in {device.id for device in mine if device.gone_at is None}:
        raise Refused("not_found", what="device", id=device_id)


def counts() -> Program[dict[str, int]]:
    """Devices by vendor that can be alerted."""
    return {row[0]: row[1] for row in (yield Sql("device_counts"))}


def gone_count() -> Program[int]:
    """Devices struck off because a vendor called them dead."""
    ((count,),) = yield Sql("device_gone_count")
    return int(count)


def prefer(person_id: int, wanted: Preference, now: int) -> Program[None]:
    """Keep what a person wants."""
    told = {name: int(getattr(wanted, name)) for name in Preference.__struct_fields__}
    yield Sql("preference_keep", {**told, "person_id": person_id, "now": now})
    yield Audit(action="preference.set", actor=person_id, subject=f"person:{person_id}", detail=told)


def preference_of(person_id: int) -> Program[Preference]:
    """What a person wants; without a word, everything."""
    rows = yield Sql("preference_of", {"person_id": person_id})
    if not rows:
        return Preference()
    push, sms, *rest = rows[0]
    return Preference(
        push_ordinary=bool(push),
        sms_ordinary=bool(sms),
        digest_minutes=rest[0],
        quiet_from=rest[1],
        quiet_to=rest[2],
    )


# Orders -------------------------------------------------------------------------------------------------------------


def order_chunk(
    alert_id: int, window: Mapping[str, int], online: Iterable[int], grace_us: int, now: int
) -> Program[int]:
    """Orders for the devices of the addressed people of a chunk of units; who is online has the grace to take the frame."""
    told = {
        **window,
        "alert_id": alert_id,
        "online": json.dumps(sorted(online)),
        "grace": grace_us,
        "now": now,
    }
    ((added,),) = yield Sql("push_order_chunk", told)
    return int(added)


def order_persons(alert_id: int, people: Sequence[int], now: int) -> Program[int]:
    """Orders for the devices of these people, at once (an urge, a red light)."""
    told = {"alert_id": alert_id, "people": json.dumps(people), "now": now}
    ((added,),) = yield Sql("push_order_persons", told)
    return int(added)


def waiting(vendor: str, now: int) -> Program[bool]:
    """Whether anything is due."""
    ((found,),) = yield Sql("push_waiting", {"vendor": vendor, "now": now})
    return bool(found)


def claim(vendor: str, free: int, decide: DecidePush, now: int) -> Program[list[PushLeaving]]:
    """Take what may leave to a vendor's devices, the urgent first; committed as sending before anything leaves.

    Who has opened it meanwhile, or took the live frame, is not alerted: looked at here, in the transaction that hands over.
    """
    leaving: list[PushLeaving] = []
    told_devices: set[int] = set()
    looked = 0
    while not leaving and looked < LOOKED_MAX and (due := (yield from _due(vendor, free, now))):
        looked += len(due)
        for facts in due:
            if facts.device_id in told_devices and facts.priority >= 2:
                continue  # merged into the one before it
            decision = decide(facts)
            if isinstance(decision, PushGo):
                leaving.append(PushLeaving(facts=facts, merged=decision.merged))
                yield Sql("push_sending", {"id": facts.order_id, "now": now})
                if decision.merged > 1:
                    told_devices.add(facts.device_id)
                    yield from _merge(facts, now)
            else:
                yield from _hold(facts, decision, now)
    return leaving


def _merge(facts: PushFacts, now: int) -> Program[None]:
    reason = f"merged:{facts.order_id}"
    yield Sql(
        "push_merge", {"device_id": facts.device_id, "id": facts.order_id, "reason": reason, "now": now}
    )


def _due(vendor: str, limit: int, now: int) -> Program[list[PushFacts]]:
    found: list[PushFacts] = []
    for priority in range(PRIORITIES):
        if len(found) < limit:
            told = {"vendor": vendor, "priority": priority, "now": now, "limit": limit - len(found)}
            found += [PushFacts(*row) for row in (yield Sql("push_due", told))]
    return found


def _hold(facts: PushFacts, decision: PushWait | PushStop, now: int) -> Program[None]:
    if isinstance(decision, PushWait):
        yield Sql("push_wait", {"id": facts.order_id, "due_at": decision.until, "reason": decision.reason})
        return
    told = {"id": facts.order_id, "state": decision.state, "reason": decision.reason, "now": now}
    yield Sql("push_stop", told)


# What came back -----------------------------------------------------------------------------------------------------

_STATES: Final = {
    "accepted": "accepted",
    "refused": "failed",
    "deferred": "waiting",
    "in_doubt": "in_doubt",
}


def settle(answers: Sequence[PushAnswered]) -> Program[None]:
    """Keep what vendors answered. Devices are pruned apart (``prune``): behind a gate."""
    for one in answers:
        told = {"id": one.order_id, "state": _STATES[one.outcome], "reason": one.code or None}
        rest = {"receipt": one.receipt or None, "due_at": one.again_at, "now": one.at}
        yield Sql("push_settle", {**told, **rest})


def prune(devices: Sequence[int], code: str, now: int) -> Program[None]:
    """The vendor says that these addresses are dead for good."""
    for device_id in devices:
        yield Sql("device_gone", {"id": device_id, "why": code, "now": now})


def receipts(told: Sequence[PushReceipt]) -> Program[int]:
    """Vendors' words about what they took; returns how many were known. States move forward only."""
    known = 0
    for one in told:
        key = {"vendor": one.vendor, "receipt": one.receipt, "token_lookup": one.token_lookup}
        state = {"state": one.state, "reason": one.code or None, "now": one.at}
        ((changed,),) = yield Sql("push_receipt", {**key, **state})
        known += int(changed)
    return known


def in_doubt(now: int) -> Program[int]:
    """At a start: what a dead process had handed over and got no answer for."""
    return len((yield Sql("push_lost", {"now": now})))


def expire(now: int, limit: int) -> Program[int]:
    """What nobody took in time. Returns how many."""
    return len((yield Sql("push_expire", {"now": now, "limit": limit})))


def of_document(document_id: int) -> Program[dict[PushState, int]]:
    """A document's alerts to devices by state."""
    return {row[0]: row[1] for row in (yield Sql("push_of_document", {"document_id": document_id}))}
