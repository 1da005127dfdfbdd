"""A deterministic fictional city as organisation rows: same arguments, same rows, on every machine.

By default of Pingliang's size in 2018 (P1, P2): 7 counties, 1,027 units, 36,100 persons. One more unit stands outside the
1,027 (a headquarters set up for an occasion, staffed from the city office), so that a document to all of them has a
sender; its people are counted where they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

from gateway.demo import offices
from gateway.demo.names import place_stems
from gateway.demo.shares import shared
from gateway.demo.staff import UNIT_PERSONS_MIN, Posting, persons_needed, staffed
from gateway.orgfile.write import write_rows
from inbox_store.nouns import RegionLevel, UnitGroup
from inbox_store.orgrows import LineRow, OrgRows, RegionRow, UnitRow

CITY_CODE: Final = "990100"
SENDING_UNIT: Final = f"{CITY_CODE}-001"
"""The city's government office: an ordinary city-level unit among the others, calls meetings."""
OPERATOR_UNIT: Final = f"{CITY_CODE}-003"
"""The city's cyber office: operates the installation, approves general distributions, settles charges."""
OUTSIDE_UNIT: Final = f"{CITY_CODE}-900"
"""The unit that is none of the counted ones; sends the demo document to all of them."""

ACTIVE_FROM: Final = date(2018, 1, 1)
COUNTIES_MAX: Final = 98

GROUP_SHARES: Final[dict[UnitGroup, int]] = {
    "city_direct": 90,
    "county_direct": 350,
    "stationed": 60,
    "township": 104,
    "village": 195,
    "school": 228,
}
"""Units of each group in about a thousand: a prefecture with schools and villages connected (P26)."""


def build_city(seed: int = 2018, units: int = 1027, persons: int = 36_100, counties: int = 7) -> OrgRows:
    """The rows of the city: ``units`` units and one outside them, ``persons`` people.

    Raises ValueError where so many units or persons cannot fill the offices a city needs, or for too many counties.
    """
    _refuse_misfit(units, persons, counties)
    rng = Random(seed)  # noqa: S311 - repeatable on purpose
    plan = _Plan(rng, units, counties)
    counted = tuple(plan.units())
    posting = Posting(sending=SENDING_UNIT, operator=OPERATOR_UNIT, outside=OUTSIDE_UNIT)
    staff = staffed(rng, counted, persons, posting)
    return OrgRows(
        regions=plan.regions(),
        lines=tuple(LineRow(code=code, name=name) for code, name in offices.LINES.items()),
        units=(*counted, plan.outside()),
        sections=staff.sections,
        people=staff.people,
        appointments=staff.appointments,
    )


def write_city_xlsx(rows: OrgRows, path: Path) -> None:
    """Write the city in the format of the template; importing the file gives the same rows."""
    write_rows(rows, path)


def units_needed(counties: int) -> int:
    """The smallest number of units for so many counties: four of the city, four in each county."""
    return 4 + 4 * counties


def _refuse_misfit(units: int, persons: int, counties: int) -> None:
    if not 1 <= counties <= COUNTIES_MAX:
        raise ValueError(f"counties must be 1 to {COUNTIES_MAX}, not {counties}")
    if units < units_needed(counties):
        raise ValueError(f"{counties} counties need at least {units_needed(counties)} units, not {units}")
    if persons < persons_needed(units, counties):
        needed = persons_needed(units, counties)
        raise ValueError(
            f"{units} units need at least {needed} persons ({UNIT_PERSONS_MIN} each), not {persons}"
        )


def _totals(units: int, counties: int) -> dict[UnitGroup, int]:
    each: dict[UnitGroup, int] = {"city_direct": 3, "stationed": 1}
    minima = [each.get(group, counties) for group in GROUP_SHARES]
    parts = shared(units, list(GROUP_SHARES.values()), minima)
    return dict(zip(GROUP_SHARES, parts, strict=True))


class _Plan:
    """Lays out units group by group; the regions below the counties come to be as their units do."""

    def __init__(self, rng: Random, units: int, counties: int) -> None:
        self._rng = rng
        self._stems = place_stems(rng)
        self._totals = _totals(units, counties)
        self._city = _region(CITY_CODE, next(self._stems) + "市", "city", None)
        self._counties = [
            _region(f"{CITY_CODE[:4]}{number:02d}", next(self._stems) + ("区" if number == 1 else "县"), "county", CITY_CODE)
            for number in range(1, counties + 1)
        ]  # fmt: skip
        self._townships: dict[str, list[RegionRow]] = {county.code: [] for county in self._counties}
        self._villages: list[RegionRow] = []
        self._numbers = {region.code: count(1) for region in (self._city, *self._counties)}

    def regions(self) -> tuple[RegionRow, ...]:
        """Every region laid out so far, parents first."""
        townships = [region for regions in self._townships.values() for region in regions]
        return (self._city, *self._counties, *townships, *self._villages)

    def units(self) -> Iterator[UnitRow]:
        """Every counted unit."""
        totals = self._totals
        in_city = totals["stationed"] // 3
        yield from self._offices("city_direct", self._city, totals["city_direct"], offices.CITY_OFFICES)
        yield from self._offices("stationed", self._city, in_city, offices.STATIONED_OFFICES)
        for county, number in self._by_county(totals["county_direct"], 1):
            yield from self._offices("county_direct", county, number, offices.COUNTY_OFFICES)
        for county, number in self._by_county(totals["stationed"] - in_city, 0):
            yield from self._offices("stationed", county, number, offices.STATIONED_OFFICES)
        for county, number in self._by_county(totals["township"], 1):
            yield from (self._township(county) for _ in range(number))
        yield from self._below("village", self._village)
        yield from self._below("school", self._school)

    def outside(self) -> UnitRow:
        """The unit outside the counted ones."""
        return UnitRow(
            code=OUTSIDE_UNIT,
            name=self._city.name + offices.OUTSIDE_OFFICE,
            short_name=self._city.name + "防汛办",
            group="city_direct",
            region_code=CITY_CODE,
            obliged=False,
            rollout="live",
            active_from=ACTIVE_FROM,
        )

    def _by_county(self, total: int, minimum: int) -> Iterator[tuple[RegionRow, int]]:
        weights = [self._rng.uniform(0.8, 1.2) for _ in self._counties]
        return zip(self._counties, shared(total, weights, [minimum] * len(weights)), strict=True)

    def _unit(
        self, group: UnitGroup, county: RegionRow, region: RegionRow, name: str, line: str | None = None
    ) -> UnitRow:
        return UnitRow(
            code=f"{county.code}-{next(self._numbers[county.code]):03d}",
            name=name,
            short_name=name.replace("人民政府", "政府").replace("办公室", "办"),
            group=group,
            region_code=region.code,
            line_code=line,
            tags=_tags(name.removeprefix(region.name)),
            rollout="dual" if self._rng.random() < 0.1 else "live",
            active_from=ACTIVE_FROM,
        )

    def _offices(
        self, group: UnitGroup, region: RegionRow, number: int, listed: tuple[tuple[str, str | None], ...]
    ) -> Iterator[UnitRow]:
        for index in range(number):
            office, line = listed[index] if index < len(listed) else (f"第{index + 1}事务中心", None)
            yield self._unit(group, region, region, region.name + office, line)

    def _township(self, county: RegionRow) -> UnitRow:
        siblings = self._townships[county.code]
        kind = "街道" if not siblings else self._rng.choice("镇镇乡")
        code = f"{county.code}{len(siblings) + 1:03d}"
        siblings.append(_region(code, next(self._stems) + kind, "township", county.code))
        office = "办事处" if kind == "街道" else "人民政府"
        return self._unit("township", county, siblings[-1], county.name + siblings[-1].name + office)

    def _below(
        self, group: UnitGroup, make: Callable[[RegionRow, RegionRow, int], UnitRow]
    ) -> Iterator[UnitRow]:
        """Villages or schools, township after township of each county; ``make`` is told the round."""
        for county, number in self._by_county(self._totals[group], 1):
            townships = self._townships[county.code]
            for index in range(number):
                yield make(county, townships[index % len(townships)], index // len(townships))

    def _village(self, county: RegionRow, township: RegionRow, turn: int) -> UnitRow:
        kind, office = ("社区", "居民委员会") if township.name.endswith("街道") else ("村", "村民委员会")
        region = _region(f"{township.code}{turn + 1:03d}", next(self._stems) + kind, "village", township.code)
        self._villages.append(region)
        return self._unit("village", county, region, township.name + region.name + office)

    def _school(self, county: RegionRow, township: RegionRow, turn: int) -> UnitRow:
        kind = offices.SCHOOLS[turn] if turn < len(offices.SCHOOLS) else f"第{turn + 1}小学"
        return self._unit("school", county, township, township.name + kind, "edu")


def _region(code: str, name: str, level: RegionLevel, parent_code: str | None) -> RegionRow:
    return RegionRow(code=code, name=name, level=level, parent_code=parent_code)


def _tags(office: str) -> tuple[str, ...]:
    if office in offices.HEAD_OFFICES:
        return ("head_office",)
    return {offices.OPERATOR_OFFICE: ("operator",), offices.ROSTER_OFFICE: ("roster_source",)}.get(office, ())
