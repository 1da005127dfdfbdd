"""The organisation comes in: read the file, judge every row, store it in bounded steps, tell how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway.house import House
from gateway.orgfile.check import Checked, check
from gateway.orgfile.faults import Fault, fault
from gateway.orgfile.known import Known
from gateway.orgfile.limits import ReadLimits
from gateway.orgfile.read import read_file
from inbox_store.engine import Program, Sql
from inbox_store.nouns import Noun, RegionLevel, Role
from inbox_store.orgrows import OrgRows
from inbox_store.programs import organisation as programs

Progress = Callable[[str, int, int], None]
"""Told the phase (read, check, store), how much is done and of how much."""


def _silent(phase: str, done: int, total: int) -> None:
    """Nobody watches."""


class Imported(Noun, frozen=True, kw_only=True):
    """What an import did. ``stored`` is False when faults kept everything out; then nothing was changed."""

    stored: bool
    regions: int
    units: int
    persons: int
    appointments: int
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    left_out: tuple[Fault, ...] = ()


def read_limits(house: House) -> ReadLimits:
    """The settings of imports as limits of one reading."""
    told = house.settings.imports
    return ReadLimits(
        file_max_bytes=told.file_max_bytes,
        unpacked_max_bytes=told.unpacked_max_bytes,
        rows_max=told.rows_max,
        child_wall_max_s=told.time_max_s,
        child_cpu_max_s=int(told.time_max_s),
        child_memory_max_bytes=told.memory_max_bytes,
    )


async def import_file(
    house: House, path: Path, *, accept_good: bool = False, actor: int = 0, progress: Progress = _silent
) -> Imported:
    """Import an XLSX or CSV file: all faults at once, nothing stored when there is one (or the good rows only).

    Importing the same file again changes nothing. Reading happens in a child process, judging in a thread.
    """
    progress("read", 0, 1)
    raw = await asyncio.to_thread(read_file, path, read_limits(house))
    progress("check", 0, 1)
    known = await house.store.engine.read(known_store(house.clock()))
    checked = await asyncio.to_thread(check, raw, known)
    rows = checked.good if accept_good else checked.rows
    faults = (*checked.faults, *await _phone_faults(house, rows))
    if (faults and not accept_good) or not (rows.people or rows.units or rows.regions):
        return _told(checked, rows, faults, stored=False)
    if accept_good:
        rows = await _without_taken_phones(house, rows)
    await store_rows(house, rows, actor=actor, progress=progress)
    return _told(checked, rows, faults, stored=True)


def _told(checked: Checked, rows: OrgRows, faults: tuple[Fault, ...], *, stored: bool) -> Imported:
    return Imported(
        stored=stored,
        regions=len(rows.regions),
        units=len(rows.units),
        persons=len(rows.people),
        appointments=len(rows.appointments),
        faults=faults,
        warnings=checked.warnings,
        left_out=checked.left_out,
    )


async def _taken(house: House, rows: OrgRows) -> dict[str, str]:
    """Person code -> code of the other person in the store who already has that number."""
    owners = await house.store.engine.read(programs.phone_owners())
    vault = house.store.keys.phones

    def look() -> dict[str, str]:
        found = {}
        for person in rows.people:
            owner = owners.get(vault.lookup(person.phone)) if person.phone else None
            if owner is not None and owner != person.code:
                found[person.code] = owner
        return found

    return await asyncio.to_thread(look) if owners else {}


async def _phone_faults(house: House, rows: OrgRows) -> tuple[Fault, ...]:
    taken = await _taken(house, rows)
    return tuple(fault("phone_taken", value=code, other=owner) for code, owner in sorted(taken.items()))


async def _without_taken_phones(house: House, rows: OrgRows) -> OrgRows:
    taken = await _taken(house, rows)
    return OrgRows(
        regions=rows.regions,
        lines=rows.lines,
        units=rows.units,
        sections=rows.sections,
        people=tuple(person for person in rows.people if person.code not in taken),
        appointments=tuple(post for post in rows.appointments if post.person_code not in taken),
    )


async def store_rows(house: House, rows: OrgRows, *, actor: int = 0, progress: Progress = _silent) -> None:
    """Store rows that were judged good, in bounded steps: a running server answers in between.

    Cut off in the middle it leaves whole people or none; running it again completes it.
    """
    engine, now = house.store.engine, house.clock()
    count = await engine.write(programs.import_structure(rows, now, actor))
    done = 0
    for people, posts in programs.people_in_steps(rows):
        await engine.write(programs.import_people(people, posts, house.store.keys.phones, now), bulk=True)
        done += len(people)
        progress("store", done, len(rows.people))
    ids = await engine.read(programs.unit_ids())
    for at in range(0, len(ids), programs.UNITS_PER_STEP):
        step = ids[at : at + programs.UNITS_PER_STEP]
        await engine.write(programs.rebuild_addressees(step[0], step[-1], house.clock()), bulk=True)
    await engine.write(programs.import_finished(count, actor, house.clock()))


def known_store(now: int) -> Program[Known]:
    """What the store holds already, as far as a check needs it."""
    regions: dict[str, RegionLevel] = dict((yield Sql("known_regions")))
    lines = frozenset(row[0] for row in (yield Sql("known_lines")))
    units: dict[str, str] = dict((yield Sql("known_units")))
    sections = frozenset((row[0], row[1]) for row in (yield Sql("known_sections")))
    people = yield Sql("known_people")
    clerks = {(row[0], row[1]): row[2] for row in (yield Sql("known_clerks", {"now": now}))}
    separated: dict[str, frozenset[Role]] = {}
    for code, role in (yield Sql("known_separated", {"now": now})):
        separated[code] = separated.get(code, frozenset()) | {role}
    return Known(
        regions=regions,
        lines=lines,
        units=units,
        sections=sections,
        people=frozenset(row[0] for row in people),
        logins={str(row[1]).lower(): row[0] for row in people if row[1]},
        clerks=clerks,
        separated=separated,
    )
