"""A small city as organisation rows: two counties and twelve units, each with two clerks, a leader and an officer.

Logins are the unit's code in small letters and a letter: ``e02a`` is clerk A of E02, ``b`` clerk B, ``l`` the
responsible leader, ``s`` the officer. Beside them: ``org`` organises meetings in S01, ``two`` is clerk B of both E02 and
W02, ``appr`` approves for the city, ``both`` is clerk of S03 and approver in one person, ``supe`` supervises, ``admin``
administers.
"""

from __future__ import annotations

from inbox_store.nouns import ClerkRank, Role, RoleScope, UnitGroup
from inbox_store.orgrows import AppointmentRow, LineRow, OrgRows, PersonRow, RegionRow, UnitRow

UNITS: dict[str, tuple[str, UnitGroup, str, str | None]] = {
    "S01": ("云水市政府办", "city_direct", "100", None),
    "S02": ("云水市教育局", "city_direct", "100", "EDU"),
    "S03": ("云水市网信办", "city_direct", "100", None),
    "E01": ("东川县政府办", "county_direct", "110", None),
    "E02": ("东川县教育局", "county_direct", "110", "EDU"),
    "E03": ("东川县水务局", "county_direct", "110", None),
    "E04": ("柳河镇政府", "township", "111", None),
    "W01": ("西岭县政府办", "county_direct", "120", None),
    "W02": ("西岭县教育局", "county_direct", "120", "EDU"),
    "W03": ("西岭县财政局", "county_direct", "120", None),
    "W04": ("西岭县税务局", "stationed", "120", None),
    "W05": ("西岭县第一中学", "school", "120", "EDU"),
}
NAMES = {"a": "甲", "b": "乙", "l": "丙", "s": "丁"}
BOTH_IN = ("E02", "W02")
"""Where clerk B is one and the same person."""


def _post(
    person: str,
    unit: str,
    role: Role = "staff",
    rank: ClerkRank | None = None,
    scope: RoleScope = "unit",
) -> AppointmentRow:
    return AppointmentRow(
        person_code=person, unit_code=unit, role=role, clerk_rank=rank, scope=scope, post="科员"
    )


def _posts(unit: str) -> tuple[AppointmentRow, ...]:
    told = unit.lower()
    second = "two" if unit in BOTH_IN else f"{told}b"
    return (
        _post(f"{told}a", unit, "clerk", "A"),
        _post(second, unit, "clerk", "B"),
        _post(f"{told}l", unit, "responsible_leader"),
        _post(f"{told}s", unit),
    )


SPECIAL = (
    _post("org", "S01", "organiser"),
    _post("appr", "S03", "approver", scope="city"),
    _post("appr", "S03", "staff"),
    _post("s03b", "S03", "approver", scope="city"),
    _post("eappr", "E01", "approver", scope="county"),
    _post("supe", "S03", "supervisor", scope="city"),
    _post("admin", "S03", "administrator", scope="city"),
)
SPECIAL_NAMES = {
    "org": "会务员",
    "two": "双岗员",
    "appr": "审批员",
    "eappr": "县审批",
    "supe": "督查员",
    "admin": "管理员",
}


def _people() -> tuple[PersonRow, ...]:
    ordinary = [
        PersonRow(code=f"{unit.lower()}{letter}", name=f"{told[0][-3:]}{word}")
        for unit, told in UNITS.items()
        for letter, word in NAMES.items()
        if not (letter == "b" and unit in BOTH_IN)
    ]
    return (*ordinary, *(PersonRow(code=code, name=name) for code, name in SPECIAL_NAMES.items()))


ROWS = OrgRows(
    regions=(
        RegionRow(code="100", name="云水市", level="city"),
        RegionRow(code="110", name="东川县", level="county", parent_code="100"),
        RegionRow(code="120", name="西岭县", level="county", parent_code="100"),
        RegionRow(code="111", name="柳河镇", level="township", parent_code="110"),
    ),
    lines=(LineRow(code="EDU", name="教育"),),
    units=tuple(
        UnitRow(
            code=code,
            name=name,
            short_name="",
            group=group,
            region_code=region,
            line_code=line,
            rollout="live",
        )
        for code, (name, group, region, line) in UNITS.items()
    ),
    people=_people(),
    appointments=(*(post for unit in UNITS for post in _posts(unit)), *SPECIAL),
)
