"""The settlement of a year: who owes what, the window of objections, confirmed and frozen (sms-charges 4.5).

Every step may be asked for again: what stands is answered, nothing is done twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Final

import msgspec

from gateway.flows.billing import Bills, bills
from gateway.flows.charging import charges
from gateway.house import House
from inbox_store.errors import Refused
from inbox_store.programs import settlements
from inbox_store.programs.settlements import (
    NOTHING,
    Change,
    ConsentRow,
    Draft,
    Kept,
    ObjectionRow,
    Share,
    StepRow,
)
from sms_billing import settlement as machine
from sms_billing.apportion import Apportionment, Weight, by_invoice
from sms_billing.periods import Books, close_year, month_span, year_months
from sms_billing.settlement import Consent, Objection, Settlement, StepTaken
from sms_billing.statement import Statement

OPERATOR: Final = 0
"""Who acts at the machine has no account; the trace keeps the name."""

Step = Callable[[Settlement], Settlement]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How a year is to be settled: by its lines, or with ``invoice_li`` by the carrier's invoice."""

    year: int
    invoice_li: int | None = None


async def prepared(house: House, wanted: Wanted) -> Draft:
    """What settling would keep, to be shown before.

    Raises Refused: year_not_settled, year_not_over, month_open, no_city, and as ``apportion.by_invoice``.
    """
    told = await bills(house, year_months(wanted.year))
    _closed(wanted.year, frozenset(told.months) - frozenset(told.open_months), house.clock())
    return _draft(told, wanted.invoice_li)


async def settle(house: House, wanted: Wanted, by: str) -> Kept:
    """Keep the draft of a year's settlement; another method or invoice takes its place until it is sent out.

    Raises Refused as ``prepared`` does, and settlement_step once it was sent out.
    """
    new, now = await prepared(house, wanted), house.clock()

    def decide(found: Kept | None, months: frozenset[int]) -> Change:
        books = _closed(wanted.year, months, now)
        if found is not None and found.draft == new:
            return NOTHING
        if found is not None and found.steps[-1].step != "draft":
            standing = machine.STEP_ZH[found.steps[-1].step]
            raise Refused("settlement_step", year=wanted.year, step=standing, wanted=machine.STEP_ZH["draft"])
        drafted = machine.draft(books, wanted.year, new.digest, OPERATOR, now)
        return Change(draft=new, steps=tuple(_step(one, None) for one in drafted.taken))

    return await _changed(house, wanted.year, decide, "settlement.draft", by)


async def send_out(house: House, year: int, by: str) -> Kept:
    """The statements go to the counties; the window of objections runs from here. Raises Refused: settlement_missing."""
    now = house.clock()

    def add_work_days(day: date, count: int) -> date:
        return house.calendar.add_work_days(day, count).day

    def step(told: Settlement) -> Settlement:
        if told.step != "draft":
            return told
        return machine.send_out(told, add_work_days, OPERATOR, now)

    return await _stepped(house, year, step, "settlement.send_out", by)


async def object_to(house: House, year: int, county: str, text: str, by: str) -> Kept:
    """A county's objection. Raises Refused: no_payer_named, and as the machine does."""
    region_id, now = await _party(house, year, county), house.clock()
    return await _stepped(
        house,
        year,
        lambda told: machine.object_to(told, region_id, text, OPERATOR, now),
        "settlement.object",
        by,
    )


async def answer(house: House, year: int, number: int, text: str, by: str) -> Kept:
    """The city's answer to the objection of that number, counted from 0. Raises Refused as the machine does."""
    now = house.clock()

    def step(told: Settlement) -> Settlement:
        if number < len(told.objections) and told.objections[number].answer == text.strip():
            return told
        return machine.answer(told, number, text, OPERATOR, now)

    return await _stepped(house, year, step, "settlement.answer", by)


async def confirm_county(house: House, year: int, county: str, by: str) -> Kept:
    """A county's own word; the last one confirms and freezes the settlement. Raises Refused as the machine does."""
    region_id, now = await _party(house, year, county), house.clock()

    def step(told: Settlement) -> Settlement:
        if told.step in ("confirmed", "frozen"):
            return told
        told = machine.consent(told, region_id, OPERATOR, now)
        return machine.confirm(told, OPERATOR, now) if machine.agreed(told) else told

    return await _frozen(house, year, step, by)


async def confirm_all(house: House, year: int, by: str) -> Kept:
    """Confirm and freeze after the window, objections answered. Raises Refused as the machine does."""
    now = house.clock()

    def step(told: Settlement) -> Settlement:
        if told.step in ("confirmed", "frozen"):
            return told
        return machine.confirm(told, OPERATOR, now)

    return await _frozen(house, year, step, by)


async def _frozen(house: House, year: int, step: Step, by: str) -> Kept:
    """The step, and with the confirmation the freeze: the statements are proved to be those that were sent out."""
    found = await house.store.engine.read(settlements.kept(year))
    if found is None:
        raise Refused("settlement_missing", year=year)
    told = await bills(house, year_months(year))
    shown, now = _draft(told, found.draft.invoice_li).digest, house.clock()

    def whole(before: Settlement) -> Settlement:
        after = step(before)
        return machine.freeze(after, shown, OPERATOR, now) if after.step == "confirmed" else after

    return await _stepped(house, year, whole, "settlement.confirm", by)


async def _stepped(house: House, year: int, step: Step, action: str, by: str) -> Kept:
    city_id = (await charges(house)).city_id

    def decide(found: Kept | None, _months: frozenset[int]) -> Change:
        if found is None:
            raise Refused("settlement_missing", year=year)
        before = standing(found, city_id)
        return _difference(before, step(before))

    return await _changed(house, year, decide, action, by)


async def _changed(house: House, year: int, decide: settlements.Decide, action: str, by: str) -> Kept:
    return await house.store.engine.write(settlements.change(year, decide, action, f"operator:{by}"))


async def _party(house: House, year: int, county: str) -> int:
    """The payer of that name or code. Raises Refused: settlement_missing, no_payer_named."""
    found = await house.store.engine.read(settlements.kept(year))
    if found is None:
        raise Refused("settlement_missing", year=year)
    named = [share for share in found.draft.shares if county in (share.name, share.code)]
    if len(named) != 1:
        raise Refused("no_payer_named", name=county, known=[share.name for share in found.draft.shares])
    return named[0].region_id


# As the machine sees it ----------------------------------------------------------------------------------------------


def standing(found: Kept, city_id: int) -> Settlement:
    """The settlement as it stands; everybody but the city is asked."""
    windows = [one.until_at for one in found.steps if one.step == "objections"]
    return Settlement(
        year=found.year,
        digest=found.draft.digest,
        taken=tuple(StepTaken(step=one.step, by=one.actor, at=one.at) for one in found.steps),
        parties=frozenset(share.region_id for share in found.draft.shares) - {city_id},
        objections_until=windows[0] if windows else None,
        objections=tuple(_objection(one) for one in found.objections),
        consents=tuple(Consent(region_id=one.region_id, by=one.actor, at=one.at) for one in found.consents),
    )


def _objection(row: ObjectionRow) -> Objection:
    return Objection(
        region_id=row.region_id,
        text=row.text,
        by=row.actor,
        at=row.at,
        answer=row.answer,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
    )


def _difference(before: Settlement, after: Settlement) -> Change:
    """What is new: steps, objections and consents are only ever added, an answer once."""
    rows = [_objection_row(number, told) for number, told in enumerate(after.objections)]
    known = len(before.objections)
    pairs = zip(rows, before.objections, strict=False)
    return Change(
        steps=tuple(_step(one, after.objections_until) for one in after.taken[len(before.taken) :]),
        objections=tuple(rows[known:]),
        answers=tuple(row for row, old in pairs if row.answer is not None and old.answer is None),
        consents=tuple(
            ConsentRow(one.region_id, one.by, one.at) for one in after.consents[len(before.consents) :]
        ),
    )


def _objection_row(number: int, told: Objection) -> ObjectionRow:
    return ObjectionRow(
        number,
        told.region_id,
        told.text,
        told.by,
        told.at,
        told.answer,
        told.answered_by,
        told.answered_at,
    )


def _step(told: StepTaken, until_at: int | None) -> StepRow:
    return StepRow(told.step, told.by, told.at, until_at if told.step == "objections" else None)


def _closed(year: int, months: frozenset[int], now: int) -> Books:
    """The books with the year closed. Raises Refused: year_not_settled, year_not_over, month_open."""
    if now < month_span(year_months(year)[-1])[1]:
        raise Refused("year_not_over", year=year)
    return close_year(Books(months=months), year, now)


def _draft(told: Bills, invoice_li: int | None) -> Draft:
    """The shares with the digest over everything that is shown."""
    shared = told.apportionment if invoice_li is None else _by_invoice(told, invoice_li)
    shares = tuple(_share(one, shared.shares_li[one.payer_id]) for one in told.statements)
    shown = msgspec.json.encode(
        [told.statements, told.whose, shared.method, invoice_li, shares], order="sorted"
    )
    return Draft(
        method=shared.method,
        invoice_li=invoice_li,
        lines_li=shared.lines_li,
        difference_li=shared.difference_li,
        digest=hashlib.sha256(shown).digest(),
        shares=shares,
    )


def _by_invoice(told: Bills, invoice_li: int) -> Apportionment:
    """Method 2: by segments, the city's own included."""
    weights = [
        Weight(region_id=one.payer_id, code=one.payer.code, count=one.whole.segments)
        for one in told.statements
    ]
    return by_invoice(invoice_li, weights, told.lines_li)


def _share(told: Statement, share_li: int) -> Share:
    whole = told.whole
    return Share(
        told.payer_id,
        told.payer.code,
        told.payer.name,
        whole.messages,
        whole.segments,
        whole.amount_li,
        told.own_total.amount_li,
        share_li,
    )
