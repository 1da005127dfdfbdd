"""Finance: the statements of a month or a year, and the closing of months.

Who pays is decided by ``sms_billing``, what was charged stands in the ledger; here they are brought together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from gateway.flows.charging import Charges, charges
from gateway.house import House
from inbox_store.errors import Refused
from inbox_store.messages import Accepted
from inbox_store.org import Organisation
from inbox_store.programs import ledger, settlements
from inbox_store.programs.ledger import Bears, Borne, ClosedMonth, Sum, Uncharged
from inbox_store.programs.settlements import Kept
from sms_billing.apportion import Apportionment, by_lines
from sms_billing.lines import purpose_of
from sms_billing.payers import Payers, Whose
from sms_billing.periods import month_span, year_months
from sms_billing.statement import Label, Outcomes, Statement, statements
from sms_billing.tariff import price


def bears(told: Charges) -> Bears:
    """Who would bear a message without a line, under the rules and prices of its moment. Raises Refused("no_city")."""
    payers = told.payers_of_city()

    def borne(one: Uncharged) -> Borne:
        segment = _as_accepted(one)
        purpose = purpose_of(segment)
        return Borne(payers.payer(segment, purpose).region_id, purpose, price(told.tariffs, one.at).price_li)

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
        overridden=0,
    )


# Statements ----------------------------------------------------------------------------------------------------------


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """The statements of a period, the city's first, with their summary: as settled, else by method 1.

    ``open_months`` are those that may still change; ``made_at`` is the closing of the last month, or now while one is
    open: the date in the files, so that a closed period gives the same bytes whenever it is asked for. ``settled``: the
    summary is that of the year's settlement.
    """

    months: tuple[int, ...]
    statements: tuple[Statement, ...]
    apportionment: Apportionment
    whose: Whose
    open_months: tuple[int, ...]
    made_at: int
    settled: bool = False

    @property
    def lines_li(self) -> int:
        """What all lines of the period come to."""
        return sum(one.whole.amount_li for one in self.statements)


async def bills(house: House, months: tuple[int, ...]) -> Bills:
    """What every payer bears in the months. Raises Refused("no_city"), and what the rules refuse."""
    organisation, rules = await house.organisation(), await charges(house)
    payers, engine = rules.payers_of_city(), house.store.engine
    closed = await engine.read(ledger.closed_months())
    open_months = tuple(month for month in months if month not in closed)
    regions, units = await _labels(house, organisation, months, final=not open_months)
    found = await engine.read(ledger.outcomes(months, bears(rules)))
    settled = await _settled(house, months)
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
        apportionment=_apportioned(told, settled),
        whose=payers.whose(months[0] // 100),
        open_months=open_months,
        made_at=house.clock() if open_months else max(closed[month] for month in months),
        settled=settled is not None,
    )


async def _settled(house: House, months: tuple[int, ...]) -> Kept | None:
    """The settlement of exactly these months."""
    year = months[0] // 100
    if len(months) == 1 or months != year_months(year):
        return None
    return await house.store.engine.read(settlements.kept(year))


def _apportioned(told: Iterable[Statement], settled: Kept | None) -> Apportionment:
    if settled is None:
        return by_lines({one.payer_id: one.whole.amount_li for one in told})
    draft = settled.draft
    return Apportionment(
        method=draft.method,
        shares_li={share.region_id: share.share_li for share in draft.shares},
        lines_li=draft.lines_li,
        invoice_li=draft.invoice_li,
        difference_li=draft.difference_li,
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
    rules = bears(await charges(house))
    found = await engine.read(ledger.outcomes([month], rules))
    return told, tuple(Outcomes(*msgspec.structs.astuple(one)) for one in found)


async def close_month(house: House, month: int, by: str) -> ClosedMonth:
    """Close the month for good, by the operator of this name. Raises Refused: not_a_month, and as the ledger."""
    month_span(month)
    rules = bears(await charges(house))
    fact = ledger.close_month(month, 0, f"operator:{by}", house.clock(), rules)
    return await house.store.engine.write(fact)
