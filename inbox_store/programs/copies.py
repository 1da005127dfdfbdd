"""Facts of the receiving unit beside signing: open, return, transfer to handling, opinions, finish, archive (T Art. 24)."""

from __future__ import annotations

from inbox_store.engine import Audit, Changed, Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import LEADER_ROLES, Noun
from inbox_store.programs import watches
from inbox_store.programs.dispatch import DocumentHead, document_head, not_asked_any_more
from inbox_store.programs.entries import clerks_are_done, find_entry, give_entry, settle_entry, write_entry
from inbox_store.programs.tallies import happened
from inbox_store.states import PENDING, distribution_step


class Copy(Noun, frozen=True, kw_only=True):
    """One distribution (document x unit) as decisions see it."""

    state: str
    counted: bool
    sent_at: int
    sign_due_at: int | None
    opened_at: int | None
    signed_at: int | None
    handling_started_at: int | None
    handle_due_at: int | None
    archived_at: int | None
    role: str
    round: int
    unit_code: str
    unit_name: str


class Actor(Noun, frozen=True, kw_only=True):
    """Who acts, from where, with which device."""

    person_id: int
    name: str
    origin: str = ""
    device: str = ""


def copy_row(document_id: int, unit_id: int) -> Program[Copy]:
    """The copy. Raises Refused("not_addressed") where the unit has none."""
    rows = yield Sql("copy_row", {"document_id": document_id, "unit_id": unit_id})
    if not rows:
        raise Refused("not_addressed", document=document_id, unit=unit_id)
    told = dict(zip(Copy.__struct_fields__, rows[0], strict=True))
    return Copy(**{**told, "counted": bool(told["counted"])})


def posts_now(person_id: int, unit_id: int, now: int) -> Program[frozenset[str]]:
    """The roles the person holds in the unit now; none while the account is frozen or closed."""
    rows = yield Sql("posts_now", {"person_id": person_id, "unit_id": unit_id, "now": now})
    return frozenset(row[0] for row in rows)


def _require_clerk(actor: Actor, unit_id: int, now: int) -> Program[None]:
    """Signing and returning are the unit's acts, done by clerk A or B: rechecked inside the transaction (F8)."""
    if "clerk" not in (yield from posts_now(actor.person_id, unit_id, now)):
        raise Refused("not_clerk", unit=unit_id)


def open_document(document_id: int, actor: Actor, now: int) -> Program[bool]:
    """The person opens the document: kept apart from signing (F9). Returns whether it was the first time."""
    entry = yield from find_entry(actor.person_id, document_id)
    if entry is None:
        raise Refused("not_addressed", document=document_id)
    # An entry that woke up again (something came back) is read anew, though it was opened before.
    if entry.opened_at is not None and entry.state != "to_read":
        return False
    state = "read" if entry.state == "to_read" else entry.state
    done_at = now if state == "read" else None
    yield from write_entry(actor.person_id, entry, state, opened_at=now, done_at=done_at)
    yield Sql("copy_opened", {"document_id": document_id, "person_id": actor.person_id, "now": now})
    yield Audit(
        action="document.open", actor=actor.person_id, subject=f"document:{document_id}", origin=actor.origin
    )
    yield Changed(actor.person_id, entry.send_no)
    return True


def return_copy(document_id: int, unit_id: int, reason: str, actor: Actor, now: int) -> Program[None]:
    """Send a misdirected or non-conforming copy back with a reason, before signing only (F10, T Art. 24)."""
    head = yield from document_head(document_id)
    copy = yield from copy_row(document_id, unit_id)
    yield from _require_clerk(actor, unit_id, now)
    distribution_step(copy.state, "return")
    key = {"document_id": document_id, "unit_id": unit_id}
    if (yield Sql("meeting_receipt_last", key)):
        # Names were reported: the notice was taken in, whether signed for or not.
        raise Refused("already_answered", document=document_id, unit=unit_id)
    yield Sql("copy_returned", {**key, "now": now, "person_id": actor.person_id, "reason": reason})
    if copy.counted:
        yield from happened((unit_id, head.kind, copy.sent_at), "returned", now)
    yield Audit(
        action="document.return",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail={"unit": unit_id, "reason": reason},
        origin=actor.origin,
    )
    if copy.counted and copy.role == "to":
        yield from not_asked_any_more(head, unit_id, copy.sent_at)
    yield from clerks_are_done([(document_id, unit_id, now)])
    yield from _tell_sender(document_id)


def _tell_sender(document_id: int) -> Program[None]:
    """The sender's own copy in 办公发文 wakes up: something came back. What the sender has to do stays to do."""
    ((person_id,),) = yield Sql("dispatch_submitter", {"document_id": document_id})
    entry = yield from find_entry(person_id, document_id)
    if entry is not None and entry.state not in PENDING:
        yield from write_entry(person_id, entry, "to_read", opened_at=None, done_at=None)
        yield Changed(person_id, entry.send_no)


def transfer(
    document_id: int, unit_id: int, handler_id: int, due_at: int, note: str, actor: Actor, now: int
) -> Program[None]:
    """Transfer a signed copy to internal handling: a person of the unit gets the entry and a due date (转内部办理)."""
    head = yield from document_head(document_id)
    copy = yield from copy_row(document_id, unit_id)
    yield from _require_manager(document_id, actor, unit_id, now)
    distribution_step(copy.state, "transfer")
    if not (yield from posts_now(handler_id, unit_id, now)):
        raise Refused("handler_unknown", person=handler_id, unit=unit_id)
    key = {"document_id": document_id, "unit_id": unit_id}
    ((before,),) = yield Sql("handling_current", key)
    yield Sql("copy_handling", {**key, "handler_id": handler_id, "now": now, "due_at": due_at})
    if before is not None:
        yield from settle_entry(before, document_id, now)
    who = {"handler_id": handler_id, "assigned_by": actor.person_id, "assigned_at": now}
    yield Sql("handling_add", {**key, **who, "due_at": due_at, "note": note})
    if not head.is_test:
        yield from watches.handling(document_id, unit_id, due_at)
    yield from _begin_handling(head, copy, unit_id, now)
    send_no = yield from give_entry(handler_id, document_id, "other_incoming", "to_do")
    yield Changed(handler_id, send_no)
    yield Audit(
        action="document.transfer",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail={"unit": unit_id, "handler": handler_id, "due_at": due_at},
        origin=actor.origin,
    )


def _require_manager(document_id: int, actor: Actor, unit_id: int, now: int) -> Program[None]:
    """Clerks, leaders and the present handler move a document on inside their unit."""
    roles = yield from posts_now(actor.person_id, unit_id, now)
    if roles & (LEADER_ROLES | {"clerk"}):
        return
    rows = yield Sql("handling_current", {"document_id": document_id, "unit_id": unit_id})
    if not roles or rows[0][0] != actor.person_id:
        raise Refused("not_handler", document=document_id, unit=unit_id)


def _begin_handling(head: DocumentHead, copy: Copy, unit_id: int, now: int) -> Program[None]:
    """A copy enters H(U,P) once, with the day its handling began (bulletin.md 3.3); drills never do."""
    if head.is_test:
        return
    if copy.handling_started_at is None:
        yield from happened((unit_id, head.kind, now), "handled")
    elif copy.state == "archived" and copy.archived_at is not None:
        thing = (unit_id, head.kind, copy.handling_started_at)
        yield from happened(thing, "archived", copy.archived_at, n=-1)


def opinion(document_id: int, unit_id: int, text: str, actor: Actor, now: int) -> Program[int]:
    """Add an opinion of a person of the unit; opinions are kept in order and never changed."""
    yield from copy_row(document_id, unit_id)
    if not (yield from posts_now(actor.person_id, unit_id, now)):
        raise Refused("not_addressed", document=document_id, unit=unit_id)
    key = {"document_id": document_id, "unit_id": unit_id}
    ((opinion_id,),) = yield Sql(
        "opinion_add", {**key, "person_id": actor.person_id, "at": now, "text": text}
    )
    yield Audit(
        action="document.opinion",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail={"unit": unit_id, "opinion": opinion_id},
        origin=actor.origin,
    )
    return int(opinion_id)


def finish(document_id: int, unit_id: int, actor: Actor, now: int) -> Program[None]:
    """The matter is dealt with (办结)."""
    yield from _step(document_id, unit_id, "finish", actor, now)
    yield Sql("copy_finished", {"document_id": document_id, "unit_id": unit_id, "now": now})
    yield from _handler_is_done(document_id, unit_id, now)


def _handler_is_done(document_id: int, unit_id: int, now: int) -> Program[None]:
    """The matter was finished or filed: its handler has nothing more to do, unless another duty is left."""
    ((handler_id,),) = yield Sql("handling_current", {"document_id": document_id, "unit_id": unit_id})
    if handler_id is not None:
        yield from settle_entry(handler_id, document_id, now)


def archive(document_id: int, unit_id: int, actor: Actor, now: int) -> Program[None]:
    """File the copy (归档). One filed straight after signing enters H and is archived on the same day."""
    copy, head = yield from _step(document_id, unit_id, "archive", actor, now)
    yield Sql("copy_archived", {"document_id": document_id, "unit_id": unit_id, "now": now})
    yield from _handler_is_done(document_id, unit_id, now)
    if head.is_test:
        return
    thing = (unit_id, head.kind, copy.handling_started_at or now)
    if copy.handling_started_at is None:
        yield from happened(thing, "handled")
    yield from happened(thing, "archived", now)


def reopen(
    document_id: int, unit_id: int, handler_id: int, due_at: int, actor: Actor, now: int
) -> Program[None]:
    """Take a filed copy up again: it counts as not archived until it is filed anew (bulletin.md 3.3)."""
    copy, head = yield from _step(document_id, unit_id, "reopen", actor, now)
    if not (yield from posts_now(handler_id, unit_id, now)):
        raise Refused("handler_unknown", person=handler_id, unit=unit_id)
    key = {"document_id": document_id, "unit_id": unit_id}
    yield Sql("copy_handling", {**key, "handler_id": handler_id, "now": now, "due_at": due_at})
    yield from _begin_handling(head, copy, unit_id, now)
    if not head.is_test:
        yield from watches.handling(document_id, unit_id, due_at)
    send_no = yield from give_entry(handler_id, document_id, "other_incoming", "to_do")
    yield Changed(handler_id, send_no)


def _step(
    document_id: int, unit_id: int, event: str, actor: Actor, now: int
) -> Program[tuple[Copy, DocumentHead]]:
    """The check and the trace that finish, archive and reopen share."""
    head = yield from document_head(document_id)
    copy = yield from copy_row(document_id, unit_id)
    yield from _require_manager(document_id, actor, unit_id, now)
    distribution_step(copy.state, event)
    yield Audit(
        action=f"document.{event}",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail={"unit": unit_id},
        origin=actor.origin,
    )
    return copy, head
