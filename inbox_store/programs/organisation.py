"""Facts about the organisation: its import in bounded steps, its snapshot, and who can be addressed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from inbox_store.engine import Audit, Many, OrgChanged, Program, Sql
from inbox_store.keys import PhoneVault
from inbox_store.nouns import Noun
from inbox_store.org import Line, Organisation, Region, Unit
from inbox_store.orgrows import AppointmentRow, OrgRows, PersonRow
from inbox_store.programs import phones
from inbox_store.times import day_start

PEOPLE_PER_STEP = 400
"""People in one transaction of an import: a few milliseconds, so that a running server is not held."""

UNITS_PER_STEP = 20

LEADER_BITS = {"head": 1, "deputy_in_charge": 2, "responsible_leader": 4}

VERSION = Sql("org_version")
"""Gives (version, swept_at): the commit number at which the organisation last changed."""


class ImportCount(Noun, frozen=True, kw_only=True):
    """What an import holds, by rows."""

    regions: int
    units: int
    persons: int
    appointments: int


def import_structure(rows: OrgRows, now: int, actor: int) -> Program[ImportCount]:
    """Regions, lines, units, sections and their dated parent links, as one fact; running it again changes nothing."""
    yield Many(
        "org_region_upsert", [{"code": r.code, "name": r.name, "level": r.level} for r in rows.regions]
    )
    yield Many("org_line_upsert", [{"code": r.code, "name": r.name} for r in rows.lines])
    yield Many("org_unit_upsert", _unit_params(rows, now))
    yield Many(
        "org_section_upsert",
        [{"unit_code": s.unit_code, "code": s.code, "name": s.name} for s in rows.sections],
    )
    yield from _relink(rows, now)
    yield Sql("org_county_clear")
    yield Sql("org_county_fill")
    count = ImportCount(
        regions=len(rows.regions),
        units=len(rows.units),
        persons=len(rows.people),
        appointments=len(rows.appointments),
    )
    detail = {"regions": count.regions, "units": count.units, "persons": count.persons}
    yield Audit(action="org.import_started", actor=actor, subject="organisation:0", detail=detail)
    yield OrgChanged()
    return count


def _unit_params(rows: OrgRows, now: int) -> Iterator[dict[str, object]]:
    for unit in rows.units:
        yield {
            "code": unit.code,
            "name": unit.name,
            "short_name": unit.short_name or unit.name,
            "unit_group": unit.group,
            "tags": json.dumps(sorted(unit.tags), ensure_ascii=False),
            "obliged": int(unit.obliged),
            "rollout": unit.rollout,
            "active_from": day_start(unit.active_from) if unit.active_from else now,
        }


def _relink(rows: OrgRows, now: int) -> Program[None]:
    """Close the parent links that changed and open the new ones from ``now``; unchanged links keep their date."""
    regions: dict[str, int] = dict((yield Sql("org_ids_region")))
    lines: dict[str, int] = dict((yield Sql("org_ids_line")))
    units: dict[str, int] = dict((yield Sql("org_ids_unit")))
    standing = {
        (kind, child): (parent, since) for kind, child, parent, since in (yield Sql("org_links_open"))
    }
    wanted: dict[tuple[str, int], int] = {}
    for region in rows.regions:
        if region.parent_code:
            wanted["region_region", regions[region.code]] = regions[region.parent_code]
    for unit in rows.units:
        wanted["unit_region", units[unit.code]] = regions[unit.region_code]
        if unit.line_code:
            wanted["unit_line", units[unit.code]] = lines[unit.line_code]
    left = [
        ("unit_line", units[unit.code])
        for unit in rows.units
        if not unit.line_code and ("unit_line", units[unit.code]) in standing
    ]
    moved = {key: parent for key, parent in wanted.items() if standing.get(key, (None, 0))[0] != parent}
    told = [{"kind": kind, "child_id": child, "now": now} for kind, child in (*moved, *left)]
    # A link opened at this very instant has no life of its own: it is replaced rather than closed.
    yield Many("org_link_drop_same_instant", told)
    yield Many("org_link_close", told)
    fresh = [
        {
            "kind": kind,
            "child_id": child,
            "parent_id": parent,
            "from_at": now if (kind, child) in standing else 0,
        }
        for (kind, child), parent in moved.items()
    ]
    yield Many("org_link_add", fresh)


def phone_owners() -> Program[dict[bytes, str]]:
    """Whose number is whose: keyed hash to person code. Numbers themselves are not opened."""
    return dict((yield Sql("org_phone_owners")))


def import_people(
    people: Sequence[PersonRow], posts: Sequence[AppointmentRow], vault: PhoneVault, now: int
) -> Program[None]:
    """A bounded group of people with all their posts; accounts are made pending until the first login."""
    rows = [_person_params(person, vault) for person in people]
    yield from phones.changing([(row["code"], row["phone_lookup"]) for row in rows], now)
    yield Many("org_person_upsert", rows)
    yield Many("org_account_add", [{"code": p.code, "login": p.login or p.code, "now": now} for p in people])
    params = [_post_params(post, now) for post in posts]
    yield Many("org_appointment_update", params)
    yield Many("org_appointment_add", params)


def _person_params(person: PersonRow, vault: PhoneVault) -> dict[str, Any]:
    phone = person.phone
    return {
        "code": person.code,
        "name": person.name,
        "phone_sealed": vault.seal(phone) if phone else None,
        "phone_key": vault.current if phone else None,
        "phone_lookup": vault.lookup(phone) if phone else None,
    }


def _post_params(post: AppointmentRow, now: int) -> dict[str, object]:
    return {
        "person_code": post.person_code,
        "unit_code": post.unit_code,
        "section_code": post.section_code,
        "role": post.role,
        "clerk_rank": post.clerk_rank,
        "post": post.post,
        "scope": post.scope,
        "from_at": day_start(post.from_day) if post.from_day else 0,
        # A post ends with its last day: the first instant of the next.
        "to_at": day_start(post.to_day) + 86_400_000_000 if post.to_day else None,
        "now": now,
    }


def people_in_steps(rows: OrgRows) -> Iterator[tuple[list[PersonRow], list[AppointmentRow]]]:
    """The people of an import in groups of PEOPLE_PER_STEP, each with all of its posts."""
    posts: dict[str, list[AppointmentRow]] = {}
    for post in rows.appointments:
        posts.setdefault(post.person_code, []).append(post)
    waiting = iter(rows.people)
    while group := list(islice(waiting, PEOPLE_PER_STEP)):
        yield group, [post for person in group for post in posts.get(person.code, ())]


def rebuild_addressees(low: int, high: int, now: int) -> Program[None]:
    """Work out anew who can be addressed in the units from id ``low`` to ``high``."""
    yield Sql("org_addressee_clear", {"low": low, "high": high})
    yield Sql("org_addressee_fill", {"low": low, "high": high, "now": now})
    yield OrgChanged()


def unit_ids() -> Program[list[int]]:
    """The ids of all units, in order."""
    return sorted(unit_id for _, unit_id in (yield Sql("org_ids_unit")))


def import_finished(count: ImportCount, actor: int, now: int) -> Program[None]:
    """The last fact of an import."""
    yield Sql("org_swept", {"now": now})
    detail = {"persons": count.persons, "appointments": count.appointments}
    yield Audit(action="org.imported", actor=actor, subject="organisation:0", detail=detail)


def units_due(now: int) -> Program[list[int]]:
    """Units in which a dated post, freeze or closing took effect since the last sweep."""
    ((_, since),) = yield VERSION
    return sorted(row[0] for row in (yield Sql("org_units_due", {"since": since, "now": now})))


def sweep(units: Sequence[int], now: int, *, last: bool) -> Program[None]:
    """Let dated posts, freezes and closings that came due take effect in ``units``, a step of ``units_due(now)``.

    Only the last step moves the border: a sweep that is cut off is done again.
    """
    for unit_id in units:
        yield from rebuild_addressees(unit_id, unit_id, now)
    if last:
        yield Sql("org_swept", {"now": now})


def freeze_unit(unit_id: int, at: int | None, actor: int, origin: str) -> Program[None]:
    """Freeze a unit from ``at`` on, or thaw it with None: nothing more may be sent to a frozen unit."""
    yield Sql("org_unit_freeze", {"unit_id": unit_id, "at": at})
    action = "unit.thaw" if at is None else "unit.freeze"
    yield Audit(action=action, actor=actor, subject=f"unit:{unit_id}", detail={"at": at}, origin=origin)
    yield OrgChanged()


def snapshot() -> Program[Organisation]:
    """All regions, lines and units as they stand."""
    ((version, _),) = yield VERSION
    regions = {
        row[0]: Region(id=row[0], code=row[1], name=row[2], level=row[3], parent_id=row[4])
        for row in (yield Sql("org_snapshot_regions"))
    }
    lines = {row[0]: Line(id=row[0], code=row[1], name=row[2]) for row in (yield Sql("org_snapshot_lines"))}
    people: dict[int, list[tuple[int, int, int]]] = {}
    for unit_id, is_clerk, leader_mask, count in (yield Sql("org_snapshot_people")):
        people.setdefault(unit_id, []).append((is_clerk, leader_mask, count))
    units = {}
    for row in (yield Sql("org_snapshot_units")):
        told = people.get(row[0], [])
        units[row[0]] = Unit(
            id=row[0],
            code=row[1],
            name=row[2],
            group=row[3],
            region_id=row[4],
            county_id=row[5],
            line_id=row[6],
            tags=frozenset(json.loads(row[7])),
            obliged=bool(row[8]),
            rollout=row[9],
            active_from=row[10],
            active_to=row[11],
            frozen_at=row[12],
            clerks=sum(n for is_clerk, _, n in told if is_clerk),
            leaders=sum(n for _, mask, n in told if mask),
            persons=sum(n for _, _, n in told),
            led=tuple(
                sum(n for is_clerk, mask, n in told if not is_clerk and mask & wanted) for wanted in range(8)
            ),
        )
    return Organisation(regions=regions, lines=lines, units=units, version=version)
