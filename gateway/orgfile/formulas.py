"""Which cells of a workbook are formulas: the parser gives only their last results, which may be stale or foreign.

Runs in the child process only. Reads the workbook's own directory with expat (which refuses entity bombs) and looks for
formula elements in the bytes of each worksheet, 1 MiB at a time.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from typing import Final
from xml.parsers import expat

from gateway.orgfile.limits import MIB, ReadLimits

FORMULAS_MAX: Final = 300_000
"""So many are named; a workbook with more is refused whole, since the rest could not be told from data."""

_MARK = re.compile(rb"<f[\s>/]")
_CELL = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*>\s*<f[\s>/]')
_OVERLAP_BYTES = 512


class TooManyFormulas(Exception):
    """A sheet holds more than FORMULAS_MAX formulas."""


def formula_cells(data: bytes, limits: ReadLimits) -> dict[str, tuple[tuple[int, int], ...]]:
    """Sheet name -> (row from 1, column from 0) of its formula cells. Raises TooManyFormulas."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = _sheet_parts(archive, limits)
        return {name: _formulas(archive, part) for name, part in parts.items()}


def _attributes(archive: zipfile.ZipFile, member: str, element: str) -> list[dict[str, str]]:
    """The attributes of every ``element`` (prefix aside) in a small XML member; nothing where it is missing or broken."""
    found: list[dict[str, str]] = []

    def started(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == element:
            found.append(attributes)

    parser = expat.ParserCreate()
    parser.StartElementHandler = started
    try:
        with archive.open(member) as stream:
            parser.Parse(stream.read(MIB), True)  # noqa: FBT003 - expat takes "this is the end" by position
    except (KeyError, expat.ExpatError, zipfile.BadZipFile):
        return found
    return found


def _sheet_parts(archive: zipfile.ZipFile, limits: ReadLimits) -> dict[str, str]:
    """Sheet name -> member of the archive, through the workbook's relations."""
    members = set(archive.namelist()[: limits.members_max])
    relations = _attributes(archive, "xl/_rels/workbook.xml.rels", "Relationship")
    target = {told.get("Id", ""): told.get("Target", "") for told in relations}
    parts: dict[str, str] = {}
    for sheet in _attributes(archive, "xl/workbook.xml", "sheet"):
        link = next((value for key, value in sheet.items() if key.rpartition(":")[2] == "id"), "")
        member = posixpath.normpath(posixpath.join("/xl", target.get(link, ""))).lstrip("/")
        if member in members:
            parts[sheet.get("name", "")] = member
    return parts


def _formulas(archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, int], ...]:
    seen: set[tuple[int, int]] = set()
    with archive.open(member) as stream:
        tail = b""
        while piece := stream.read(MIB):
            window = tail + piece
            tail = window[-_OVERLAP_BYTES:]
            if _MARK.search(window):
                seen.update((int(row), _index(letters)) for letters, row in _CELL.findall(window))
            if len(seen) > FORMULAS_MAX:
                raise TooManyFormulas
    return tuple(sorted(seen))


def _index(letters: bytes) -> int:
    """The column index from 0 of A, B, ... AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
