"""Regions, lines, units and sections against each other and against the store. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from gateway.orgfile.entries import Entries, RegionEntry, UnitEntry
from gateway.orgfile.faults import Place
from gateway.orgfile.findings import Findings
from gateway.orgfile.known import Known
from gateway.orgfile.words import LEVEL_ZH
from inbox_store.nouns import GROUP_ZH, RegionLevel, UnitGroup

RANKS: Final[Mapping[RegionLevel, int]] = {"city": 0, "county": 1, "township": 2, "village": 3}
"""Height of a level; a parent must stand strictly higher."""

LEVELS_OF_GROUP: Final[Mapping[UnitGroup, frozenset[RegionLevel]]] = {
    "city_direct": frozenset({"city"}),
    "county_direct": frozenset({"county"}),
    "stationed": frozenset({"city", "county", "township"}),
    "township": frozenset({"county", "township"}),
    "village": frozenset({"county", "township", "village"}),
    "school": frozenset({"city", "county", "township", "village"}),
}
"""Where a unit of a group may lie: the region decides who bears its SMS charges (P63, P64)."""

ROWS_TOLD_MAX: Final = 3


class Rowed(Protocol):
    """Anything that knows its row."""

    @property
    def row(self) -> int:
        """The row as the spreadsheet counts it."""


R = TypeVar("R", bound=Rowed)


def groups(entries: Iterable[R], key: Callable[[R], Hashable]) -> Iterator[list[R]]:
    """Entries that share a key, groups of two and more only; a false key (a faulty or blank cell) is no key."""
    found: dict[Hashable, list[R]] = {}
    for entry in entries:
        told = key(entry)
        if bool(told):
            found.setdefault(told, []).append(entry)
    return (group for group in found.values() if len(group) > 1)


def rows_besides(entry: Rowed, group: Sequence[Rowed]) -> str:
    """The rows of the others of a group, as told: 3、17、18 等."""
    others = [str(other.row) for other in group[: ROWS_TOLD_MAX + 2] if other.row != entry.row]
    return "、".join(others[:ROWS_TOLD_MAX]) + (" 等" if len(group) - 1 > ROWS_TOLD_MAX else "")


def check_organisation(entries: Entries, known: Known, unasked: frozenset[str], findings: Findings) -> None:
    """Tell every fault between regions, lines, units and sections. Tables in ``unasked`` are not asked."""
    _codes_once(entries, findings)
    levels = region_levels(entries, known)
    if "地区" not in unasked:
        _regions(entries.regions, levels, findings)
    _units(entries, known, levels, unasked, findings)
    _sections(entries, known, unasked, findings)


def region_levels(entries: Entries, known: Known) -> dict[str, RegionLevel]:
    """Region code -> level, the file's before the store's."""
    told = {code: entry.level for code, entry in _single(entries.regions).items() if entry.level}
    kept = {code: level for code, level in known.regions.items() if code not in told}
    for group in groups(entries.regions, lambda entry: entry.code):
        kept.pop(group[0].code, None)
    return {**kept, **told}


def _single(entries: Sequence[RegionEntry]) -> dict[str, RegionEntry]:
    """Entries by code, without those whose code stands twice: nothing can be concluded from them."""
    twice = {group[0].code for group in groups(entries, lambda entry: entry.code)}
    return {entry.code: entry for entry in entries if entry.code and entry.code not in twice}


def once(
    sheet: str, header: str, found: Iterator[list[R]], value: Callable[[R], str], findings: Findings
) -> None:
    """Tell each entry of each group that its code stands in other rows too: which is right cannot be known."""
    for group in found:
        for entry in group:
            place = Place(sheet, entry.row, header)
            findings.tell("code_twice", place, value(entry), rows=rows_besides(entry, group))


def _codes_once(entries: Entries, findings: Findings) -> None:
    once("地区", "地区编码", groups(entries.regions, lambda e: e.code), lambda e: e.code, findings)
    once("条线", "条线编码", groups(entries.lines, lambda e: e.code), lambda e: e.code, findings)
    once("单位", "单位编码", groups(entries.units, lambda e: e.code), lambda e: e.code, findings)
    sections = groups(entries.sections, lambda e: e.unit_code and e.code and (e.unit_code, e.code))
    once("科室", "科室编码", sections, lambda e: e.code, findings)


def _regions(entries: Sequence[RegionEntry], levels: Mapping[str, RegionLevel], findings: Findings) -> None:
    looped = _cycles(entries, findings)
    codes = {entry.code for entry in entries} | levels.keys()
    for entry in entries:
        if entry.row not in looped:
            _parent(entry, codes, levels, findings)
    cities = [entry for entry in entries if entry.level == "city"]
    for entry in cities if len(cities) > 1 else ():
        place = Place("地区", entry.row, "级别")
        findings.tell("city_twice", place, entry.name, rows=rows_besides(entry, cities))


def _cycles(entries: Sequence[RegionEntry], findings: Findings) -> set[int]:
    """Rows that stand in a cycle of parents, each told with the way round."""
    by_code = _single(entries)
    done: set[str] = set()
    looped: set[int] = set()
    for start in by_code:
        path: list[str] = []
        code = start
        while code in by_code and code not in done:
            done.add(code)
            path.append(code)
            code = by_code[code].parent_code
        if code in path:
            looped |= _tell_cycle([by_code[step] for step in path[path.index(code) :]], findings)
    return looped


def _tell_cycle(cycle: list[RegionEntry], findings: Findings) -> set[int]:
    told = [entry.code for entry in cycle[:6]] + (["…"] if len(cycle) > 6 else [])
    path = " → ".join([*told, cycle[0].code])
    for entry in cycle:
        findings.tell("region_cycle", Place("地区", entry.row, "上级地区编码"), entry.parent_code, path=path)
    return {entry.row for entry in cycle}


def _parent(
    entry: RegionEntry, codes: Collection[str], levels: Mapping[str, RegionLevel], findings: Findings
) -> None:
    place = Place("地区", entry.row, "上级地区编码")
    level, parent, parent_level = entry.level, entry.parent_code, levels.get(entry.parent_code)
    if parent and parent not in codes:
        findings.tell(
            "region_unknown", place, parent, nearest=findings.nearest("上级地区编码", parent, codes)
        )
    elif level == "city" and parent:
        findings.tell("region_rooted", place, parent)
    elif level is not None and level != "city" and not parent and not findings.bad("地区", entry.row):
        findings.tell("region_rootless", place, level=LEVEL_ZH[level])
    elif level is not None and parent_level is not None and RANKS[parent_level] >= RANKS[level]:
        findings.tell(
            "region_level", place, parent, level=LEVEL_ZH[level], parent_level=LEVEL_ZH[parent_level]
        )


def _units(
    entries: Entries,
    known: Known,
    levels: Mapping[str, RegionLevel],
    unasked: frozenset[str],
    findings: Findings,
) -> None:
    regions = {entry.code for entry in entries.regions} | known.regions.keys()
    lines = {entry.code for entry in entries.lines} | known.lines
    for entry in entries.units:
        if entry.region_code and entry.region_code not in regions and "地区" not in unasked:
            told = findings.nearest("地区编码", entry.region_code, regions)
            findings.tell(
                "region_unknown", Place("单位", entry.row, "地区编码"), entry.region_code, nearest=told
            )
        if entry.line_code and entry.line_code not in lines and "条线" not in unasked:
            told = findings.nearest("条线编码", entry.line_code, lines)
            findings.tell("line_unknown", Place("单位", entry.row, "条线编码"), entry.line_code, nearest=told)
        _unit_level(entry, levels.get(entry.region_code), findings)
    for group in groups(entries.units, lambda entry: entry.name):
        for entry in group if len({entry.code for entry in group}) > 1 else ():
            place = Place("单位", entry.row, "单位名称")
            findings.tell("name_twice", place, entry.name, rows=rows_besides(entry, group))


def _unit_level(entry: UnitEntry, level: RegionLevel | None, findings: Findings) -> None:
    if entry.group is None or level is None or level in LEVELS_OF_GROUP[entry.group]:
        return
    place = Place("单位", entry.row, "单位类别")
    findings.tell("unit_level", place, entry.code, group=GROUP_ZH[entry.group], level=LEVEL_ZH[level])


def _sections(entries: Entries, known: Known, unasked: frozenset[str], findings: Findings) -> None:
    units = {entry.code for entry in entries.units} | known.units.keys()
    if "单位" in unasked:
        return
    for entry in entries.sections:
        if entry.unit_code and entry.unit_code not in units:
            told = findings.nearest("单位编码", entry.unit_code, units)
            findings.tell("unit_unknown", Place("科室", entry.row, "单位编码"), entry.unit_code, nearest=told)
