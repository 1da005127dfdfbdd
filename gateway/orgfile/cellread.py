"""Bytes of an untrusted file into cells as text. Runs in the child process only, under the kernel's limits."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from gateway.orgfile.columns import GUIDE_SHEET, table_named
from gateway.orgfile.faults import Fault, fault
from gateway.orgfile.formulas import TooManyFormulas, formula_cells
from gateway.orgfile.limits import ReadLimits
from gateway.orgfile.raw import RawFile, RawSheet
from gateway.orgfile.words import plain

UNNAMED_SHEETS_MAX: Final = 4
"""When no sheet bears a known name, so many are read, to be recognised by their headers."""

UNREAD_TOLD_MAX: Final = 16

EXACT_MAX: Final = 1e15
"""Spreadsheets keep 15 digits; a longer number has already lost its last ones."""


DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)
"""What the standard library raises over an archive whose envelope was sound and whose inside is not."""


class TooMuch(Exception):
    """More rows or cells than the limits allow."""


class Budget:
    """The rows and cells still allowed to one file."""

    def __init__(self, limits: ReadLimits) -> None:
        self.limits = limits
        self._rows = limits.rows_max
        self._cells = limits.cells_max

    def take(self, cells: int) -> None:
        """Pay for one row. Raises TooMuch."""
        self._rows -= 1
        self._cells -= cells
        if self._rows < 0 or self._cells < 0:
            raise TooMuch


def cell_text(value: object) -> str:
    """A cell as a person sees it: whole numbers without a point, days as 2018-04-13."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _number_text(value: float) -> str:
    if abs(value) >= EXACT_MAX:
        return f"{value:.5E}"
    return str(int(value)) if value.is_integer() else repr(value)


def _kept(rows: Iterable[tuple[int, list[str]]], budget: Budget) -> Iterator[tuple[int, list[str]]]:
    """The rows with something in them, cut to the allowed width; a longer cell stays one too long to be accepted."""
    limits = budget.limits
    for number, texts in rows:
        cells = [text[: limits.cell_max_chars] for text in texts[: limits.columns_max]]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            budget.take(len(cells))
            yield number, cells


def _sheet_rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """Rows from the first used cell on, numbered and shifted as in the spreadsheet."""
    top, left = sheet.start or (0, 0)
    shift = [""] * min(left, 64)
    for number, values in enumerate(sheet.to_python(skip_empty_area=True), start=top + 1):
        yield number, shift + [value if type(value) is str else cell_text(value) for value in values]


def _wanted(names: list[str]) -> list[str]:
    known = [name for name in names if table_named(name) is not None]
    return known or [name for name in names if plain(name) != GUIDE_SHEET][:UNNAMED_SHEETS_MAX]


def read_xlsx(data: bytes, limits: ReadLimits) -> RawFile:
    """The sheets of a workbook that bear known names (or, when none does, the first few)."""
    budget = Budget(limits)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        formulas = formula_cells(data, limits)
        sheets = tuple(
            RawSheet(
                name=name,
                rows=list(_kept(_sheet_rows(book.get_sheet_by_name(name)), budget)),
                formulas=formulas.get(name, ()),
            )
            for name in _wanted(book.sheet_names)
        )
    except PasswordError:
        return _failed(fault("encrypted"))
    except CalamineError as error:
        return _failed(fault("read_broken", detail=str(error)[:80]))
    except DAMAGED as error:
        # The workbook library does not read every part to its end; our own look at the formulas does.
        return _failed(fault("read_broken", detail=type(error).__name__))
    except TooManyFormulas:
        return _failed(fault("formulas_everywhere"))
    except TooMuch:
        return _failed(fault("too_many_rows", max_rows=limits.rows_max, max_cells=limits.cells_max))
    return RawFile(format="xlsx", sheets=(*sheets, *_unread(book.sheet_names)))


def _unread(names: list[str]) -> Iterator[RawSheet]:
    """The sheets that were not wanted, without rows, so that the check can name them."""
    wanted = set(_wanted(names))
    others = [name for name in names if name not in wanted and plain(name) != GUIDE_SHEET]
    return (RawSheet(name=name, rows=[]) for name in others[:UNREAD_TOLD_MAX])


def _failed(found: Fault) -> RawFile:
    return RawFile(faults=(found,))


def decoded(data: bytes) -> str | Fault:
    """The text of a CSV file in UTF-8 (with or without a mark) or GB18030."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        return fault("csv_encoding", line=1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        return fault("csv_encoding", line=line)


def _delimiter(text: str) -> str:
    head = next((line for line in text.splitlines() if line.strip()), "") if len(text) < 4096 else text[:4096]
    return max(",\t;", key=head.count)


def read_csv(data: bytes, limits: ReadLimits) -> RawFile:
    """The one table of a CSV file, comma, tab or semicolon between cells; rows are counted as a spreadsheet does."""
    text = decoded(data)
    if isinstance(text, Fault):
        return _failed(text)
    csv.field_size_limit(64 * 1024)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    started = 1
    rows: list[tuple[int, list[str]]] = []
    budget = Budget(limits)
    try:
        for kept in _kept(enumerate(reader, start=1), budget):
            rows.append(kept)
            started = reader.line_num + 1
    except csv.Error:
        return _failed(fault("csv_quotes", line=started))
    except TooMuch:
        return _failed(fault("too_many_rows", max_rows=limits.rows_max, max_cells=limits.cells_max))
    return RawFile(format="csv", sheets=(RawSheet(name="", rows=rows),))
