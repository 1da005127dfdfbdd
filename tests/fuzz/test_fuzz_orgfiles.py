"""Organisation files: workbooks spoilt in their zip, their XML and their cells; CSV in every encoding."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from random import Random
from typing import Final

import pytest

from gateway.orgfile.cellread import read_csv
from gateway.orgfile.check import check
from gateway.orgfile.faults import CATALOGUE
from gateway.orgfile.known import Known
from gateway.orgfile.raw import RawFile, RawSheet
from tests.fuzz.budget import cases, fuzz, shares
from tests.fuzz.mutations import spoilt_bytes, spoilt_text
from tests.fuzz.zygote import LIMITS, Reader, reader
from tests.orgfile.sheets import HEADERS, raw, sound, workbook

KNOWN: Final = Known()
CONTAINED: Final = ("PanicException", "MemoryError")
"""What may end the child: the workbook library's own alarm, and the limit of memory."""


def judged(file: RawFile) -> None:
    """A file that was read is checked to its end; every finding is of the catalogue, in words, and bounded."""
    for known in (None, KNOWN):
        findings = check(file, known).findings
        assert {found.code for found in findings} <= CATALOGUE.keys()
        assert all(found.reason and len(found.value) <= 60 for found in findings)


@pytest.fixture(scope="module")
def orgfiles() -> Iterator[Reader]:
    """The reader of the product."""
    with reader() as told:
        yield told


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The sound organisation as a workbook."""
    return workbook(tmp_path_factory.mktemp("fuzz") / "sound.xlsx", sound()).read_bytes()


def rezipped(data: bytes, step: int) -> bytes:
    """The archive packed anew with members spoilt, lost, doubled, renamed, stored or blown up."""
    made = Random(step)
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    at = made.randrange(len(members))
    name, inside = members[at]
    how = made.randrange(9)
    if how < 5:
        members[at] = (name, spoilt_xml(inside, made))
    elif how == 5:
        del members[at]
    elif how == 6:
        members.append((name, spoilt_bytes(inside, [step])))
    elif how == 7:
        members[at] = (spoilt_text(name, [step]).encode(errors="ignore").decode() or "x", inside)
    else:
        members[at] = (
            name,
            inside[:-20] + made.choice((b" ", b"\0", b"<f>1</f>")) * made.choice((10, 100_000, 3_000_000)),
        )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", made.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as new:
        for each, told in members:
            new.NameToInfo.pop(each, None)  # a second member of the same name is what is wanted here
            new.writestr(each, told)
    return file.getvalue()


TAGS: Final = (
    *(
        b'<c r="A1"><f>1+1</f><v>2</v></c>',
        b'<c r="XFD1048576"><v>1</v></c>',
        b'<c r="A0"/>',
        b'<c r="ZZZZ9"/>',
    ),
    *(b'<row r="1048577">', b'<row r="0">', b"</row>", b"</sheetData>", b'<dimension ref="A1:XFD1048576"/>'),
    *(
        b'<c t="s"><v>999999</v></c>',
        b'<c t="s"><v>-1</v></c>',
        b'<c t="e"><v>#REF!</v></c>',
        b'<c t="b"><v>7</v></c>',
    ),
    *(
        b'<c t="d"><v>9999-99-99</v></c>',
        b"<v>1e999</v>",
        b"<v>NaN</v>",
        b"<v>-1</v>",
        b"<v>2958466</v>",
        b"&#0;",
        b"&x;",
    ),
    *(
        b'<!DOCTYPE x [<!ENTITY x "xx">]>',
        b"<![CDATA[",
        b"<!--",
        b'<?xml version="1.0" encoding="utf-16"?>',
        b"<is><t>",
    ),
    *(
        b'<sheet name="a" sheetId="1" r:id="rId1"/>',
        b'<sheet name="" r:id="rId99"/>',
        b'Target="../../../etc/passwd"',
    ),
    *(
        b'<mergeCell ref="A1:XFD1048576"/>',
        b'<numFmt numFmtId="14" formatCode="yyyy"/>',
        b'<xf numFmtId="99999"/>',
    ),
)
"""XML that a workbook may hold where nobody expects it."""


def spoilt_xml(inside: bytes, made: Random) -> bytes:
    """The member with tags put in, attributes changed, or bytes spoilt."""
    gaps = [at for at in range(len(inside)) if inside[at : at + 1] == b"<"] or [0]
    at = made.choice(gaps)
    how = made.randrange(4)
    if how < 2:
        return inside[:at] + made.choice(TAGS) + inside[at:]
    if how == 2:
        end = inside.find(b">", at) + 1
        return inside[:at] + spoilt_bytes(inside[at:end], [made.randrange(2**32)]) + inside[end:]
    return spoilt_bytes(inside, [made.randrange(2**32)])


def read_book(orgfiles: Reader, data: bytes) -> None:
    """The workbook is read and judged, or its fault is told; nothing but the library itself may end the child."""
    file = orgfiles.read(data, ".xlsx")
    assert not orgfiles.why or orgfiles.why.startswith(CONTAINED), orgfiles.why
    judged(file)


@pytest.mark.parametrize("inputs", shares("workbooks"))
def test_workbooks(inputs: int, orgfiles: Reader, book: bytes) -> None:
    """A workbook spoilt anywhere is read, or refused with a fault of the catalogue, within the child's limits."""

    def act(case: tuple[int, list[int]]) -> None:
        data, steps = book, case[1]
        if case[0] and steps:
            data, steps = rezipped(book, steps[0]), steps[1:] if case[0] == 1 else []
        read_book(orgfiles, spoilt_bytes(data, steps))

    fuzz(inputs, cases(4), act)


@pytest.mark.parametrize("inputs", shares("cells"))
def test_cells(inputs: int) -> None:
    """Whatever stands in the cells, headers and names of the sheets, the check comes to its end with words."""

    def act(case: tuple[int, list[int]]) -> None:
        file = raw(sound())
        for step in case[1]:
            file = spoilt_cells(file, Random(step))
        judged(file)

    fuzz(inputs, cases(1, 6), act)


def spoilt_cells(file: RawFile, made: Random) -> RawFile:
    """The file with a cell, a row, a header or a sheet spoilt."""
    sheets = list(file.sheets)
    at = made.randrange(len(sheets))
    sheet = sheets[at]
    rows = [(row, [*texts]) for row, texts in sheet.rows]
    row = made.randrange(len(rows)) if rows else 0
    how = made.randrange(8) if rows else 7
    if how < 5 and rows[row][1]:
        column = made.randrange(len(rows[row][1]))
        other = made.choice([text for _, texts in rows for text in texts] or [""])
        rows[row][1][column] = (
            other if how == 0 else spoilt_text(rows[row][1][column], [made.randrange(2**32)])[:500]
        )
    elif how == 5:
        rows[row:row] = [rows[row]] * made.choice((1, 50))
    elif how == 6:
        del rows[row]
    else:
        sheets.append(RawSheet(name=spoilt_text(sheet.name, [made.randrange(2**32)])[:40], rows=rows))
    sheets[at] = RawSheet(
        name=sheet.name, rows=rows, formulas=((row, made.randrange(12)),) if how == 4 else ()
    )
    return RawFile(format="xlsx", sheets=tuple(sheets))


PEOPLE: Final = "\n".join(",".join(row) for row in [HEADERS["人员"], *sound()["人员"]]) + "\n"
QUOTED: Final = PEOPLE.replace("张一", '"张,\n""一"').replace("科员", '"科员"')
TABLES: Final = (
    *(text.encode(code) for text in (PEOPLE, QUOTED) for code in ("utf-8", "utf-8-sig", "gb18030", "utf-16")),
    PEOPLE.replace(",", "\t").encode(),
    PEOPLE.replace(",", ";").replace("\n", "\r").encode(),
)  # fmt: skip


@pytest.mark.parametrize("inputs", shares("csv"))
def test_csv(inputs: int) -> None:
    """A CSV file in any encoding, with any quotes, is read as a table or refused with a fault of the catalogue."""

    def act(case: tuple[int, list[int]]) -> None:
        made = spoilt_bytes(TABLES[case[0]], case[1])
        judged(read_csv(made * (1 if len(case[1]) < 3 else 20), LIMITS))

    fuzz(inputs, cases(len(TABLES), 4), act)
