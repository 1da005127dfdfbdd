"""The checks of sms-charges 4.6 that need neither a carrier nor a store; 4 and 5 are tested with both."""

from __future__ import annotations

import msgspec

from inbox_store.ledger import ChargeLine
from inbox_store.times import parse_iso
from push.sms.text import count
from sms_billing.apportion import Weight, by_invoice
from sms_billing.payers import Membership, Memberships, Payers, UsePolicy
from sms_billing.periods import Books, close_month, month_at, month_span, year_months
from sms_billing.statement import Statement, statements
from sms_billing.tariff import cost_li, yuan
from tests.sms_billing.facts import (
    CITY,
    NORTH,
    REGIONS,
    SOUTH,
    TARIFF,
    UNITS,
    accepted,
    charging,
    lined,
    sums,
)


def of_year(year: int, lines: list[ChargeLine], payers: Payers) -> tuple[Statement, ...]:
    """The statements of a year with their comparison."""
    return statements(
        year_months(year),
        sums(lines),
        [],
        regions=REGIONS,
        units=UNITS,
        city_id=CITY,
        other=lambda row: payers.compared(
            row.unit_id, row.region_id, row.to_region_id, month_span(row.month)[0]
        ),
    )


def test_check_1_the_last_second_of_march() -> None:
    """A county's message of 2018-03-31 23:59:59 is the city's, of 2018-04-01 00:00:00 the county's."""
    charge = charging()
    told = [lined(accepted(when), charge).payer_id for when in ("2018-03-31T23:59:59", "2018-04-01T00:00:00")]
    assert told == [CITY, NORTH]


def test_check_2_ten_thousand_messages() -> None:
    """10,000 messages of one segment cost a county 500.00 yuan, of 88 characters 1,000.00."""
    charge = charging()
    for characters, cost in ((70, "500.00"), (88, "1000.00")):
        segments = count("会" * characters)
        lines = [
            lined(accepted(segment_no=number), charge)
            for _ in range(10_000)
            for number in range(1, segments + 1)
        ]
        north = of_year(2018, lines, Payers(CITY))[1]
        assert (north.payer_id, yuan(north.total.amount_li)) == (NORTH, cost)
        assert north.total.messages == 10_000
        assert north.total.amount_li == cost_li(10_000 * segments, 10_000, TARIFF)


def test_check_3_all_of_the_city() -> None:
    """1,650,000 segments of city units are 82,500.00 for the city and nothing for a county."""
    line = lined(accepted(unit_id=10, region_id=CITY))
    each = sums([line])[0]
    whole = msgspec.structs.replace(
        each, messages=1_650_000, segments=1_650_000, amount_li=1_650_000 * each.amount_li
    )
    told = statements(year_months(2018), [whole], [], regions=REGIONS, units=UNITS, city_id=CITY)
    assert [yuan(one.whole.amount_li) for one in told] == ["82500.00", "0.00", "0.00"]


def test_check_6_the_invoice_is_shared_to_the_fen() -> None:
    """V = 82,500.01 over eight payers: the shares sum to 82,500.01."""
    counts = [700_001, 123_457, 99_999, 250_000, 250_000, 1, 126_542, 100_000]
    payers = [Weight(region_id=n, code=f"36012{n}", count=count) for n, count in enumerate(counts, start=1)]
    told = by_invoice(82_500_010, payers, cost_li(sum(counts), 0, TARIFF))
    assert yuan(sum(told.shares_li.values())) == "82500.01"
    assert told.difference_li == 10
    assert all(share % 10 == 0 for share in told.shares_li.values())


def test_check_7_a_unit_moves_in_july() -> None:
    """A unit that moves to the city on 15 July leaves its lines before on the county; nothing is charged again."""
    moved = parse_iso("2018-07-15")
    places = Memberships(
        {CITY: "city", NORTH: "county"},
        [
            Membership(child_id=20, parent_id=NORTH, from_at=0, to_at=moved),
            Membership(child_id=20, parent_id=CITY, from_at=moved),
        ],
        [Membership(child_id=NORTH, parent_id=CITY, from_at=0)],
    )
    days = [f"2018-07-{day:02}T12:00:00" for day in range(1, 32)]
    lines = [lined(accepted(day, region_id=places.county(20, parse_iso(day)))) for day in days]
    city, north, _ = of_year(2018, lines, Payers(CITY))
    assert (north.total.segments, city.total.segments) == (14, 17)
    assert [row.key for row in city.by_unit] == [20]


def test_check_8_the_next_policy_leaves_this_year_alone() -> None:
    """With another policy for 2019, the statements of 2018 are the same byte for byte, comparison included."""
    charged = [accepted(f"201{y}-0{m}-02T08:00:00") for y in (8, 9) for m in range(4, 10)]
    plain = Payers(CITY)
    changed = Payers(
        CITY,
        policies=[
            UsePolicy(from_year=1970, whose="originator"),
            UsePolicy(from_year=2019, whose="recipient"),
        ],
    )
    told = {}
    for payers in (plain, changed):
        lines = [lined(fact, charging(payers)) for fact in charged]
        told[payers] = [of_year(year, lines, payers) for year in (2018, 2019)]
    before, after = told[plain], told[changed]
    assert msgspec.json.encode(before[0]) == msgspec.json.encode(after[0])
    assert [one.total.amount_li for one in after[1]] == [0, 0, 300]
    assert [one.total.amount_li for one in before[1]] == [0, 300, 0]
    assert after[1][2].payer_id == SOUTH


def test_a_closed_month_never_changes() -> None:
    """A segment found after the close changes the next month and leaves the closed one as it was."""
    books = Books()
    lines = [lined(accepted("2018-04-07"), books=books)]
    april = msgspec.json.encode(
        statements([201804], sums(lines), [], regions=REGIONS, units=UNITS, city_id=CITY)
    )
    books = close_month(books, 201804, month_span(201805)[1])
    lines.append(lined(accepted("2018-04-30T23:59:59"), books=books))
    assert lines[-1].month == 201805
    assert month_at(lines[-1].accepted_at) == 201804
    again = statements([201804], sums(lines), [], regions=REGIONS, units=UNITS, city_id=CITY)
    assert msgspec.json.encode(again) == april
    may = statements([201805], sums(lines), [], regions=REGIONS, units=UNITS, city_id=CITY)[1]
    assert (may.total.amount_li, may.total.adjusted_li) == (50, 50)
