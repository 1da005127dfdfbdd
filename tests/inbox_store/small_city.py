"""The rows of a small, invented city: an office that sends, five units that receive, and people with crossing posts."""

from __future__ import annotations

from typing import Final

from inbox_store.nouns import ClerkRank, Role, UnitGroup
from inbox_store.orgrows import AppointmentRow, LineRow, OrgRows, PersonRow, RegionRow, SectionRow, UnitRow

RECEIVERS: Final = ("U1", "U2", "U3", "U4", "U5")

_UNITS: Final[tuple[tuple[str, str, UnitGroup, str, str | None], ...]] = (
    ("S0", "云水市政府办公室", "city_direct", "100", None),
    ("U1", "东川县水务局", "county_direct", "110", "L1"),
    ("U2", "东川县教育局", "county_direct", "110", "L2"),
    ("U3", "东川县柳林镇", "township", "111", None),
    ("U4", "西岭县水务局", "county_direct", "120", "L1"),
    ("U5", "西岭县教育局", "county_direct", "120", "L2"),
)
"""code, name, group, region, line."""

# Each receiving unit has clerks A and B, a responsible leader and a staff member; beside these:
# "both" is a clerk of U3 and U4, "mixed" leads U1 and is a clerk of U5, "s0-b" of the sending office is a clerk of U2 too.
_CROSSING: Final[tuple[tuple[str, str, Role, ClerkRank | None], ...]] = (
    ("both", "U3", "clerk", "A"),
    ("both", "U4", "clerk", "B"),
    ("mixed", "U1", "responsible_leader", None),
    ("mixed", "U5", "clerk", "B"),
    ("s0-a", "S0", "clerk", "A"),
    ("s0-b", "S0", "clerk", "B"),
    ("s0-b", "U2", "clerk", "B"),
    ("u1-a", "U1", "clerk", "A"),
    ("u1-b", "U1", "clerk", "B"),
    ("u2-a", "U2", "clerk", "A"),
    ("u3-b", "U3", "clerk", "B"),
    ("u4-a", "U4", "clerk", "A"),
    ("u5-a", "U5", "clerk", "A"),
)


def _post(person: str, unit: str, role: Role, rank: ClerkRank | None = None) -> AppointmentRow:
    return AppointmentRow(person_code=person, unit_code=unit, role=role, clerk_rank=rank, post="科员")


_OWN: Final[tuple[tuple[str, Role], ...]] = (("lead", "responsible_leader"), ("staff", "staff"))


def _posts() -> tuple[AppointmentRow, ...]:
    crossing = [_post(*row) for row in _CROSSING]
    own = [_post(f"{unit.lower()}-{kind}", unit, role) for unit in RECEIVERS for kind, role in _OWN]
    return (*crossing, *own)


POSTS: Final = _posts()

_CODES: Final = tuple(dict.fromkeys(post.person_code for post in POSTS))

ROWS: Final = OrgRows(
    regions=(
        RegionRow(code="100", name="云水市", level="city"),
        RegionRow(code="110", name="东川县", level="county", parent_code="100"),
        RegionRow(code="111", name="柳林镇", level="township", parent_code="110"),
        RegionRow(code="120", name="西岭县", level="county", parent_code="100"),
    ),
    lines=(LineRow(code="L1", name="水务"), LineRow(code="L2", name="教育")),
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
        for code, name, group, region, line in _UNITS
    ),
    sections=(SectionRow(unit_code="U1", code="1", name="办公室"),),
    people=tuple(
        PersonRow(code=code, name=f"人员{no}", phone=f"1990000{no:04d}") for no, code in enumerate(_CODES, 1)
    ),
    appointments=POSTS,
)
"""The whole city. The numbers begin with 1990000: nobody's."""
