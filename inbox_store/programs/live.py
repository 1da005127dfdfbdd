"""What live sessions ask for, many at once: entries, folder counts, and whether log-ins still stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from inbox_store.engine import Program, Row, Sql
from inbox_store.nouns import Noun
from inbox_store.programs import inbox
from inbox_store.programs.inbox import CopyStatus, FeedItem, FolderCount
from inbox_store.programs.sessions import Standing, effective_state

Pair = tuple[int, int]
"""(person, send number): one entry."""


def items(wanted: Sequence[Pair], now: int) -> Program[dict[Pair, FeedItem]]:
    """The entries as they stand now, with their position 0; what is gone is missing."""
    pairs = {"pairs": json.dumps(wanted)}
    sends = json.dumps(sorted({send_no for _, send_no in wanted}))
    heads = {row[0]: row[1:] for row in (yield Sql("items_of", {"sends": sends}))}
    copies: dict[Pair, dict[int, CopyStatus]] = {}
    for person_id, *told in (yield Sql("live_copies", {**pairs, "now": now})):
        status = inbox.status_of(tuple(told))
        copies.setdefault((person_id, told[0]), {})[status.unit_id] = status
    found = {}
    for person_id, send_no, _, folder, state in (yield Sql("live_entries", pairs)):
        mine = tuple(copies.get((person_id, send_no), {}).values())
        found[person_id, send_no] = inbox.item_at((0, send_no, False), folder, state, heads[send_no], mine)
    return found


def counts(people: Sequence[int]) -> Program[tuple[int, dict[int, tuple[FolderCount, ...]]]]:
    """The position, and totals and badges by folder of each of ``people``."""
    position = yield from inbox.position()
    told = {"people": json.dumps(people)}
    rows: list[Row] = (yield Sql("live_counts_cold", told)) + (yield Sql("live_counts_hot", told))
    sums: dict[int, dict[str, tuple[int, int]]] = {person_id: {} for person_id in people}
    for person_id, folder, total, pending in rows:
        before = sums[person_id].get(folder, (0, 0))
        sums[person_id][folder] = (before[0] + total, before[1] + pending)
    return position, {
        person_id: tuple(
            FolderCount(folder=folder, total=total, pending=pending)
            for folder, (total, pending) in sorted(folders.items())
        )
        for person_id, folders in sums.items()
    }


class Asked(Noun, frozen=True):
    """Whose standing is asked about: the account, the session behind the token, and the token's own id."""

    account_id: int
    session: str
    jti: str


def standings(asked: Sequence[Asked], now: int) -> Program[Mapping[int, Standing]]:
    """Where each of ``asked`` stands at ``now``, by its place in the list; posts are not looked at.

    An unknown account is missing.
    """
    keys = json.dumps([(one.account_id, one.session, one.jti) for one in asked])
    rows = yield Sql("live_standings", {"asked": keys})
    return {row[0]: _standing(asked[row[0]], row, now) for row in rows}


def _standing(asked: Asked, row: Row, now: int) -> Standing:
    return Standing(
        account_id=asked.account_id,
        person_id=0,
        name="",
        state=effective_state(row[1], row[2], row[3], now),
        epoch=row[4],
        session_ends_at=row[5],
        spent=bool(row[6]),
        posts=frozenset(),
    )
