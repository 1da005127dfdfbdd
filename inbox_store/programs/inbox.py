"""One person's inbox: counts, pages, search, catch-up by commit number, delivery, and the merge of the hot rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from inbox_store.engine import Audit, Many, Program, Row, Sql
from inbox_store.grams import query_grams
from inbox_store.nouns import Noun

NO_BOUND = 9_000_000_000_000_000_000
"""Above every send number and instant: the bound of a first page."""

HOT_SENDS_MAX = 16
"""Sends that may stay hot: a reader probes each of them once (limits.md, design 1)."""

WIDE_WINDOW = 2_000
"""Commits above which an ack's window is not looked into: the few hot sends are probed instead."""

MERGE_ROWS = 500
"""Entries moved in one slice of the merge: a few milliseconds of the writer."""


class FolderCount(Noun, frozen=True, kw_only=True):
    """How many entries a folder holds, and how many still wait (the badge)."""

    folder: str
    total: int
    pending: int


class EntryView(Noun, frozen=True, kw_only=True):
    """One line of an inbox page."""

    send_no: int
    commit_no: int
    folder: str
    state: str
    delivered_at: int | None
    opened_at: int | None
    done_at: int | None
    document_id: int
    title: str
    kind: str
    urgency: str
    doc_no: str
    sender_unit_id: int
    recalled_at: int | None
    dispatch_id: int
    is_test: int


class EntryFilter(Noun, frozen=True, kw_only=True):
    """What to look for: any of text, folder, state, sender, days (UTC microseconds)."""

    text: str = ""
    folder: str = ""
    state: str = ""
    sender_unit_id: int = 0
    from_at: int = 0
    to_at: int = NO_BOUND


class CopyStatus(Noun, frozen=True, kw_only=True):
    """How a unit of the person stands to a document."""

    unit_id: int
    state: str
    sign_due_at: int | None
    signed_by: str | None
    sent_at: int


class FeedItem(Noun, frozen=True, kw_only=True):
    """One change of one person's inbox, as a live session tells it."""

    commit_no: int
    send_no: int
    document_id: int
    kind: str
    folder: str
    state: str
    title: str
    urgency: str
    sender_unit_id: int
    submitted_at: int
    recalled_at: int | None
    arrived: bool
    copies: tuple[CopyStatus, ...] = ()


class FeedPage(Noun, frozen=True, kw_only=True):
    """The changes above a position in commit order, the position reached, and whether more follow."""

    items: tuple[FeedItem, ...]
    position: int
    more: bool


def counts(person_id: int) -> Program[tuple[FolderCount, ...]]:
    """Totals and badges by folder: merged counters plus the few hot rows."""
    found: dict[str, list[int]] = {}
    for name in ("inbox_counts_cold", "inbox_counts_hot"):
        for folder, total, pending in (yield Sql(name, {"person_id": person_id})):
            told = found.setdefault(folder, [0, 0])
            told[0] += total
            told[1] += pending
    return tuple(
        FolderCount(folder=folder, total=total, pending=pending)
        for folder, (total, pending) in sorted(found.items())
    )


def page(person_id: int, wanted: EntryFilter, before: int, limit: int) -> Program[tuple[EntryView, ...]]:
    """Entries to which the whole filter applies, newest first, below send number ``before``.

    A text is looked for by bigrams in title, number and sender; one without letters or digits finds nothing.
    """
    grams = query_grams(wanted.text) if wanted.text else ()
    if wanted.text and not grams:
        return ()
    params = {
        "person_id": person_id,
        "before": before,
        "limit": limit,
        "folder": wanted.folder,
        "state": wanted.state,
        "sender_unit_id": wanted.sender_unit_id,
        "from_at": wanted.from_at,
        "to_at": wanted.to_at,
        "text": int(bool(grams)),
        "grams": json.dumps(grams),
    }
    narrow = wanted.text or wanted.sender_unit_id or wanted.from_at or wanted.to_at != NO_BOUND
    # Without those a page is one scan of the person's newest entries: it does not look at documents it will not show.
    rows = yield Sql("entry_find" if narrow else "entry_page", params)
    return tuple(EntryView(**dict(zip(EntryView.__struct_fields__, row, strict=True))) for row in rows)


def position() -> Program[int]:
    """The number of the last commit."""
    return int((yield Sql("position"))[0][0])


def since(person_id: int, after: int, limit: int, now: int) -> Program[FeedPage]:
    """The person's arrivals and state changes above ``after``, gapless and in commit order (I5).

    A page ends at the border of a commit, so that its position can be resumed from.
    """
    reached = yield from position()
    key = {"person_id": person_id, "after": after}
    ((floor,),) = yield Sql("send_floor", {"after": after})
    arrived = yield Sql("since_arrived_cold", {**key, "floor": floor})
    arrived = arrived + (yield Sql("since_arrived_hot", key))
    told: dict[int, tuple[int, bool]] = {row[1]: (row[0], True) for row in arrived}
    for commit_no, send_no in (yield Sql("since_changed", key)):
        # An entry that arrived and changed above the position is told once, as it stands, at its last change.
        earlier = told.get(send_no, (0, False))
        told[send_no] = (max(commit_no, earlier[0]), earlier[1])
    ordered = sorted((commit_no, send_no, fresh) for send_no, (commit_no, fresh) in told.items())
    cut = _cut(ordered, limit)
    items = yield from items_of(person_id, ordered[:cut], now, after)
    if cut == len(ordered):
        return FeedPage(items=items, position=reached, more=False)
    return FeedPage(items=items, position=ordered[cut - 1][0], more=True)


def _cut(ordered: Sequence[tuple[int, int, bool]], limit: int) -> int:
    """Where the page ends: at ``limit``, moved on to the end of that commit."""
    if len(ordered) <= limit:
        return len(ordered)
    last = ordered[limit - 1][0]
    end = limit
    while end < len(ordered) and ordered[end][0] == last:
        end += 1
    return end


def items_of(
    person_id: int, wanted: Sequence[tuple[int, int, bool]], now: int, after: int = NO_BOUND
) -> Program[tuple[FeedItem, ...]]:
    """The items for (commit_no, send_no, arrived) of one person, as the entries stand now.

    An entry that was given to the person above the position ``after`` has arrived, too.
    """
    sends = json.dumps([send_no for _, send_no, _ in wanted])
    heads = {row[0]: row[1:] for row in (yield Sql("items_of", {"sends": sends}))}
    copies: dict[int, list[CopyStatus]] = {}
    for row in (yield Sql("copies_of_person", {"sends": sends, "person_id": person_id, "now": now})):
        copies.setdefault(row[0], []).append(status_of(row))
    items = []
    for commit_no, send_no, fresh in wanted:
        for given_no, folder, state in (
            yield Sql("entries_of_sends", {"send_no": send_no, "person_id": person_id})
        ):
            told = tuple({copy.unit_id: copy for copy in copies.get(send_no, ())}.values())
            place = (commit_no, send_no, fresh or given_no > after)
            items.append(item_at(place, folder, state, heads[send_no], told))
    return tuple(items)


def status_of(row: Row) -> CopyStatus:
    """A row of (send number, unit, state, due, signer's name, sent) as the copy's standing."""
    return CopyStatus(unit_id=row[1], state=row[2], sign_due_at=row[3], signed_by=row[4], sent_at=row[5])


def item_at(
    place: tuple[int, int, bool], folder: str, state: str, head: Row, copies: tuple[CopyStatus, ...]
) -> FeedItem:
    """The item at ``place`` (commit, send number, arrived); ``head`` is a row of ``items_of`` without its send number."""
    commit_no, send_no, fresh = place
    return FeedItem(
        commit_no=commit_no,
        send_no=send_no,
        document_id=head[0],
        kind=head[3],
        folder=folder,
        state=state,
        title=head[1],
        urgency=head[2],
        sender_unit_id=head[4],
        submitted_at=head[5],
        recalled_at=head[6],
        arrived=fresh,
        copies=copies,
    )


class SendHead(Noun, frozen=True, kw_only=True):
    """What everybody who got one send is told alike."""

    send_no: int
    document_id: int
    title: str
    urgency: str
    kind: str
    sender_unit_id: int
    submitted_at: int


def arrivals(send_no: int, commit_no: int, online: Iterable[int]) -> Program[tuple[SendHead, list[Row]]]:
    """Of the people ``online``, who got an entry of this send in this commit: (person_id, folder, state) rows."""
    ((*head, _),) = yield Sql("items_of", {"sends": json.dumps([send_no])})
    told = dict(zip(SendHead.__struct_fields__, head, strict=True))
    key = {"send_no": send_no, "commit_no": commit_no, "online": json.dumps(list(online))}
    return SendHead(**told), (yield Sql("arrivals_online", key))


class Delivered(Noun, frozen=True, kw_only=True):
    """One device's ack: everything of the person in (after, to] has reached it."""

    person_id: int
    after: int
    to: int
    device: str = ""


def deliver(acks: Sequence[Delivered], now: int) -> Program[int]:
    """Record that entries reached a device; earlier times stand, duplicates change nothing (I6). Returns how many."""
    hot = frozenset(row[0] for row in (yield Sql("hot_sends")))
    sends: dict[tuple[int, int], frozenset[int]] = {}
    floors: dict[int, int] = {}
    # A broadcast is acknowledged by thousands with the same window: what lies in it is looked up once.
    for ack in acks:
        if (ack.after, ack.to) not in sends:
            sends[ack.after, ack.to] = yield from _hot_between(ack.after, ack.to, hot)
        if ack.after not in floors:
            ((floors[ack.after],),) = yield Sql("send_floor", {"after": ack.after})
    keys = [
        {"person_id": ack.person_id, "after": ack.after, "to": ack.to, "now": now, "floor": floors[ack.after]}
        for ack in acks
    ]
    probes = [
        {**key, "send_no": send_no}
        for ack, key in zip(acks, keys, strict=True)
        for send_no in sends[ack.after, ack.to]
    ]
    ((in_hot,),) = yield Many("deliver_hot", probes)
    ((in_cold,),) = yield Many("deliver_cold", keys)
    ((given,),) = yield Many("deliver_given", keys)
    changed = int(max(in_hot, 0) + max(in_cold, 0) + max(given, 0))
    if changed:
        # One line for the batch, with who acknowledged up to where: acks arrive by the thousand.
        detail = {"entries": changed, "acks": [[a.person_id, a.after, a.to] for a in acks]}
        yield Audit(action="entry.delivered", actor=0, subject="inbox:0", detail=detail)
    return changed


def _hot_between(after: int, to: int, hot: frozenset[int]) -> Program[frozenset[int]]:
    """The hot sends that added entries in the commits (after, to]; all of them where the window is wide."""
    if to - after > WIDE_WINDOW:
        return hot
    rows = yield Sql("sends_between", {"after": after, "to": to})
    return hot & frozenset(row[0] for row in rows)


def merge_slice(keep_hot: int, rows_max: int = MERGE_ROWS) -> Program[int]:
    """Move the next entries of the hot sends to their people; returns how many sends are hot, 0 when nothing is left to move.

    A round begins when more than ``keep_hot`` sends are hot, and takes all that are complete: a person's entries of
    sixteen sends go to the same page at once, which is what makes the merge cheap (limits.md, design 1).
    """
    ((hot,),) = yield Sql("merge_count")
    complete = yield Sql("merge_sends")
    under_way = [send_no for send_no, merged_to in complete if merged_to] or [row[0] for row in complete]
    after = max((merged_to for _, merged_to in complete), default=0)
    if not under_way or (hot <= keep_hot and not after):
        return 0
    to = yield from _merge_bound(under_way, after, max(1, rows_max // len(under_way)))
    window = {"sends": json.dumps(under_way), "after": after, "to": to}
    for statement in ("merge_counts", "merge_move", "merge_delete"):
        yield Sql(statement, window)
    if to < NO_BOUND:
        yield Sql("merge_mark", window)
        return int(hot)
    yield Sql("merge_done", window)
    left = int(hot) - len(under_way)
    return left if left > keep_hot else 0


def _merge_bound(sends: Sequence[int], after: int, rows_each: int) -> Program[int]:
    """The person up to whom none of the sends has more than ``rows_each`` entries; NO_BOUND when all fit to their ends."""
    to = NO_BOUND
    for send_no in sends:
        told = {"send_no": send_no, "after": after, "limit": rows_each}
        ((last, count),) = yield Sql("merge_bound", told)
        if count == rows_each:
            to = min(to, last)
    return to


def keep_peak(day: int, bin_no: int, peak: int) -> Program[None]:
    """The most distinct persons online within a 5-minute bin (bulletin.md 3.5)."""
    yield Sql("peak_keep", {"day": day, "bin": bin_no, "peak": peak})
