"""Figures: the tallies as they stand, and the recount that proves them against the history (I8)."""

from __future__ import annotations

from collections import Counter

from inbox_store.engine import Program, Sql
from inbox_store.nouns import Noun
from inbox_store.times import day_int, day_of

TallyKey = tuple[str, int, str, int, str, int]
"""measure, unit_id, kind, day (yyyymmdd), outcome, outcome_day (yyyymmdd, 0 for none)."""


class Difference(Noun, frozen=True, kw_only=True):
    """One tally that does not agree with the history."""

    measure: str
    unit_id: int
    kind: str
    day: int
    outcome: str
    outcome_day: int
    tally: int
    history: int


def tallies(from_day: int, to_day: int) -> Program[dict[TallyKey, int]]:
    """The tallies of the days from ``from_day`` to ``to_day`` (yyyymmdd, both included)."""
    rows = yield Sql("tallies_read", {"from_day": from_day, "to_day": to_day})
    return {(row[0], row[1], row[2], row[3], row[4], row[5]): row[6] for row in rows}


def recount() -> Program[list[Difference]]:
    """Count the whole history again and name every tally that differs; empty when they agree."""
    history: Counter[TallyKey] = Counter()
    for name in ("recount_sign", "recount_unread", "recount_handling", "recount_meeting"):
        for measure, unit_id, kind, at, outcome, outcome_at in (yield Sql(name)):
            outcome_day = day_int(day_of(outcome_at)) if outcome_at else 0
            history[measure, unit_id, kind, day_int(day_of(at)), outcome, outcome_day] += 1
    kept = yield from tallies(0, 99_999_999)
    return [
        _difference(key, kept.get(key, 0), history[key])
        for key in sorted(kept.keys() | history.keys())
        if kept.get(key, 0) != history[key]
    ]


def _difference(key: TallyKey, tally: int, history: int) -> Difference:
    measure, unit_id, kind, day, outcome, outcome_day = key
    return Difference(
        measure=measure,
        unit_id=unit_id,
        kind=kind,
        day=day,
        outcome=outcome,
        outcome_day=outcome_day,
        tally=tally,
        history=history,
    )


def inconsistencies() -> Program[list[str]]:
    """Every breach of the store's own rules (I1, I2, I5, I8) in words; empty when all hold."""
    checks = {
        "recount_inbox_cold": "收件箱计数与条目不符",
        "recount_inbox_counters": "收件箱计数没有对应条目",
        "recount_entries_twice": "同一条目同时在热表和归并表",
        "recount_people_twice": "同一人同一文件有两个条目",
        "recount_unsent_units": "应发单位没有分发记录",
        "recount_ghost_copies": "分发记录没有来源",
    }
    found = []
    for name, told in checks.items():
        found += [f"{told}: {row}" for row in (yield Sql(name))]
    for difference in (yield from recount()):
        found.append(f"统计与历史不符: {difference}")
    return found


def addressees_hold(now: int) -> Program[bool]:
    """Whether everybody who is told of as addressable is so at ``now`` (the derived table agrees with posts and accounts)."""
    return not (yield Sql("org_addressee_differs", {"now": now}))


def reached(document_id: int) -> Program[tuple[int, int]]:
    """(distributions, inbox entries of the addressed) of a document."""
    ((copies,),) = yield Sql("units_totals", {"document_id": document_id})
    ((entries,),) = yield Sql("entries_total", {"document_id": document_id})
    return int(copies), int(entries)


def outcomes_of(document_id: int) -> Program[dict[str, int]]:
    """The counted copies of one document by the outcomes of the sign tally."""
    return dict((yield Sql("outcomes_of_document", {"document_id": document_id})))
