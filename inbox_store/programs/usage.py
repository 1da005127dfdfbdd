"""Figures of use: online peaks and log-ins by day (bulletin 3.5), and the trace as far as a county's auditor reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, timedelta

from inbox_store.chain import AuditRow
from inbox_store.engine import Program, Sql
from inbox_store.nouns import Noun
from inbox_store.times import day_int, day_start, int_day

_EPOCH = date(1970, 1, 1)


class Peak(Noun, frozen=True, kw_only=True):
    """日峰值在线: the most distinct persons with a live session in one 5-minute bin of the day."""

    day: date
    persons: int


class Logins(Noun, frozen=True, kw_only=True):
    """登录次数 of a day (interactive ones only) and by how many accounts."""

    day: date
    logins: int
    accounts: int


def peaks(first: date, last: date) -> Program[tuple[Peak, ...]]:
    """The peaks of the days from ``first`` to ``last``, both included; a day without anybody is left out."""
    rows = yield Sql("peaks", {"from_day": day_int(first), "to_day": day_int(last)})
    return tuple(Peak(day=int_day(day), persons=persons) for day, persons in rows)


def logins(first: date, last: date, units: Iterable[int] | None) -> Program[tuple[Logins, ...]]:
    """Log-ins by day of people who held a post in ``units`` then; None: of everybody."""
    window = {"from_at": day_start(first), "to_at": day_start(last + timedelta(days=1))}
    reach = {"everyone": int(units is None), "units": json.dumps(sorted(units or ()))}
    rows = yield Sql("logins_by_day", window | reach)
    return tuple(
        Logins(day=_EPOCH + timedelta(days=day), logins=count, accounts=accounts)
        for day, count, accounts in rows
    )


class TraceFilter(Noun, frozen=True, kw_only=True):
    """What to look for in the trace; empty words and 0 mean any. Instants are UTC microseconds, ``to_at`` excluded."""

    subject: str = ""
    actor: int = 0
    action: str = ""
    from_at: int
    to_at: int


def trace_within(
    wanted: TraceFilter, units: Iterable[int], before: tuple[int, int], limit: int
) -> Program[tuple[AuditRow, ...]]:
    """Lines newest first, below (commit_no, no): what people with a post in ``units`` did, and what was done to these."""
    params = {
        "subject": wanted.subject,
        "actor": wanted.actor,
        "action": wanted.action,
        "from_at": wanted.from_at,
        "to_at": wanted.to_at,
        "units": json.dumps(sorted(units)),
        "before_commit": before[0],
        "before_no": before[1],
        "limit": limit,
    }
    rows = yield Sql("audit_page_within", params)
    return tuple(AuditRow(**dict(zip(AuditRow.__struct_fields__, row, strict=True))) for row in rows)
