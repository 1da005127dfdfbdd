"""The ledger as it stands: its sums, their proof against the lines, and the closing of months.

Lines are written where a carrier's acceptance is settled (``programs.sms``) and never change; a closed month takes no
more of them: what comes late is an adjustment in the month that is open (sms-charges 4.5).
"""

from __future__ import annotations

import hashlib

from inbox_store.engine import Audit, CommitNo, Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.times import day_at

LINES_PER_STEP = 20_000


class Sum(Noun, frozen=True):
    """One sum of a month; columns in the order of ``charge_sums``. Amounts in li."""

    month: int
    payer_id: int
    unit_id: int
    region_id: int
    to_region_id: int
    alert_kind: str
    purpose: str
    kind: str
    price_li: int
    messages: int
    segments: int
    amount_li: int


class ClosedMonth(Noun, frozen=True, kw_only=True):
    """A month that takes no more lines, as it was when it was closed; ``digest`` is over its lines in their order."""

    month: int
    lines: int
    segments: int
    amount_li: int
    digest: str


def sums(from_month: int, to_month: int) -> Program[list[Sum]]:
    """The sums of the months from ``from_month`` to ``to_month`` (yyyymm, both included)."""
    return [Sum(*row) for row in (yield Sql("charge_sums", {"from_month": from_month, "to_month": to_month}))]


def inconsistencies() -> Program[list[str]]:
    """Every sum that is not what its lines add up to, and every closed month that changed; empty when all agree (I4)."""
    found = [f"计费合计与明细不符: {row}" for row in (yield Sql("charge_sums_differ"))]
    for month, lines, segments, amount_li, digest in (yield Sql("charge_months")):
        now = yield from _of_month(month)
        if (now.lines, now.segments, now.amount_li, now.digest) != (lines, segments, amount_li, digest.hex()):
            found.append(f"已结月份被改动: {month}")
    return found


def close_month(month: int, actor: int, origin: str, now: int) -> Program[ClosedMonth]:
    """Close a month after its end; the months before it first. Its sums are proved against its lines before.

    Raises Refused: month_not_over, month_closed, month_before_open, ledger_differs.
    """
    if month >= day_at(now) // 100:
        raise Refused("month_not_over", month=month)
    closed = {row[0] for row in (yield Sql("charge_months"))}
    if month in closed:
        raise Refused("month_closed", month=month)
    open_before = [
        row[0] for row in (yield Sql("charge_months_used")) if row[0] < month and row[0] not in closed
    ]
    if open_before:
        raise Refused("month_before_open", month=open_before[0])
    if (yield Sql("charge_sums_differ")):
        raise Refused("ledger_differs", month=month)
    told = yield from _of_month(month)
    yield CommitNo()
    row = {"month": month, "lines": told.lines, "segments": told.segments, "amount_li": told.amount_li}
    digest = bytes.fromhex(told.digest)
    yield Sql("charge_month_close", {**row, "digest": digest, "actor": actor, "now": now})
    detail = {**row, "digest": told.digest}
    yield Audit(action="ledger.close", actor=actor, subject=f"month:{month}", detail=detail, origin=origin)
    return told


def open_month(at: int) -> Program[int]:
    """The month (yyyymm) into which a line of the instant ``at`` goes: its own, or the first open one after it."""
    month = day_at(at) // 100
    closed = {row[0] for row in (yield Sql("charge_months"))}
    while month in closed:
        month = month + 1 if month % 100 < 12 else month + 89
    return month


def _of_month(month: int) -> Program[ClosedMonth]:
    """Lines, segments and amount of a month, with the digest over its lines in their order."""
    digest, lines, segments, amount_li, after = hashlib.sha256(), 0, 0, 0, (0, -1)
    while True:
        place = {"month": month, "commit_no": after[0], "no": after[1], "limit": LINES_PER_STEP}
        rows = yield Sql("charge_month_lines", place)
        for row in rows:
            digest.update(row[2])
            segments, amount_li = segments + row[3], amount_li + row[4]
        lines += len(rows)
        if len(rows) < LINES_PER_STEP:
            break
        after = (rows[-1][0], rows[-1][1])
    return ClosedMonth(
        month=month, lines=lines, segments=segments, amount_li=amount_li, digest=digest.hexdigest()
    )
