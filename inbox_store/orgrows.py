"""What an organisation file holds, row by row, all by the office's own codes.

An import turns these rows into stored facts; nothing here knows an id, a file or a clock. A row whose code is in the
store already is an update of it, so that importing the same rows twice changes nothing.
"""

from __future__ import annotations

from datetime import date

from inbox_store.nouns import ClerkRank, Noun, RegionLevel, Role, RoleScope, Rollout, UnitGroup


class RegionRow(Noun, frozen=True, kw_only=True):
    """A city, county, township or village; only the city has no ``parent_code``."""

    code: str
    name: str
    level: RegionLevel
    parent_code: str | None = None


class LineRow(Noun, frozen=True, kw_only=True):
    """A vertical line (条线) such as education or health (P27)."""

    code: str
    name: str


class UnitRow(Noun, frozen=True, kw_only=True):
    """An office that sends and signs for documents.

    ``obliged`` says whether it must enable the system, the base of both rates (P17); ``active_from`` is the first
    calendar day (Asia/Shanghai) on which it counts, None for "from the import on". ``tags`` are sorted.
    """

    code: str
    name: str
    short_name: str
    group: UnitGroup
    region_code: str
    line_code: str | None = None
    tags: tuple[str, ...] = ()
    obliged: bool = True
    rollout: Rollout = "entered"
    active_from: date | None = None


class SectionRow(Noun, frozen=True, kw_only=True):
    """A section (科室) of a unit; ``code`` is unique within the unit only."""

    unit_code: str
    code: str
    name: str


class PersonRow(Noun, frozen=True, kw_only=True):
    """A human being. ``phone`` is eleven digits in clear: it is sealed before it is stored and masked when shown."""

    code: str
    name: str
    phone: str | None = None
    login: str | None = None


class AppointmentRow(Noun, frozen=True, kw_only=True):
    """A post held: one person, one unit, one role. Days are Asia/Shanghai, ``to_day`` is the last day in office."""

    person_code: str
    unit_code: str
    section_code: str | None = None
    role: Role = "staff"
    clerk_rank: ClerkRank | None = None
    post: str = ""
    scope: RoleScope = "unit"
    from_day: date | None = None
    to_day: date | None = None


class OrgRows(Noun, frozen=True, kw_only=True):
    """A whole organisation, or the part of one that a file holds.

    Regions stand after their parents; what units, sections and appointments refer to is in these rows or in the store.
    """

    regions: tuple[RegionRow, ...] = ()
    lines: tuple[LineRow, ...] = ()
    units: tuple[UnitRow, ...] = ()
    sections: tuple[SectionRow, ...] = ()
    people: tuple[PersonRow, ...] = ()
    appointments: tuple[AppointmentRow, ...] = ()
