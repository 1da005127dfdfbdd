"""Importing by upload: all faults at once, nothing of a faulty file, nothing beyond one's own county."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import openpyxl
import pytest

from gateway.orgfile.write import write_rows
from inbox_store.orgrows import AppointmentRow, LineRow, OrgRows, PersonRow, RegionRow, SectionRow, UnitRow
from tests.api_admin.conftest import Office, Told

PATH = "/org/imports"
OCTETS = {"Content-Type": "application/octet-stream"}


async def upload(
    office: Office, who: str, content: bytes, *, name: str = "org.xlsx", key: str | None = None, **more: str
) -> Told:
    """One upload."""
    return await office.ask(
        "POST", PATH, who, key=key, data=content, headers=OCTETS, params={"name": name, **more}
    )


def workbook(folder: Path, rows: OrgRows) -> bytes:
    """The rows as a filled-in template."""
    path = folder / "upload.xlsx"
    write_rows(rows, path)
    return path.read_bytes()


def unit(code: str, region: str, line: str | None = None) -> UnitRow:
    """A unit of a county."""
    return UnitRow(
        code=code,
        name=f"单位{code}",
        short_name=code,
        group="county_direct",
        region_code=region,
        line_code=line,
        rollout="live",
    )


def clerk(code: str, unit_code: str, **more: object) -> tuple[PersonRow, AppointmentRow]:
    """A new clerk."""
    post = AppointmentRow(person_code=code, unit_code=unit_code, role="clerk", clerk_rank="A", post="科员")
    return PersonRow(code=code, name=f"人员{code}", phone=None), post


PERSON, POST = clerk("enew", "E09")
EAST = OrgRows(
    regions=(
        RegionRow(code="100", name="云水市", level="city"),
        RegionRow(code="110", name="东川县", level="county", parent_code="100"),
        RegionRow(code="112", name="新河镇", level="township", parent_code="110"),
    ),
    lines=(LineRow(code="EDU", name="教育"),),
    units=(unit("E09", "110", "EDU"),),
    sections=(SectionRow(unit_code="E09", code="01", name="办公室"),),
    people=(PERSON,),
    appointments=(POST,),
)


async def test_a_county_brings_in_its_own(office: Office, tmp_path: Path) -> None:
    """New units and people of the own county are stored; what stands above it may stay in the file unchanged."""
    told = await upload(office, "eadmin", workbook(tmp_path, EAST), key="import-0001")
    assert told.status == 200, told.json
    assert (told.json["units"], told.json["persons"], told.json["faults"]) == (1, 1, [])
    units = (await office.get("/org/units", "eadmin", q="E09")).json["items"]
    assert [(one["name"], one["clerks"]) for one in units] == [("单位E09", 1)]
    again = await upload(office, "eadmin", workbook(tmp_path, EAST), key="import-0001")
    assert (again.raw, again.headers["Idempotency-Replayed"]) == (told.raw, "true")
    assert [path.name for path in (office.house.settings.data_folder / "imports").iterdir()] == [
        "running.lock"
    ]


def _rows(**more: object) -> OrgRows:
    return OrgRows(**more)  # type: ignore[arg-type]  # one field each


BEYOND = {
    "another county's unit": (_rows(units=(unit("W01", "120"),)), "单位"),
    "a new unit elsewhere": (_rows(units=(unit("W09", "120"),)), "单位"),
    "taking a unit over": (_rows(units=(unit("W01", "110"),)), "单位"),
    "giving a unit away": (_rows(units=(unit("E01", "120"),)), "单位"),
    "a township elsewhere": (
        _rows(regions=(RegionRow(code="129", name="某镇", level="township", parent_code="120"),)),
        "地区",
    ),
    "moving a township out": (
        _rows(regions=(RegionRow(code="111", name="柳河镇", level="township", parent_code="120"),)),
        "地区",
    ),
    "renaming the county": (
        _rows(regions=(RegionRow(code="110", name="东川区", level="county", parent_code="100"),)),
        "地区",
    ),
    "a new line": (_rows(lines=(LineRow(code="NEW", name="新条线"),)), "条线"),
    "a section elsewhere": (_rows(sections=(SectionRow(unit_code="W01", code="01", name="某科"),)), "科室"),
    "a post elsewhere": (
        _rows(people=(clerk("n1", "W02")[0],), appointments=(clerk("n1", "W02")[1],)),
        "人员",
    ),
    "renaming somebody elsewhere": (
        _rows(people=(clerk("wclerk", "E03")[0],), appointments=(clerk("wclerk", "E03")[1],)),
        "人员",
    ),
    "somebody of two counties": (
        _rows(people=(clerk("both", "E03")[0],), appointments=(clerk("both", "E03")[1],)),
        "人员",
    ),
}


@pytest.mark.parametrize("what", BEYOND)
async def test_nothing_beyond_the_county_comes_in(office: Office, tmp_path: Path, what: str) -> None:
    """Rows beyond the importer's county are named with sheet and row, and nothing is stored."""
    rows, sheet = BEYOND[what]
    before = (await office.house.organisation()).version
    told = await upload(office, "eadmin", workbook(tmp_path, rows), accept_good="true")
    assert told.code == "import_faults", told.json
    found = [one for one in told.json["params"]["faults"] if one["code"] == "beyond_reach"]
    assert [(one["sheet"], one["row"]) for one in found] == [(sheet, 2)]
    assert (await office.house.organisation()).version == before


async def test_nobody_gives_a_wider_scope_than_they_hold(office: Office) -> None:
    """A county's administrator appoints nobody for the whole city."""
    header = "人员编号,姓名,手机号,单位编码,角色,管理范围,收发员序位,职务"
    told = await upload(
        office, "eadmin", f"{header}\nn1,某人,,E01,督查,全市,,科员".encode(), name="people.csv"
    )
    found = {(one["code"], one["column"]) for one in told.json["params"]["faults"]}
    assert ("beyond_reach", "管理范围") in found


async def test_the_city_imports_everything(office: Office, tmp_path: Path) -> None:
    """What a county may not, the city's administrator may."""
    told = await upload(office, "admin", workbook(tmp_path, BEYOND["a new unit elsewhere"][0]))
    assert told.status == 200, told.json


FAULTY = """人员编号,姓名,手机号,单位编码,角色,收发员序位,职务
p1,甲,12345,E01,干部职工,,科员
p2,乙,13911112222,Z99,干部职工,,科员
p3,,13911112223,E01,皇帝,,科员
p4,丁,13911112224,E01,干部职工,,科员
""".encode()


async def test_all_faults_are_told_at_once(office: Office) -> None:
    """A faulty file lists every fault with row, column, reason and mend, and stores nothing; numbers stay masked."""
    told = await upload(office, "admin", FAULTY, name="people.csv")
    assert (told.status, told.code) == (422, "import_faults")
    faults = told.json["params"]["faults"]
    assert {(one["row"], one["column"]) for one in faults} >= {
        (2, "手机号"),
        (3, "单位编码"),
        (4, "姓名"),
        (4, "角色"),
    }
    assert told.json["params"]["count"] == len(faults)
    assert all(one["reason"] and one["mend"] for one in faults)
    people = (await office.get(f"/units/{await office.unit('E01')}/people", "admin")).json["items"]
    assert {one["code"] for one in people}.isdisjoint({"p1", "p4"})


async def test_good_rows_come_in_when_asked(office: Office) -> None:
    """With accept_good the good row is stored and the faults are told beside it."""
    told = await upload(office, "admin", FAULTY, name="people.csv", accept_good="true")
    assert (told.status, told.json["persons"]) == (200, 1)
    assert len(told.json["faults"]) >= 4
    people = (await office.get(f"/units/{await office.unit('E01')}/people", "admin")).json["items"]
    assert "p4" in {one["code"] for one in people}


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"PK\x03\x04 no workbook", "a.xlsx", "import_faults"),
        (b"", "a.csv", "attachment_broken"),
        (b"x", "a.exe", "query_invalid"),
        (b"x", "../../a.csv", "import_faults"),
    ],
)
async def test_junk_is_refused(office: Office, content: bytes, name: str, told: str) -> None:
    """What is no table, empty or of another kind is refused, and nothing is left in the folder."""
    assert (await upload(office, "admin", content, name=name)).code == told
    folder = office.house.settings.data_folder / "imports"
    assert not [path for path in folder.glob("*") if path.name.startswith("upload-")]


async def test_too_large_is_refused_before_it_is_read(office: Office) -> None:
    """The declared length decides."""
    large = office.house.settings.imports.file_max_bytes + 1
    headers = OCTETS | {"Content-Length": str(large)}
    token = await office.token("admin")
    reader, writer = await asyncio.open_connection("127.0.0.1", office.server.port)
    lines = [
        f"POST /api/v1{PATH}?name=a.csv HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Idempotency-Key: large-0001",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(5):
        assert b" 413 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_what_a_crash_left_is_swept(office: Office) -> None:
    """An upload that nobody holds any more goes with the next one: it may name people."""
    folder = office.house.settings.data_folder / "imports"
    folder.mkdir(exist_ok=True)
    orphan = folder / "upload-0123.csv"
    orphan.write_text("人员编号,姓名", "utf-8")
    await upload(office, "admin", FAULTY, name="people.csv")
    assert not orphan.exists()


async def test_the_template_opens(office: Office) -> None:
    """The template is a workbook with its five sheets, offered as a download."""
    told = await office.get("/org/template", "eadmin")
    book = openpyxl.load_workbook(io.BytesIO(told.raw))
    assert set(book.sheetnames) >= {"地区", "条线", "单位", "科室", "人员"}
    assert "attachment" in told.headers["Content-Disposition"]
