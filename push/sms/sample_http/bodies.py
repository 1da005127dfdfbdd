"""The bodies of the sample scheme: what is asked, what is answered, what is called back. Pure.

POST url             {"reference", "to", "source", "text", "segments", "priority", "valid_until"}
answer               {"code": 0, "id": "…"}, or another code of ``results`` and why
POST our callback    {"events": [{"type": "report", …}, {"type": "reply", …}]}, at most 500 of them
"""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from inbox_store.times import US
from push.sms.carrier import Inbound, Reply, Report, ReportState

EVENTS_MAX: Final = 500
CALLBACK_MAX_BYTES: Final = 1 << 20

_WAITING: Final = frozenset({"ACCEPTD", "ENROUTE"})
_ID: Final = r"^[A-Za-z0-9._-]{1,64}$"
_NUMBER: Final = re.compile(r"(?:\+?86)?(1[0-9]{10})", re.ASCII)
_YEAR_2100: Final = 4_102_444_800

Id = Annotated[str, Meta(pattern=_ID)]
Seconds = Annotated[int, Meta(ge=0, le=_YEAR_2100)]
Digits = Annotated[str, Meta(pattern=r"^\+?[0-9]{3,21}$")]


class Submit(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one number. The same ``reference`` again is the same message, and is answered as it was."""

    reference: Id
    to: Digits
    source: Digits
    text: Annotated[str, Meta(min_length=1, max_length=2_000)]
    segments: Annotated[int, Meta(ge=1, le=255)]
    """How many we count: where the other end counts otherwise it refuses, so that nobody is surprised by the bill."""
    priority: Annotated[int, Meta(ge=0, le=9)] = 1
    valid_until: Seconds | None = None
    """Seconds of the epoch."""


class SubmitResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a submit; ``id`` where it was taken. Fields that other aggregators add are passed over."""

    code: int
    id: str = ""
    message: str = ""


class ReportEvent(msgspec.Struct, frozen=True, kw_only=True, tag="report", tag_field="type"):
    """What became of a message: of one segment where ``segment`` is told, else of all ``segments`` of them."""

    id: Id
    to: Digits
    stat: Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,16}$")]
    """DELIVRD is delivered, ACCEPTD and ENROUTE are on the way, everything else has failed."""
    segments: Annotated[int, Meta(ge=1, le=255)] = 1
    segment: Annotated[int, Meta(ge=1, le=255)] | None = None
    error: Annotated[str, Meta(max_length=16)] = ""
    done_at: Seconds | None = None


class ReplyEvent(msgspec.Struct, frozen=True, kw_only=True, tag="reply", tag_field="type"):
    """A message from a phone to our access number with an extension."""

    sender: Digits
    source: Digits
    text: Annotated[str, Meta(max_length=2_000)]


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """What an aggregator brings."""

    events: Annotated[tuple[ReportEvent | ReplyEvent, ...], Meta(min_length=1, max_length=EVENTS_MAX)]


class _Events(msgspec.Struct, frozen=True, kw_only=True):
    """The same, each event for itself: one that cannot be read must not keep the others out for ever."""

    events: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=EVENTS_MAX)]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """Our answer to a callback; it leaves after all of them are kept durably."""

    taken: int


def message_id(given: str, number: int, segments: int) -> str:
    """The id of one segment: the aggregator's own, with the segment's number where the message has several.

    A charge line is a segment (C1 to C9), so that two must never share an id.
    """
    return given if segments == 1 else f"{given}/{number}"


def read_result(body: bytes) -> SubmitResult | None:
    """The answer to a submit; None for what is none."""
    try:
        return msgspec.json.decode(body, type=SubmitResult)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_callback(body: bytes) -> list[Inbound]:
    """Reports and replies, in the order they are told; an event that is neither is handed on to be kept raw.

    Raises ValueError for what is no callback at all.
    """
    try:
        told = msgspec.json.decode(body, type=_Events)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ValueError(f"callback: {fault}") from None
    return [inbound for place, raw in enumerate(told.events) for inbound in _inbounds(place, bytes(raw))]


def _inbounds(place: int, raw: bytes) -> list[Inbound]:
    try:
        event = _EVENT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [Inbound(sequence=place, what=None, answer=b"", raw=raw)]
    found = _reports(event) if isinstance(event, ReportEvent) else [_reply(event)]
    return [Inbound(sequence=place, what=what, answer=b"") for what in found]


_EVENT: Final = msgspec.json.Decoder(ReportEvent | ReplyEvent)


def _reports(event: ReportEvent) -> list[Report | Reply]:
    state: ReportState = "waiting" if event.stat in _WAITING else "failed"
    if event.stat == "DELIVRD":
        state = "delivered"
    numbers = range(1, event.segments + 1) if event.segment is None else (event.segment,)
    return [
        Report(
            message_id=message_id(event.id, number, event.segments),
            to=bare(event.to),
            state=state,
            stat=event.stat,
            error=event.error,
            done_at=None if event.done_at is None else event.done_at * US,
        )
        for number in numbers
    ]


def _reply(event: ReplyEvent) -> Reply:
    content = event.text.encode("utf-16-be", "replace")
    return Reply(sender=bare(event.sender), source=event.source, content=content, coding="ucs2")


def bare(number: str) -> str:
    """A mainland number without 86; what is none stays as it came."""
    found = _NUMBER.fullmatch(number)
    return found[1] if found else number
