"""Facts of sending: hand in, approve, release, fan out in bounded steps, recall."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence

from inbox_store.chain import canonical
from inbox_store.engine import Arrived, Audit, Changed, CommitNo, Many, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.grams import grams
from inbox_store.nouns import NO_SIGNING_DUTY, AudienceUnit, MeetingForm, NewDocument, Noun
from inbox_store.programs import watches, work
from inbox_store.programs.announcing import Announced, Due, announce
from inbox_store.programs.delegation import one_hand
from inbox_store.programs.entries import find_entry, set_entry, settle_entry
from inbox_store.programs.tallies import Moves, count, happened, move, quarter_of
from inbox_store.states import dispatch_step
from inbox_store.times import day_at


class Plan(Noun, frozen=True, kw_only=True):
    """What a dispatch will do, worked out before anything is stored: the rule, its expansion, and what it may cost."""

    scope: str
    audience: tuple[AudienceUnit, ...]
    reach: str
    leader_mask: int
    general: bool
    held: bool
    sms_reminder: bool
    persons: int
    segments: int
    amount_li: int
    handle_due_at: int | None = None


class Submitted(Noun, frozen=True, kw_only=True):
    """What the sender is told: the document, its dispatch, and whether it waits for a second person."""

    document_id: int
    dispatch_id: int
    state: str
    units: int
    persons: int


class DocumentHead(Noun, frozen=True, kw_only=True):
    """The columns of a document that decisions need."""

    id: int
    kind: str
    title: str
    doc_no: str
    urgency: str
    duty: str
    sensitivity: str
    sender_unit_id: int
    is_test: bool
    digest: bytes
    created_by: int
    created_at: int
    recalled_at: int | None
    recall_reason: str | None
    series_id: int | None

    @property
    def signable(self) -> bool:
        """Whether units sign for this kind."""
        return self.kind not in NO_SIGNING_DUTY


class DispatchRow(Noun, frozen=True, kw_only=True):
    """One dispatch as stored."""

    id: int
    document_id: int
    supplement_of: int | None
    send_no: int | None
    state: str
    reach: str
    leader_mask: int
    handle_due_at: int | None
    general: bool
    sms_reminder: bool
    units: int
    persons: int
    segments: int
    amount_li: int
    submitted_by: int
    submitted_at: int
    decided_by: int | None
    decided_at: int | None
    decision_note: str | None
    sent_at: int | None
    cursor_unit: int
    scope: str

    @property
    def place(self) -> int:
        """The send number; there is one from the release on, before any chunk is sent."""
        if self.send_no is None:
            raise ValueError(f"dispatch {self.id} was not released")
        return self.send_no


def document_head(document_id: int) -> Program[DocumentHead]:
    """The document's head. Raises Refused("not_found")."""
    rows = yield Sql("document_head", {"document_id": document_id})
    if not rows:
        raise Refused("not_found", what="document", id=document_id)
    row = rows[0]
    return DocumentHead(
        **dict(zip(DocumentHead.__struct_fields__, (*row[:8], bool(row[8]), *row[9:]), strict=True))
    )


def dispatch_row(dispatch_id: int) -> Program[DispatchRow]:
    """The dispatch. Raises Refused("not_found")."""
    rows = yield Sql("dispatch_row", {"dispatch_id": dispatch_id})
    if not rows:
        raise Refused("not_found", what="dispatch", id=dispatch_id)
    told = dict(zip(DispatchRow.__struct_fields__, rows[0], strict=True))
    return DispatchRow(
        **{**told, "general": bool(told["general"]), "sms_reminder": bool(told["sms_reminder"])}
    )


def content_digest(document: NewDocument, files: Sequence[Row]) -> bytes:
    """SHA-256 over what a signer signs for: every element, the body, and each attachment's name and hash in order."""
    told = {
        "kind": document.kind,
        "title": document.title,
        "doc_no": document.doc_no,
        "urgency": document.urgency,
        "duty": document.duty,
        "body": document.body,
        "elements": dict(document.elements),
        "co_issuers": list(document.co_issuers),
        "attachments": [[row[0], row[3].hex()] for row in files],
    }
    return hashlib.sha256(canonical(told)).digest()


def submit(
    document: NewDocument,
    meeting: MeetingForm | None,
    plan: Plan,
    actor: int,
    origin: str,
    sender_name: str,
    now: int,
) -> Program[Submitted]:
    """Record a document with its dispatch and expanded list; it leaves at once or is held for a second person."""
    offered = yield Sql(
        "attachments_offered", {"ids": json.dumps(document.attachments), "uploaded_by": actor}
    )
    by_id = {row[0]: row[1:] for row in offered}
    missing = [file for file in document.attachments if file not in by_id]
    if missing:
        raise Refused("attachment_unknown", ids=missing)
    files = [by_id[file] for file in document.attachments]
    document_id = yield from _add_document(document, content_digest(document, files), actor, now)
    for no, file in enumerate(document.attachments):
        yield Sql("attachment_take", {"id": file, "document_id": document_id, "no": no, "uploaded_by": actor})
    text = f"{document.title} {document.doc_no} {sender_name}"
    yield Many("document_gram_add", [{"gram": gram, "document_id": document_id} for gram in grams(text)])
    if meeting is not None:
        yield Sql("meeting_add", _meeting_params(document_id, meeting))
    return (yield from _add_dispatch(document_id, None, plan, actor, origin, now))


def supplement(document_id: int, plan: Plan, actor: int, origin: str, now: int) -> Program[Submitted]:
    """Further recipients of a document that was sent (补发); a unit that already has it gets no second copy."""
    head = yield from document_head(document_id)
    if head.recalled_at is not None:
        raise Refused("already_recalled", id=document_id)
    first = (yield Sql("dispatch_of_document", {"document_id": document_id}))[0][0]
    return (yield from _add_dispatch(document_id, first, plan, actor, origin, now))


def _add_document(document: NewDocument, digest: bytes, actor: int, now: int) -> Program[int]:
    layout = {"has_letterhead": document.has_letterhead, "has_seal": document.has_seal}
    elements = {"elements": dict(document.elements), "co_issuers": list(document.co_issuers), **layout}
    rows = yield Sql(
        "document_add",
        {
            "kind": document.kind,
            "title": document.title,
            "doc_no": document.doc_no,
            "urgency": document.urgency,
            "duty": document.duty,
            "sensitivity": document.sensitivity,
            "sender_unit_id": document.sender_unit_id,
            "body": document.body,
            "elements": canonical(elements).decode(),
            "series_id": document.series_id,
            "is_test": int(document.is_test),
            "digest": digest,
            "created_by": actor,
            "created_at": now,
        },
    )
    return int(rows[0][0])


def _meeting_params(document_id: int, meeting: MeetingForm) -> dict[str, object]:
    return {
        "document_id": document_id,
        "place": meeting.place,
        "starts_at": meeting.starts_at,
        "ends_at": meeting.ends_at,
        "reply_due_at": meeting.reply_due_at,
        "seats": meeting.seats,
        "fields": json.dumps(meeting.fields, ensure_ascii=False),
        "personal": int(meeting.personal),
    }


def _add_dispatch(
    document_id: int, supplement_of: int | None, plan: Plan, actor: int, origin: str, now: int
) -> Program[Submitted]:
    rows = yield Sql(
        "dispatch_add",
        {
            "document_id": document_id,
            "supplement_of": supplement_of,
            "state": "held" if plan.held else "sending",
            "scope": plan.scope,
            "reach": plan.reach,
            "leader_mask": plan.leader_mask,
            "handle_due_at": plan.handle_due_at,
            "general": int(plan.general),
            "sms_reminder": int(plan.sms_reminder),
            "units": len(plan.audience),
            "persons": plan.persons,
            "segments": plan.segments,
            "amount_li": plan.amount_li,
            "submitted_by": actor,
            "submitted_at": now,
        },
    )
    dispatch_id = int(rows[0][0])
    yield Many(
        "audience_add",
        [
            {"dispatch_id": dispatch_id, "unit_id": unit.unit_id, "role": unit.role, "folder": unit.folder}
            for unit in plan.audience
        ],
    )
    detail = {
        "document": document_id,
        "units": len(plan.audience),
        "persons": plan.persons,
        "general": plan.general,
    }
    yield Audit(
        action="dispatch.submit", actor=actor, subject=f"dispatch:{dispatch_id}", detail=detail, origin=origin
    )
    if not plan.held:
        yield from _release(dispatch_id)
    return Submitted(
        document_id=document_id,
        dispatch_id=dispatch_id,
        state="held" if plan.held else "sending",
        units=len(plan.audience),
        persons=plan.persons,
    )


def _release(dispatch_id: int) -> Program[int]:
    """Give the dispatch its place in every inbox; from here on the fan-out finds it, also after a crash."""
    ((send_no,),) = yield Sql("dispatch_release", {"dispatch_id": dispatch_id})
    yield Sql("hot_send_add", {"send_no": send_no})
    return int(send_no)


def decide(
    dispatch_id: int, actor: int, note: str, origin: str, now: int, *, approve: bool
) -> Program[DispatchRow]:
    """A second person approves or rejects what is held (F6). Raises Refused approval_own, not_held."""
    row = yield from dispatch_row(dispatch_id)
    state = dispatch_step(row.state, "approve" if approve else "reject")
    if row.submitted_by == actor or (yield from one_hand(row.submitted_by, actor, row.submitted_at, now)):
        raise Refused("approval_own", dispatch=dispatch_id)
    decided = {"dispatch_id": dispatch_id, "state": state, "actor": actor, "now": now, "note": note}
    yield Sql("dispatch_decide", decided)
    if approve:
        yield from _release(dispatch_id)
    action = "dispatch.approve" if approve else "dispatch.reject"
    yield Audit(
        action=action, actor=actor, subject=f"dispatch:{dispatch_id}", detail={"note": note}, origin=origin
    )
    return (yield from dispatch_row(dispatch_id))


def open_dispatches() -> Program[list[tuple[int, str]]]:
    """(id, urgency) of every dispatch that still has to be fanned out, oldest first."""
    return [(row[0], row[1]) for row in (yield Sql("dispatch_open"))]


def fan_out_chunk(
    dispatch_id: int, chunk_rows: int, due: Callable[[DocumentHead, int], Due], now: int
) -> Program[bool]:
    """The next bounded part of a fan-out: copies, entries, tallies and the cursor in one transaction.

    Returns whether the dispatch is complete. Run again after a crash it goes on at the cursor, never twice (F1).
    """
    row = yield from dispatch_row(dispatch_id)
    if row.state != "sending":
        return True
    head = yield from document_head(row.document_id)
    # So many units as make about chunk_rows entries (and messages): the writer is held a few milliseconds, whatever the reach.
    rows = max(row.persons * (1 + row.sms_reminder), row.units, 1)
    limit = max(1, chunk_rows * max(row.units, 1) // rows)
    units = yield Sql(
        "audience_chunk", {"dispatch_id": dispatch_id, "after": row.cursor_unit, "limit": limit}
    )
    if units and head.recalled_at is None:
        yield from _send_chunk(row, head, units[-1][0], due(head, now), now)
        yield Sql("dispatch_cursor", {"dispatch_id": dispatch_id, "unit_id": units[-1][0]})
        if len(units) == limit:
            return False
    yield Sql("dispatch_complete", {"dispatch_id": dispatch_id, "now": now})
    detail = {"units": row.units, "document": row.document_id}
    yield Audit(action="dispatch.sent", actor=0, subject=f"dispatch:{dispatch_id}", detail=detail)
    return True


def _send_chunk(row: DispatchRow, head: DocumentHead, to: int, due: Due, now: int) -> Program[None]:
    ((commit_no,),) = yield CommitNo()
    window = {"dispatch_id": row.id, "document_id": row.document_id, "after": row.cursor_unit, "to": to}
    # What another dispatch of the document has sent, before or meanwhile, is looked for; a lone one has nothing to look for.
    ((others,),) = yield Sql("dispatch_others", {"document_id": row.document_id, "dispatch_id": row.id})
    again = others > 0
    if again:
        yield from _reopen_tallies(window, head)
    counted = int(head.signable and not head.is_test)
    yield Sql(
        "distribution_send",
        {
            **window,
            "counted": counted,
            "now": now,
            "sign_due_at": due.sign_due_at if head.signable else None,
            "due_provisional": int(due.provisional),
            "handle_due_at": row.handle_due_at or due.handle_due_at,
        },
    )
    if not head.is_test:
        yield from watches.begin(window)
    yield from _tally_chunk(window, head, now)
    yield Sql(
        "entry_fan_out_again" if again else "entry_fan_out",
        {
            **window,
            "send_no": row.send_no,
            "commit_no": commit_no,
            "duty": int(head.signable),
            "everyone": int(row.reach == "everyone"),
            "leader_mask": row.leader_mask,
        },
    )
    if again:
        yield from _reopen_entries(window, head, now)
    if row.cursor_unit == 0:
        yield from _own_copy(row, commit_no, now)
    if due.alert is not None and due.alerts(sms_reminder=row.sms_reminder):
        of = Announced(
            dispatch_id=row.id,
            document_id=row.document_id,
            submitted_by=row.submitted_by,
            sms_reminder=row.sms_reminder,
        )
        yield from announce(of, due, due.alert, window, now)
    yield Arrived(row.place)


def _own_copy(row: DispatchRow, commit_no: int, now: int) -> Program[None]:
    """The sender finds what was sent in the folder 办公发文, unless it is in the inbox already; a return wakes it there."""
    if (yield from find_entry(row.submitted_by, row.document_id)) is not None:
        return
    mine = {
        "send_no": row.send_no,
        "person_id": row.submitted_by,
        "commit_no": commit_no,
        "folder": "outgoing",
    }
    yield Sql("entry_hot_add", {**mine, "state": "read", "done_at": now})


def _tally_chunk(window: dict[str, int], head: DocumentHead, now: int) -> Program[None]:
    day = day_at(now)
    told = {**window, "kind": head.kind, "day": day, "quarter": quarter_of(day)}
    counted = [("sent", "")] + [("asked", "to")] * (head.kind == "meeting_notice")
    for outcome, role in counted:
        yield Sql("tally_send", {**told, "outcome": outcome, "role": role})
        yield Sql("tally_quarter_send", {**told, "outcome": outcome, "role": role})


def _reopen_tallies(window: dict[str, int], head: DocumentHead) -> Program[None]:
    """A returned copy that is sent again is the same copy, sent anew: its earlier round leaves the tallies."""
    moves: Moves = Counter()
    for unit_id, sent_at, returned_at in (yield Sql("distribution_reopened", window)):
        thing = (unit_id, head.kind, sent_at)
        count(moves, thing, "sent", n=-1)
        count(moves, thing, "returned", returned_at, n=-1)
    yield from move(moves)


def _reopen_entries(window: dict[str, int], head: DocumentHead, now: int) -> Program[None]:
    """Clerks of the copies just sent who hold the document already (another unit, a returned copy) have it to do again."""
    if not head.signable:
        return
    for (person_id,) in (yield Sql("entry_clerks_again", window)):
        send_no = yield from set_entry(person_id, head.id, "to_do", now)
        if send_no is not None:
            yield Changed(person_id, send_no)


def recall(document_id: int, reason: str, actor: int, origin: str, now: int) -> Program[list[int]]:
    """The sender takes a document back (F11): unsigned copies leave, signed ones are marked; charges stand.

    Returns the units whose copies were taken back. Their people's entries follow in bounded steps (``withdraw_chunk``).
    """
    head = yield from document_head(document_id)
    ((changed,),) = yield Sql(
        "document_recall", {"document_id": document_id, "now": now, "actor": actor, "reason": reason}
    )
    if not changed:
        raise Refused("already_recalled", id=document_id)
    unsigned = yield Sql("recall_units", {"document_id": document_id})
    yield Sql("distribution_recall", {"document_id": document_id, "now": now})
    moves: Moves = Counter()
    for unit_id, counted, sent_at in unsigned:
        if counted:
            count(moves, (unit_id, head.kind, sent_at), "recalled", now)
    yield from move(moves)
    for unit_id, sent_at in (yield Sql("meeting_unanswered", {"document_id": document_id})):
        yield from not_asked_any_more(head, unit_id, sent_at)
    key = f"withdraw:{document_id}"
    payload = json.dumps({"document_id": document_id})
    yield from work.put("withdraw", key, payload, lane=1, due_at=work.AT_ONCE)
    detail = {"reason": reason, "taken_back": len(unsigned)}
    yield Audit(
        action="document.recall", actor=actor, subject=f"document:{document_id}", detail=detail, origin=origin
    )
    return [row[0] for row in unsigned]


def not_asked_any_more(head: DocumentHead, unit_id: int, sent_at: int) -> Program[None]:
    """A meeting notice that was returned or recalled before an answer no longer counts as asked (receipt rate)."""
    if head.kind != "meeting_notice":
        return
    if (yield Sql("meeting_receipt_last", {"document_id": head.id, "unit_id": unit_id})):
        return  # answered: it stays in the rate, whatever became of the notice
    yield from happened((unit_id, head.kind, sent_at), "asked", n=-1)


def withdraw_chunk(document_id: int, after: int, units_max: int, now: int) -> Program[int | None]:
    """Withdraw the entries of a recalled document from the next units' people; returns the cursor, None at the end."""
    units = yield Sql("recall_chunk", {"document_id": document_id, "after": after, "limit": units_max})
    if not units:
        return None
    window = {"document_id": document_id, "after": after, "to": units[-1][0]}
    for (person_id,) in (yield Sql("recall_people", window)):
        send_no = yield from set_entry(person_id, document_id, "withdrawn", now)
        if send_no is not None:
            yield Changed(person_id, send_no)
    for (person_id,) in (yield Sql("recall_clerks", window)):
        yield from settle_entry(person_id, document_id, now)
    return int(units[-1][0])
