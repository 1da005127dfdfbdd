"""Tables that go out: whatever names and texts stand in them, the files can be opened and nothing in them calculates."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Final, get_args
from xml.parsers import expat

import pytest

from gateway.rate_sheets import rate_sheet
from gateway.rules.rate_tables import By, Row
from gateway.rules.rates import Figures
from gateway.sheets import CELL_CHARACTERS_MAX, CSV_BOM, Sheet, to_csv, to_xlsx
from inbox_store.times import US
from tests.fuzz.budget import cases, fuzz, shares
from tests.fuzz.mutations import spoilt_text

MADE_AT: Final = 1_780_000_000 * US
ALL_BY: Final = get_args(By)


def sheet_of(case: tuple[int, list[int]]) -> Sheet:
    """A table of rates whose names, codes and title are spoilt."""
    which, steps = case

    def text(sound: str) -> str:
        return spoilt_text(sound, steps)[:CELL_CHARACTERS_MAX]

    rows = [Row(key=1, code=text("E02"), name=text("东川县教育局"), figures=Figures())]
    return rate_sheet(text("签收情况统计表"), ALL_BY[which], rows, rows[0])


def check_page(data: bytes) -> None:
    """A workbook every part of which is well-formed XML, and none of which holds a formula or a link."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            part = archive.read(name)
            expat.ParserCreate().Parse(part, True)
            assert b"<f>" not in part
            assert b"<hyperlink" not in part


@pytest.mark.parametrize("inputs", shares("sheets"))
def test_sheets(inputs: int) -> None:
    """A table of rates becomes a sound workbook and a sound CSV of as many cells, none of them a formula."""

    def act(case: tuple[int, list[int]]) -> None:
        sheet = sheet_of(case)
        check_page(to_xlsx([sheet], MADE_AT))
        text = to_csv(sheet).removeprefix(CSV_BOM).decode()
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert [len(line) for line in lines[1:]] == [len(sheet.columns)] * (len(sheet.rows) + 1)
        assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)

    fuzz(inputs, cases(len(ALL_BY)), act)
