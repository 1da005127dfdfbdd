"""Figures: the tallies as they stand, and the recount that proves them against the history (I8)."""

from __future__ import annotations

from collections import Counter

from inbox_store.engine import Program, Sql
from inbox_store.nouns import Noun
from inbox_store.programs.tallies import quarter_of, quarter_start
from inbox_store.times import day_at

TallyKey = tuple[int, str, str, int, int]
"""unit_id, kind, outcome, day and outcome_day (yyyymmdd); the sum of a quarter has no kind, its first day, and day 0."""

RECOUNTS = (
    "recount_sent",
    "recount_signed",
    "recount_unread",
    "recount_handled",
    "recount_archived",
    "recount_asked",
    "recount_answered",
)


class Difference(Noun, frozen=True, kw_only=True):
    """One tally that does not agree with the history; without a kind it is the sum of the quarter that begins on ``day``."""

    unit_id: int
    kind: str
    outcome: str
    day: int
    outcome_day: int
    tally: int
    history: int


def recount() -> Program[list[Difference]]:
    """Count the whole history again and name every tally that differs; empty when they agree."""
    history: Counter[TallyKey] = Counter()
    for name in RECOUNTS:
        for unit_id, kind, outcome, began, at in (yield Sql(name)):
            day = day_at(began)
            history[unit_id, kind, outcome, day, day_at(at)] += 1
            history[unit_id, "", outcome, quarter_start(quarter_of(day)), 0] += 1
    kept: Counter[TallyKey] = Counter({row[:5]: row[5] for row in (yield Sql("tallies_all"))})
    for quarter, unit_id, outcome, n in (yield Sql("tally_quarters_all")):
        kept[unit_id, "", outcome, quarter_start(quarter), 0] = n
    return [
        _difference(key, kept[key], history[key])
        for key in sorted(kept.keys() | history.keys())
        if kept[key] != history[key]
    ]


def _difference(key: TallyKey, tally: int, history: int) -> Difference:
    unit_id, kind, outcome, day, outcome_day = key
    return Difference(
        unit_id=unit_id,
        kind=kind,
        outcome=outcome,
        day=day,
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
