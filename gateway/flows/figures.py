"""Figures: rates by unit, county, group and line from the tallies; the recount that proves them."""

from __future__ import annotations

from datetime import date

from gateway.house import House
from gateway.rules import rates as rules
from gateway.rules.access import Principal, reach
from gateway.rules.rate_tables import By, Row, ranked, table
from gateway.rules.rates import Period
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.org import Organisation
from inbox_store.programs import tallies
from inbox_store.times import day_int, day_of


class RateTable(Noun, frozen=True, kw_only=True):
    """The rows of one period as of a day, with the total; what is not within reach is not counted at all."""

    period: Period
    as_of: date
    by: By
    rows: tuple[Row, ...]
    total: Row


def _visible(principal: Principal | None, organisation: Organisation) -> frozenset[int]:
    """The units whose figures the reader may see; all for the operator on the machine."""
    if principal is None:
        return frozenset(organisation.units)
    told = reach(principal, "rates.read")
    if not told:
        raise Refused("forbidden", action="rates.read")
    if told.all:
        return frozenset(organisation.units)
    return frozenset(
        unit.id
        for unit in organisation.units.values()
        if unit.id in told.unit_ids or unit.county_id in told.county_ids
    )


async def rates(
    house: House,
    start: date,
    end: date,
    by: By,
    principal: Principal | None,
    now: int,
    cutoff: date | None = None,
) -> RateTable:
    """Rates of the days from ``start`` to ``end``, both included, as of min(now, cut-off) (bulletin.md 3.1)."""
    if end < start:
        raise Refused("period_reversed", start=start.isoformat(), end=end.isoformat())
    organisation = await house.organisation()
    visible = _visible(principal, organisation)
    after = date.fromordinal(end.toordinal() + 1)
    told = rules.period(start, after, house.calendar)
    if cutoff is not None:
        told = Period(start=start, end=after, cutoff=max(cutoff, after))
    last_day = rules.as_of(told, day_of(now))
    window = (day_int(start), day_int(end), day_int(last_day))
    sums = await house.store.engine.read(tallies.sums(*window))
    by_unit = rules.figures(sums, sums.keys() & visible)
    rows = table(by_unit, organisation, by)
    return RateTable(
        period=told,
        as_of=last_day,
        by=by,
        rows=ranked(rows) if by == "unit" else rows,
        total=table(by_unit, organisation, "total")[0],
    )
