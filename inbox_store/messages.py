"""What is said about short messages: an alert, what decides about an order, what leaves, what came back. Frozen data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from inbox_store.ledger import ChargeLine
from inbox_store.nouns import Noun


class NewAlert(Noun, frozen=True, kw_only=True):
    """One event to tell people about. ``text`` is what is sent, normalised; ``expires_at`` UTC microseconds."""

    kind: str
    unit_id: int
    text: str
    segments: int
    urgency: str
    priority: int
    expires_at: int
    round: int = 0
    document_id: int | None = None
    dispatch_id: int | None = None
    policy: str = ""
    """The rules that made its orders, with their version."""


class Facts(Noun, frozen=True):
    """What decides whether an order may leave now; columns in the order of ``sms_due``.

    ``*_off`` tell whether the county's messages are switched off now: the recipient's, and the originator's (P66).
    ``sent_today`` counts the messages of this person, ``unit_today`` those of the originator, of today.
    """

    order_id: int
    alert_id: int
    kind: str
    round: int
    document_id: int | None
    unit_id: int
    region_id: int
    urgency: str
    text: str
    is_test: int
    recalled: int
    created_at: int
    person_id: int
    to_unit_id: int
    to_region_id: int
    to_off: int
    off: int
    phone_sealed: bytes | None
    phone_key: int | None
    route: str | None
    bad: int
    refused: str
    priority: int
    due_at: int
    expires_at: int
    segments: int
    tries: int
    sent_today: int
    unit_today: int
    until_opened: int = 0
    """It follows an alert that nobody opened; with ``opened`` it is not needed any more."""
    opened: int = 0
    sms_ordinary: int = 1
    """Whether the person wants such messages of ordinary documents."""
    done: int = 0
    """Of an urge: what it urges for was done meanwhile."""


class Go(Noun, frozen=True, kw_only=True):
    """It leaves now, as so many segments, from this access number; ``overridden``: although it is switched off."""

    segments: int
    source: str
    overridden: bool = False


class Claiming(Noun, frozen=True, kw_only=True):
    """Who takes: a channel with the routes it serves now, and how many segments it has room for."""

    channel: str
    routes: tuple[str, ...]
    free: int
    day_segments: int = 0
    """What its contract allows a day; 0: not limited."""
    own_ids: tuple[str, ...] = ()
    """Message ids that are known before sending, one for each segment in order (SGIP)."""


class Wait(Noun, frozen=True, kw_only=True):
    """Not before ``until`` (quiet hours, a cap); UTC microseconds."""

    until: int
    reason: str


class Stop(Noun, frozen=True, kw_only=True):
    """It never leaves: switched off, too late, taken back, no usable number."""

    state: Literal["suppressed", "expired", "cancelled", "failed"]
    reason: str


Decision = Go | Wait | Stop
Decide = Callable[[Facts], Decision]
"""Pure: from the facts, as they stand in the transaction that hands over."""


class Leaving(Noun, frozen=True, kw_only=True):
    """An order that leaves: its facts, and for each segment number that is to be sent the id of its attempt, in order.

    ``tried`` are the channels of its earlier attempts.
    """

    facts: Facts
    segments: int
    attempts: tuple[tuple[int, int], ...]
    source: str
    tried: tuple[str, ...] = ()


class Answered(Noun, frozen=True, kw_only=True):
    """What became of one attempt. ``code`` is the carrier's own; ``again_at`` when what was returned may be tried again.

    ``reroute``: the carrier does not serve the number (it was ported); whose turn it is now.
    """

    attempt_id: int
    outcome: Literal["accepted", "refused", "returned", "in_doubt"]
    code: str = ""
    message_id: str = ""
    at: int
    again_at: int = 0
    reroute: str = ""


class Reported(Noun, frozen=True, kw_only=True):
    """A carrier's report as it came; ``permanent``: the number itself cannot be reached."""

    channel: str
    message_id: str
    phone_lookup: bytes
    state: Literal["waiting", "delivered", "failed"]
    stat: str
    error: str = ""
    done_at: int | None = None
    permanent: bool = False
    at: int


class Accepted(Noun, frozen=True):
    """One accepted segment with what its charge needs; columns in the order of ``sms_accepted``."""

    attempt_id: int
    order_id: int
    segment_no: int
    acceptance_no: int
    channel: str
    message_id: str
    accepted_at: int
    alert_id: int
    kind: str
    round: int
    document_id: int | None
    is_test: int
    unit_id: int
    region_id: int
    person_id: int
    to_unit_id: int
    to_region_id: int
    phone_sealed: bytes | None
    phone_key: int | None
    segments: int
    overridden: int


Price = Callable[[Accepted], ChargeLine | None]
"""Pure: what an accepted segment costs and who pays; None where nothing is charged (a drill is: by the city, apart)."""
