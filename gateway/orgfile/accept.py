"""The good rows of a checked file: those without fault, and of these only what leans on good rows or the store. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.orgfile.entries import (
    Entries,
    LineEntry,
    PostEntry,
    RegionEntry,
    SectionEntry,
    UnitEntry,
)
from gateway.orgfile.faults import Fault, Place, fault
from gateway.orgfile.findings import Findings
from gateway.orgfile.known import Known
from gateway.orgfile.relations import RANKS
from inbox_store.orgrows import (
    AppointmentRow,
    LineRow,
    OrgRows,
    PersonRow,
    RegionRow,
    SectionRow,
    UnitRow,
)


class _Sieve:
    """Keeps the rows that are good and lean on something good; remembers the others."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.left_out: list[Fault] = []

    def passes(self, place: Place, code: str, leans: tuple[tuple[str, bool], ...]) -> bool:
        """Whether the row has no fault and everything it ``leans`` on (name, good) is good."""
        if self._findings.bad(place.sheet, place.row):
            return False
        missing = [name for name, good in leans if not good]
        if missing:
            self.left_out.append(fault("left_out", place, code, what="、".join(missing)))
        return not missing


def good_entries(
    entries: Entries, known: Known, absent: frozenset[str], findings: Findings
) -> tuple[Entries, tuple[Fault, ...]]:
    """What may be imported although other rows may not, and the rows left out with what they refer to.

    References into a table of ``absent`` (sheets that cannot be asked, offline) count as good.
    """
    sieve = _Sieve(findings)
    regions = _regions(entries.regions, known, sieve)
    lines = [entry for entry in entries.lines if sieve.passes(Place("条线", entry.row), entry.code, ())]
    region_codes = _Codes("地区" in absent, {entry.code for entry in regions}, known.regions)
    line_codes = _Codes("条线" in absent, {entry.code for entry in lines}, known.lines)
    units = [entry for entry in entries.units if _unit_passes(entry, region_codes, line_codes, sieve)]
    unit_codes = _Codes("单位" in absent, {entry.code for entry in units}, known.units)
    sections = [entry for entry in entries.sections if _section_passes(entry, unit_codes, sieve)]
    told = {(entry.unit_code, entry.code) for entry in sections}
    section_codes = _Codes("科室" in absent, told, known.sections)
    bad_people = {entry.code for entry in entries.posts if findings.bad_person(entry.row)}
    posts = [
        entry for entry in entries.posts if _post_passes(entry, unit_codes, section_codes, bad_people, sieve)
    ]
    good = Entries(regions=regions, lines=lines, units=units, sections=sections, posts=posts)
    return good, tuple(sieve.left_out)


class _Codes:
    """The codes that may be referred to: good ones of the file, those of the store, or any."""

    def __init__(self, anything: bool, good: Collection[object], stored: Collection[object]) -> None:  # noqa: FBT001 - private, one call each
        self._anything = anything
        self._good = good
        self._stored = stored

    def __contains__(self, code: object) -> bool:
        return self._anything or code in self._good or code in self._stored


def rows_of(entries: Entries) -> OrgRows:
    """Entries without fault as rows, regions after their parents."""
    regions = sorted(entries.regions, key=_height)
    return OrgRows(
        regions=tuple(region for entry in regions if (region := _region_row(entry))),
        lines=tuple(map(_line_row, entries.lines)),
        units=tuple(unit for entry in entries.units if (unit := _unit_row(entry))),
        sections=tuple(map(_section_row, entries.sections)),
        people=_people(entries.posts),
        appointments=tuple(post for entry in entries.posts if (post := _appointment_row(entry))),
    )


def _height(entry: RegionEntry) -> int:
    return RANKS[entry.level] if entry.level else len(RANKS)


def _regions(entries: Sequence[RegionEntry], known: Known, sieve: _Sieve) -> list[RegionEntry]:
    """Good regions, parents before children."""
    good = set(known.regions)
    kept: list[RegionEntry] = []
    for entry in sorted(entries, key=_height):
        parent = not entry.parent_code or entry.parent_code in good
        if sieve.passes(Place("地区", entry.row), entry.code, (("上级地区", parent),)):
            good.add(entry.code)
            kept.append(entry)
    return kept


def _unit_passes(entry: UnitEntry, regions: _Codes, lines: _Codes, sieve: _Sieve) -> bool:
    line = not entry.line_code or entry.line_code in lines
    leans = (("地区", entry.region_code in regions), ("条线", line))
    return sieve.passes(Place("单位", entry.row), entry.code, leans)


def _section_passes(entry: SectionEntry, units: _Codes, sieve: _Sieve) -> bool:
    return sieve.passes(Place("科室", entry.row), entry.code, (("单位", entry.unit_code in units),))


def _post_passes(
    entry: PostEntry, units: _Codes, sections: _Codes, bad_people: Collection[str], sieve: _Sieve
) -> bool:
    section = not entry.section_code or (entry.unit_code, entry.section_code) in sections
    person = entry.code not in bad_people
    leans = (("单位", entry.unit_code in units), ("科室", section), ("人员的其他行", person))
    return sieve.passes(Place("人员", entry.row), entry.code, leans)


def _region_row(entry: RegionEntry) -> RegionRow | None:
    if entry.level is None:
        return None
    parent = entry.parent_code or None
    return RegionRow(code=entry.code, name=entry.name, level=entry.level, parent_code=parent)


def _line_row(entry: LineEntry) -> LineRow:
    return LineRow(code=entry.code, name=entry.name)


def _unit_row(entry: UnitEntry) -> UnitRow | None:
    if entry.group is None or entry.rollout is None:
        return None
    return UnitRow(
        code=entry.code,
        name=entry.name,
        short_name=entry.short_name,
        group=entry.group,
        region_code=entry.region_code,
        line_code=entry.line_code or None,
        tags=entry.tags,
        obliged=entry.obliged,
        rollout=entry.rollout,
        active_from=entry.active_from,
    )


def _section_row(entry: SectionEntry) -> SectionRow:
    return SectionRow(unit_code=entry.unit_code, code=entry.code, name=entry.name)


def _people(posts: Sequence[PostEntry]) -> tuple[PersonRow, ...]:
    """One person of each code, in the order of the file; number and login from the first row that has them."""
    phones: dict[str, str] = {}
    logins: dict[str, str] = {}
    names: dict[str, str] = {}
    for entry in posts:
        names.setdefault(entry.code, entry.name)
        if entry.phone:
            phones.setdefault(entry.code, entry.phone)
        if entry.login:
            logins.setdefault(entry.code, entry.login)
    return tuple(
        PersonRow(code=code, name=name, phone=phones.get(code), login=logins.get(code))
        for code, name in names.items()
    )


def _appointment_row(entry: PostEntry) -> AppointmentRow | None:
    if entry.role is None or entry.scope is None:
        return None
    return AppointmentRow(
        person_code=entry.code,
        unit_code=entry.unit_code,
        section_code=entry.section_code or None,
        role=entry.role,
        clerk_rank=entry.rank,
        post=entry.post,
        scope=entry.scope,
        from_day=entry.from_day,
        to_day=entry.to_day,
    )
