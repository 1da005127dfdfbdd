"""`songda bill` over a year: prices and payers, settlement step by step, and the machine killed in the middle (faults.md 9)."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.client import TOKEN_VARIABLE
from tests.cli.test_bill_verbs import Desk
from tests.gateway.bill_world import april, office, written

MONTHS = [f"2018{month:02}" for month in range(4, 13)]


async def _fill(data: Path) -> list[str]:
    async with office(data) as here:
        attempts = await april(here)
        return [here.detail_line(attempts[3], message_id="x1")]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The folder of April 2018, made once."""
    data = tmp_path_factory.mktemp("bill-year") / "data"
    return Desk(data, asyncio.run(_fill(data)))


@pytest.fixture
def desk(first: Desk, tmp_path: Path) -> Desk:
    """A copy of the folder for one test."""
    shutil.copytree(first.data, tmp_path / "data")
    return Desk(tmp_path / "data", first.lines)


@pytest.fixture(scope="module")
def year(first: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The folder with every month of 2018 closed, made once."""
    data = tmp_path_factory.mktemp("bill-closed") / "data"
    shutil.copytree(first.data, data)
    whole = Desk(data, first.lines)
    for month in MONTHS:
        whole.done("bill", "close", month, "--yes")
    return whole


@pytest.fixture
def closed(year: Desk, tmp_path: Path) -> Desk:
    """A copy of it for one test."""
    shutil.copytree(year.data, tmp_path / "closed")
    return Desk(tmp_path / "closed", year.lines)


def killed(desk: Desk, failpoint: str, *words: str) -> None:
    """One call in a process of its own that is killed at the failpoint, as a power cut would."""
    environ = {
        key: value for key, value in os.environ.items() if key not in {TOKEN_VARIABLE, "SONGDA_CONFIG"}
    }
    command = [sys.executable, "-m", "gateway.cli", *words, "--data", str(desk.data)]
    told = subprocess.run(
        command,
        env={**environ, "SONGDA_FAILPOINT": f"{failpoint}:1"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == -signal.SIGKILL, told.stderr.decode()


def test_a_year_from_close_to_frozen(desk: Desk, closed: Desk) -> None:
    """Open months are named; by the invoice, sent out, objected, answered, confirmed by each county, frozen."""
    assert "201804、201805" in desk.refused("bill", "settle", "--year", "2018")
    desk = closed
    told = desk.done("bill", "settle", "--year", "2018", "--method", "2", "--invoice", "0.26")
    assert "按运营商账单分摊" in told
    assert "草拟" in told
    assert "没有得到答复" in desk.refused("bill", "close", "--year", "2018")
    assert "异议期至" in desk.done("bill", "close", "--year", "2018", "--yes")
    year = ("--year", "2018")
    told = desk.done("bill", "object", *year, "--county", "东川县", "--note", "有重复计费")
    assert "东川县：有重复计费（尚未答复）" in told
    assert "还有异议没有答复" in desk.refused("bill", "confirm", *year, "--county", "东川县", "--yes")
    assert "答复：没有重复" in desk.done("bill", "answer", *year, "--no", "0", "--note", "没有重复")
    assert "期满后才能确认" in desk.refused("bill", "confirm", *year, "--all", "--yes")
    assert "两者取一" in desk.refused("bill", "confirm", *year, "--yes")
    assert "已确认" in desk.done("bill", "confirm", *year, "--county", "东川县", "--yes")
    frozen = json.loads(desk.done("bill", "confirm", *year, "--county", "西岭县", "--yes", "--json"))
    assert frozen["step"] == "frozen"
    assert {one["name"]: one["share_li"] for one in frozen["shares"]} == {
        "云水市": 100,
        "东川县": 160,
        "西岭县": 0,
    }
    assert "已定稿" in desk.done("bill", "confirm", *year, "--all", "--yes")
    told = desk.refused("bill", "settle", *year)
    assert "这一步须在“草拟”时办理" in told
    assert "应承担" in desk.done("bill", "statement", *year)


def test_how_a_settlement_is_asked_for(desk: Desk) -> None:
    """Method and invoice belong together; an amount is yuan; a month or a year is closed, not both."""
    assert "方法 2 须写明" in desk.refused("bill", "settle", "--year", "2018", "--method", "2")
    assert "方法 2 须写明" in desk.refused("bill", "settle", "--year", "2018", "--invoice", "1")
    words = ("bill", "settle", "--year", "2018", "--method", "2", "--invoice", "八万")
    assert "金额 八万 无法识别" in desk.refused(*words)
    assert "没有指明月份或年度" in desk.refused("bill", "close")
    assert "没有指明月份或年度" in desk.refused("bill", "close", "201804", "--year", "2018")
    assert "还没有结算" in desk.refused("bill", "close", "--year", "2018", "--yes")


def test_prices_policies_and_payers(desk: Desk) -> None:
    """Each is recorded with its basis, listed, refused for what was charged, and taken back while it was not."""
    assert "0.05" in desk.done("bill", "tariff", "list")
    add = ("bill", "tariff", "add", "--price", "0.045", "--basis", "合同2号")
    told = json.loads(desk.done(*add, "--from", "2018-06-01", "--json"))
    assert [row["price_li"] for row in told] == [50, 45]
    assert "已有计费" in desk.refused(*add, "--from", "2018-04-07")
    assert "单价重叠" in desk.refused(*add, "--from", "2018-06-01")
    assert "没有单价" in desk.refused(*add, "--from", "2018-07-01", "--to", "2018-08-01")
    assert "不在起始日期" in desk.refused(*add, "--from", "2018-07-01", "--to", "2018-07-01")
    assert "无法识别" in desk.refused(*add, "--from", "7月1日")
    assert "合同2号" not in desk.done("bill", "tariff", "drop", "--from", "2018-06-01")
    policy = ("bill", "policy", "set", "--whose", "recipient", "--basis", "文")
    assert "接收单位" in desk.done(*policy, "--year", "2019")
    assert "年度已有计费" in desk.refused(*policy, "--year", "2018")
    assert "接收单位" not in desk.done("bill", "policy", "drop", "--year", "2019")
    assert "接收单位" not in desk.done("bill", "policy", "list")
    payer = ("bill", "payer", "set", "--unit", "U1", "--from", "2018-06-01", "--basis", "函")
    assert "西岭县" in desk.done(*payer, "--county", "西岭县")
    assert "已经登记" in desk.refused(*payer)
    assert "U1" in desk.done("bill", "payer", "list")
    assert "U1" not in desk.done("bill", "payer", "drop", "--unit", "U1", "--from", "2018-06-01")


def test_in_doubt_is_settled_by_the_file(desk: Desk, tmp_path: Path) -> None:
    """With --settle what the file shows is charged, once; without it nothing changes."""
    file = written(tmp_path / "detail.csv", desk.lines)
    words = ("bill", "reconcile", str(file), "--month", "201804", "--json")
    assert desk.songda(*words).exit_code == 1
    assert "明细 5 行" in desk.done("ledger", "verify")
    for settled in (1, 0):
        told = json.loads(desk.songda(*words, "--settle").stdout)
        assert (told["settled"], told["figures"]["kinds"].get("found", 0)) == (settled, settled)
        assert "明细 6 行" in desk.done("ledger", "verify")


def test_killed_at_the_close(desk: Desk, year: Desk) -> None:
    """A close that is killed closed nothing; done again, the month is as in a run that nobody killed."""
    for place in ("before_close", "before_commit"):
        killed(desk, place, "bill", "close", "201804", "--yes")
    assert "尚未关账" in desk.songda("bill", "statement", "--month", "201804").stderr
    desk.done("bill", "close", "201804", "--yes")
    words = ("bill", "statement", "--month", "201804", "--json")
    assert desk.done(*words) == year.done(*words)
    desk.done("ledger", "verify")


def test_killed_at_the_settlement(closed: Desk, year: Desk, tmp_path: Path) -> None:
    """A settlement that is killed settled nothing and sent nothing out; done again, it shows what any other run shows."""
    control = Desk(tmp_path / "control", year.lines)
    shutil.copytree(year.data, control.data)
    killed(closed, "before_close", "bill", "settle", "--year", "2018")
    assert "还没有结算" in closed.refused("bill", "close", "--year", "2018", "--yes")
    settled = [
        json.loads(one.done("bill", "settle", "--year", "2018", "--json")) for one in (closed, control)
    ]
    assert settled[0]["digest"] == settled[1]["digest"]
    killed(closed, "before_close", "bill", "close", "--year", "2018", "--yes")
    told = json.loads(closed.done("bill", "settle", "--year", "2018", "--json"))
    assert told["step"] == "draft"
    assert "异议期" in closed.done("bill", "close", "--year", "2018", "--yes")
    closed.done("ledger", "verify")


def test_killed_while_statements_are_written(closed: Desk, tmp_path: Path) -> None:
    """Either all files are there or none; asked for again they are the same bytes as in any other run."""
    out, other = tmp_path / "out", tmp_path / "other"
    words = ("bill", "statement", "--year", "2018", "--out")
    killed(closed, "before_statement", *words, str(out))
    assert not out.exists()
    for folder in (out, other):
        closed.done(*words, str(folder))
    names = sorted(path.name for path in out.iterdir())
    assert len(names) == 11
    assert names == sorted(path.name for path in other.iterdir())
    assert all((out / name).read_bytes() == (other / name).read_bytes() for name in names)
    closed.done(*words, str(out), "--overwrite")
    assert all((out / name).read_bytes() == (other / name).read_bytes() for name in names)
