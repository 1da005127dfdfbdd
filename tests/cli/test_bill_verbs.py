"""`songda ledger` and `songda bill` over a data folder: what finance sees, asks for and is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli.app import app
from tests.gateway.bill_world import april, office, written


@dataclass
class Desk:
    """A data folder of April 2018, and the carrier's lines of what it sent."""

    data: Path
    lines: list[str]

    def songda(self, *words: str, stdin: str = "") -> Result:
        """One call of the command line over the folder."""
        environ = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "240", "SONGDA_CONFIG": None}
        return CliRunner(env=environ).invoke(app, [*words, "--data", str(self.data)], input=stdin)

    def done(self, *words: str, stdin: str = "") -> str:
        """What a call that must succeed prints on standard output."""
        told = self.songda(*words, stdin=stdin)
        assert told.exit_code == 0, told.output
        return str(told.stdout)

    def refused(self, *words: str, stdin: str = "") -> str:
        """What a call that must end with 1 says, the mend included."""
        told = self.songda(*words, stdin=stdin)
        assert told.exit_code == 1, told.output
        assert "处理：" in told.stderr
        return str(told.stderr)


async def _fill(data: Path) -> list[str]:
    async with office(data) as here:
        attempts = await april(here)
        stats = ("DELIVRD", "UNDELIV", "")
        lines = [here.detail_line(one, stat) for one, stat in zip(attempts[:3], stats, strict=True)]
        rest = [here.detail_line(one, "") for one in attempts[4:]]
        return [*lines, here.detail_line(attempts[3], message_id="x1"), *rest]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The folder, made once."""
    data = tmp_path_factory.mktemp("bill") / "data"
    return Desk(data, asyncio.run(_fill(data)))


@pytest.fixture
def desk(filled: Desk, tmp_path: Path) -> Desk:
    """A copy of the folder for one test."""
    shutil.copytree(filled.data, tmp_path / "data")
    return Desk(tmp_path / "data", filled.lines)


def changed(desk: Desk, *statements: str) -> None:
    """Change the database behind everybody's back."""
    with closing(sqlite3.connect(desk.data / "songda.db")) as conn:
        for statement in statements:
            conn.execute(statement)
        conn.commit()


def test_the_ledger_verifies_and_names_a_broken_line(desk: Desk) -> None:
    """Whole, it tells its size; a changed line is named by its place, and its sum beside it."""
    assert "明细 5 行，5 条，0.25 元" in desk.done("ledger", "verify")
    told = json.loads(desk.done("ledger", "verify", "--json"))
    assert (told["intact"], told["lines"], told["amount_li"]) == (True, 5, 250)
    changed(desk, "drop trigger charge_line_no_update", "update charge_line set amount_li = 40 where no = 0")
    told_broken = desk.refused("ledger", "verify")
    assert "计费行被改动" in told_broken
    assert "计费合计与明细不符" in told_broken


def test_closing_asks_first(desk: Desk) -> None:
    """It shows what is to be closed; without a yes nothing is; a second time, and a month too early, are refused."""
    asked = desk.refused("bill", "close", "2018-04", stdin="n\n")
    assert "明细 5 行，5 条，0.25 元" in asked
    assert "存疑 1 条" in asked
    assert "没有得到答复" in desk.refused("bill", "close", "201804")
    assert "2018年4月已关账" in desk.done("bill", "close", "201804", stdin="y\n")
    assert "月份已关账" in desk.refused("bill", "close", "201804", "--yes")
    assert "还没有结束" in desk.refused("bill", "close", "209904", "--yes")
    assert "不是月份" in desk.refused("bill", "close", "201813", "--yes")
    assert "无法识别" in desk.refused("bill", "close", "四月")
    assert "已结月份 1 个" in desk.done("ledger", "verify")


def test_a_closed_month_changed_behind_our_back_is_named(desk: Desk) -> None:
    """A line that is added to a closed month, its sum with it, is found all the same."""
    desk.done("bill", "close", "201804", "--yes")
    changed(desk, "update charge_month set amount_li = 240")
    assert "已结月份被改动: 201804" in desk.refused("ledger", "verify")


def test_statements_as_files(desk: Desk, tmp_path: Path) -> None:
    """A workbook, a CSV and a page to print for each payer, and the summary; of closed months the same bytes again, never overwritten."""
    desk.done("bill", "close", "201804", "--yes")
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        desk.done("bill", "statement", "--month", "201804", "--out", str(folder))
    names = sorted(path.name for path in first.iterdir())
    assert len(names) == 11
    assert "110-东川县-2018年4月短信费用结算单.xlsx" in names
    assert "2018年4月短信费用分摊汇总.csv" in names
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
    summary = (first / "2018年4月短信费用分摊汇总.csv").read_text("utf-8-sig")
    assert "东川县,3,3,0.15,0.00,0.15" in summary
    assert "合计,5,5,0.25,0.00,0.25" in summary
    assert "已存在" in desk.refused("bill", "statement", "--month", "201804", "--out", str(first))


def test_a_statement_on_the_screen(desk: Desk) -> None:
    """One county by name, its figures as in the JSON; open months are told as such; an unknown name lists the known."""
    told = desk.songda("bill", "statement", "--year", "2018", "--county", "东川县")
    assert told.exit_code == 0
    assert "暂计" in told.stdout
    assert "尚未关账" in told.stderr
    (east,) = json.loads(desk.done("bill", "statement", "--year", "2018", "--county", "110", "--json"))[
        "statements"
    ]
    assert (east["total"]["amount_li"], east["total"]["unreported"]) == (150, 1)
    assert "分摊汇总" in desk.done("bill", "statement", "--year", "2018")
    assert "东川县、西岭县" in desk.refused("bill", "statement", "--year", "2018", "--county", "南山县")
    assert "没有需要各县" in desk.refused("bill", "statement", "--year", "2017")
    assert "两者取一" in desk.refused("bill", "statement")


def test_a_carriers_file_that_agrees(desk: Desk, tmp_path: Path) -> None:
    """What was in doubt is listed as found, both sides are told, and the month may be closed."""
    file = written(tmp_path / "detail.csv", desk.lines)
    told = desk.done("bill", "reconcile", str(file))
    assert "存疑已查明" in told
    assert "2018年4月对账结果" in told
    figures = json.loads(desk.done("bill", "reconcile", str(file), "--json", "--channel", "mobile-1"))
    assert (figures["figures"]["ours"], figures["figures"]["theirs"], figures["within"]) == (6, 6, True)


def test_a_carriers_file_that_does_not(desk: Desk, tmp_path: Path) -> None:
    """Beyond the tolerance the run ends with 1 after the list is written, numbers masked; what is no CSV is said to be none."""
    file = written(tmp_path / "detail.csv", desk.lines[:2])
    out = tmp_path / "out"
    assert "超过 0.5 %" in desk.refused("bill", "reconcile", str(file), "--out", str(out))
    listed = (out / "201804对账差异.csv").read_text("utf-8-sig")
    assert listed.count("我方有、运营商无") == 3
    assert "存疑未查到" in listed
    assert "读不到详单" in desk.refused("bill", "reconcile", str(tmp_path / "none.csv"))
    (tmp_path / "detail.xlsx").write_bytes(b"PK\x03\x04")
    assert "另存为 CSV" in desk.refused("bill", "reconcile", str(tmp_path / "detail.xlsx"))
    (tmp_path / "bare.csv").write_text("a,b\n1,2\n", "utf-8")
    assert "消息编号、手机号码" in desk.refused("bill", "reconcile", str(tmp_path / "bare.csv"))
