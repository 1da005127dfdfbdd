"""Lines into the ledger with their sums, and the corrections of lines that were charged to the wrong payer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from inbox_store.engine import Audit, Charge, CommitNo, Many, Program, Sql
from inbox_store.ledger import COLUMNS, ChargeLine
from inbox_store.nouns import Noun

_KEY = (
    "month",
    "payer_id",
    "unit_id",
    "region_id",
    "to_region_id",
    "alert_kind",
    "purpose",
    "kind",
    "price_li",
)
_SUMS = (*_KEY, "messages", "segments", "amount_li")
_key_of = attrgetter(*_KEY)


def charged(lines: Iterable[ChargeLine]) -> Program[None]:
    """Keep lines, and move their sums in the same transaction; lines of one claim mostly go to one sum."""
    sums: dict[tuple[object, ...], list[int]] = {}
    for line in lines:
        yield Charge(line)
        told = sums.setdefault(_key_of(line), [0, 0, 0])
        # A message is counted with its first segment.
        told[0] += line.segments if line.segment_no == 1 else 0
        told[1] += line.segments
        told[2] += line.amount_li
    yield Many("charge_sum_add", [dict(zip(_SUMS, (*key, *told), strict=True)) for key, told in sums.items()])


class Wrong(Noun, frozen=True, kw_only=True):
    """Lines charged to the wrong payer: those of a unit in a month that this payer bears and nobody has corrected."""

    month: int
    unit_id: int
    payer_id: int


class Corrected(Noun, frozen=True, kw_only=True):
    """What a correction took back and charged anew."""

    lines: int
    segments: int
    amount_li: int


Correct = Callable[[ChargeLine, int, int], Sequence[ChargeLine]]
"""Pure: the lines that correct the line at (commit, no): its reversal, and the charge to another payer."""


def wrong(told: Wrong) -> Program[Corrected]:
    """How much a correction would move, to be shown before it is done."""
    ((lines, segments, amount),) = yield Sql("charge_wrong_sum", _params(told))
    return Corrected(lines=lines, segments=segments, amount_li=amount)


def correct(told: Wrong, how: Correct, limit: int, by: str, reason: str) -> Program[Corrected]:
    """Correct the next ``limit`` lines in one transaction; what was corrected before is not found again."""
    rows = yield Sql("charge_wrong", {**_params(told), "limit": limit})
    if not rows:
        return Corrected(lines=0, segments=0, amount_li=0)
    yield CommitNo()
    found = [(row[0], row[1], ChargeLine(**dict(zip(COLUMNS, row[2:], strict=True)))) for row in rows]
    yield from charged(line for commit_no, no, wrongly in found for line in how(wrongly, commit_no, no))
    done = Corrected(
        lines=len(found),
        segments=sum(line.segments for _, _, line in found),
        amount_li=sum(line.amount_li for _, _, line in found),
    )
    detail = {"month": told.month, "unit": told.unit_id, "payer": told.payer_id, "by": by, "reason": reason}
    counts = {"lines": done.lines, "amount_li": done.amount_li}
    yield Audit(action="bill.correct", actor=0, subject=f"unit:{told.unit_id}", detail={**detail, **counts})
    return done


def _params(told: Wrong) -> dict[str, object]:
    return {"month": told.month, "unit_id": told.unit_id, "payer_id": told.payer_id}
