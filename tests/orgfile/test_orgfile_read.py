"""Reading untrusted files: every format and encoding, junk of all kinds, bombs; a fault each time, never a stall."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from gateway.orgfile.cellread import read_csv
from gateway.orgfile.check import check
from gateway.orgfile.envelope import archive_fault
from gateway.orgfile.known import Known
from gateway.orgfile.limits import DEFAULT_LIMITS, MIB, ReadLimits
from gateway.orgfile.raw import RawFile
from gateway.orgfile.read import read_file
from tests.orgfile.sheets import HEADERS, judged, repacked, sheet_xml, sound, workbook

PEOPLE_MEMBER = "xl/worksheets/sheet6.xml"
ANSWER_MAX_S = 10.0
"""Far above what any of these files takes; below the child's own wall clock."""


@pytest.fixture(scope="module")
def plain_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound organisation as a workbook."""
    return workbook(tmp_path_factory.mktemp("orgfile") / "sound.xlsx", sound())


def codes(file: RawFile) -> list[str]:
    """The codes of what a check says of the file."""
    return [found.code for found in check(file, Known()).findings]


def csv_text(rows: list[list[str]]) -> str:
    """The people's table as CSV."""
    return "\n".join(",".join(row) for row in [HEADERS["人员"], *rows]) + "\n"


def test_a_workbook_gives_the_rows_that_were_written(plain_file: Path) -> None:
    """A real XLSX file is judged as the cells it was made of."""
    checked = check(read_file(plain_file), Known())
    assert checked.findings == ()
    assert checked.rows == judged(sound()).rows


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_csv_is_read_in_the_usual_encodings(tmp_path: Path, encoding: str, separator: str) -> None:
    """UTF-8 with and without a mark and GB18030 give the same people, rare characters included."""
    rows = [["P1", "张𠮷", "13800000001", "", "U1", "", "收发员", "A", "", "", "", ""]]
    file = tmp_path / "people.csv"
    file.write_text(csv_text(rows).replace(",", separator), encoding=encoding)
    (person,) = check(read_file(file)).rows.people
    assert person.name == "张𠮷"


def test_csv_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    """A fault below a blank line and a cell of two lines names the row a spreadsheet shows."""
    text = csv_text([]) + "\n" + 'P1,"张\n一",,,U1,,干部职工,,,,,\nP2,张二,1,,U1,,干部职工,,,,,\n'
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    assert [(found.code, found.row) for found in check(read_file(file)).faults] == [
        ("control", 3),
        ("bad_phone", 4),
    ]


def test_numbers_and_days_of_a_spreadsheet_become_text(tmp_path: Path) -> None:
    """Codes and phones typed as numbers, days typed as days and ticks typed as TRUE are read as they look."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "人员"
    sheet.append(HEADERS["人员"])
    sheet.append([1001, "张一", 13800000001, None, 7.0, None, "干部职工", None, None, None, date(2018, 1, 2)])
    book.save(tmp_path / "typed.xlsx")
    (post,) = check(read_file(tmp_path / "typed.xlsx")).rows.appointments
    assert (post.person_code, post.unit_code, post.from_day) == ("1001", "7", date(2018, 1, 2))


def test_long_numbers_that_lost_digits_are_refused(tmp_path: Path) -> None:
    """A code of 18 digits typed as a number has lost its last digits and is told so."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "条线"
    sheet.append(HEADERS["条线"])
    sheet.append([990100199001011234, "教育"])
    book.save(tmp_path / "long.xlsx")
    assert codes(read_file(tmp_path / "long.xlsx")) == ["scientific"]


def test_formulas_are_found_and_formula_texts_stay_texts(tmp_path: Path) -> None:
    """A computed cell is a fault at its place; a text that looks like a formula is read as text, never computed."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "条线"
    sheet.append(HEADERS["条线"])
    sheet.append(["edu", "=1+1"])
    sheet.append(["tax", ""])
    sheet["B3"] = "=cmd|'/C calc'!A0"
    sheet["B3"].data_type = "s"
    book.save(tmp_path / "formula.xlsx")
    found = check(read_file(tmp_path / "formula.xlsx")).faults
    assert {(one.code, one.row) for one in found} == {("formula", 2), ("missing", 2), ("formula_text", 3)}


def test_what_is_written_is_never_a_formula(tmp_path: Path) -> None:
    """Names that look like formulas or links are written as texts and come back as they were."""
    tables = sound()
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "http://x.example", "007", "{=A1}"]
    tables["条线"] = [[f"L{number}", name] for number, name in enumerate(names)]
    file = read_file(workbook(tmp_path / "names.xlsx", tables))
    lines = next(sheet for sheet in file.sheets if sheet.name == "条线")
    assert [texts[1] for _, texts in lines.rows[1:]] == names
    assert lines.formulas == ()


def test_sheets_are_known_by_name_and_others_are_named(tmp_path: Path) -> None:
    """人员表 and people are the people's sheet; a sheet nobody knows is named, so that it is not lost unseen."""
    book = Workbook()
    for name in ("人员表", "Lines", "人员备份"):
        book.create_sheet(name).append(HEADERS["条线" if name == "Lines" else "人员"])
    del book["Sheet"]
    book["Lines"].append(["edu", "教育"])
    book["人员表"].append(["P1", "张一", None, None, "U1", None, "干部职工"])
    book.save(tmp_path / "names.xlsx")
    checked = check(read_file(tmp_path / "names.xlsx"))
    assert [found.code for found in checked.findings] == ["sheet_unknown"]
    assert "人员备份" in checked.findings[0].reason
    assert (len(checked.rows.lines), len(checked.rows.people)) == (1, 1)


OTHERS = {
    "empty.xlsx": (b"", "file_empty"),
    "text.xlsx": ("人员编号,姓名".encode(), "not_xlsx"),
    "image.xlsx": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not_xlsx"),
    "print.csv": (b"%PDF-1.7 ...", "not_xlsx"),
    "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "not_xlsx"),
    "locked.xlsx": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "encrypted",
    ),
    "cut.xlsx": (b"PK\x03\x04" + bytes(200), "zip_broken"),
    "wide.csv": ("人员编号,姓名".encode("utf-16"), "csv_encoding"),
    "other.csv": (b"\xff\xfa\x81\xff,\xff", "csv_encoding"),
    "quote.csv": ('人员编号,姓名,角色\n"P1,x,y\n'.encode(), "csv_quotes"),
    "foreign.csv": ("甲,乙\n1,2\n".encode(), "no_table"),
    "header.csv": ("人员编号,姓名,手机号,单位编码,角色\n".encode(), "no_rows"),
    "blank.csv": (b"\n\n  \n", "no_table"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_told_by_what_they_are(tmp_path: Path, name: str) -> None:
    """A file that is no table of ours is refused with the reason, whatever it calls itself."""
    data, code = OTHERS[name]
    (tmp_path / name).write_bytes(data)
    assert codes(read_file(tmp_path / name)) == [code]


@pytest.mark.parametrize(
    ("member", "kind"), [("word/document.xml", "Word"), ("content.xml", "ODF"), ("a.txt", "压缩包")]
)
def test_other_archives_are_told_by_what_they_are(tmp_path: Path, member: str, kind: str) -> None:
    """A document or a plain archive with the name of a workbook is told for what it is."""
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr(member, "x")
    (found,) = read_file(tmp_path / "x.xlsx").faults
    assert (found.code, kind in found.reason) == ("not_xlsx", True)


def test_places_that_are_no_files_are_refused(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe nobody writes to are faults at once."""
    os.mkfifo(tmp_path / "pipe")
    told = [codes(read_file(path)) for path in (tmp_path / "none.xlsx", tmp_path, tmp_path / "pipe")]
    assert told == [["file_missing"], ["file_unreadable"], ["file_unreadable"]]


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path) -> None:
    """The size is looked at first."""
    with (tmp_path / "big.xlsx").open("wb") as file:
        file.truncate(DEFAULT_LIMITS.file_max_bytes + 1)
    assert codes(read_file(tmp_path / "big.xlsx")) == ["file_too_large"]


def archive_codes(path: Path, **limits: int) -> list[str]:
    """What the envelope of an archive is refused for."""
    with path.open("rb") as stream:
        found = archive_fault(stream, path.stat().st_size, ReadLimits(**limits))
    return [found.code] if found else []


def test_the_envelope_of_a_sound_workbook_passes(plain_file: Path) -> None:
    """Nothing is wrong with the archive of a sound workbook."""
    assert archive_codes(plain_file) == []


def test_unpacked_size_ratio_and_members_are_limited(tmp_path: Path, plain_file: Path) -> None:
    """A workbook that unpacks too large, too well or into too many members is refused before parsing."""
    bomb = repacked(plain_file, tmp_path / "bomb.xlsx", {PEOPLE_MEMBER: b" " * (12 * MIB)}, level=9)
    many = repacked(plain_file, tmp_path / "many.xlsx", {f"m{number}": b"" for number in range(600)})
    assert archive_codes(bomb) == ["ratio_too_high"]
    assert archive_codes(bomb, unpacked_max_bytes=8 * MIB) == ["unpacked_too_large"]
    assert archive_codes(many) == ["zip_members"]
    assert archive_codes(many, directory_max_bytes=1024, members_max=10_000) == ["zip_members"]


def test_a_directory_that_lies_about_sizes_is_caught_by_counting(tmp_path: Path, plain_file: Path) -> None:
    """Sizes are counted by unpacking: a bomb that declares itself small is still a bomb."""
    real = 12 * MIB
    bomb = repacked(plain_file, tmp_path / "liar.xlsx", {PEOPLE_MEMBER: b" " * real})
    honest = real.to_bytes(4, "little")
    bomb.write_bytes(bomb.read_bytes().replace(honest, (1000).to_bytes(4, "little")))
    with zipfile.ZipFile(bomb) as archive:
        assert archive.getinfo(PEOPLE_MEMBER).file_size == 1000
    assert archive_codes(bomb, unpacked_max_bytes=8 * MIB) == ["unpacked_too_large"]


def test_links_encryption_and_odd_packing_are_refused(tmp_path: Path, plain_file: Path) -> None:
    """A symbolic link, an encrypted member and an unusual packing in the archive are refused by name."""
    link = zipfile.ZipInfo("xl/link")
    link.external_attr = 0o120777 << 16
    copies = {name: tmp_path / f"{name}.xlsx" for name in ("link", "packed", "locked")}
    for copy in copies.values():
        copy.write_bytes(plain_file.read_bytes())
    with zipfile.ZipFile(copies["link"], "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(copies["packed"], "a") as archive:
        archive.writestr("xl/odd", "x", compress_type=zipfile.ZIP_LZMA)
    data = bytearray(copies["locked"].read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    copies["locked"].write_bytes(data)
    assert [archive_codes(copies[name]) for name in copies] == [["zip_link"], ["zip_broken"], ["encrypted"]]


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = sheet_xml('<row r="1"><c r="A1" t="inlineStr"><is><t>&e9;</t></is></c></row>').replace(
    "<worksheet", f'<!DOCTYPE x [<!ENTITY e0 "{"A" * 1000}">{ENTITIES}]><worksheet'
)
QUADRATIC = sheet_xml(
    f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"&a;" * 20_000}</t></is></c></row>'
).replace("<worksheet", f'<!DOCTYPE x [<!ENTITY a "{"A" * 100_000}">]><worksheet')
FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
BOMBS: dict[str, tuple[Callable[[], str], set[str]]] = {
    "entities": (lambda: LAUGHS, {"read_broken"}),
    "quadratic": (lambda: QUADRATIC, {"read_broken"}),
    "far": (lambda: sheet_xml(FAR), {"read_memory"}),
    "empty rows": (
        lambda: sheet_xml("".join(f'<row r="{n}"/>' for n in range(1, 1_000_001))),
        {"unit_no_clerk"},
    ),
    "many cells": (
        lambda: sheet_xml("".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(1, 400_001))),
        {"too_many_rows"},
    ),
    "formulas": (
        lambda: sheet_xml("".join(f'<row r="{n}"><c r="A{n}"><f>1</f></c></row>' for n in range(1, 300_003))),
        {"formulas_everywhere"},
    ),
    "deep": (lambda: sheet_xml("<a>" * 300_000 + "</a>" * 300_000), {"unit_no_clerk"}),
    "no rows": (lambda: sheet_xml('<row r="99999999999999999999"><c r="ZZZZZZ1"><v>1</v></c></row>'), set()),
    "attributes": (
        lambda: sheet_xml(
            "<row " + " ".join(f"a{n}='1'" for n in range(100_000)) + "><c r='A1'><v>1</v></c></row>"
        ),
        {"header_missing"},
    ),
    "no xml": (lambda: "\x00\x01" * 10_000, {"read_broken"}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_told_within_the_time(tmp_path: Path, plain_file: Path, name: str) -> None:
    """No content of a sheet stalls the reader or breaks it: a finding comes back, and soon."""
    make, expected = BOMBS[name]
    bomb = repacked(plain_file, tmp_path / "bomb.xlsx", {PEOPLE_MEMBER: make()})
    started = time.monotonic()
    found = set(codes(read_file(bomb)))
    assert time.monotonic() - started < ANSWER_MAX_S
    assert expected <= found


def test_entities_in_the_workbook_itself_do_no_harm(tmp_path: Path, plain_file: Path) -> None:
    """An entity bomb in the directory of sheets is a broken file."""
    bomb = repacked(plain_file, tmp_path / "bomb.xlsx", {"xl/workbook.xml": LAUGHS})
    assert codes(read_file(bomb))


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ReadLimits(child_wall_max_s=0.01), "read_slow"),
        (ReadLimits(child_memory_max_bytes=48 * MIB), "read_memory"),
        (ReadLimits(result_max_bytes=1000), "too_many_rows"),
        (ReadLimits(rows_max=3), "too_many_rows"),
        (ReadLimits(cells_max=20), "too_many_rows"),
    ],
)
def test_every_limit_of_the_child_has_its_fault(
    tmp_path: Path, plain_file: Path, limits: ReadLimits, code: str
) -> None:
    """Time, memory, size of the result, rows and cells: each limit ends the reading with a fault that names it."""
    tables = sound()
    tables["人员"] += [[f"Q{n}", "某人", "", "", "U1", "", "干部职工"] for n in range(20_000)]
    file = workbook(tmp_path / "many.xlsx", tables) if "memory" in code else plain_file
    assert codes(read_file(file, limits)) == [code]


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_csv_reader(data: bytes) -> None:
    """Any bytes as CSV give cells or a fault."""
    file = read_csv(data, DEFAULT_LIMITS)
    assert bool(file.sheets) != bool(file.faults)
    check(file, Known())


@pytest.fixture(scope="module")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for drawn files."""
    return tmp_path_factory.mktemp("drawn")


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 10_000), put=st.binary(min_size=1, max_size=40), cut=st.integers(0, 10_000))
def test_no_damage_breaks_the_envelope(
    plain_file: Path, playground: Path, at: int, put: bytes, cut: int
) -> None:
    """A workbook damaged anywhere, or cut anywhere, is judged without an exception."""
    data = bytearray(plain_file.read_bytes())
    at %= len(data)
    data[at : at + len(put)] = put
    drawn = playground / "damaged.xlsx"
    drawn.write_bytes(bytes(data[: len(data) - cut % len(data)] if cut % 3 == 0 else data))
    archive_codes(drawn)


@settings(max_examples=20, deadline=None)
@given(at=st.integers(0, 10_000), put=st.binary(min_size=1, max_size=30))
def test_no_damaged_sheet_breaks_the_reading(plain_file: Path, playground: Path, at: int, put: bytes) -> None:
    """A workbook whose people's sheet is damaged at any place gives rows or findings."""
    with zipfile.ZipFile(plain_file) as archive:
        inside = bytearray(archive.read(PEOPLE_MEMBER))
    at %= len(inside)
    inside[at : at + len(put)] = put
    drawn = repacked(plain_file, playground / "sheet.xlsx", {PEOPLE_MEMBER: bytes(inside)})
    checked = check(read_file(drawn), Known())
    assert checked.findings or checked.rows.people
