"""What is said about alerts to devices: a device, what decides about an order, what leaves, what came back. Frozen data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from inbox_store.nouns import Noun

PushState = Literal[
    "waiting", "sending", "accepted", "delivered", "failed", "in_doubt", "expired", "cancelled", "merged"
]


class NewDevice(Noun, frozen=True, kw_only=True):
    """A phone or browser that asks to be alerted; ``token`` in clear, it is sealed before it is stored."""

    person_id: int
    vendor: str
    token: str
    label: str


class Device(Noun, frozen=True):
    """A device as it is shown to its person; never its address. Columns in the order of ``devices_of``."""

    id: int
    person_id: int
    vendor: str
    label: str
    added_at: int
    seen_at: int
    gone_at: int | None
    gone_why: str


class Preference(Noun, frozen=True, kw_only=True):
    """What a person wants of ordinary alerts; minutes of the day in Asia/Shanghai. What is extra urgent always comes."""

    push_ordinary: bool = True
    sms_ordinary: bool = True
    digest_minutes: int = 0
    quiet_from: int = 0
    quiet_to: int = 0


class PushFacts(Noun, frozen=True):
    """What decides whether an alert may leave to a device now; columns in the order of ``push_due``.

    ``acked``: a live client of the person has taken the entry; ``opened``: it was opened or done with. ``waiting``: how
    many ordinary alerts wait for the same device, this one included.
    """

    order_id: int
    alert_id: int
    kind: str
    round: int
    document_id: int | None
    unit_id: int
    urgency: str
    document_kind: str
    title: str
    sensitivity: str
    is_test: int
    recalled: int
    person_id: int
    device_id: int
    token_sealed: bytes
    token_key: int
    gone: int
    priority: int
    due_at: int
    expires_at: int
    tries: int
    acked: int
    opened: int
    push_ordinary: int
    digest_minutes: int
    quiet_from: int
    quiet_to: int
    waiting: int
    created_at: int


class PushGo(Noun, frozen=True, kw_only=True):
    """It leaves now; ``merged``: for so many ordinary alerts that wait for the device, this one included."""

    merged: int = 1


class PushWait(Noun, frozen=True, kw_only=True):
    """Not before ``until``, UTC microseconds."""

    until: int
    reason: str


class PushStop(Noun, frozen=True, kw_only=True):
    """It never leaves: opened meanwhile, taken back, too late, not wanted, no device any more."""

    state: Literal["expired", "cancelled", "failed"]
    reason: str


PushDecision = PushGo | PushWait | PushStop
DecidePush = Callable[[PushFacts], PushDecision]
"""Pure: from the facts as they stand in the transaction that hands over."""


class PushLeaving(Noun, frozen=True, kw_only=True):
    """An order that leaves, for so many alerts."""

    facts: PushFacts
    merged: int


class PushAnswered(Noun, frozen=True, kw_only=True):
    """What a vendor said of one order. ``again_at`` where it may be tried again; ``gone``: the address is dead for good."""

    order_id: int
    device_id: int
    outcome: Literal["accepted", "refused", "deferred", "in_doubt"]
    code: str = ""
    receipt: str = ""
    again_at: int = 0
    gone: bool = False
    at: int


class PushReceipt(Noun, frozen=True, kw_only=True):
    """A vendor's word about what it took: on the phone, or never."""

    vendor: str
    receipt: str
    token_lookup: bytes | None = None
    """Whose device, where the vendor says so: those of one batch share the receipt."""
    state: Literal["delivered", "failed"]
    code: str = ""
    at: int
