"""Facts of a small city for the tests of the money: the city is region 1, its counties are 2 to 9."""

from __future__ import annotations

from itertools import count

import msgspec

from inbox_store.ledger import ChargeLine
from inbox_store.messages import Accepted
from inbox_store.programs.ledger import Sum
from inbox_store.times import parse_iso
from sms_billing.lines import Charging, messages
from sms_billing.payers import Payers
from sms_billing.periods import Books
from sms_billing.statement import Label
from sms_billing.tariff import Tariff

CITY, NORTH, SOUTH = 1, 2, 3
REGIONS = {
    CITY: Label(code="3601", name="示范市"),
    NORTH: Label(code="360121", name="北山县"),
    SOUTH: Label(code="360122", name="南河县"),
}
UNITS = {
    10: Label(code="A10", name="市政府办"),
    20: Label(code="B20", name="北山县政府办"),
    30: Label(code="B30", name="南河县政府办"),
}
BEGUN = Books(begin=201801)
TARIFF = Tariff(price_li=50, from_at=0)

_numbers = count(1)


def accepted(when: str = "2018-04-07T10:00:00", **changed: object) -> Accepted:
    """A segment of a document of north county for south county, accepted at a moment of Beijing time."""
    told = Accepted(
        attempt_id=1,
        order_id=1,
        segment_no=1,
        acceptance_no=1,
        channel="cmpp",
        message_id="8530104071000123",
        accepted_at=parse_iso(when),
        alert_id=next(_numbers),
        kind="arrival",
        round=0,
        document_id=5,
        is_test=0,
        unit_id=20,
        region_id=NORTH,
        person_id=9,
        to_unit_id=30,
        to_region_id=SOUTH,
        phone_sealed=None,
        phone_key=None,
        segments=1,
        overridden=0,
    )
    return msgspec.structs.replace(told, **changed)


def lined(fact: Accepted, charge: Charging | None = None, books: Books = BEGUN) -> ChargeLine:
    """The line of a segment, under the rules of the source unless told otherwise."""
    return (charge or charging()).line(fact, "138****0000", books)


def charging(payers: Payers | None = None, tariff: Tariff = TARIFF) -> Charging:
    """One price and the rules of the source, unless told otherwise."""
    return Charging([tariff], payers or Payers(CITY))


def sums(lines: list[ChargeLine]) -> list[Sum]:
    """The sums the ledger keeps beside its lines."""
    told: dict[tuple[object, ...], list[int]] = {}
    for line in lines:
        key = (
            line.month,
            line.payer_id,
            line.unit_id,
            line.region_id,
            line.to_region_id,
            line.alert_kind,
            line.purpose,
            line.kind,
            line.price_li,
        )
        row = told.setdefault(key, [0, 0, 0])
        for place, more in enumerate((messages(line), line.segments, line.amount_li)):
            row[place] += more
    return [Sum(*key, *row) for key, row in told.items()]  # type: ignore[arg-type]
