"""Rows of an organisation file that lie beyond what their importer administers (F32). Pure.

What the store holds already in the very same words may stand in the file, so that a county can fill in the template
with the city and its lines above it; every other row must lie within the reach of "org.import".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.orgfile.entries import Entries, LineEntry, PostEntry, RegionEntry, UnitEntry
from gateway.orgfile.faults import Fault, shown
from gateway.rules.access import Reach
from inbox_store.org import Organisation

MEND: Final = "删去这一行，或请上级管理员导入"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the judgement stands on: the reach, the organisation, and the units in which known people hold posts."""

    reach: Reach
    organisation: Organisation
    places: Mapping[str, frozenset[int]]

    def covers(self, unit_id: int) -> bool:
        """Whether the unit exists and lies within reach."""
        unit = self.organisation.units.get(unit_id)
        if unit is None:
            return False
        return self.reach.all or unit_id in self.reach.unit_ids or unit.county_id in self.reach.county_ids

    def covers_person(self, code: str) -> bool:
        """Whether the person is new to the store, or serves within reach only: an import may rename people."""
        units = self.places.get(code)
        return units is None or (bool(units) and all(map(self.covers, units)))

    def unit_codes(self) -> set[str]:
        """Codes of the units within reach."""
        return {unit.code for unit in self.organisation.units.values() if self.covers(unit.id)}

    def region_codes(self) -> set[str]:
        """Codes of the counties within reach and of everything below them."""
        organisation = self.organisation
        below = [organisation.subregions(county) for county in self.reach.county_ids]
        return {organisation.regions[region].code for region in frozenset().union(*below)}


def beyond(entries: Entries, ground: Ground) -> Iterator[Fault]:
    """Every row that lies beyond, in the order of the file; a cell left empty by a fault of its own is not judged."""
    regions = _open_regions(entries.regions, ground)
    for region in entries.regions:
        if region.code and not _same_region(region, ground.organisation) and region.code not in regions:
            yield _fault("地区", region.row, "地区编码", region.code)
    for line in entries.lines:
        if line.code and not _same_line(line, ground.organisation):
            yield _fault("条线", line.row, "条线编码", line.code, "条线由市级统一设置")
    units = _open_units(entries.units, regions, ground)
    for unit in entries.units:
        if unit.code and unit.code not in units:
            yield _fault("单位", unit.row, "单位编码", unit.code)
    for section in entries.sections:
        if section.unit_code and section.unit_code not in units:
            yield _fault("科室", section.row, "单位编码", section.unit_code)
    for post in entries.posts:
        yield from _post(post, units, ground)


def _fault(sheet: str, row: int, column: str, value: str, reason: str = "不在您的管理范围内") -> Fault:
    return Fault(
        code="beyond_reach",
        sheet=sheet,
        row=row,
        column=column,
        value=shown(value),
        reason=reason,
        mend=MEND,
    )


def _same_region(entry: RegionEntry, organisation: Organisation) -> bool:
    found = next((region for region in organisation.regions.values() if region.code == entry.code), None)
    if found is None:
        return False
    parent = organisation.regions.get(found.parent_id) if found.parent_id else None
    told = (entry.name, entry.level, entry.parent_code)
    return told == (found.name, found.level, parent.code if parent else "")


def _same_line(entry: LineEntry, organisation: Organisation) -> bool:
    return any((line.code, line.name) == (entry.code, entry.name) for line in organisation.lines.values())


def _open_regions(entries: Collection[RegionEntry], ground: Ground) -> set[str]:
    """Codes of the regions the importer may write to: those within reach, and new ones that hang below them."""
    known = {region.code for region in ground.organisation.regions.values()}
    counties = {ground.organisation.regions[county].code for county in ground.reach.county_ids}
    within = ground.region_codes()
    waiting = [entry for entry in entries if entry.code and entry.code not in known]
    # Rows stand in any order: each round lets in what hangs on the round before.
    while fresh := {entry.code for entry in waiting if entry.parent_code in within} - within:
        within |= fresh
    # A county itself is renamed and moved by those above it; what lies below may move, but not away.
    changed = [e for e in entries if e.code in counties and not _same_region(e, ground.organisation)]
    moved = [e for e in entries if e.code not in counties and e.parent_code not in within]
    return within - {entry.code for entry in (*changed, *moved)}


def _open_units(entries: Collection[UnitEntry], regions: set[str], ground: Ground) -> set[str]:
    """Codes of the units the importer may write to: those within reach that stay there, and new ones placed there."""
    organisation = ground.organisation
    within = ground.unit_codes()
    for entry in entries:
        unit = organisation.unit_by_code(entry.code)
        here = organisation.regions[unit.region_id].code if unit else ""
        stays = entry.region_code in regions or entry.region_code == here
        if unit is None and entry.code and entry.region_code in regions:
            within.add(entry.code)
        elif entry.code in within and not stays:
            within.discard(entry.code)
    return within


def _post(post: PostEntry, units: set[str], ground: Ground) -> Iterator[Fault]:
    if post.unit_code and post.unit_code not in units:
        yield _fault("人员", post.row, "单位编码", post.unit_code)
    if post.code and not ground.covers_person(post.code):
        yield _fault("人员", post.row, "人员编号", post.code, "此人在您管理范围以外任职或曾任职")
    wide = post.scope == "city" or (post.scope == "county" and not ground.reach.county_ids)
    if wide and not ground.reach.all:
        yield _fault("人员", post.row, "管理范围", post.code, "不能授予超出您本人的管理范围")
