"""Tables as XLSX and CSV that are safe to open: a name can never become a formula (ASVS 1.2.10, faults.md 8).

Both are built in memory, because xlsxwriter's row-by-row mode leaves names and numbers of people in temporary files;
``ROWS_MAX`` bounds what that costs. They take time with their rows: a caller on the loop hands them to a thread. The
clock is not read; ``made_at`` stands in the file, so that the same table gives the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal

import msgspec
import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from inbox_store.errors import Refused
from inbox_store.times import moment
from sms_billing.tariff import yuan

Cell = str | int | date | None
ColumnKind = Literal["text", "number", "time", "day", "yuan"]
"""``time`` cells are UTC microseconds and are shown in Asia/Shanghai; ``day`` cells are calendar days.

``yuan`` cells are li (0.001 yuan) and are shown in yuan with two decimals, three where it is not whole fen."""

ROWS_MAX: Final = 100_000
"""Rows in one file; a longer table is asked for by county or by month."""
CELL_CHARACTERS_MAX: Final = 32_767
"""Excel's limit for one cell."""

CSV_BOM: Final = b"\xef\xbb\xbf"
"""Without it Excel reads a CSV of Chinese text as GBK."""

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What spreadsheets take for the start of a formula; the full-width forms are taken so by Chinese editions."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, what its cells hold, and its width in characters of the default font (a Han character takes two)."""

    title: str
    kind: ColumnKind = "text"
    width: int = 14


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One table: a title line, a line of headings, and rows with one cell for each column.

    ``summed``: the last row is the sum of those above; a workbook has formulas there, the only ones in it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Cell]]
    summed: bool = False


def to_xlsx(sheets: Sequence[Sheet], made_at: int) -> bytes:
    """A workbook with one page for each sheet. ``made_at`` (UTC microseconds) is its date of creation.

    Every text is written as text, never as formula, link or number. Raises Refused("export_too_large") above
    ``ROWS_MAX`` rows, ValueError for a row that does not fit its columns.
    """
    _bounded(sheets)
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, options)
    book.set_properties({"created": moment(made_at).replace(tzinfo=None)})
    for name, sheet in zip(_page_names(sheets), sheets, strict=True):
        _write_page(book, name, sheet)
    book.close()
    return target.getvalue()


def to_csv(sheet: Sheet) -> bytes:
    """The table as CSV (RFC 4180, UTF-8 with byte-order mark), texts that look like formulas behind an apostrophe.

    Raises as ``to_xlsx`` does.
    """
    _bounded([sheet])
    target = io.StringIO(newline="")
    lines = csv.writer(target, lineterminator="\r\n")
    lines.writerow([_defused(_clean(sheet.title))])
    lines.writerow([_defused(_clean(column.title)) for column in sheet.columns])
    for row in sheet.rows:
        lines.writerow([_defused(cell) if isinstance(cell, str) else cell for cell in _shown(sheet, row)])
    return CSV_BOM + target.getvalue().encode("utf-8")


def _bounded(sheets: Sequence[Sheet]) -> None:
    rows = sum(len(sheet.rows) for sheet in sheets)
    if rows > ROWS_MAX:
        raise Refused("export_too_large", rows=rows, rows_max=ROWS_MAX)


def _shown(sheet: Sheet, row: Sequence[Cell]) -> list[str | int | Decimal]:
    """The cells as they are written: numbers stay numbers, all else is text."""
    return [_told(cell, column.kind) for cell, column in zip(row, sheet.columns, strict=True)]


def _told(cell: Cell, kind: ColumnKind) -> str | int | Decimal:
    if cell is None:
        return ""
    if isinstance(cell, int) and kind == "yuan":
        return Decimal(yuan(cell))
    if isinstance(cell, int):
        return f"{moment(cell):%Y-%m-%d %H:%M}" if kind == "time" else cell
    if isinstance(cell, date):
        return cell.isoformat()
    clean = _clean(cell)
    if len(clean) > CELL_CHARACTERS_MAX:
        raise ValueError(f"a cell of {len(clean)} characters; the limit is {CELL_CHARACTERS_MAX}")
    return clean


def _clean(text: str) -> str:
    """The text without lone surrogates, which no file in UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _defused(text: str) -> str:
    return f"'{text}" if _dangerous(text) else text


def _dangerous(text: str) -> bool:
    """Whether a spreadsheet would calculate the text; blanks in front do not stop every one of them."""
    return text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)


def _write_page(book: xlsxwriter.Workbook, name: str, sheet: Sheet) -> None:
    page = book.add_worksheet(name)
    bold, quoted = book.add_format({"bold": True}), book.add_format()
    quoted.set_quote_prefix()  # a cell edited later stays text
    page.write_string(0, 0, _clean(sheet.title), bold)
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, column.width)
        page.write_string(1, place, _clean(column.title), bold)
    page.freeze_panes(2, 0)
    money = {2: book.add_format({"num_format": "0.00"}), 3: book.add_format({"num_format": "0.000"})}
    last = len(sheet.rows) + 1 if sheet.summed and len(sheet.rows) > 1 else None
    for line, row in enumerate(sheet.rows, start=2):
        for place, cell in enumerate(_shown(sheet, row)):
            if cell == "":
                continue
            if isinstance(cell, str):
                page.write_string(line, place, cell, quoted if _dangerous(cell) else None)
                continue
            shown = money[_decimals(cell)] if isinstance(cell, Decimal) else None
            if line == last:
                page.write_formula(line, place, _sum_above(line, place), shown, cell)
            else:
                page.write_number(line, place, cell, shown)


def _decimals(amount: Decimal) -> int:
    return len(str(amount).partition(".")[2])


def _sum_above(line: int, place: int) -> str:
    """The sum of the column's cells from the first row on; rounded, because a workbook adds in binary."""
    first, last = xl_rowcol_to_cell(2, place), xl_rowcol_to_cell(line - 1, place)
    return f"=ROUND(SUM({first}:{last}),3)"


def _page_names(sheets: Sequence[Sheet]) -> list[str]:
    """Names Excel takes: at most 31 characters, no brackets, slashes or apostrophes at the ends, each once."""
    names: list[str] = []
    for number, sheet in enumerate(sheets, start=1):
        name = (
            "".join("_" if c in "[]:*?/\\" else c for c in _clean(sheet.name)).strip("'")[:25]
            or f"Sheet{number}"
        )
        taken = {told.casefold() for told in names}
        names.append(f"{name} {number}" if name.casefold() in taken else name)
    return names
