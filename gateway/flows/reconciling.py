"""A carrier's detail file against our attempts: every difference, and what was in doubt settled with its line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.flows.charging import Charger
from gateway.house import House
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.programs import detail, ledger
from inbox_store.programs.detail import Shown
from inbox_store.programs.ledger import SentSpan
from inbox_store.times import DAY_US
from sms_billing.detail import DetailFormat, DetailLine, Unreadable, decoded, read_detail, read_time
from sms_billing.doubts import Doubt, Doubts
from sms_billing.lines import BillOn
from sms_billing.periods import month_at, month_span
from sms_billing.reconcile import Difference, Matched, Matching, Sent, reconcile

DIFFERENCES_MAX: Final = 50_000
"""Differences that are listed; all are counted."""
ATTEMPTS_PER_STEP: Final = 20_000
LINES_PER_TELL: Final = 20_000
SETTLED_PER_STEP: Final = 500
"""Attempts settled in one transaction: some tens of milliseconds, so that a running server is not held."""

Tell = Callable[[str, int, int], None]
"""Progress: what is done, how much of it, out of how much."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which file is compared with what: ``month`` None is that of the file's first line, ``channel`` "" is all."""

    file: Path
    channel: str = ""
    month: int | None = None
    form: DetailFormat = DetailFormat()
    bill_on: BillOn = "accepted"


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides in figures, and the first ``DIFFERENCES_MAX`` of the differences.

    ``found`` is what the file says of attempts in doubt, all of them.
    """

    month: int
    channel: str
    matched: Matched
    differences: tuple[Difference, ...]
    count: int
    found: tuple[Shown, ...] = ()


async def reconcile_file(house: House, wanted: Wanted, tell: Tell) -> Reconciled:
    """Compare a carrier's detail file with our attempts, line by line; nothing is changed.

    Raises OSError, Refused: detail_columns, detail_undated (no line with a time, and no month named), not_a_month.
    """
    month = wanted.month
    if month is None:
        month = await asyncio.to_thread(first_month, wanted.file, wanted.form)
    from_at, to_at = month_span(month)
    engine = house.store.engine
    doubtful = await engine.read(ledger.doubts(SentSpan(wanted.channel, from_at, to_at)))
    doubts = Doubts((Doubt(*row) for row in doubtful), house.store.keys.phones.lookup)
    matching = Matching(wanted.form, doubts, from_at=from_at, to_at=to_at, bill_on=wanted.bill_on)
    # Two clocks meet at midnight: a day more on either side is matched, and counted in no month but its own.
    span = SentSpan(wanted.channel, from_at - DAY_US, to_at + DAY_US)
    last = await engine.read(ledger.attempts_last())
    ours = _ours(house, span, last, asyncio.get_running_loop(), tell)
    listed = await asyncio.to_thread(_matched, matching, ours, wanted, tell)
    return Reconciled(
        month=month,
        channel=wanted.channel,
        matched=matching.figures,
        differences=tuple(listed.differences),
        count=listed.count,
        found=tuple(listed.found),
    )


async def settle_found(house: House, told: Reconciled, file: str, by: str, tell: Tell) -> int:
    """Settle what was in doubt and the file shows, in bounded steps; returns how many attempts.

    Each is charged once, by the file's time and id, where its units lay then (C9); what a closed month has no room for is
    an adjustment in the open one. Asked for again, nothing is settled twice. What the file does not have stays in doubt.
    """
    charger, now = await Charger.of(house), house.clock()
    settled, found = 0, [one for one in told.found if one.at <= now]
    for start in range(0, len(found), SETTLED_PER_STEP):
        shown = found[start : start + SETTLED_PER_STEP]
        fact = _settle(charger, shown, file, f"operator:{by}", now)
        settled += await house.store.engine.write(fact, bulk=True)
        tell("存疑记账", start + len(shown), len(found))
    return settled


def _settle(charger: Charger, shown: Sequence[Shown], file: str, origin: str, now: int) -> Program[int]:
    yield from charger.current()
    return (yield from detail.settle_doubts(shown, charger.price, file, origin, now))


def first_month(file: Path, form: DetailFormat) -> int:
    """The month of the first line with a time. Raises OSError, Refused: detail_columns, detail_undated."""
    with file.open("rb") as opened:
        for line in islice(read_detail(decoded(opened), form), 1000):
            at = read_time(line.accepted) if isinstance(line, DetailLine) else None
            if at is not None:
                return month_at(at)
    raise Refused("detail_undated", file=str(file))


def _ours(
    house: House, span: SentSpan, last: int, loop: asyncio.AbstractEventLoop, tell: Tell
) -> Iterator[Sent]:
    """Our segments, read in steps by the loop for the thread that matches them."""
    for after in range(0, last, ATTEMPTS_PER_STEP):
        upto = min(after + ATTEMPTS_PER_STEP, last)
        step = house.store.engine.read(ledger.sent_window(span, after, upto))
        for row in asyncio.run_coroutine_threadsafe(step, loop).result():
            yield Sent(*row)
        tell("读取我方记录", upto, last)


def _theirs(wanted: Wanted, tell: Tell) -> Iterator[DetailLine | Unreadable]:
    size = wanted.file.stat().st_size
    with wanted.file.open("rb") as opened:
        yield from read_detail(decoded(_counted(opened, size, tell)), wanted.form)


def _counted(lines: Iterable[bytes], size: int, tell: Tell) -> Iterator[bytes]:
    done = 0
    for number, line in enumerate(lines, start=1):
        yield line
        done += len(line)
        if number % LINES_PER_TELL == 0:
            tell("核对运营商详单", done, size)
    tell("核对运营商详单", size, size)


class _Listed:
    """The differences that are kept, how many there are, and what settles attempts in doubt."""

    def __init__(self) -> None:
        self.differences: list[Difference] = []
        self.count = 0
        self.found: list[Shown] = []

    def take(self, told: Difference) -> None:
        """One more difference."""
        self.count += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(told)
        if told.kind == "found" and (shown := _shown(told)):
            self.found.append(shown)


def _matched(matching: Matching, ours: Iterable[Sent], wanted: Wanted, tell: Tell) -> _Listed:
    listed = _Listed()
    for told in reconcile(matching, [(ours, _theirs(wanted, tell))]):
        listed.take(told)
    return listed


_REPORTS: Final[dict[str, Literal["delivered", "failed"]]] = {"delivered": "delivered", "failed": "failed"}


def _shown(told: Difference) -> Shown | None:
    """What the file says of an attempt; None without a time: nobody knows what it costs and who pays."""
    line = told.line
    at = read_time(line.accepted) if line else None
    if line is None or at is None or told.attempt_id is None:
        return None
    return Shown(
        attempt_id=told.attempt_id,
        message_id=line.message_id,
        at=at,
        refused=told.their_status == "refused",
        report=_REPORTS.get(told.their_status or ""),
    )
