"""The small city of the invariants with so many units more that thousands of people are there to be online."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from inbox_store.orgrows import AppointmentRow, OrgRows, PersonRow, UnitRow
from tests.inbox_store.small_city import RECEIVERS, ROWS

PERSONS_A_UNIT = 3


def more_units(count: int) -> list[str]:
    """The codes of the further units."""
    return [f"V{number:03d}" for number in range(1, count + 1)]


def wide_city(count: int) -> OrgRows:
    """The small city and ``count`` units more in it, each with two clerks and a leader."""
    codes = more_units(count)
    return msgspec.structs.replace(
        ROWS,
        units=(*ROWS.units, *(_unit(code) for code in codes)),
        people=(*ROWS.people, *_people(codes)),
        appointments=(*ROWS.appointments, *(post for code in codes for post in _posts(code))),
    )


def addressed(rows: OrgRows) -> list[str]:
    """Who gets an entry of a document to every receiving unit, but for those of the sending office."""
    units = {*RECEIVERS, *(unit.code for unit in rows.units if unit.code.startswith("V"))}
    told = (
        post.person_code for post in rows.appointments if post.unit_code in units and post.role != "staff"
    )
    return [code for code in dict.fromkeys(told) if not code.startswith("s0")]


def _unit(code: str) -> UnitRow:
    return UnitRow(
        code=code,
        name=f"西岭县第{code}学校",
        short_name="",
        group="school",
        region_code="120",
        line_code=None,
        rollout="live",
    )


def _people(codes: list[str]) -> Iterator[PersonRow]:
    number = 1_000
    for code in codes:
        for letter in ("a", "b", "lead"):
            number += 1
            yield PersonRow(
                code=f"{code.lower()}-{letter}", name=f"人员{number}", phone=f"1990001{number:04d}"
            )


def _posts(code: str) -> tuple[AppointmentRow, ...]:
    low = code.lower()
    return (
        AppointmentRow(person_code=f"{low}-a", unit_code=code, role="clerk", clerk_rank="A", post="科员"),
        AppointmentRow(person_code=f"{low}-b", unit_code=code, role="clerk", clerk_rank="B", post="科员"),
        AppointmentRow(
            person_code=f"{low}-lead",
            unit_code=code,
            role="responsible_leader",
            clerk_rank=None,
            post="科长",
        ),
    )
