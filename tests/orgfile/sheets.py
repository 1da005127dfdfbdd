"""A small sound organisation as raw sheets, to be spoilt cell by cell; and files made of it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.orgfile.check import Checked, check
from gateway.orgfile.columns import TABLES
from gateway.orgfile.known import Known
from gateway.orgfile.raw import RawFile, RawSheet
from gateway.orgfile.write import write_workbook

Tables = dict[str, list[list[str]]]

HEADERS = {table.sheet: list(table.headers) for table in TABLES}
FIRST_ROW = 2
"""Row 1 holds the headers."""


def sound() -> Tables:
    """Every table with every kind of row; no fault, no warning."""
    return {
        "地区": [
            ["99", "澜市", "市", ""],
            ["9901", "岫县", "县（区）", "99"],
            ["990101", "韶镇", "乡镇（街道）", "9901"],
            ["99010101", "苒村", "村（社区）", "990101"],
        ],
        "条线": [["edu", "教育"]],
        "单位": [
            ["U1", "澜市网信办", "网信办", "市直", "99", "", "运行管理单位", "是", "正式运行", "2018-01-01"],
            ["U2", "岫县教育局", "", "县直", "9901", "edu", "", "否", "双轨", ""],
        ],
        "科室": [["U1", "01", "秘书科"]],
        "人员": [
            ["P1", "张一", "13800000001", "zhang1", "U1", "01", "收发员", "A", "科员", "", "2018-01-01", ""],
            ["P2", "张二", "13800000002", "", "U1", "", "收发员", "B", "", "本单位", "", ""],
            ["P3", "张三", "13800000003", "", "U1", "", "系统管理员", "", "科长", "全市", "", ""],
            ["P4", "李四", "13800000004", "", "U2", "", "收发员", "A", "", "", "", ""],
            ["P5", "李五", "", "", "U2", "", "主要领导", "", "局长", "", "", ""],
            ["P5", "李五", "", "", "U1", "", "干部职工", "", "", "", "", ""],
        ],
    }


def raw(tables: Mapping[str, Sequence[Sequence[str]]], **headers: list[str]) -> RawFile:
    """The tables as the reader would hand them over, under the template's headers or others given by sheet."""
    sheets = [
        RawSheet(
            name=name,
            rows=[
                (row, list(texts))
                for row, texts in enumerate([headers.get(name, HEADERS[name]), *rows], start=1)
            ],
        )
        for name, rows in tables.items()
    ]
    return RawFile(format="xlsx", sheets=tuple(sheets))


def judged(tables: Mapping[str, Sequence[Sequence[str]]], known: Known | None = None) -> Checked:
    """The check of the tables against an empty store, or against ``known``."""
    return check(raw(tables), known or Known())


def told(checked: Checked) -> set[tuple[str, str, int, str]]:
    """Every finding as (code, sheet, row, column)."""
    return {(found.code, found.sheet, found.row, found.column) for found in checked.findings}


def workbook(path: Path, tables: Mapping[str, Sequence[Sequence[str]]]) -> Path:
    """The tables as a real XLSX file."""
    write_workbook(path, tables)
    return path


def repacked(source: Path, target: Path, members: Mapping[str, bytes | str], level: int = 1) -> Path:
    """A copy of an archive with some members replaced or added."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as new,
    ):
        for name in dict.fromkeys([*old.namelist(), *members]):
            new.writestr(name, members[name] if name in members else old.read(name))
    return target


def sheet_xml(inside: str) -> str:
    """A worksheet's XML around the rows ``inside``."""
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{inside}</sheetData></worksheet>'
