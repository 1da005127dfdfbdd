"""One person's inbox entry, wherever it lies: hot (by send number) or merged (by person)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from inbox_store.engine import Changed, CommitNo, Many, Program, Sql
from inbox_store.nouns import Noun
from inbox_store.states import PENDING


class Entry(Noun, frozen=True, kw_only=True):
    """An inbox entry (document x person): where it stands and how far its person has come."""

    send_no: int
    commit_no: int
    folder: str
    state: str
    opened_at: int | None
    hot: bool


def find_entry(person_id: int, document_id: int) -> Program[Entry | None]:
    """The person's entry of the document, or None: at most one exists (I5)."""
    key = {"person_id": person_id, "document_id": document_id}
    for name, hot in (("entry_hot", True), ("entry_cold", False)):
        rows = yield Sql(name, key)
        if rows:
            send_no, commit_no, folder, state, opened_at = rows[0]
            return Entry(
                send_no=send_no, commit_no=commit_no, folder=folder, state=state, opened_at=opened_at, hot=hot
            )
    return None


def write_entry(
    person_id: int, entry: Entry, state: str, *, opened_at: int | None, done_at: int | None
) -> Program[None]:
    """Set the state of an entry; a badge count moves with it where the entry is merged.

    What is pending has no ``done_at``; otherwise None leaves the instant that stands.
    """
    told = {
        "send_no": entry.send_no,
        "person_id": person_id,
        "state": state,
        "opened_at": opened_at,
        "done_at": done_at,
    }
    yield Sql("entry_hot_set" if entry.hot else "entry_cold_set", told)
    moved = (state in PENDING) - (entry.state in PENDING)
    if moved and not entry.hot:
        yield Sql(
            "inbox_count_add", {"person_id": person_id, "folder": entry.folder, "total": 0, "pending": moved}
        )


def set_entry(person_id: int, document_id: int, state: str, now: int) -> Program[int | None]:
    """Set the state of a person's entry; returns its send number, or None where nothing changed or none exists."""
    entry = yield from find_entry(person_id, document_id)
    if entry is None or entry.state == state:
        return None
    yield from write_entry(person_id, entry, state, opened_at=None, done_at=None if state in PENDING else now)
    return entry.send_no


def settle_entry(person_id: int, document_id: int, now: int) -> Program[None]:
    """What still waits in the inbox is done once nothing is left to do: no copy to sign for, none in the person's hands."""
    ((left,),) = yield Sql("duties_left", {"document_id": document_id, "person_id": person_id})
    entry = None if left else (yield from find_entry(person_id, document_id))
    if entry is not None and entry.state in PENDING:
        yield from write_entry(person_id, entry, "done", opened_at=None, done_at=now)
        yield Changed(person_id, entry.send_no)


def clerks_are_done(copies: Sequence[tuple[int, int, int]]) -> Program[None]:
    """The entry of each clerk of the units is done, unless the clerk still has a duty of another unit.

    ``copies`` are (document, unit, now). A clerk whose account is frozen just now is among them: thawed again, nothing
    done by a colleague waits there.
    """
    hot, cold, counts = {}, {}, []
    free = yield Sql("clerks_free", {"copies": json.dumps(copies)})
    for send_no, person_id, now, hot_state, cold_state, folder in free:
        row = {"send_no": send_no, "person_id": person_id, "now": now}
        if hot_state in PENDING:
            hot[person_id, send_no] = row
        elif cold_state in PENDING and (person_id, send_no) not in cold:
            cold[person_id, send_no] = row
            counts.append({"person_id": person_id, "folder": folder, "total": 0, "pending": -1})
    yield Many("entry_hot_done", hot.values())
    yield Many("entry_cold_done", cold.values())
    yield Many("inbox_count_add", counts)
    for person_id, send_no in (*hot, *cold):
        yield Changed(person_id, send_no)


def give_entry(person_id: int, document_id: int, folder: str, state: str) -> Program[int]:
    """Put the document before a person: wake the entry there is, or add one. Returns its send number.

    While the document is still being fanned out the entry is added hot, where the fan-out would add it too; afterwards
    it goes straight to the merged table, so that a send that was merged stays merged.
    """
    entry = yield from find_entry(person_id, document_id)
    if entry is not None:
        yield from write_entry(person_id, entry, state, opened_at=None, done_at=None)
        return entry.send_no
    ((commit_no,),) = yield CommitNo()
    ((send_no, sending),) = yield Sql("entry_place", {"document_id": document_id})
    row = {
        "person_id": person_id,
        "send_no": send_no,
        "commit_no": commit_no,
        "folder": folder,
        "state": state,
    }
    if sending:
        yield Sql("entry_hot_add", {**row, "done_at": None})
    else:
        yield Sql("entry_cold_add", row)
        pending = int(state in PENDING)
        yield Sql(
            "inbox_count_add", {"person_id": person_id, "folder": folder, "total": 1, "pending": pending}
        )
    return int(send_no)
