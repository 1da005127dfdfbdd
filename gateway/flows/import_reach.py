"""Whose rows an administrator may import, before anything is imported: a county's brings in its own county only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.flows.organisation import known_store, read_limits
from gateway.house import House
from gateway.orgfile.beyond import Ground, beyond
from gateway.orgfile.check import check
from gateway.orgfile.entries import Entries, read_entries
from gateway.orgfile.faults import Fault
from gateway.orgfile.findings import FAULTS_MAX, Findings
from gateway.orgfile.headers import lay_out
from gateway.orgfile.raw import RawFile
from gateway.orgfile.read import read_file
from gateway.rules.access import Reach
from inbox_store.programs.people import places_of_people


async def faults_beyond(house: House, reach: Reach, path: Path, now: int) -> tuple[Fault, ...]:
    """Every row beyond ``reach`` and, with them, the file's own faults; () where nothing lies beyond.

    Who reaches everything is not asked: their file is read once, by the import itself.
    """
    if reach.all:
        return ()
    raw = await asyncio.to_thread(read_file, path, read_limits(house))
    entries = await asyncio.to_thread(_entries, raw)
    codes = {post.code for post in entries.posts if post.code}
    places = await house.store.engine.read(places_of_people(codes, now))
    ground = Ground(reach, await house.organisation(), places)
    found = await asyncio.to_thread(lambda: tuple(beyond(entries, ground)))
    if not found:
        return ()
    known = await house.store.engine.read(known_store(now))
    checked = await asyncio.to_thread(check, raw, known)
    return (*checked.faults, *found)[:FAULTS_MAX]


def _entries(raw: RawFile) -> Entries:
    if raw.faults:
        return Entries()
    return read_entries(lay_out(raw, Findings()), Findings())
