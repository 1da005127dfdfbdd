"""Which sheet is which table, and where its columns stand. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from gateway.orgfile.columns import GUIDE_SHEET, TABLES, Table, table_named
from gateway.orgfile.faults import NOWHERE, Place
from gateway.orgfile.findings import Findings
from gateway.orgfile.raw import RawFile, RawSheet
from gateway.orgfile.words import plain
from inbox_store.nouns import Noun

HEADER_ROWS_MAX: Final = 6
"""The headers stand in one of the first rows; a title above them is common."""

_REMARK = re.compile(r"\(.*\)$")


class Laid(Noun, frozen=True, kw_only=True):
    """A sheet recognised as a table: column positions by header, and the rows below the headers.

    ``broken``: a needed column is missing, so that the rows cannot be judged; what refers to them is not blamed.
    """

    table: Table
    broken: bool = False
    positions: Mapping[str, int]
    rows: Sequence[tuple[int, list[str]]]
    formulas: Sequence[tuple[int, int]]


def header_text(text: str) -> str:
    """A header as it is compared: without marks such as * and remarks in brackets such as (可空)."""
    bare = plain(text[:64]).replace("*", "")
    return _REMARK.sub("", bare) or bare


_HEADERS: Final = {table.sheet: {header_text(name): name for name in table.headers} for table in TABLES}


def lay_out(file: RawFile, findings: Findings) -> dict[str, Laid]:
    """Every recognised table by its sheet name; what is missing, twice or misspelt is told."""
    laid: dict[str, Laid] = {}
    for table, sheet in _recognised(file, findings):
        if table.sheet in laid:
            findings.tell("sheet_twice", Place(table.sheet))
        elif (found := _columns(table, sheet, findings)) is not None:
            laid[table.sheet] = found
    if not any(found.rows for found in laid.values()) and not findings.faults():
        findings.tell("no_rows", NOWHERE)
    return laid


def _recognised(file: RawFile, findings: Findings) -> list[tuple[Table, RawSheet]]:
    by_name = [(table_named(sheet.name), sheet) for sheet in file.sheets]
    known = [(table, sheet) for table, sheet in by_name if table is not None]
    known = known or [(table, sheet) for sheet in file.sheets if (table := _by_headers(sheet)) is not None]
    read = {id(sheet) for _, sheet in known}
    for sheet in file.sheets:
        if known and id(sheet) not in read and plain(sheet.name) != GUIDE_SHEET:
            findings.tell("sheet_unknown", NOWHERE, sheet=sheet.name[:32])
    if not known:
        findings.tell(
            "no_table", NOWHERE, seen=_seen(file), sheets="、".join(table.sheet for table in TABLES)
        )
    return known


def _seen(file: RawFile) -> str:
    names = [sheet.name[:32] for sheet in file.sheets if sheet.name and plain(sheet.name) != GUIDE_SHEET]
    first_cells = [
        text.strip()[:16] for sheet in file.sheets for _, texts in sheet.rows[:1] for text in texts[:8]
    ]
    return "、".join(names[:8] or first_cells) or "空文件"


def _hits(table: Table, texts: Sequence[str]) -> int:
    known = _HEADERS[table.sheet]
    return len({header_text(text) for text in texts} & known.keys())


def _by_headers(sheet: RawSheet) -> Table | None:
    """The table most of whose columns stand in one of the first rows, two at least."""
    best = max(
        ((_hits(table, texts) / len(table.columns), _hits(table, texts), table) for table in TABLES for _, texts in sheet.rows[:HEADER_ROWS_MAX]),
        key=lambda found: found[:2],
        default=None,
    )  # fmt: skip
    return best[2] if best is not None and best[1] >= 2 else None


def _columns(table: Table, sheet: RawSheet, findings: Findings) -> Laid | None:
    """The sheet laid out as the table; None where it is quite empty."""
    if not sheet.rows:
        return None
    candidates = sheet.rows[:HEADER_ROWS_MAX]
    at = max(range(len(candidates)), key=lambda index: _hits(table, candidates[index][1]))
    row, texts = candidates[at]
    if _hits(table, texts) == 0:
        findings.tell("header_missing", Place(table.sheet), headers="、".join(table.headers))
        return Laid(table=table, broken=True, positions={}, rows=(), formulas=())
    positions = _positions(table, row, texts, findings)
    missing = [column for column in table.columns if column.header not in positions]
    strange = [
        text.strip() for text in texts if text.strip() and header_text(text) not in _HEADERS[table.sheet]
    ]
    needed = [column.header for column in missing if column.need != "optional"]
    optional = [column.header for column in missing if column.need == "optional"]
    taken = _tell_missing(Place(table.sheet, row), needed, strange, findings)
    _tell_strange(
        Place(table.sheet, row), optional, [text for text in strange if text not in taken], findings
    )
    return Laid(
        table=table,
        broken=bool(needed),
        positions=positions,
        rows=sheet.rows[at + 1 :],
        formulas=sheet.formulas,
    )


def _positions(table: Table, row: int, texts: Sequence[str], findings: Findings) -> dict[str, int]:
    positions: dict[str, int] = {}
    for index, text in enumerate(texts):
        header = _HEADERS[table.sheet].get(header_text(text))
        if header in positions:
            findings.tell("column_twice", Place(table.sheet, row, header or ""), column=header)
        elif header is not None:
            positions[header] = index
    return positions


def _tell_missing(place: Place, needed: list[str], strange: list[str], findings: Findings) -> set[str]:
    """Tell each needed column that is missing; the headers named as nearest to one."""
    taken: set[str] = set()
    for header in needed:
        near = get_close_matches(header, strange, n=1, cutoff=0.3) or strange[:1]
        taken.update(near)
        told = f"，最接近的表头是“{near[0][:32]}”" if near else ""
        findings.tell("column_missing", place._replace(column=header), column=header, nearest=told)
    return taken


def _tell_strange(place: Place, missing: list[str], strange: list[str], findings: Findings) -> None:
    """Headers nobody knows: probably a missing column misspelt (a fault), otherwise left unread (a warning)."""
    for text in strange:
        header = text[:32]
        near = get_close_matches(header, missing, n=1, cutoff=0.6)
        if near:
            findings.tell("column_misspelt", place._replace(column=header), column=header, nearest=near[0])
        else:
            findings.tell("column_unknown", place._replace(column=header), column=header)
