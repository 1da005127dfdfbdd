"""Finance: the statements of a month or a year, the closing of months, and the reconciliation with a carrier's file.

Who pays is decided by ``sms_billing``, what was charged stands in the ledger; here they are brought together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from gateway.house import House
from inbox_store.errors import Refused
from inbox_store.org import Organisation
from inbox_store.programs import ledger
from inbox_store.programs.ledger import Bears, Borne, ClosedMonth, SentSpan, Sum, Uncharged
from inbox_store.programs.sms import Accepted
from inbox_store.times import DAY_US
from sms_billing.apportion import Apportionment, by_lines
from sms_billing.detail import DetailFormat, DetailLine, Unreadable, decoded, read_detail, read_time
from sms_billing.doubts import Doubt, Doubts
from sms_billing.lines import BillOn, purpose_of
from sms_billing.payers import Payers, Whose
from sms_billing.periods import month_at, month_span
from sms_billing.reconcile import Difference, Matched, Matching, Sent, reconcile
from sms_billing.statement import Label, Outcomes, Statement, statements
from sms_billing.tariff import price

DIFFERENCES_MAX: Final = 50_000
"""Differences that are listed; all are counted."""
ATTEMPTS_PER_STEP: Final = 20_000
LINES_PER_TELL: Final = 20_000

Tell = Callable[[str, int, int], None]
"""Progress: what is done, how much of it, out of how much."""


def city_of(organisation: Organisation) -> int:
    """The region that bears what no county does. Raises Refused("no_city")."""
    found = [region.id for region in organisation.regions.values() if region.level == "city"]
    if not found:
        raise Refused("no_city")
    return found[0]


def payers_of(organisation: Organisation) -> Payers:
    """The rules of who pays: those of the source, until others are recorded (C1 to C3)."""
    return Payers(city_of(organisation))


def bears(house: House, payers: Payers) -> Bears:
    """Who would bear a message without a line, under the rules and prices of its moment."""

    def borne(told: Uncharged) -> Borne:
        segment = _as_accepted(told)
        purpose = purpose_of(segment)
        return Borne(
            payers.payer(segment, purpose).region_id, purpose, price(house.tariffs, told.at).price_li
        )

    return borne


def _as_accepted(told: Uncharged) -> Accepted:
    """The message as if it had been accepted: the rules know only that."""
    return Accepted(
        attempt_id=0,
        order_id=0,
        segment_no=1,
        acceptance_no=told.acceptance_no,
        channel="",
        message_id="",
        accepted_at=told.at,
        alert_id=0,
        kind=told.kind,
        round=0,
        document_id=None,
        is_test=told.is_test,
        unit_id=told.unit_id,
        region_id=told.region_id,
        person_id=0,
        to_unit_id=told.to_unit_id,
        to_region_id=told.to_region_id,
        phone_sealed=None,
        phone_key=None,
        segments=1,
    )


# Statements ----------------------------------------------------------------------------------------------------------


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """The statements of a period, the city's first, with their summary by method 1.

    ``open_months`` are those that may still change; ``made_at`` is the closing of the last month, or now while one is
    open: the date in the files, so that a closed period gives the same bytes whenever it is asked for.
    """

    months: tuple[int, ...]
    statements: tuple[Statement, ...]
    apportionment: Apportionment
    whose: Whose
    open_months: tuple[int, ...]
    made_at: int


async def bills(house: House, months: tuple[int, ...]) -> Bills:
    """What every payer bears in the months. Raises Refused("no_city"), and what the rules refuse."""
    organisation = await house.organisation()
    payers, engine = payers_of(organisation), house.store.engine
    closed = await engine.read(ledger.closed_months())
    open_months = tuple(month for month in months if month not in closed)
    regions, units = await _labels(house, organisation, months, final=not open_months)
    found = await engine.read(ledger.outcomes(months, bears(house, payers)))
    told = statements(
        months,
        await engine.read(ledger.sums(months[0], months[-1])),
        [Outcomes(*msgspec.structs.astuple(one)) for one in found],
        regions=regions,
        units=units,
        city_id=payers.city_id,
        other=_other(payers),
    )
    return Bills(
        months=months,
        statements=told,
        apportionment=by_lines({one.payer_id: one.whole.amount_li for one in told}),
        whose=payers.whose(months[0] // 100),
        open_months=open_months,
        made_at=house.clock() if open_months else max(closed[month] for month in months),
    )


def _other(payers: Payers) -> Callable[[Sum], int]:
    def other(told: Sum) -> int:
        return payers.compared(told.unit_id, told.region_id, told.to_region_id, month_span(told.month)[0])

    return other


async def _labels(
    house: House, organisation: Organisation, months: Iterable[int], *, final: bool
) -> tuple[dict[int, Label], dict[int, Label]]:
    """Names of regions and units: of closed months as they were then, else as they are."""
    if final:
        kept = await house.store.engine.read(ledger.labels(months))
        regions, units = kept.regions, kept.units
    else:
        regions = {one.id: (one.code, one.name) for one in organisation.counties()}
        units = {one.id: (one.code, one.name) for one in organisation.units.values()}
    return _labelled(regions.items()), _labelled(units.items())


def _labelled(names: Iterable[tuple[int, tuple[str, str]]]) -> dict[int, Label]:
    return {key: Label(code=code, name=name) for key, (code, name) in names}


def of_payer(told: Bills, name: str) -> Statement:
    """The statement of a county, or of the city, by name or code. Raises Refused("no_payer_named")."""
    found = [one for one in told.statements if name in (one.payer.name, one.payer.code)]
    if len(found) != 1:
        raise Refused("no_payer_named", name=name, known=[one.payer.name for one in told.statements])
    return found[0]


# Closing -------------------------------------------------------------------------------------------------------------


async def month_to_close(house: House, month: int) -> tuple[ClosedMonth, tuple[Outcomes, ...]]:
    """What closing the month would keep, to be shown before it is done. Raises Refused as ``close_month`` does."""
    month_span(month)
    engine = house.store.engine
    told = await engine.read(ledger.closing(month, house.clock()))
    rules = bears(house, payers_of(await house.organisation()))
    found = await engine.read(ledger.outcomes([month], rules))
    return told, tuple(Outcomes(*msgspec.structs.astuple(one)) for one in found)


async def close_month(house: House, month: int, by: str) -> ClosedMonth:
    """Close the month for good, by the operator of this name. Raises Refused: not_a_month, and as the ledger."""
    month_span(month)
    rules = bears(house, payers_of(await house.organisation()))
    fact = ledger.close_month(month, 0, f"operator:{by}", house.clock(), rules)
    return await house.store.engine.write(fact)


# Reconciliation ------------------------------------------------------------------------------------------------------


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which file is compared with what: ``month`` None is that of the file's first line, ``channel`` "" is all."""

    file: Path
    channel: str = ""
    month: int | None = None
    form: DetailFormat = DetailFormat()
    bill_on: BillOn = "accepted"


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides in figures, and the first ``DIFFERENCES_MAX`` of the differences."""

    month: int
    channel: str
    matched: Matched
    differences: tuple[Difference, ...]
    count: int


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
    kept, count = await asyncio.to_thread(_matched, matching, ours, wanted, tell)
    return Reconciled(
        month=month, channel=wanted.channel, matched=matching.figures, differences=kept, count=count
    )


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


def _matched(
    matching: Matching, ours: Iterable[Sent], wanted: Wanted, tell: Tell
) -> tuple[tuple[Difference, ...], int]:
    """The differences that are kept, and how many there are."""
    found = reconcile(matching, [(ours, _theirs(wanted, tell))])
    kept = tuple(islice(found, DIFFERENCES_MAX))
    return kept, len(kept) + sum(1 for _ in found)
