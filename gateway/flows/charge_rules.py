"""Recording what messages cost and who pays: prices, yearly use policies, paying regions of stationed units.

Dated, whole at every moment, and never for what was charged already. Running servers take a change up by themselves, with
the next message they charge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.flows.charging import policies_of, tariffs_of
from gateway.house import House
from inbox_store.errors import Refused
from inbox_store.org import Organisation
from inbox_store.programs import tariffs
from inbox_store.programs.tariffs import PolicyRow, StationRow, TariffRow
from inbox_store.times import iso
from sms_billing.payers import UsePolicy, Whose, recorded
from sms_billing.tariff import Tariff, faults

OF_SETTINGS: Final = "配置 sms.price_li"
"""The basis of the price that served before the first was recorded."""


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """Where a unit is counted from a moment on, in names; ``region`` "" is where it is entered."""

    unit_code: str
    unit: str
    region: str
    from_at: int
    basis: str


async def add_tariff(house: House, tariff: Tariff, basis: str, by: str) -> tuple[TariffRow, ...]:
    """Record a price; the prices as they stand then.

    Raises Refused: tariff_gap and tariff_overlap with the span, charged_since, field_missing.
    """
    now = house.clock()
    new = _row(tariff, _said(basis), now)
    first = _row(house.tariffs[0], OF_SETTINGS, now)
    await house.store.engine.write(tariffs.record_tariff(new, first, _whole, f"operator:{by}"))
    return await tariff_list(house)


async def drop_tariff(house: House, from_at: int, by: str) -> tuple[TariffRow, ...]:
    """Take back a price recorded by mistake. Raises Refused: rule_unknown, charged_since, tariff_gap."""
    await house.store.engine.write(tariffs.drop_tariff(from_at, _whole, f"operator:{by}"))
    return await tariff_list(house)


async def tariff_list(house: House) -> tuple[TariffRow, ...]:
    """The prices that serve: as recorded, else that of the settings."""
    found = await house.store.engine.read(tariffs.tariffs())
    return tuple(found) or tuple(_row(one, OF_SETTINGS, 0) for one in house.tariffs)


async def set_policy(house: House, year: int, whose: Whose, basis: str, by: str) -> tuple[PolicyRow, ...]:
    """Record whose use counts from a year on. Raises Refused: policy_year_begun, policy_recorded, field_missing."""
    new = PolicyRow(year, whose, _said(basis), house.clock())

    def allowed(standing: Sequence[PolicyRow], charged_year: int) -> None:
        recorded(policies_of(standing), UsePolicy(from_year=year, whose=whose), charged_year)

    await house.store.engine.write(tariffs.record_policy(new, allowed, f"operator:{by}"))
    return await policy_list(house)


async def drop_policy(house: House, year: int, by: str) -> tuple[PolicyRow, ...]:
    """Take back a policy of a year that was never charged. Raises Refused: rule_unknown, policy_year_begun."""
    await house.store.engine.write(tariffs.drop_policy(year, f"operator:{by}"))
    return await policy_list(house)


async def policy_list(house: House) -> tuple[PolicyRow, ...]:
    """The policies as recorded; before the first the originator's use counts."""
    return tuple(await house.store.engine.read(tariffs.policies()))


async def set_payer(
    house: House, unit_code: str, region: str, from_at: int, basis: str, by: str
) -> tuple[Station, ...]:
    """Count a stationed unit to a county, or the city, from a moment on; with region "" to where it is entered again.

    Raises Refused: unit_unknown, no_payer_named, station_recorded, charged_since, field_missing.
    """
    organisation = await house.organisation()
    region_id = _region(organisation, region) if region else None
    new = StationRow(_unit(organisation, unit_code), from_at, region_id, _said(basis), house.clock())
    await house.store.engine.write(tariffs.record_station(new, f"operator:{by}"))
    return await payer_list(house)


async def drop_payer(house: House, unit_code: str, from_at: int, by: str) -> tuple[Station, ...]:
    """Take back what was never charged. Raises Refused: unit_unknown, rule_unknown, charged_since."""
    unit_id = _unit(await house.organisation(), unit_code)
    await house.store.engine.write(tariffs.drop_station(unit_id, from_at, f"operator:{by}"))
    return await payer_list(house)


async def payer_list(house: House) -> tuple[Station, ...]:
    """Every stationed unit that is counted elsewhere than where it is entered."""
    organisation = await house.organisation()
    found = await house.store.engine.read(tariffs.stationed())
    return tuple(_station(organisation, row) for row in found)


def _station(organisation: Organisation, row: StationRow) -> Station:
    unit = organisation.units[row.unit_id]
    region = organisation.regions[row.region_id].name if row.region_id is not None else ""
    return Station(unit_code=unit.code, unit=unit.name, region=region, from_at=row.from_at, basis=row.basis)


def _row(tariff: Tariff, basis: str, now: int) -> TariffRow:
    return TariffRow(tariff.from_at, tariff.to_at, tariff.price_li, tariff.per, basis, now)


def _whole(rows: Sequence[TariffRow]) -> None:
    """Raises Refused("tariff_gap") or ("tariff_overlap") with the first span that has no price, or more than one."""
    for fault in faults(tariffs_of(rows), 0):
        raise Refused(
            f"tariff_{fault.code}",
            start=iso(fault.from_at),
            end="以后一直" if fault.to_at is None else iso(fault.to_at),
        )


def _said(basis: str) -> str:
    """A rule without the contract or letter it rests on cannot be checked by the next person."""
    if not basis.strip():
        raise Refused("field_missing", field="依据（合同号或文号）")
    return basis.strip()


def _unit(organisation: Organisation, code: str) -> int:
    unit = organisation.unit_by_code(code)
    if unit is None:
        raise Refused("unit_unknown", unit=code)
    return unit.id


def _region(organisation: Organisation, name: str) -> int:
    listed = organisation.counties()
    found = [region.id for region in listed if name in (region.name, region.code)]
    if len(found) != 1:
        raise Refused("no_payer_named", name=name, known=[region.name for region in listed])
    return found[0]
