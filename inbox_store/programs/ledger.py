"""The ledger as it stands: its sums, their proof against the lines, and the closing of months.

Lines are written where a carrier's acceptance is settled (``programs.sms``) and never change; a closed month takes no
more of them: what comes late is an adjustment in the month that is open (sms-charges 4.5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec

from inbox_store.engine import Audit, CommitNo, Many, Program, Row, Sql
from inbox_store.errors import Refused
from inbox_store.failpoints import failpoint
from inbox_store.ledger import Purpose
from inbox_store.nouns import Noun
from inbox_store.times import day_at, day_start, int_day

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


class Outcome(Noun, frozen=True, kw_only=True):
    """What became of a payer's messages of one month, unit, kind and purpose: segments, but ``suppressed`` messages.

    ``delivered``, ``failed`` and ``unreported`` add up to the segments of the lines. What is in doubt or suppressed has
    no line: it is told for the payer who would bear it, with what would have been charged.
    """

    month: int
    payer_id: int
    unit_id: int
    alert_kind: str
    purpose: str
    delivered: int = 0
    failed: int = 0
    unreported: int = 0
    unreported_li: int = 0
    in_doubt: int = 0
    in_doubt_li: int = 0
    suppressed: int = 0
    suppressed_segments: int = 0


class Uncharged(Noun, frozen=True):
    """Messages alike that have no line; ``at`` is the first of them. Columns of ``sms_in_doubt``, ``sms_suppressed``."""

    kind: str
    is_test: int
    acceptance_no: int
    unit_id: int
    region_id: int
    to_unit_id: int
    to_region_id: int
    at: int
    messages: int
    segments: int


class Borne(NamedTuple):
    """Who would bear what is not charged, as what, at which price of a segment."""

    payer_id: int
    purpose: Purpose
    price_li: int


Bears = Callable[[Uncharged], Borne]
"""Pure: the rules of who pays, for what has no line."""


class Labels(NamedTuple):
    """How regions and units were called: (code, name) by id."""

    regions: Mapping[int, tuple[str, str]]
    units: Mapping[int, tuple[str, str]]


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


def totals() -> Program[tuple[int, int, int]]:
    """The whole ledger: lines, segments, amount in li."""
    ((lines, segments, amount_li),) = yield Sql("charge_totals")
    return lines, segments, amount_li


def closed_months() -> Program[dict[int, int]]:
    """The months that are closed, with the moment of it."""
    return {row[0]: row[1] for row in (yield Sql("charge_months_closed"))}


def outcomes(months: Iterable[int], bears: Bears) -> Program[list[Outcome]]:
    """What became of the messages of these months: of a closed one as it was then, else as it is known now."""
    closed = yield from closed_months()
    found: list[Outcome] = []
    for month in months:
        if month in closed:
            rows = yield Sql("charge_outcomes_kept", {"month": month})
            names = Outcome.__struct_fields__
            found += [Outcome(**dict(zip(names, row, strict=True))) for row in rows]
        else:
            found += yield from _outcomes_now(month, bears)
    return found


def labels(months: Iterable[int]) -> Program[Labels]:
    """The names kept with closed months, the later month's where they differ."""
    found: dict[str, dict[int, tuple[str, str]]] = {"region": {}, "unit": {}}
    for month in sorted(months):
        for what, key, code, name in (yield Sql("charge_labels", {"month": month})):
            found[what][key] = (code, name)
    return Labels(found["region"], found["unit"])


def closing(month: int, now: int) -> Program[ClosedMonth]:
    """What closing the month would keep: to be shown before it is done.

    Raises Refused: month_not_over, month_closed, month_before_open.
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
    return (yield from _of_month(month))


def close_month(
    month: int, actor: int, origin: str, now: int, bears: Bears | None = None
) -> Program[ClosedMonth]:
    """Close a month after its end; the months before it first. Its sums are proved against its lines before.

    Outcomes and names are kept as they are now, so that its statement stays; without ``bears`` those of lines only.

    Raises Refused as ``closing`` does, and ledger_differs.
    """
    told = yield from closing(month, now)
    if (yield Sql("charge_sums_differ_in", {"month": month})):
        raise Refused("ledger_differs", month=month)
    yield CommitNo()
    row = {"month": month, "lines": told.lines, "segments": told.segments, "amount_li": told.amount_li}
    digest = bytes.fromhex(told.digest)
    yield Sql("charge_month_close", {**row, "digest": digest, "actor": actor, "now": now})
    kept = yield from _keep_statement(month, bears)
    detail = {**row, "digest": told.digest, "statement": kept}
    yield Audit(action="ledger.close", actor=actor, subject=f"month:{month}", detail=detail, origin=origin)
    failpoint("before_close")
    return told


def open_month(at: int) -> Program[int]:
    """The month (yyyymm) into which a line of the instant ``at`` goes: its own, or the first open one after it."""
    month = day_at(at) // 100
    closed = {row[0] for row in (yield Sql("charge_months"))}
    while month in closed:
        month = _next(month)
    return month


def _keep_statement(month: int, bears: Bears | None) -> Program[str]:
    """Keep what a statement shows beside the lines; the digest over it goes into the trace."""
    told = yield from _outcomes_now(month, bears)
    yield Many("charge_outcome_keep", [msgspec.structs.asdict(one) for one in told])
    yield Sql("charge_labels_keep", {"month": month})
    return (yield from _digest_kept(month))


def _digest_kept(month: int) -> Program[str]:
    found = yield Sql("charge_outcomes_kept", {"month": month})
    named = yield Sql("charge_labels", {"month": month})
    rows = [list(row) for row in (*found, *named)]
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


_Cells = dict[tuple[int, int, str, str], dict[str, int]]


def _outcomes_now(month: int, bears: Bears | None) -> Program[list[Outcome]]:
    """What is known now: the reports of the month's lines, and what has none."""
    cells: _Cells = {}
    for row in (yield Sql("charge_outcomes", {"month": month})):
        names = ("delivered", "failed", "unreported", "unreported_li")
        cells[row[0], row[1], row[2], row[3]] = dict(zip(names, row[4:], strict=True))
    if bears is not None:
        span = {"from_at": _month_start(month), "to_at": _month_start(_next(month))}
        _add_uncharged(cells, "in_doubt", (yield Sql("sms_in_doubt", span)), bears)
        _add_uncharged(cells, "suppressed", (yield Sql("sms_suppressed", span)), bears)
    return [
        Outcome(month=month, payer_id=payer, unit_id=unit, alert_kind=kind, purpose=purpose, **counts)
        for (payer, unit, kind, purpose), counts in sorted(cells.items())
    ]


def _add_uncharged(
    cells: _Cells, state: Literal["in_doubt", "suppressed"], rows: Iterable[Row], bears: Bears
) -> None:
    for one in (Uncharged(*row) for row in rows):
        borne = bears(one)
        if state == "in_doubt":
            more = {"in_doubt": one.segments, "in_doubt_li": one.segments * borne.price_li}
        else:
            more = {"suppressed": one.messages, "suppressed_segments": one.segments}
        cell = cells.setdefault((borne.payer_id, one.unit_id, one.kind, borne.purpose), {})
        for name, count in more.items():
            cell[name] = cell.get(name, 0) + count


def _month_start(month: int) -> int:
    return day_start(int_day(month * 100 + 1))


def _next(month: int) -> int:
    return month + 1 if month % 100 < 12 else month + 89


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


# For the reconciliation with a carrier's file ------------------------------------------------------------------------


class SentSpan(NamedTuple):
    """Which of our segments: of one channel ("" for all), from a moment to another (UTC microseconds)."""

    channel: str
    from_at: int
    to_at: int


def attempts_last() -> Program[int]:
    """The id of the newest attempt: the end of the way in steps of ``sent_window``."""
    return int((yield Sql("sms_attempts_last"))[0][0])


def sent_window(span: SentSpan, after: int, upto: int) -> Program[list[Row]]:
    """Our segments with a message id among the attempts above ``after`` up to ``upto``, by id.

    Rows are (attempt, message id, at, status): delivered, failed, unreported or in_doubt; sent or answered in the span.
    """
    return (yield Sql("sms_sent_window", {**span._asdict(), "after": after, "upto": upto}))


def doubts(span: SentSpan) -> Program[list[Row]]:
    """Attempts in doubt without a message id: (attempt, order, segment number, look-up of the number, source, sent at)."""
    return (yield Sql("sms_doubts", span._asdict()))
