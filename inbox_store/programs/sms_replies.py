"""Replies from phones (上行): kept before the carrier is answered, matched to the question asked, and acted on.

A reply finds its question by the number it was answered to: the access number with the extension of an alert. What it
says is read by a pure function that the caller hands in. What cannot be applied is kept with the reason and shown:
nothing is lost, and nothing is refused back to the carrier.

The last word stands: a reply is judged by when it came, so that the same replies end alike in whatever order and
however often they are taken (I6).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.keys import PhoneVault
from inbox_store.nouns import MeetingForm, Noun
from inbox_store.programs import meetings
from inbox_store.programs.copies import Actor, posts_now
from inbox_store.programs.meetings import MeetingRow, UnitAnswer
from inbox_store.programs.reply_parts import phone_columns
from inbox_store.programs.reply_rules import UNKNOWN, Asks, Kind, Meaning, Read, Replier, Rules
from inbox_store.times import DAY_US, day_at

ASKED_US: Final = 7 * DAY_US
"""A reply without an extension answers what was asked in so many days."""

CANDIDATES_MAX: Final = 200
"""So many of a person's latest messages are looked through for the question."""

ANSWERS: Final[frozenset[Kind]] = frozenset({"attend", "substitute", "leave"})


class NewReply(Noun, frozen=True, kw_only=True):
    """A reply as the person wrote it; ``parts`` are the stored ones it is made of, and tell when it came."""

    channel: str
    number: str
    source: str
    text: str
    received_at: int
    complete: bool = True
    parts: tuple[int, ...] = ()


class Question(Noun, frozen=True):
    """One of the person's messages that a reply may answer; columns in the order of ``reply_candidates``."""

    order_id: int
    person_id: int
    person: str
    unit_id: int
    alert_kind: str
    document_id: int | None
    document_kind: str
    asked_at: int
    exact: int

    @property
    def asks(self) -> Asks:
        """What it asked."""
        if self.document_id is None:
            return "none"
        return "meeting" if self.document_kind == "meeting_notice" else "document"


class _Taken(Noun, frozen=True, kw_only=True):
    """A stored reply with its question, on its way to what it does."""

    id: int
    reply: NewReply
    question: Question
    said: Meaning
    said_at: int

    @property
    def place(self) -> dict[str, object]:
        """Whose answer it is, for which unit, to which document: of several messages about it the last word counts."""
        names = ("document_id", "unit_id", "person_id")
        return {name: getattr(self.question, name) for name in names}

    @property
    def actor(self) -> Actor:
        """Who replied, by which channel."""
        asked = self.question
        return Actor(person_id=asked.person_id, name=asked.person, origin=f"sms:{self.reply.channel}")


def take_replies(replies: Sequence[NewReply], rules: Rules, vault: PhoneVault, now: int) -> Program[None]:
    """Store the replies, find what each answers, and do what it says; ``now`` only marks their parts as taken.

    Raises nothing for what a reply says: what cannot be applied is stored with the reason.
    """
    whole: list[NewReply] = []
    for reply in replies:
        whole += [(yield from _timed(reply))]
    for reply in sorted(whole, key=lambda one: (one.received_at, one.text)):
        taken = yield from _store(reply, rules, vault)
        if taken is not None:
            yield from _act(taken, rules, vault)
    yield from _parts_taken(replies, now)


def keep_unread(replies: Sequence[NewReply], vault: PhoneVault, now: int) -> Program[None]:
    """Store replies that could not be taken because of a fault of our own: unmatched, and shown as such."""
    for reply in replies:
        at = yield from _timed(reply)
        yield from _put(at, None, UNKNOWN, vault, "reply_unread")
    yield from _parts_taken(replies, now)


def _parts_taken(replies: Sequence[NewReply], now: int) -> Program[None]:
    parts = [part for reply in replies for part in reply.parts]
    if parts:
        yield Sql("reply_parts_taken", {"parts": json.dumps(parts), "now": now})


def _timed(reply: NewReply) -> Program[NewReply]:
    """A long reply came with its last part."""
    if not reply.parts:
        return reply
    ((at,),) = yield Sql("reply_parts_at", {"parts": json.dumps(reply.parts)})
    return replace(reply, received_at=at) if at is not None else reply


def _store(reply: NewReply, rules: Rules, vault: PhoneVault) -> Program[_Taken | None]:
    """The reply as a row; None where nothing more is to be done: no question, or nothing new."""
    key = {"phone_lookup": vault.lookup(reply.number), "source": reply.source}
    same = {"channel": reply.channel, "text": reply.text, "received_at": reply.received_at}
    if (yield Sql("reply_known", {**key, **same})):
        return None
    look = {**key, "at": reply.received_at, "limit": CANDIDATES_MAX}
    found = [Question(*row) for row in (yield Sql("reply_candidates", look))]
    question, said = _understood(reply, found, rules.read)
    row_id, said_at = yield from _put(reply, question, said, vault)
    if question is None or said_at > reply.received_at:
        return None
    return _Taken(id=row_id, reply=reply, question=question, said=said, said_at=said_at)


def _understood(reply: NewReply, found: Sequence[Question], read: Read) -> tuple[Question | None, Meaning]:
    """What the reply answers, and what it says to it.

    The latest message from just this source; but of several the latest that asks something. Where the carrier cut the
    extension off, only what was asked in the last days counts. A refusal is of the latest message, whatever it asked.
    """
    exact = [one for one in found if one.exact]
    recent = [one for one in (exact or found) if one.asked_at >= reply.received_at - ASKED_US]
    asking = next((one for one in recent if one.asks == "meeting"), None)
    latest = exact[0] if exact else next(iter(recent), None)
    if latest is not None and latest.asks == "meeting":
        asking = latest
    said = read(reply.text, asks=asking.asks if asking else "none")
    question = latest if said.kind == "refuse" else asking or (latest if exact else None)
    return (question, said) if question else (None, UNKNOWN)


def _put(
    reply: NewReply, question: Question | None, said: Meaning, vault: PhoneVault, refused: str = ""
) -> Program[tuple[int, int]]:
    """The reply's row, and when the same was said last."""
    names = ("order_id", "person_id", "unit_id", "document_id")
    asked = {name: getattr(question, name, None) for name in names}
    told = {name: getattr(reply, name) for name in ("channel", "source", "text", "received_at")}
    means = {"meaning": said.kind, "detail": said.detail, "refused": refused}
    same = question.order_id if question else -day_at(reply.received_at)
    row = {**asked, **told, **means, **phone_columns(reply.number, vault), "question": same}
    ((row_id, said_at),) = yield Sql("reply_put", {**row, "complete": int(reply.complete)})
    return row_id, said_at


# What a reply does --------------------------------------------------------------------------------------------------


def _act(taken: _Taken, rules: Rules, vault: PhoneVault) -> Program[None]:
    if taken.said.kind == "refuse":
        yield from _refuse_class(taken)
    elif taken.said.kind in ANSWERS:
        try:
            version = yield from _answer(taken, rules, vault)
        except Refused as refused:
            told = {"id": taken.id, "refused": refused.code, "why": _reasons(refused)}
            yield Sql("reply_refused", told)
        else:
            yield Sql("reply_stands", {"id": taken.id, "version": version})
            yield Sql("reply_stands_no_more", {**taken.place, "id": taken.id})


def _reasons(refused: Refused) -> str:
    errors = refused.params.get("errors", ())
    return "；".join(one["reason"] for one in errors) if isinstance(errors, list) else ""


def _refuse_class(taken: _Taken) -> Program[None]:
    """The person does not want messages of this kind; the classes are kept with commas between them."""
    person_id, kind = taken.question.person_id, taken.question.alert_kind
    rows = yield Sql("reply_classes", {"person_id": person_id})
    before = {one for one in rows[0][0].split(",") if one} if rows else set()
    if kind in before:
        return
    yield Sql("reply_class_refused", {"person_id": person_id, "refused": ",".join(sorted({*before, kind}))})
    subject, detail = f"person:{person_id}", {"class": kind, "reply": taken.id}
    yield Audit(
        action="sms.refuse", actor=person_id, subject=subject, detail=detail, origin=taken.actor.origin
    )


def _answer(taken: _Taken, rules: Rules, vault: PhoneVault) -> Program[int | None]:
    """The same fact that the API writes, by the same rules. Returns the version of a unit's receipt where it made one.

    Raises Refused before anything is written.
    """
    if not taken.reply.complete:
        raise Refused("reply_incomplete")
    meeting = yield from meetings.meeting_row(taken.question.document_id or 0)
    if meeting.recalled_at is not None:
        raise Refused("already_recalled", id=meeting.document_id)
    if meeting.personal:
        yield from _answer_personally(taken, meeting, rules)
        return None
    return (yield from _answer_for_unit(taken, meeting, rules, vault))


def _answer_personally(taken: _Taken, meeting: MeetingRow, rules: Rules) -> Program[None]:
    asked = taken.question
    said, reason = rules.personal(taken.said)
    key = {"document_id": meeting.document_id, "person_id": asked.person_id}
    stands = yield Sql("reply_personal_now", key)
    yield from _must_be_last(taken, since=bool(stands) and stands[0][2] > taken.said_at)
    if not stands or stands[0][:2] != (said, reason):
        yield from meetings.answer_personally(
            meeting.document_id, asked.unit_id, said, reason, taken.actor, taken.said_at
        )


def _answer_for_unit(
    taken: _Taken, meeting: MeetingRow, rules: Rules, vault: PhoneVault
) -> Program[int | None]:
    """The replier's line in the unit's list: a clerk's right, as at the desk."""
    asked, at = taken.question, taken.said_at
    if "clerk" not in (yield from posts_now(asked.person_id, asked.unit_id, at)):
        raise Refused("not_clerk", unit=asked.unit_id)
    last = yield from _last_answer(meeting.document_id, asked.unit_id, vault)
    standing = last.attendees if last else ()
    post = yield Sql("reply_post", {"person_id": asked.person_id, "unit_id": asked.unit_id, "at": at})
    who = Replier(name=asked.person, post=post[0][0] if post else "", phone=taken.reply.number)
    wanted = rules.listed(standing, who, taken.said)
    if wanted != standing:
        rules.check(_form(meeting), wanted, at, last is not None)
    since = yield Sql("reply_reported_since", {**taken.place, "at": at})
    yield from _must_be_last(taken, since=bool(since))
    if wanted == standing:
        return None
    # A colleague's later reply may have been taken before: the list is as new as its newest line.
    now = max(at, last.answered_at) if last else at
    note = last.note if last else ""
    return (
        yield from meetings.answer(meeting.document_id, asked.unit_id, wanted, note, vault, taken.actor, now)
    )


def _must_be_last(taken: _Taken, *, since: bool) -> Program[None]:
    """Refuse what is older than the answer that stands. Asked last: what is wrong by itself is told as that, in any order."""
    if since or (
        yield Sql("reply_later", {**taken.place, "said_at": taken.said_at, "text": taken.reply.text})
    ):
        raise Refused("reply_superseded")


def _last_answer(document_id: int, unit_id: int, vault: PhoneVault) -> Program[UnitAnswer | None]:
    try:
        return (yield from meetings.last_answer(document_id, unit_id, vault))
    except Refused:
        return None


def _form(meeting: MeetingRow) -> MeetingForm:
    return MeetingForm(**{name: getattr(meeting, name) for name in MeetingForm.__struct_fields__})
