"""`songda sms switch` and `songda phones` against a real server."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from inbox_store.embedded import FILE
from inbox_store.times import DAY_US, day_of, system_now
from tests.cli.conftest import Town

LETTER = ["--letter", "东政办函〔2026〕12号"]
APPLY = ["sms", "switch", "apply", "--county", "东川县", *LETTER]


def poke(town: Town, statement: str, *values: object) -> None:
    """Write past the house: what a gateway's reports would have left."""
    with closing(sqlite3.connect(town.data / FILE)) as conn:
        conn.execute(statement, values)
        conn.commit()


@pytest.fixture
def fresh(town: Town) -> Iterator[Town]:
    """The town with no switch ever applied for, and every number as good as any."""
    yield town
    poke(town, "delete from sms_switch")
    poke(town, "delete from phone_state")


def test_a_county_is_switched_off(fresh: Town) -> None:
    """Applied for by its name, approved for tomorrow, shown in the list; refusals end with 1 and the server's words."""
    told = fresh.done(*APPLY, "--off", who="eadmin")
    assert "东川县短信提醒关闭" in told
    assert "待审批" in told
    again = fresh.songda(*APPLY, "--off", who="eadmin")
    assert (again.exit_code, "switch_open" in again.stderr) == (1, True)
    number = told.split()[0]
    own = fresh.songda("sms", "switch", "approve", number, who="eadmin")
    assert (own.exit_code, "forbidden" in own.stderr) == (1, True)
    past = fresh.songda("sms", "switch", "approve", number, "--from", "2020-01-01", who="approver")
    assert (past.exit_code, "switch_past" in past.stderr) == (1, True)
    tomorrow = day_of(system_now() + DAY_US).isoformat()
    approved = fresh.done("sms", "switch", "approve", number, "--note", "同意", who="approver")
    assert f"已批准，自 {tomorrow} 00:00 起生效" in approved
    told = fresh.done("sms", "switch", "list", who="approver")
    assert [
        word for word in ("东川县", "西岭县", "开通", LETTER[1], "吴刚", "同意") if word not in told
    ] == []
    later = json.loads(fresh.done("sms", "switch", "list", "--at", tomorrow, "--json", who="eadmin"))
    assert [(one["county"], one["on_or_off"]) for one in later["standing"]] == [("东川县", "off")]
    assert [one["state"] for one in later["applications"]] == ["approved"]


def test_a_rejection_has_its_reason(fresh: Town) -> None:
    """By code and with a wished day; the reason is told to the county."""
    words = ["sms", "switch", "apply", "--county", "110", *LETTER, "--off", "--day", "2199-01-01", "--json"]
    opened = json.loads(fresh.done(*words, who="eadmin"))
    assert opened["wanted_at"] == "2199-01-01T00:00:00+08:00"
    number = str(opened["id"])
    assert fresh.songda("sms", "switch", "reject", number, who="approver").exit_code == 2
    told = fresh.done("sms", "switch", "reject", number, "--reason", "请补充函件", who="approver")
    assert "未批准" in told
    assert "请补充函件" in fresh.done("sms", "switch", "list", who="eadmin")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*APPLY, "--off", "--day", "2026-02-30"], "无法识别"),
        (["sms", "switch", "apply", "--county", "无此县", *LETTER, "--off"], "没有名称或编码为 无此县"),
        (["sms", "switch", "list", "--at", "明天"], "无法识别"),
        (["sms", "switch", "approve", "999999"], "没有找到"),
        (["phones", "report", "--county", "无此县"], "没有名称或编码为 无此县"),
        (["phones", "clear", "nobody"], "没有编码为 nobody"),
    ],
)
def test_what_cannot_be_done_is_said(town: Town, words: list[str], says: str) -> None:
    """Odd days, unknown counties, applications and people end with 1 and a sentence."""
    who = "approver" if "approve" in words else "admin"
    told = town.songda(*words, who=who)
    assert (told.exit_code, says in told.stderr) == (1, True), told.output


def test_numbers_are_reported_and_cleared(fresh: Town, tmp_path: Path) -> None:
    """A bad number is in the table, the JSON and the workbook, masked; cleared, it is in none."""
    poke(
        fresh,
        "insert into phone_state (person_id, failures, bad_at, failed_at, error)"
        " select id, 3, 1772413200000000, 1772413200000000, 'UNDELIV MK:0001' from person where code = 'estaff'",
    )
    poke(
        fresh,
        "insert into phone_state (person_id, refused, route)"
        " select id, 'urge', 'telecom' from person where code = 'wclerk'",
    )
    table = fresh.done("phones", "report", who="admin")
    wanted = ("张敏", "东川县教育局", "139****0008", "无法送达", "UNDELIV", "2026-03-02", "携号转网", "号段")
    assert [word for word in wanted if word not in table] == []
    found = json.loads(fresh.done("phones", "report", "--county", "东川县", "--json", who="admin"))["items"]
    assert [(one["code"], one["problems"]) for one in found] == [("estaff", ["bad"])]
    file = tmp_path / "phones.xlsx"
    fresh.done("phones", "report", "--problem", "refused", "--xlsx", str(file), who="admin")
    rows = CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows[2:]] == ["wclerk"]
    assert fresh.songda("phones", "report", "--xlsx", str(file), who="admin").exit_code == 1
    refused = fresh.songda("phones", "clear", "estaff", who="wclerk")
    assert (refused.exit_code, "无权看到" in refused.stderr) == (1, True)
    assert "已恢复发送" in fresh.done("phones", "clear", "estaff", who="eclerk")
    assert json.loads(fresh.done("phones", "report", "--json", who="eclerk"))["items"] == []


def test_who_may_not_look_is_refused(town: Town) -> None:
    """Staff see no numbers and no switches."""
    for words in (("phones", "report"), ("sms", "switch", "list")):
        told = town.songda(*words, who="estaff")
        assert (told.exit_code, "forbidden" in told.stderr) == (1, True)
