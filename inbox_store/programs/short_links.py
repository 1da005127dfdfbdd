"""Facts behind the short link of a message: what it is about, what can be done over it, what was done, once.

Whoever holds the link acts as the person it was sent to; every act is the fact that the person would write in the
office system, with its own checks, and one line of trace more that says it came over a link.
"""

from __future__ import annotations

from typing import Final, Literal

from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.keys import PhoneVault
from inbox_store.nouns import MeetingForm, Noun
from inbox_store.programs import copies, meetings, signing
from inbox_store.programs.copies import Actor, posts_now
from inbox_store.programs.dispatch import DocumentHead, document_head
from inbox_store.programs.entries import find_entry
from inbox_store.programs.meetings import MeetingRow, UnitAnswer
from inbox_store.programs.reply_rules import Kind, Meaning, Replier, Rules

Act = Literal["sign", "answer", "read"]
"""Sign for the document, answer a meeting notice, take note (已阅)."""

SIGNED_STATES: Final = frozenset({"signed", "handling", "finished", "archived"})
CHANNEL: Final = "sms_link"


class Linked(Noun, frozen=True, kw_only=True):
    """The order behind a link: whose message it was, and what about."""

    order_id: int
    person_id: int
    name: str
    unit_id: int
    document_id: int
    phone_sealed: bytes | None
    phone_key: int | None


class Used(Noun, frozen=True, kw_only=True):
    """One thing done over a link; ``detail`` is the substitute's name or the reason of a leave."""

    act: Act
    said: str
    detail: str
    at: int


class Offer(Noun, frozen=True, kw_only=True):
    """What a link's page shows: the document, its sender and receiver, what can be done, what was done."""

    head: DocumentHead
    sender: str
    receiver: str
    sent_at: int
    sign_due_at: int | None
    meeting: MeetingRow | None
    acts: tuple[Act, ...]
    used: tuple[Used, ...]
    signed: tuple[int, str] | None
    """When and by whom the unit has signed for it, on whatever way."""


class Wish(Noun, frozen=True, kw_only=True):
    """What is to be done over a link; ``said`` and ``detail`` of an answer to a meeting notice."""

    act: Act
    said: Kind = "unknown"
    detail: str = ""


def linked(order_id: int) -> Program[Linked]:
    """The order. Raises Refused("not_found") where there is none, or it is about no document."""
    rows = yield Sql("short_link_order", {"order_id": order_id})
    if not rows:
        raise Refused("not_found", what="short_link", id=order_id)
    person_id, name, unit_id, document_id, sealed, key = rows[0]
    return Linked(
        order_id=order_id,
        person_id=person_id,
        name=name,
        unit_id=unit_id,
        document_id=document_id,
        phone_sealed=sealed,
        phone_key=key,
    )


def offer(link: Linked, sender: str, now: int) -> Program[Offer]:
    """What the link offers now. ``sender`` is the sending unit's name.

    Raises Refused: already_recalled, already_returned, not_addressed (the person has left the unit, or the account is
    frozen).
    """
    head = yield from document_head(link.document_id)
    if head.recalled_at is not None:
        raise Refused("already_recalled", id=link.document_id)
    copy = yield from copies.copy_row(link.document_id, link.unit_id)
    if copy.state in ("recalled", "returned"):
        raise Refused(f"already_{copy.state}", id=link.document_id)
    used = yield from uses(link.order_id)
    meeting = None
    if head.kind == "meeting_notice":
        meeting = yield from meetings.meeting_row(link.document_id)
    acts = yield from _acts(link, head, meeting, copy.state, now)
    key = {"document_id": link.document_id, "unit_id": link.unit_id}
    signature = (yield Sql("signature_of", key)) if copy.state in SIGNED_STATES else []
    done = {one.act for one in used}
    return Offer(
        head=head,
        sender=sender,
        receiver=copy.unit_name,
        sent_at=copy.sent_at,
        sign_due_at=copy.sign_due_at,
        meeting=meeting,
        acts=tuple(act for act in acts if act not in done),
        used=used,
        signed=(signature[0][0], signature[0][1]) if signature else None,
    )


def uses(order_id: int) -> Program[tuple[Used, ...]]:
    """What was done over the link, in order."""
    rows = yield Sql("short_link_uses", {"order_id": order_id})
    return tuple(Used(act=row[0], said=row[1], detail=row[2], at=row[3]) for row in rows)


def _acts(
    link: Linked, head: DocumentHead, meeting: MeetingRow | None, state: str, now: int
) -> Program[tuple[Act, ...]]:
    """A clerk signs for the unit and sends its receipt; of a meeting that asks persons everybody answers; others note."""
    posts = yield from posts_now(link.person_id, link.unit_id, now)
    if not posts:
        raise Refused("not_addressed", document=link.document_id, unit=link.unit_id)
    clerk = "clerk" in posts
    acts: list[Act] = []
    if clerk and head.signable and state == "unsigned":
        acts.append("sign")
    if meeting is not None and (meeting.personal or clerk):
        acts.append("answer")
    entry = yield from find_entry(link.person_id, link.document_id)
    if not acts and entry is not None and entry.state == "to_read":
        acts.append("read")
    return tuple(acts)


def use(
    link: Linked, wish: Wish, actor: Actor, rules: Rules, vault: PhoneVault, now: int
) -> Program[tuple[Used, bool]]:
    """Do what is wished, as the person; what was done before stays as it was. Returns what stands, and whether it is new.

    Raises Refused as the fact itself does, as ``offer`` does, and step_not_possible for what the link does not offer.
    """
    for before in (yield from uses(link.order_id)):
        if before.act == wish.act:
            return before, False
    offered = yield from offer(link, "", now)
    if wish.act == "sign" and offered.signed is not None:
        signed_at, signed_by = offered.signed
        raise Refused("already_signed", signed_at=signed_at, signed_by=signed_by)
    if wish.act not in offered.acts:
        raise Refused("step_not_possible", act=wish.act)
    yield from _do(link, wish, offered.meeting, actor, rules, vault, now)
    said = wish.said if wish.act == "answer" else ""
    done = Used(act=wish.act, said=said, detail=wish.detail, at=now)
    row = {"order_id": link.order_id, "act": done.act, "said": said, "detail": done.detail, "at": now}
    yield Sql("short_link_use_add", row)
    yield Audit(
        action="short_link.use",
        actor=link.person_id,
        subject=f"document:{link.document_id}",
        detail={"channel": CHANNEL, "order": link.order_id, "act": wish.act, "unit": link.unit_id},
        origin=actor.origin,
    )
    return done, True


def _do(
    link: Linked,
    wish: Wish,
    meeting: MeetingRow | None,
    actor: Actor,
    rules: Rules,
    vault: PhoneVault,
    now: int,
) -> Program[None]:
    if wish.act == "sign":
        yield from signing.sign(link.document_id, link.unit_id, actor, now)
    elif wish.act == "read":
        yield from copies.open_document(link.document_id, actor, now)
    elif meeting is not None:
        said = Meaning(kind=wish.said, detail=wish.detail)
        if meeting.personal:
            word, reason = rules.personal(said)
            yield from meetings.answer_personally(link.document_id, link.unit_id, word, reason, actor, now)
        else:
            yield from _answer_for_unit(link, said, meeting, actor, rules, vault, now)


def _answer_for_unit(
    link: Linked,
    said: Meaning,
    meeting: MeetingRow,
    actor: Actor,
    rules: Rules,
    vault: PhoneVault,
    now: int,
) -> Program[None]:
    """The person's line in the unit's list, as a reply by message would put it; the other lines stay."""
    last = yield from _last_answer(link, vault)
    standing = last.attendees if last else ()
    who = {"person_id": link.person_id, "unit_id": link.unit_id, "at": now}
    post = yield Sql("reply_post", who)
    phone = vault.open(link.phone_sealed, link.phone_key) if link.phone_sealed and link.phone_key else ""
    replier = Replier(name=link.name, post=post[0][0] if post else "", phone=phone)
    wanted = rules.listed(standing, replier, said)
    if wanted == standing:
        return
    form = MeetingForm(**{name: getattr(meeting, name) for name in MeetingForm.__struct_fields__})
    rules.check(form, wanted, now, last is not None)
    note = last.note if last else ""
    yield from meetings.answer(link.document_id, link.unit_id, wanted, note, vault, actor, now)


def _last_answer(link: Linked, vault: PhoneVault) -> Program[UnitAnswer | None]:
    try:
        return (yield from meetings.last_answer(link.document_id, link.unit_id, vault))
    except Refused:
        return None
