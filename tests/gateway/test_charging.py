"""The price of an accepted segment, by the rules as they stand in the transaction that charges it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import date
from pathlib import Path

import msgspec
import pytest

from gateway.flows import billing, charge_rules, proposals
from gateway.flows.charging import Charger, paying_regions
from gateway.rules.audience import Scope
from inbox_store.embedded import FILE, open_store
from inbox_store.engine import OrgChanged, Program, Sql
from inbox_store.errors import Refused
from inbox_store.ledger import ChargeLine
from inbox_store.messages import Accepted, Answered
from inbox_store.programs import ledger, sms, tariffs
from inbox_store.programs.tariffs import StationRow
from inbox_store.times import DAY_US, day_start, parse_iso
from sms_billing.payers import PayingRegion
from sms_billing.tariff import Tariff
from tests.gateway.bill_world import APRIL, MAY, Office, office
from tests.inbox_store.world import KEYS
from tests.sms_billing.facts import accepted

JUNE = day_start(date(2018, 6, 1))


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """The installation of April 2018."""
    async with office(tmp_path / "data") as opened:
        yield opened


async def fact(here: Office, unit: str, to: str, **changed: object) -> Accepted:
    """A segment from a unit to another, accepted on 7 April unless told otherwise."""
    units = (await here.house.organisation()).units
    sent, got = units[here.world.units[unit]], units[here.world.units[to]]
    vault = here.house.store.keys.phones
    told = msgspec.structs.replace(
        accepted(),
        unit_id=sent.id,
        region_id=sent.county_id,
        to_unit_id=got.id,
        to_region_id=got.county_id,
        phone_sealed=vault.seal("13812345678"),
        phone_key=vault.current,
        accepted_at=APRIL,
    )
    return msgspec.structs.replace(told, **changed)


def line_of(charger: Charger, told: Accepted) -> ChargeLine:
    """The line of a segment that is charged."""
    found = charger.price(told)
    assert found is not None
    return found


async def names(here: Office) -> dict[int, str]:
    """Regions by id."""
    return {key: region.name for key, region in (await here.house.organisation()).regions.items()}


async def test_who_pays(here: Office) -> None:
    """A county's own use is its own; the city pays drills, repeats and what overrides a switch-off; numbers are masked."""
    charger, named = await Charger.of(here.house), await names(here)
    plain = await fact(here, "U1", "U2")
    told = line_of(charger, plain)
    assert (named[told.payer_id], told.amount_li, told.phone, told.purpose) == (
        "东川县",
        50,
        "138****5678",
        "document",
    )
    apart = {"drill": {"is_test": 1}, "duplicate": {"acceptance_no": 2}, "document": {"overridden": 1}}
    for purpose, changed in apart.items():
        line = line_of(charger, msgspec.structs.replace(plain, **changed))
        assert (named[line.payer_id], line.purpose) == ("云水市", purpose)
    assert line_of(charger, msgspec.structs.replace(plain, phone_sealed=None)).phone == "****"


async def test_a_charger_hears_of_other_processes(here: Office, tmp_path: Path) -> None:
    """A month closed and a price recorded by another process are in force with the next answer that is settled."""
    charger = await Charger.of(here.house)
    await here.alert("U1", ["U2"])
    first, second, third = await here.leave()
    here.clock.now = MAY
    async with open_store(tmp_path / "data", clock=here.clock, keys=KEYS, readers=1) as other:
        await other.engine.write(ledger.close_month(201804, 0, "", MAY))
        row = tariffs.TariffRow(JUNE, None, 45, "segment", "合同2号", MAY)
        of_settings = tariffs.TariffRow(0, None, 50, "segment", "", MAY)
        await other.engine.write(tariffs.record_tariff(row, of_settings, lambda _: None, ""))
    engine = here.house.store.engine
    stale = charger.price(await fact(here, "U1", "U2"))
    assert stale is not None
    assert stale.month == 201804
    for attempt, at in ((first, APRIL), (second, MAY), (third, JUNE)):
        answer = Answered(attempt_id=attempt, outcome="accepted", message_id=f"m{attempt}", at=at)
        await engine.write_each(charger.settling, answer)
    found = await engine.read(ledger.sums(201804, 201806))
    assert [(one.month, one.kind, one.price_li) for one in found] == [
        (201805, "adjustment", 50),
        (201805, "charge", 50),
        (201806, "charge", 45),
    ]
    assert charger.charges.books.closed(201804)


async def test_the_database_refuses_a_stale_price(here: Office) -> None:
    """Who settles by a bare price that has not heard of a close is refused whole; after a refresh it is charged."""
    charger = await Charger.of(here.house)
    await here.alert("U1", ["U2"])
    attempt = (await here.leave())[0]
    here.clock.now = MAY
    await billing.close_month(here.house, 201804, "ops")
    told = [Answered(attempt_id=attempt, outcome="accepted", message_id="m", at=APRIL)]
    with pytest.raises(sqlite3.IntegrityError, match="the month is closed"):
        await here.world.write(sms.settling(charger.price)(told))
    await charger.refresh()
    await here.world.write(sms.settling(charger.price)(told))
    assert [one.month for one in await here.world.read(ledger.sums(201804, 201812))] == [201805]


def moved(unit_id: int, region_id: int, at: int) -> Program[None]:
    """A unit comes under another region."""
    told = {"kind": "unit_region", "child_id": unit_id, "now": at}
    yield Sql("org_link_close", told)
    link = {"kind": "unit_region", "child_id": unit_id, "parent_id": region_id, "from_at": at}
    yield Sql("org_link_add", link)
    yield Sql("org_county_clear")
    yield Sql("org_county_fill")
    yield OrgChanged()


async def test_a_late_segment_of_a_unit_that_moved(here: Office) -> None:
    """What is known late is charged to the county the unit lay in when it was accepted (C9), what comes later to the new."""
    charger, named = await Charger.of(here.house), await names(here)
    before = await fact(here, "U1", "U2")
    unit_id, city_id = here.world.units["U1"], charger.charges.city_id
    await here.world.write(moved(unit_id, city_id, APRIL + DAY_US))
    await here.world.write(charger.current())
    now = await fact(here, "U1", "U2")
    assert named[now.region_id] == "云水市"
    late = line_of(charger, now)
    assert (late.region_id, late.payer_id) == (before.region_id, before.region_id)
    after = line_of(charger, msgspec.structs.replace(now, accepted_at=APRIL + DAY_US))
    assert (named[after.region_id], named[after.payer_id]) == ("云水市", "云水市")


async def test_recorded_prices(here: Office) -> None:
    """The price of the settings serves until one is recorded, and stays that of the time before; no gap, no overlap."""
    house = here.house
    assert [one.price_li for one in await charge_rules.tariff_list(house)] == [50]
    told = await charge_rules.add_tariff(house, Tariff(price_li=45, from_at=JUNE), "合同2号", "ops")
    assert [(one.from_at, one.price_li) for one in told] == [(0, 50), (JUNE, 45)]
    house.tariffs = (Tariff(price_li=99, from_at=0),)
    prices = [one.price_li for one in await charge_rules.tariff_list(house)]
    assert prices == [50, 45]
    with pytest.raises(Refused, match="tariff_overlap") as refused:
        await charge_rules.add_tariff(house, Tariff(price_li=40, from_at=JUNE), "合同3号", "ops")
    assert refused.value.params["start"] == "2018-06-01T00:00:00.000+08:00"
    sale = Tariff(price_li=40, from_at=JUNE + DAY_US, to_at=JUNE + 2 * DAY_US)
    with pytest.raises(Refused, match="tariff_gap") as refused:
        await charge_rules.add_tariff(house, sale, "促销", "ops")
    assert refused.value.params["start"] == "2018-06-03T00:00:00.000+08:00"
    await charge_rules.add_tariff(house, Tariff(price_li=45, from_at=JUNE + 2 * DAY_US), "合同2号", "ops")
    told = await charge_rules.add_tariff(house, sale, "促销", "ops")
    assert [one.price_li for one in told] == [50, 45, 40, 45]
    with pytest.raises(Refused, match="tariff_gap"):
        await charge_rules.drop_tariff(house, JUNE + 2 * DAY_US, "ops")
    assert len(await charge_rules.drop_tariff(house, sale.from_at, "ops")) == 3
    with pytest.raises(Refused, match="rule_unknown"):
        await charge_rules.drop_tariff(house, sale.from_at, "ops")
    with pytest.raises(Refused, match="field_missing"):
        await charge_rules.add_tariff(house, Tariff(price_li=40, from_at=JUNE + 9 * DAY_US), " ", "ops")


async def test_what_was_charged_keeps_its_rules(here: Office, tmp_path: Path) -> None:
    """No price, policy or payer from a moment since which there are lines, or in a closed month: neither by us nor by SQL."""
    house, today = here.house, parse_iso("2018-04-07")
    await here.alert("U1", ["U2"])
    await here.accept(await here.leave())
    refused = [
        ("charged_since", charge_rules.add_tariff(house, Tariff(price_li=45, from_at=today), "合同", "ops")),
        ("charged_since", charge_rules.set_payer(house, "U1", "西岭县", today, "函", "ops")),
        ("policy_year_begun", charge_rules.set_policy(house, 2018, "recipient", "文", "ops")),
        ("unit_unknown", charge_rules.set_payer(house, "X9", "西岭县", today, "函", "ops")),
        ("no_payer_named", charge_rules.set_payer(house, "U1", "南山县", today, "函", "ops")),
    ]
    for code, step in refused:
        with pytest.raises(Refused, match=code):
            await step
    tomorrow = today + DAY_US
    await charge_rules.add_tariff(house, Tariff(price_li=45, from_at=tomorrow), "合同", "ops")
    await charge_rules.set_payer(house, "U1", "西岭县", tomorrow, "函", "ops")
    await charge_rules.set_policy(house, 2019, "recipient", "文", "ops")
    with pytest.raises(Refused, match="station_recorded"):
        await charge_rules.set_payer(house, "U1", "", tomorrow, "函", "ops")
    with pytest.raises(Refused, match="policy_recorded"):
        await charge_rules.set_policy(house, 2019, "originator", "文", "ops")
    here.clock.now = MAY
    await billing.close_month(house, 201804, "ops")
    with pytest.raises(Refused, match="charged_since"):
        await charge_rules.drop_tariff(house, tomorrow, "ops")
    with pytest.raises(Refused, match="charged_since"):
        await charge_rules.drop_payer(house, "U1", tomorrow, "ops")
    forbidden = (
        "update tariff set price_li = 1",
        "delete from tariff",
        "insert into tariff values (99, :at + 1, null, 201804, 1, 'segment', 'x', 0)",
        "update use_policy set whose = 'originator'",
        "insert into use_policy values (2018, 'recipient', 'x', 0)",
        "update paying_region set region_id = 1",
        "delete from paying_region",
        "insert into paying_region values (1, :at, 201804, 1, 'x', 0)",
    )
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as conn:
        for statement in forbidden:
            with pytest.raises(sqlite3.IntegrityError, match=r"append-only|keeps its"):
                conn.execute(statement, {"at": today})


async def test_a_preview_goes_by_the_recorded_price(here: Office) -> None:
    """What a dispatch would cost is told by the price that will be charged, not by that of the settings."""
    document, units = here.world.document(), frozenset({here.world.units["U1"], here.world.units["U4"]})
    asked = proposals.Proposal(document=document, scope=Scope(units=units), sms_reminder=True)
    told = []
    for _ in range(2):
        found = await proposals.consider(here.house, asked, here.world.people["s0-a"], JUNE)
        told.append(found.preview.amount_li_ceiling)
        if len(told) == 1:
            tariff = Tariff(price_li=100, from_at=JUNE)
            await charge_rules.add_tariff(here.house, tariff, "合同2号", "ops")
    assert told[0]
    assert told[1] == 2 * told[0]


async def test_a_stationed_unit(here: Office) -> None:
    """From its day on a stationed unit is counted where it is recorded, until it is counted where it is entered again."""
    house, named = here.house, await names(here)
    charger, start, end = await Charger.of(house), JUNE, JUNE + 30 * DAY_US
    await charge_rules.set_payer(house, "U1", "西岭县", start, "函〔2018〕3号", "ops")
    told = await charge_rules.set_payer(house, "U1", "", end, "函〔2018〕9号", "ops")
    assert [(one.unit_code, one.region) for one in told] == [("U1", "西岭县"), ("U1", "")]
    await here.world.write(charger.current())
    paid = []
    for at in (start - 1, start, end - 1, end):
        line = line_of(charger, await fact(here, "U1", "U2", accepted_at=at))
        paid.append(named[line.payer_id])
        assert named[line.region_id] == "东川县"
    assert paid == ["东川县", "西岭县", "西岭县", "东川县"]
    assert len(await charge_rules.drop_payer(house, "U1", end, "ops")) == 1
    assert [one.unit_code for one in await charge_rules.payer_list(house)] == ["U1"]


async def test_a_policy_for_the_next_year(here: Office) -> None:
    """From its year on the recipient's county pays; until it is charged it may be taken back."""
    house, named = here.house, await names(here)
    await charge_rules.set_policy(house, 2019, "recipient", "文", "ops")
    charger = await Charger.of(house)
    paid = [
        named[line_of(charger, await fact(here, "U1", "U4", accepted_at=parse_iso(at))).payer_id]
        for at in ("2018-12-31T23:59:59", "2019-01-01T00:00:00")
    ]
    assert paid == ["东川县", "西岭县"]
    assert await charge_rules.drop_policy(house, 2019, "ops") == ()
    with pytest.raises(Refused, match="rule_unknown"):
        await charge_rules.drop_policy(house, 2019, "ops")


def test_spans_of_stationed_units() -> None:
    """Rows of a unit end where its next begins, of the last one never; a row without a region only ends."""
    rows = [StationRow(1, 10, 7, "", 0), StationRow(1, 20, None, "", 0), StationRow(2, 15, 8, "", 0)]
    assert paying_regions(rows) == [
        PayingRegion(unit_id=1, region_id=7, from_at=10, to_at=20),
        PayingRegion(unit_id=2, region_id=8, from_at=15),
    ]
