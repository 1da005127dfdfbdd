"""Statements, their summary and the differences of a reconciliation as workbooks and CSV, in an office's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from gateway.sheets import CSV_BOM, Column, Sheet, to_csv, to_xlsx
from sms_billing.payers import Whose
from sms_billing.statement import Statement
from sms_billing.tables import Heading, Table, period_zh, statement_tables

NOTE_OPEN: Final = "暂计，未结月份：{months}"
"""A statement with months that are still open is no final one; its title says so."""

_WIDTHS: Final = {"text": 24, "number": 12, "yuan": 16}


class BillFile(NamedTuple):
    """A file to be written: its name, with names of the organisation in it as they are, and what it holds."""

    name: str
    content: bytes


def open_note(months: Iterable[int]) -> str:
    """What is said of months that are still open, "" where there is none."""
    told = "、".join(f"{month // 100}-{month % 100:02}" for month in months)
    return NOTE_OPEN.format(months=told) if told else ""


def titled(table: Table, note: str) -> Table:
    """The table with the note behind its title."""
    return msgspec.structs.replace(table, title=f"{table.title}（{note}）") if note else table


def sheet_of(table: Table, *, summed: bool = True) -> Sheet:
    """The table as a page; its last row is the total, unless it is a list."""
    columns = tuple(_column(heading) for heading in table.headings)
    return Sheet(name=table.name, title=table.title, columns=columns, rows=table.rows, summed=summed)


def _column(heading: Heading) -> Column:
    width = 6 if heading.title == "序号" else _WIDTHS[heading.kind]
    return Column(title=heading.title, kind=heading.kind, width=max(width, 2 * len(heading.title) + 2))


def statement_files(told: Statement, whose: Whose, note: str, made_at: int) -> tuple[BillFile, BillFile]:
    """One payer's statement: a workbook with a page for each view, and all views below each other as CSV."""
    tables = [titled(table, note) for table in statement_tables(told, whose)]
    name = f"{told.payer.code}-{told.payer.name}-{period_zh(told.months)}短信费用结算单"
    return files_of([sheet_of(table) for table in tables], name, made_at)


def files_of(sheets: Sequence[Sheet], name: str, made_at: int) -> tuple[BillFile, BillFile]:
    """The pages as a workbook and as CSV, a blank line between two tables."""
    parts = [to_csv(sheet).removeprefix(CSV_BOM) for sheet in sheets]
    return (
        BillFile(f"{name}.xlsx", to_xlsx(sheets, made_at)),
        BillFile(f"{name}.csv", CSV_BOM + b"\r\n".join(parts)),
    )
