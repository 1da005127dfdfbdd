"""Organisation rows into a workbook of the template's format: texts only, never a formula, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from gateway.orgfile import words
from gateway.orgfile.columns import GUIDE_SHEET, TABLES, Table
from inbox_store.nouns import GROUP_ZH
from inbox_store.orgrows import AppointmentRow, OrgRows, PersonRow

CHOICE_ROWS: Final = 200_000
"""Drop-down lists reach so far down; more people than this are pasted anyway."""

_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_CREATED: Final = datetime(2018, 1, 1)  # noqa: DTZ001 - a constant, so that equal rows give equal bytes

Cells = Mapping[str, Iterable[Sequence[str]]]
"""Sheet -> rows of texts in the order of the template's columns."""


def write_workbook(path: Path, cells: Cells, guide: Iterable[Sequence[str]] = ()) -> None:
    """Write all sheets of the template, filled with ``cells``. Raises OSError where the file cannot be written."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, _OPTIONS) as book:
        _fill(book, cells, guide)
    path.write_bytes(packed.getvalue())


def _fill(book: Any, cells: Cells, guide: Iterable[Sequence[str]]) -> None:  # noqa: ANN401 - xlsxwriter has no types
    book.set_properties({"created": _CREATED})
    styles = {
        "head": book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "num_format": "@"}),
        "text": book.add_format({"num_format": "@"}),
    }
    _guide_sheet(book, guide, styles)
    for table in TABLES:
        _table_sheet(book, table, cells.get(table.sheet, ()), styles)


def _guide_sheet(book: Any, guide: Iterable[Sequence[str]], styles: Mapping[str, Any]) -> None:  # noqa: ANN401
    sheet = book.add_worksheet(GUIDE_SHEET)
    sheet.set_column(0, 12, 18, styles["text"])
    for row, texts in enumerate(guide):
        bold = styles["head"] if texts and texts[0].startswith("【") else styles["text"]
        for column, text in enumerate(texts):
            sheet.write_string(row, column, text, bold)


def _table_sheet(book: Any, table: Table, rows: Iterable[Sequence[str]], styles: Mapping[str, Any]) -> None:  # noqa: ANN401
    sheet = book.add_worksheet(table.sheet)
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(table.columns):
        sheet.set_column(index, index, column.width, styles["text"])
        if column.choices:
            sheet.data_validation(1, index, CHOICE_ROWS, index, _choices(column.header, column.choices))
    for index, header in enumerate(table.headers):
        sheet.write_string(0, index, header, styles["head"])
    for row, texts in enumerate(rows, start=1):
        for index, text in enumerate(texts):
            if text:
                sheet.write_string(row, index, text)


def _choices(header: str, choices: tuple[str, ...]) -> dict[str, object]:
    return {
        "validate": "list",
        "source": list(choices),
        "error_title": header,
        "error_message": "请从下拉列表中选择",
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def cells_of(rows: OrgRows) -> Cells:
    """The rows as texts of the template. Raises KeyError where an appointment names a person the rows lack."""
    return {
        "地区": ([r.code, r.name, words.LEVEL_ZH[r.level], r.parent_code or ""] for r in rows.regions),
        "条线": ([r.code, r.name] for r in rows.lines),
        "单位": (
            [
                r.code, r.name, r.short_name, GROUP_ZH[r.group], r.region_code, r.line_code or "",
                "、".join(words.TAGS_ZH.get(tag, tag) for tag in r.tags), words.YES_ZH["yes" if r.obliged else "no"], words.ROLLOUT_ZH[r.rollout],
                _day(r.active_from),
            ]
            for r in rows.units
        ),
        "科室": ([r.unit_code, r.code, r.name] for r in rows.sections),
        "人员": _people_cells(rows),
    }  # fmt: skip


def _people_cells(rows: OrgRows) -> Iterator[list[str]]:
    people = {person.code: person for person in rows.people}
    return (_post_cells(people[post.person_code], post) for post in rows.appointments)


def _post_cells(person: PersonRow, post: AppointmentRow) -> list[str]:
    return [
        person.code, person.name, person.phone or "", person.login or "",
        post.unit_code, post.section_code or "", words.ROLES_ZH[post.role], post.clerk_rank or "", post.post,
        words.SCOPE_ZH[post.scope], _day(post.from_day), _day(post.to_day),
    ]  # fmt: skip


def write_rows(rows: OrgRows, path: Path) -> None:
    """Write an organisation so that importing the file gives the same rows (people without a post have no row)."""
    write_workbook(path, cells_of(rows))
