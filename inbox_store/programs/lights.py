"""Facts of lights (红黄灯): coming on, one level up into the folder 督查督办, the board, being put out when the matter is done."""

from __future__ import annotations

import json
from collections.abc import Sequence

from inbox_store.engine import Audit, Changed, Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.programs.copies import Actor
from inbox_store.programs.entries import Entry, find_entry, give_entry, write_entry
from inbox_store.states import PENDING
from inbox_store.urging import Matter, Supervising

FOLDER = "supervision"
"""督查督办: where a supervising organ finds what turned red."""


class LightRow(Noun, frozen=True, kw_only=True):
    """One light of the board with its matter. Instants in UTC microseconds; ``done_at`` when the matter was done."""

    id: int
    duty: str
    document_id: int
    unit_id: int
    due_at: int
    amber_at: int
    red_at: int | None
    supervisor_unit_id: int | None
    instruction_id: int | None
    title: str
    doc_no: str
    urgency: str
    kind: str
    sender_unit_id: int
    sensitivity: str
    instruction_state: str


class RedCount(Noun, frozen=True):
    """How many lights of a unit turned red in a period, and how many of them are on still."""

    unit_id: int
    red: int
    open: int


def on(matter: Matter, now: int, *, red: bool) -> Program[None]:
    """The amber light comes on, or the red one; each once for a copy and its deadline."""
    told = {"duty": matter.duty, "document_id": matter.document_id, "unit_id": matter.unit_id}
    which = {"copy_round": matter.copy_round, "due_at": matter.due_at}
    yield Sql("light_on", {**told, **which, "now": min(now, matter.due_at), "red_at": now if red else None})


def supervising(now: int) -> Program[Supervising]:
    """Who supervises: what was set by hand, and where supervisors are in office."""
    by_region: dict[int, int] = dict((yield Sql("supervising_set")))
    manned = yield Sql("supervisor_units", {"now": now})
    return Supervising(by_region=by_region, manned=frozenset(row[0] for row in manned))


def hand_up(matter: Matter, above: int | None, now: int) -> Program[bool]:
    """The red light is handed to the unit one level up, once. Returns whether this was the first time."""
    told = {"duty": matter.duty, "document_id": matter.document_id, "unit_id": matter.unit_id}
    which = {"copy_round": matter.copy_round, "due_at": matter.due_at}
    rows = yield Sql("light_hand_up", {**told, **which, "above": above, "now": now})
    if not rows:
        return False
    detail = {"unit": matter.unit_id, "duty": matter.duty, "light": rows[0][0], "supervisor": above}
    yield Audit(action="light.red", actor=0, subject=f"document:{matter.document_id}", detail=detail)
    return True


def lay_before(document_id: int, unit_id: int, now: int) -> Program[tuple[int, ...]]:
    """The document lies in the folder 督查督办 of the supervisors of the unit (of its clerks, where it has none).

    Returns the persons. What is still to be done by a person for the own unit stays where it is, and is told again.
    """
    rows = yield Sql("supervisors_of", {"unit_id": unit_id, "now": now})
    chiefs = tuple(row[0] for row in rows if row[1]) or tuple(row[0] for row in rows)
    for person_id in chiefs:
        entry = yield from find_entry(person_id, document_id)
        if entry is None:
            send_no = yield from give_entry(person_id, document_id, FOLDER, "to_read")
        else:
            send_no = entry.send_no
            if entry.state != "to_do":
                yield from _move(person_id, entry)
        yield Changed(person_id, send_no)
    return chiefs


def _move(person_id: int, entry: Entry) -> Program[None]:
    """Into 督查督办, to be read; the counts of both folders move where the entry is merged."""
    if entry.folder != FOLDER:
        key = {"person_id": person_id, "send_no": entry.send_no, "folder": FOLDER}
        yield Sql("entry_folder_hot" if entry.hot else "entry_folder_cold", key)
        if not entry.hot:
            pending = int(entry.state in PENDING)
            for folder, n in ((entry.folder, -1), (FOLDER, 1)):
                moved = {"person_id": person_id, "folder": folder, "total": n, "pending": n * pending}
                yield Sql("inbox_count_add", moved)
        entry = Entry(
            send_no=entry.send_no,
            commit_no=entry.commit_no,
            folder=FOLDER,
            state=entry.state,
            opened_at=entry.opened_at,
            hot=entry.hot,
        )
    yield from write_entry(person_id, entry, "to_read", opened_at=None, done_at=None)


def sweep(after: int, limit: int, now: int) -> Program[int | None]:
    """Put out the lights of what is done, among the next ``limit`` that are on; returns the cursor, None at the end."""
    rows = yield Sql("lights_on", {"after": after, "limit": limit})
    done = [row[0] for row in rows if not row[1]]
    if done:
        yield Sql("lights_out", {"ids": json.dumps(done), "now": now})
    return int(rows[-1][0]) if len(rows) == limit else None


class LightFilter(Noun, frozen=True, kw_only=True):
    """Which lights: of these units, red only, of one duty, below an id."""

    units: tuple[int, ...]
    red_only: bool = False
    duty: str = ""
    before: int
    limit: int


def page(wanted: LightFilter) -> Program[tuple[LightRow, ...]]:
    """The lights that are on, the last that came on first; what was done a moment ago is not among them."""
    told = {"units": json.dumps(wanted.units), "red_only": int(wanted.red_only), "duty": wanted.duty}
    rows = yield Sql("lights_page", {**told, "before": wanted.before, "limit": wanted.limit})
    return tuple(LightRow(**dict(zip(LightRow.__struct_fields__, row, strict=True))) for row in rows)


def one(light_id: int) -> Program[LightRow]:
    """One light. Raises Refused("not_found")."""
    rows = yield Sql("light_one", {"light_id": light_id})
    if not rows:
        raise Refused("not_found", what="light", id=light_id)
    return LightRow(**dict(zip(LightRow.__struct_fields__, rows[0], strict=True)))


def red_counts(units: Sequence[int], from_at: int, to_at: int) -> Program[tuple[RedCount, ...]]:
    """Of each unit the lights that turned red within [from_at, to_at), and how many are on still; units without are missing."""
    told = {"units": json.dumps(units), "from_at": from_at, "to_at": to_at}
    return tuple(RedCount(*row) for row in (yield Sql("red_counts", told)))


def instructed(light_id: int, document_id: int, actor: Actor) -> Program[None]:
    """The supervisor has answered the light by a document of its own (督办). Raises Refused("already_instructed")."""
    key = {"light_id": light_id, "document_id": document_id}
    ((changed,),) = yield Sql("light_instructed", key)
    if not changed:
        raise Refused("already_instructed", light=light_id)
    detail = {"light": light_id}
    yield Audit(
        action="lights.instruct",
        actor=actor.person_id,
        subject=f"document:{document_id}",
        detail=detail,
        origin=actor.origin,
    )


def set_supervising(region_id: int, unit_id: int | None, actor: Actor, now: int) -> Program[None]:
    """Name the unit that follows matters up in a region; None: by tags and posts again."""
    key = {"region_id": region_id, "unit_id": unit_id, "actor": actor.person_id, "now": now}
    if unit_id is None:
        yield Sql("supervising_drop", key)
    else:
        yield Sql("supervising_put", key)
    yield Audit(
        action="supervising.set",
        actor=actor.person_id,
        subject=f"region:{region_id}",
        detail={"unit": unit_id},
        origin=actor.origin,
    )
