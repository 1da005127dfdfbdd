"""The check of an organisation file: one table of spoilt cells, each with the finding it must give."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.orgfile.check import check
from gateway.orgfile.columns import TABLES
from gateway.orgfile.known import Known
from gateway.orgfile.raw import RawFile, RawSheet
from tests.orgfile.sheets import HEADERS, Tables, judged, raw, sound, told

Spoil = Callable[[Tables], None]


def cell(sheet: str, row: int, header: str, text: str) -> Spoil:
    """Put ``text`` into one cell; ``row`` counts as the spreadsheet does."""

    def spoil(tables: Tables) -> None:
        tables[sheet][row - 2][HEADERS[sheet].index(header)] = text

    return spoil


def more(sheet: str, *rows: list[str]) -> Spoil:
    """Add rows at the end of a sheet."""

    def spoil(tables: Tables) -> None:
        tables[sheet].extend(rows)

    return spoil


def person(
    code: str, unit: str, role: str, rank: str = "", scope: str = "", days: tuple[str, str] = ("", "")
) -> list[str]:
    """A row of the people's sheet."""
    return [code, "某人", "", "", unit, "", role, rank, "", scope, *days]


SPOILT: list[tuple[Spoil, set[tuple[str, str, int, str]]]] = [
    # codes
    (cell("地区", 5, "地区编码", ""), {("missing", "地区", 5, "地区编码")}),
    (cell("单位", 3, "单位名称", " \u3000"), {("missing", "单位", 3, "单位名称")}),
    (cell("条线", 2, "条线编码", "教 育"), {("bad_code", "条线", 2, "条线编码"), ("line_unknown", "单位", 3, "条线编码")}),
    (cell("人员", 6, "人员编号", "6.2E+17"), {("scientific", "人员", 6, "人员编号")}),
    (cell("地区", 5, "地区编码", "9901"), {("code_twice", "地区", 3, "地区编码"), ("code_twice", "地区", 5, "地区编码")}),
    (more("条线", ["edu", "教育二"]), {("code_twice", "条线", 2, "条线编码"), ("code_twice", "条线", 3, "条线编码")}),
    (more("科室", ["U1", "01", "另科"]), {("code_twice", "科室", 2, "科室编码"), ("code_twice", "科室", 3, "科室编码")}),
    (more("科室", ["U2", "01", "同码异单位"]), set()),
    # references
    (cell("地区", 4, "上级地区编码", "9909"), {("region_unknown", "地区", 4, "上级地区编码")}),
    (cell("单位", 3, "地区编码", "9902"), {("region_unknown", "单位", 3, "地区编码")}),
    (cell("单位", 3, "条线编码", "health"), {("line_unknown", "单位", 3, "条线编码")}),
    (cell("科室", 2, "单位编码", "U9"), {("unit_unknown", "科室", 2, "单位编码"), ("section_unknown", "人员", 2, "科室编码")}),
    (cell("人员", 6, "单位编码", "U9"), {("unit_unknown", "人员", 6, "单位编码")}),
    (cell("人员", 6, "科室编码", "07"), {("section_unknown", "人员", 6, "科室编码")}),
    # regions: order of levels, cycles
    (cell("地区", 2, "上级地区编码", "9901"), {("region_cycle", "地区", 2, "上级地区编码"), ("region_cycle", "地区", 3, "上级地区编码")}),
    (cell("地区", 4, "上级地区编码", "990101"), {("region_cycle", "地区", 4, "上级地区编码")}),
    (cell("地区", 3, "级别", "村"), {("region_level", "地区", 4, "上级地区编码"), ("unit_level", "单位", 3, "单位类别")}),
    (cell("地区", 4, "上级地区编码", ""), {("region_rootless", "地区", 4, "上级地区编码")}),
    (more("地区", ["98", "另市", "市", ""]), {("city_twice", "地区", 2, "级别"), ("city_twice", "地区", 6, "级别")}),
    (more("地区", ["98", "另市", "city", "99"]), {("region_rooted", "地区", 6, "上级地区编码"), ("city_twice", "地区", 2, "级别"), ("city_twice", "地区", 6, "级别")}),
    (cell("单位", 3, "单位类别", "市直"), {("unit_level", "单位", 3, "单位类别")}),
    # closed lists
    (cell("地区", 5, "级别", "屯"), {("bad_word", "地区", 5, "级别")}),
    (cell("单位", 3, "单位类别", "省直"), {("bad_word", "单位", 3, "单位类别")}),
    (cell("单位", 3, "应启用", ""), {("missing", "单位", 3, "应启用")}),
    (cell("单位", 3, "推行阶段", "半轨"), {("bad_word", "单位", 3, "推行阶段")}),
    (cell("人员", 6, "角色", "主要领到"), {("bad_word", "人员", 6, "角色")}),
    (cell("人员", 4, "管理范围", "全省"), {("bad_word", "人员", 4, "管理范围")}),
    # people
    (cell("人员", 5, "手机号", "12800000004"), {("bad_phone", "人员", 5, "手机号")}),
    (cell("人员", 5, "手机号", "1380000000"), {("bad_phone", "人员", 5, "手机号")}),
    (cell("人员", 5, "手机号", "1.38E+10"), {("scientific", "人员", 5, "手机号")}),
    (cell("人员", 5, "手机号", "+86 138-0000-0004"), set()),
    (cell("人员", 5, "手机号", "13800000001"), {("phone_twice", "人员", 2, "手机号"), ("phone_twice", "人员", 5, "手机号")}),
    (cell("人员", 5, "登录名", "ZHANG1"), {("login_twice", "人员", 2, "登录名"), ("login_twice", "人员", 5, "登录名")}),
    (cell("人员", 5, "登录名", "李四"), {("bad_login", "人员", 5, "登录名")}),
    (cell("人员", 7, "姓名", "李舞"), {("person_differs", "人员", 7, "姓名")}),
    (cell("人员", 7, "单位编码", ""), {("no_appointment", "人员", 7, "单位编码")}),
    (cell("人员", 7, "角色", ""), {("no_appointment", "人员", 7, "角色")}),
    # posts
    (cell("人员", 3, "收发员序位", ""), {("rank_missing", "人员", 3, "收发员序位")}),
    (cell("人员", 6, "收发员序位", "B"), {("rank_needless", "人员", 6, "收发员序位")}),
    (cell("人员", 3, "收发员序位", "A角"), {("rank_taken", "人员", 2, "收发员序位"), ("rank_taken", "人员", 3, "收发员序位")}),
    (cell("人员", 2, "任职止", "2017-12-31"), {("days_reversed", "人员", 2, "任职止")}),
    (cell("人员", 2, "任职起", "2018年13月1日"), {("bad_day", "人员", 2, "任职起")}),
    (cell("人员", 6, "管理范围", "全市"), {("scope_role", "人员", 6, "管理范围")}),
    (cell("人员", 4, "管理范围", "本县"), {("scope_county", "人员", 4, "管理范围")}),
    (more("人员", person("P8", "U2", "财务", scope="全市")), {("scope_city", "人员", 8, "管理范围")}),
    (more("人员", person("P8", "U2", "财务", scope="county")), set()),
    (more("人员", ["P3", "张三", "", "", "U1", "", "审计管理员", "", "", "全市", "", ""]), {("roles_joined", "人员", 4, "角色"), ("roles_joined", "人员", 8, "角色")}),
    (more("人员", ["P5", "李五", "", "", "U2", "", "主要领导", "", "", "", "", ""]), {("post_twice", "人员", 6, "角色"), ("post_twice", "人员", 8, "角色")}),
    # texts
    (cell("单位", 3, "单位名称", "局" * 101), {("too_long", "单位", 3, "单位名称")}),
    (cell("人员", 6, "姓名", '=HYPERLINK("http://x")'), {("formula_text", "人员", 6, "姓名")}),
    (cell("人员", 6, "职务", "@SUM(A1)"), {("formula_text", "人员", 6, "职务")}),
    (cell("人员", 6, "姓名", "李\u202e五"), {("control", "人员", 6, "姓名")}),
    (cell("人员", 6, "姓名", "李\x00五"), {("control", "人员", 6, "姓名")}),
    (cell("单位", 3, "标签", "、".join(f"标签{n}" for n in range(17))), {("too_many_tags", "单位", 3, "标签")}),
    # warnings
    (more("单位", ["U3", "岫县民政局", "", "县直", "9901", "", "", "是", "", ""]), {("unit_no_clerk", "单位", 4, "单位编码")}),
    (cell("单位", 3, "单位名称", "澜市网信办"), {("name_twice", "单位", 2, "单位名称"), ("name_twice", "单位", 3, "单位名称")}),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "findings"), SPOILT)
def test_each_spoilt_cell_is_found_and_nothing_else(
    spoil: Spoil, findings: set[tuple[str, str, int, str]]
) -> None:
    """One spoilt cell gives exactly its findings, each with sheet, row and column; a fault imports nothing."""
    tables = sound()
    spoil(tables)
    checked = judged(tables)
    surplus = told(checked) - findings
    # A name that differs within one person, or a person that loses its name, is told at every row it touches.
    assert findings <= told(checked)
    assert {found for found in surplus if found[0] != "person_differs"} == set()
    assert bool(checked.rows.units) == (not checked.faults)


def test_a_sound_file_has_no_findings() -> None:
    """The sound organisation passes without fault or warning and keeps every row."""
    checked = judged(sound())
    assert checked.findings == ()
    rows = checked.rows
    counts = [
        len(part)
        for part in (rows.regions, rows.lines, rows.units, rows.sections, rows.people, rows.appointments)
    ]
    assert counts == [4, 1, 2, 1, 5, 6]
    assert rows.units[0].tags == ("operator",)
    assert rows.units[1].short_name == "岫县教育局"
    assert checked.good == rows


def test_all_faults_come_at_once() -> None:
    """Spoiling every table gives every fault in one check, in the order of the sheets and rows."""
    tables = sound()
    spoils = [
        cell("地区", 5, "级别", "屯"),
        cell("单位", 3, "单位类别", "省直"),
        cell("科室", 2, "科室名称", ""),
        cell("人员", 3, "手机号", "1"),
        cell("人员", 4, "角色", "皇帝"),
    ]
    for spoil in spoils:
        spoil(tables)
    found = [(fault.sheet, fault.row) for fault in judged(tables).faults]
    assert found == [("地区", 5), ("单位", 3), ("科室", 2), ("人员", 3), ("人员", 4)]


def test_every_fault_tells_reason_and_mend_in_chinese() -> None:
    """Each finding of the table has a reason and a mend without an unfilled placeholder."""
    for spoil, _ in SPOILT:
        tables = sound()
        spoil(tables)
        for found in judged(tables).findings:
            assert found.reason
            assert found.mend
            assert "{" not in found.reason + found.mend


@pytest.mark.parametrize("text", ["13800000004", "1380000000", "+86 138 0000 00045", "tel13800000004"])
def test_phone_numbers_never_stand_in_a_fault(text: str) -> None:
    """What was typed as a number is masked wherever a finding shows it."""
    tables = sound()
    cell("人员", 2, "手机号", text)(tables)
    cell("人员", 5, "姓名", "李 13912345678 " * 5)(tables)
    shown = "".join(found.value + found.reason for found in judged(tables).findings)
    assert not re.search(r"\d{5}", shown)


def test_an_office_word_list_is_told_with_the_nearest_word() -> None:
    """A misspelt word of a closed list is answered with the allowed words and the nearest one."""
    tables = sound()
    cell("人员", 6, "角色", "主要领到")(tables)
    (found,) = judged(tables).faults
    assert "主要领导" in found.reason
    assert "干部职工、收发员" in found.mend


@pytest.mark.parametrize(
    ("header", "other", "code"),
    [
        ("手机号", "手机", "column_missing"),
        ("姓名", "名字", "column_missing"),
        ("登录名", "登陆名", "column_misspelt"),
        ("职务", "职务", ""),
        ("任职起", "任职起*", ""),
        ("管理范围", "管理范围（可空）", ""),
    ],
)
def test_headers_are_recognised_or_the_nearest_is_named(header: str, other: str, code: str) -> None:
    """Marks and remarks in a header do not matter; a missing or misspelt column is named with its nearest header."""
    headers = [other if name == header else name for name in HEADERS["人员"]]
    checked = check(raw(sound(), 人员=headers), Known())
    assert [found.code for found in checked.findings] == ([code] if code else [])
    if code:
        assert other in checked.findings[0].reason


def test_a_missing_column_is_told_once_and_blames_nothing_else() -> None:
    """Without the column of unit codes the rows of the sheet are not judged, nor what refers to them."""
    headers = ["代号" if name == "单位编码" else name for name in HEADERS["单位"]]
    checked = check(raw(sound(), 单位=headers), Known())
    assert [(found.code, found.column) for found in checked.findings] == [("column_missing", "单位编码")]


def test_a_sheet_without_headers_blames_nothing_else() -> None:
    """Where the headers of the units are gone altogether, the people are not told that their units are unknown."""
    checked = check(raw(sound(), 单位=["甲", "乙"]), Known())
    assert [(found.code, found.sheet) for found in checked.findings] == [("header_missing", "单位")]


def test_a_title_above_the_headers_does_no_harm() -> None:
    """Headers may stand below a title row; rows are still counted as the spreadsheet does."""
    file = raw(sound())
    people = next(sheet for sheet in file.sheets if sheet.name == "人员")
    shifted = [(1, ["澜市人员名册"]), *((row + 1, texts) for row, texts in people.rows)]
    shifted[4][1][2] = "1"
    others = [sheet for sheet in file.sheets if sheet.name != "人员"]
    checked = check(RawFile(format="xlsx", sheets=(*others, RawSheet(name="人员", rows=shifted))), Known())
    assert told(checked) == {("bad_phone", "人员", 5, "手机号")}


def test_people_alone_may_refer_to_units_in_the_store() -> None:
    """A file with the people's sheet only is judged against what the store knows."""
    people = {"人员": sound()["人员"]}
    known = Known(
        regions={"99": "city", "9901": "county"},
        units={"U1": "99", "U2": "9901"},
        sections=frozenset({("U1", "01")}),
    )
    assert judged(people, known).findings == ()
    assert {found.code for found in judged(people).faults} == {"unit_unknown"}


def test_offline_what_the_file_does_not_hold_is_not_judged() -> None:
    """Without a store the references into absent sheets are not blamed, and the rows are still counted."""
    checked = check(raw({"人员": sound()["人员"]}))
    assert checked.findings == ()
    assert len(checked.rows.people) == 5


@pytest.mark.parametrize(
    ("known", "code", "row"),
    [
        (Known(clerks={("U1", "A"): "P77"}), "rank_held", 2),
        (Known(clerks={("U1", "A"): "P2"}), "", 0),
        (Known(logins={"zhang1": "P77"}), "login_taken", 2),
        (Known(logins={"zhang1": "P1"}), "", 0),
        (Known(separated={"P3": frozenset({"auditor"})}), "roles_joined", 4),
        (Known(separated={"P3": frozenset({"administrator"})}), "", 0),
    ],
)
def test_the_store_has_a_say(known: Known, code: str, row: int) -> None:
    """A rank, a login or a separated role that someone in the store holds is not given away unnoticed."""
    checked = judged(sound(), known)
    assert [(found.code, found.row) for found in checked.findings] == ([(code, row)] if code else [])


@pytest.mark.parametrize(
    ("terms", "clash"),
    [
        ([("", "2018-06-30"), ("2018-07-01", "")], False),
        ([("", "2018-07-01"), ("2018-07-01", "")], True),
        ([("2018-01-01", ""), ("2017-01-01", "2017-12-31")], False),
        ([("", ""), ("2019-01-01", "2019-12-31")], True),
    ],
)
def test_clerks_may_follow_each_other(terms: list[tuple[str, str]], *, clash: bool) -> None:
    """Two persons may be clerk A of one unit one after the other, never on the same day."""
    tables = sound()
    tables["人员"] = tables["人员"][:3] + [
        person(f"C{n}", "U2", "收发员", "A", days=days) for n, days in enumerate(terms)
    ]
    assert ("rank_taken" in {found.code for found in judged(tables).faults}) == clash


@pytest.mark.parametrize("text", ["2018-04-13", "2018/4/13", "2018.04.13", "2018年4月13日", "20180413", "2018-04-13 00:00:00", "２０１８-04-13"])  # fmt: skip
def test_days_are_read_in_the_usual_spellings(text: str) -> None:
    """Every usual spelling of a day gives the same day."""
    tables = sound()
    cell("人员", 2, "任职起", text)(tables)
    (first, *_) = judged(tables).rows.appointments
    assert first.from_day is not None
    assert first.from_day.isoformat() == "2018-04-13"


def test_english_code_values_are_accepted() -> None:
    """Closed lists take the code values of the API as well as the office's words."""
    tables = sound()
    cell("地区", 3, "级别", "county")(tables)
    cell("单位", 3, "单位类别", "County_Direct")(tables)
    cell("人员", 6, "角色", "head")(tables)
    cell("人员", 4, "管理范围", "city")(tables)
    assert judged(tables).rows == judged(sound()).rows


def test_formula_cells_are_refused_where_they_are_read() -> None:
    """A computed cell in a known column is a fault; above the data or in a foreign column it is not."""
    file = raw(sound())
    with_formulas = RawSheet(name="人员", rows=file.sheets[4].rows, formulas=((1, 0), (3, 1), (4, 30)))
    checked = check(RawFile(format="xlsx", sheets=(*file.sheets[:4], with_formulas)), Known())
    assert told(checked) == {("formula", "人员", 3, "姓名")}


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["P1", "U1", "99", "收发员", "A", "全市", "2018-01-01", "13800000001", "市"]
)
ROWS = st.lists(st.lists(TEXTS, max_size=14), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    tables=st.dictionaries(st.sampled_from([table.sheet for table in TABLES]), ROWS, max_size=5),
    headed=st.booleans(),
    name=st.text(max_size=5),
)
def test_no_cells_whatever_raise(tables: Tables, headed: bool, name: str) -> None:  # noqa: FBT001 - drawn
    """Whatever stands in the cells, the check answers with findings or rows."""
    sheets = [
        RawSheet(name=sheet, rows=list(enumerate([*([HEADERS[sheet]] if headed else []), *rows], start=1)))
        for sheet, rows in tables.items()
    ]
    sheets.append(RawSheet(name=name, rows=[(1, ["x"])]))
    checked = check(RawFile(format="xlsx", sheets=tuple(sheets)), Known())
    assert checked.findings
    assert all(found.reason for found in checked.findings)
