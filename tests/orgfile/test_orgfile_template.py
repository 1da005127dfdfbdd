"""The template an office fills in, and rows that come back as they were written."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from gateway.demo.city import build_city
from gateway.orgfile.check import check
from gateway.orgfile.columns import TABLES
from gateway.orgfile.known import Known
from gateway.orgfile.read import read_file
from gateway.orgfile.template import write_template
from gateway.orgfile.write import cells_of, write_rows
from inbox_store.orgrows import AppointmentRow, LineRow, OrgRows, PersonRow, RegionRow, SectionRow, UnitRow
from tests.orgfile.sheets import raw


def test_the_template_has_headers_lists_and_examples(tmp_path: Path) -> None:
    """Six sheets; every table has its headers, a drop-down for each closed list, and two examples in 说明."""
    write_template(tmp_path / "template.xlsx")
    book = load_workbook(tmp_path / "template.xlsx")
    assert book.sheetnames == ["说明", "地区", "条线", "单位", "科室", "人员"]
    for table in TABLES:
        sheet = book[table.sheet]
        assert [cell.value for cell in sheet[1]] == list(table.headers)
        lists = {str(found.formula1) for found in sheet.data_validations.dataValidation}
        assert lists == {f'"{",".join(column.choices)}"' for column in table.columns if column.choices}
    guide = [[cell.value for cell in row] for row in book["说明"].iter_rows()]
    assert sum(row[0] in ("示例 1", "示例 2") for row in guide) == 2 * len(TABLES)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_the_empty_template_is_recognised_and_has_no_rows(tmp_path: Path) -> None:
    """Handed in as it is, the template is told to be empty and nothing else."""
    write_template(tmp_path / "template.xlsx")
    assert [found.code for found in check(read_file(tmp_path / "template.xlsx")).findings] == ["no_rows"]


def test_the_examples_of_the_template_are_sound() -> None:
    """An office that copies the examples gets no fault."""
    checked = check(raw({table.sheet: list(table.examples) for table in TABLES}), Known())
    assert checked.faults == ()
    assert len(checked.rows.people) == 2


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    """Writing the same rows twice gives the same file."""
    rows = build_city(units=12, persons=100, counties=2)
    for name in ("one.xlsx", "two.xlsx"):
        write_rows(rows, tmp_path / name)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


NAMES = st.text(
    st.sampled_from("澜岫韶苒霁市县局办公室人民政府ABC abc123·（）()—、，'\"<&>[]#;,\t𠮷é"),
    min_size=1,
    max_size=20,
).map(lambda text: "".join(text.split()) or "名")
DAYS = st.none() | st.dates(date(1950, 1, 1), date(2099, 12, 31))


@st.composite
def organisations(draw: st.DrawFn) -> OrgRows:
    """Sound organisations with names of every sort."""
    units = draw(st.integers(1, 4))
    terms = [draw(st.tuples(DAYS, DAYS)) for _ in range(units)]
    return OrgRows(
        regions=(
            RegionRow(code="99", name=draw(NAMES), level="city"),
            RegionRow(code="9901", name=draw(NAMES), level="county", parent_code="99"),
        ),
        lines=(LineRow(code="x", name=draw(NAMES)),),
        units=tuple(
            UnitRow(
                code=f"U{number}",
                name=draw(NAMES) + str(number),
                short_name=draw(NAMES),
                group=draw(st.sampled_from(["county_direct", "school", "stationed"])),
                region_code="9901",
                line_code=draw(st.sampled_from([None, "x"])),
                tags=draw(st.sampled_from([(), ("head_office",), ("operator", "重点")])),
                obliged=draw(st.booleans()),
                rollout=draw(st.sampled_from(["entered", "applied", "trained", "dual", "live"])),
                active_from=draw(DAYS),
            )
            for number in range(units)
        ),
        sections=(SectionRow(unit_code="U0", code="01", name=draw(NAMES)),),
        people=tuple(
            PersonRow(
                code=f"P{number}",
                name=draw(NAMES),
                phone=draw(st.sampled_from([None, f"1540000000{number}"])),
                login=draw(st.sampled_from([None, f"login{number}"])),
            )
            for number in range(units)
        ),
        appointments=tuple(
            AppointmentRow(
                person_code=f"P{number}",
                unit_code=f"U{number}",
                section_code="01" if number == 0 else None,
                role="clerk",
                clerk_rank=draw(st.sampled_from(["A", "B"])),
                post=draw(NAMES),
                from_day=min(filter(None, term), default=None),
                to_day=max(term) if all(term) else None,  # type: ignore[type-var]
            )
            for number, term in enumerate(terms)
        ),
    )


@settings(max_examples=80, deadline=None)
@given(rows=organisations())
def test_rows_come_back_as_they_were_written(rows: OrgRows) -> None:
    """Whatever the names, the cells of an organisation are judged back into the same organisation."""
    checked = check(
        raw({sheet: [list(cells) for cells in found] for sheet, found in cells_of(rows).items()}), Known()
    )
    assert checked.faults == ()
    assert checked.rows == rows
