"""Facts of mail coming in: that it came, the draft it became, what its clerk did with it, what its unit lets through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from inbox_store.engine import Audit, Many, Program, Sql
from inbox_store.errors import Refused
from inbox_store.mails import Draft, MailIn, MailPolicy, NewDraft
from inbox_store.programs.copies import Actor
from inbox_store.programs.dispatch import Submitted
from inbox_store.programs.registers import Upload, keep_upload

FIRST: Final = 2**53
"""Above every id: where the first page of a list begins."""


def seen(owner: int, digest: bytes) -> Program[tuple[int | None, int | None] | None]:
    """(draft, document) that the same mail became before, or None."""
    rows = yield Sql("mail_in_seen", {"owner": owner, "digest": digest})
    return (rows[0][0], rows[0][1]) if rows else None


def _came(
    mail: MailIn, now: int, *, draft_id: int | None = None, document_id: int | None = None
) -> Program[None]:
    told = {name: getattr(mail, name) for name in MailIn.__struct_fields__}
    yield Sql("mail_in_add", {**told, "now": now, "draft_id": draft_id, "document_id": document_id})


def keep(mail: MailIn, draft: NewDraft, origin: str, now: int) -> Program[int]:
    """The mail and its draft with its attachments, in one fact. Returns the draft's id."""
    told = {name: getattr(draft, name) for name in NewDraft.__struct_fields__ if name != "files"}
    ((draft_id,),) = yield Sql("mail_draft_add", {**told, "received_at": now})
    for file in draft.files:
        yield from keep_upload(file, draft.person_id, now)
    rows = [{"draft_id": draft_id, "no": no, "attachment_id": file.id} for no, file in enumerate(draft.files)]
    yield Many("mail_draft_file_add", rows)
    yield from _came(mail, now, draft_id=draft_id)
    yield _line("mail.draft", draft.person_id, draft_id, draft.unit_id, origin)
    return int(draft_id)


def sent_at_once(
    mail: MailIn, files: Sequence[Upload], person_id: int, fact: Program[Submitted], now: int
) -> Program[Submitted]:
    """The mail and its dispatch, in one fact."""
    for file in files:
        yield from keep_upload(file, person_id, now)
    done = yield from fact
    yield from _came(mail, now, document_id=done.document_id)
    return done


def sent(draft: Draft, by: Actor, fact: Program[Submitted], now: int) -> Program[Submitted]:
    """The clerk sends a draft: its attachments are the clerk's, and it is a draft no more. Raises Refused("not_found")."""
    yield from one(draft.id)  # two clerks at once: the second finds nothing
    yield Sql("mail_draft_files_give", {"draft_id": draft.id, "person_id": by.person_id})
    yield Sql("mail_draft_files_forget", {"draft_id": draft.id})
    yield Sql("mail_draft_close", {"id": draft.id, "now": now})
    done = yield from fact
    yield Sql("mail_in_sent", {"draft_id": draft.id, "document_id": done.document_id})
    yield _line("draft.send", by.person_id, draft.id, draft.unit_id, by.origin)
    return done


def drop(draft_id: int, by: Actor, now: int) -> Program[list[str]]:
    """Forget a draft and its attachments; returns the ids of the files to remove. Raises Refused("not_found")."""
    draft = yield from one(draft_id)
    yield Sql("mail_draft_attachments_drop", {"draft_id": draft_id})
    yield Sql("mail_draft_files_forget", {"draft_id": draft_id})
    yield Sql("mail_draft_close", {"id": draft_id, "now": now})
    yield _line("draft.drop", by.person_id, draft_id, draft.unit_id, by.origin)
    return [file.id for file in draft.files]


def _line(action: str, actor: int, draft_id: int, unit_id: int, origin: str) -> Audit:
    return Audit(
        action=action, actor=actor, subject=f"draft:{draft_id}", detail={"unit": unit_id}, origin=origin
    )


def of_units(units: Iterable[int], before: int, limit: int) -> Program[tuple[Draft, ...]]:
    """The units' drafts below the id ``before``, newest first, ``limit`` and one more."""
    told = {"units": json.dumps(sorted(units)), "before": before, "limit": limit + 1}
    drafts = [Draft(*row) for row in (yield Sql("mail_drafts", told))]
    return (yield from _with_files(drafts))


def one(draft_id: int) -> Program[Draft]:
    """One draft. Raises Refused("not_found")."""
    rows = yield Sql("mail_draft", {"id": draft_id})
    if not rows:
        raise Refused("not_found", what="draft", id=draft_id)
    (draft,) = yield from _with_files([Draft(*rows[0])])
    return draft


def _with_files(drafts: Sequence[Draft]) -> Program[tuple[Draft, ...]]:
    files: dict[int, list[Upload]] = {}
    ids = json.dumps([draft.id for draft in drafts])
    for draft_id, *told in (yield Sql("mail_draft_files", {"drafts": ids})):
        upload = Upload(id=told[0], name=told[1], media_type=told[2], size_bytes=told[3], sha256=told[4])
        files.setdefault(draft_id, []).append(upload)
    return tuple(replace(draft, files=tuple(files.get(draft.id, ()))) for draft in drafts)


def policy_of(unit_id: int) -> Program[MailPolicy]:
    """The unit's rule; without one, drafts."""
    rows = yield Sql("mail_policy", {"unit_id": unit_id})
    return MailPolicy(*rows[0]) if rows else MailPolicy()


def set_policy(unit_id: int, policy: MailPolicy, by: Actor, now: int) -> Program[None]:
    """Keep a unit's rule."""
    told = {"mode": policy.mode, "kind": policy.kind}
    yield Sql("mail_policy_set", {**told, "unit_id": unit_id, "set_by": by.person_id, "now": now})
    yield Audit(
        action="mail_policy.set", actor=by.person_id, subject=f"unit:{unit_id}", detail=told, origin=by.origin
    )
