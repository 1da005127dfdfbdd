"""Exports that are safe to open."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sheets import (
    CELL_CHARACTERS_MAX,
    CSV_BOM,
    ROWS_MAX,
    Cell,
    Column,
    Sheet,
    to_csv,
    to_xlsx,
)
from inbox_store.errors import Refused
from inbox_store.times import parse_iso

MADE_AT = parse_iso("2018-03-02T09:00:00")
MOMENT = parse_iso("2018-03-01T23:30:00+00:00")
COLUMNS = (
    Column(title="姓名"),
    Column(title="人数", kind="number"),
    Column(title="时间", kind="time"),
    Column(title="日期", kind="day"),
)
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "＋1", "－1", "＠x"]


def sheet(*rows: tuple[Cell, ...], name: str = "名单", columns: tuple[Column, ...] = COLUMNS) -> Sheet:
    """A table of the four kinds of cell."""
    return Sheet(name=name, title="参会人员名单", columns=columns, rows=rows)


def names(*texts: str) -> Sheet:
    """A table of texts alone."""
    return sheet(*((text,) for text in texts), columns=(Column(title="姓名"),))


def read_xlsx(data: bytes) -> dict[str, list[tuple[object, ...]]]:
    """Every page as rows of values."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {page.title: list(page.iter_rows(values_only=True)) for page in book}


def read_csv(data: bytes) -> list[list[str]]:
    """The rows behind the byte-order mark."""
    assert data.startswith(CSV_BOM)
    return list(csv.reader(io.StringIO(data.removeprefix(CSV_BOM).decode(), newline="")))


def test_a_table_comes_back() -> None:
    """Title, headings and rows stand in both files, moments in Asia/Shanghai."""
    made = sheet(("李某", 3, MOMENT, date(2018, 3, 2)), (None, 0, None, None))
    assert read_xlsx(to_xlsx([made], MADE_AT)) == {
        "名单": [
            ("参会人员名单", None, None, None),
            ("姓名", "人数", "时间", "日期"),
            ("李某", 3, "2018-03-02 07:30", "2018-03-02"),
            (None, 0, None, None),
        ]
    }
    assert read_csv(to_csv(made)) == [
        ["参会人员名单"],
        ["姓名", "人数", "时间", "日期"],
        ["李某", "3", "2018-03-02 07:30", "2018-03-02"],
        ["", "0", "", ""],
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_a_formula(text: str) -> None:
    """A text that looks like a formula is text in XLSX and stands behind an apostrophe in CSV."""
    data = to_xlsx([names(text)], MADE_AT)
    book = openpyxl.load_workbook(io.BytesIO(data))
    cell = book["名单"]["A3"]
    assert cell.data_type == "s"
    assert cell.style_id != 0  # quoted, so that editing the cell keeps it text
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
    assert read_csv(to_csv(names(text)))[2] == [f"'{text}"]


@pytest.mark.parametrize("text", ["http://a.example/", "007", "1e5", "3-5", "李-某", "mailto:a@b.example"])
def test_texts_stay_texts(text: str) -> None:
    """Numbers with leading zeros, dates and links are left as they were typed."""
    assert read_xlsx(to_xlsx([names(text)], MADE_AT))["名单"][2] == (text,)
    assert read_csv(to_csv(names(text)))[2] == [text]


def test_hostile_headings_and_titles_too() -> None:
    """The organiser's own field names and the title of a meeting are texts as well."""
    made = Sheet(name="=x", title="=1+1", columns=(Column(title="@x"),), rows=[])
    assert read_csv(to_csv(made)) == [["'=1+1"], ["'@x"]]
    assert read_xlsx(to_xlsx([made], MADE_AT)) == {"=x": [("=1+1",), ("@x",)]}


def test_numbers_may_be_negative() -> None:
    """A number is no text and gets no apostrophe."""
    made = sheet((-5,), columns=(Column(title="增减", kind="number"),))
    assert read_csv(to_csv(made))[2] == ["-5"]
    assert read_xlsx(to_xlsx([made], MADE_AT))["名单"][2] == (-5,)


def test_the_same_table_gives_the_same_bytes() -> None:
    """The clock is not read: a file made twice is one file."""
    made = names("李某", "=1")
    assert to_xlsx([made, made], MADE_AT) == to_xlsx([made, made], MADE_AT)
    assert to_csv(made) == to_csv(made)


def test_page_names_are_made_to_fit() -> None:
    """Names that Excel refuses are changed, and no two pages have one name."""
    pages = [names("x"), names("y"), sheet(name="a/b:c*?" + "长" * 40), sheet(name="'"), sheet(name="")]
    titles = list(read_xlsx(to_xlsx(pages, MADE_AT)))
    assert titles == ["名单", "名单 2", "a_b_c__" + "长" * 18, "Sheet4", "Sheet5"]


def test_limits() -> None:
    """Too many rows, a row of another width and an endless cell are refused, never cut."""
    with pytest.raises(ValueError, match="characters; the limit"):
        to_xlsx([names("长" * (CELL_CHARACTERS_MAX + 1))], MADE_AT)
    with pytest.raises(ValueError, match="zip"):
        to_csv(sheet(("李某",)))
    full = names(*["李某"] * ROWS_MAX)
    with pytest.raises(Refused, match="export_too_large"):
        to_xlsx([full, names("王某")], MADE_AT)


@given(st.lists(st.text(max_size=30), max_size=5))
def test_any_text_can_be_exported(texts: list[str]) -> None:
    """Any text gives files that open with a row for each, and no cell that a spreadsheet would calculate."""
    shown = read_xlsx(to_xlsx([names(*texts, "末")], MADE_AT))["名单"]
    rows = read_csv(to_csv(names(*texts)))[2:]
    assert (len(shown), len(rows)) == (len(texts) + 3, len(texts))
    assert not any(cell.startswith(tuple("=+-@\t\r")) for row in rows for cell in row)
