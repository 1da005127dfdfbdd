"""An objection that was found right: lines taken back (红冲) and charged to who should have paid (补记)."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.flows.charging import charges
from gateway.house import House
from inbox_store.errors import Refused
from inbox_store.ledger import ChargeLine
from inbox_store.org import Organisation
from inbox_store.programs import charges as programs
from inbox_store.programs.charges import Corrected, Wrong
from sms_billing.lines import LinePlace, recharge, reversal
from sms_billing.periods import Books

LINES_PER_STEP: Final = 500


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines were charged to the wrong payer, by names or codes, and who should pay."""

    month: int
    unit: str
    payer: str
    to: str
    reason: str


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A correction as it would be made: how much moves, and into which month it is written."""

    wrong: Wrong
    to_id: int
    told: Corrected
    month: int


async def planned(house: House, wish: Wish) -> Planned:
    """What a correction would move. Raises Refused: field_missing, not_found, no_payer_named, nothing_to_correct."""
    if not wish.reason.strip():
        raise Refused("field_missing", field="reason", reason="请写明更正的依据")
    organisation = await house.organisation()
    wrong = Wrong(
        month=wish.month, unit_id=_unit(organisation, wish.unit), payer_id=_payer(organisation, wish.payer)
    )
    to_id = _payer(organisation, wish.to)
    told = await house.store.engine.read(programs.wrong(wrong))
    if not told.lines or to_id == wrong.payer_id:
        raise Refused("nothing_to_correct", month=wish.month, unit=wish.unit, payer=wish.payer)
    books = (await charges(house)).books
    return Planned(wrong=wrong, to_id=to_id, told=told, month=books.open_month(wish.month))


async def correct(house: House, wish: Wish, by: str) -> Corrected:
    """Take the lines back and charge them anew, in steps; cut off in the middle, doing it again does the rest."""
    plan = await planned(house, wish)
    sums = Corrected(lines=0, segments=0, amount_li=0)
    while True:
        books = (await charges(house)).books
        how = _how(plan.to_id, books)
        fact = programs.correct(plan.wrong, how, LINES_PER_STEP, by, wish.reason)
        step = await house.store.engine.write(fact, bulk=True)
        if not step.lines:
            return sums
        sums = Corrected(
            lines=sums.lines + step.lines,
            segments=sums.segments + step.segments,
            amount_li=sums.amount_li + step.amount_li,
        )


def _how(to_id: int, books: Books) -> programs.Correct:
    def how(line: ChargeLine, commit_no: int, no: int) -> list[ChargeLine]:
        place = LinePlace(commit_no, no)
        back = reversal(line, place, (), books)
        return [back, recharge(line, place, to_id, (back,), books)]

    return how


def _unit(organisation: Organisation, named: str) -> int:
    found = [one.id for one in organisation.units.values() if named in (one.code, one.name)]
    if len(found) != 1:
        raise Refused("not_found", what="unit", id=named)
    return found[0]


def _payer(organisation: Organisation, named: str) -> int:
    found = [one for one in organisation.counties() if named in (one.code, one.name)]
    if len(found) != 1:
        raise Refused("no_payer_named", name=named, known=[one.name for one in organisation.counties()])
    return found[0].id
