"""Statements from the ledger, closed months that stay as they are, and a carrier's file against our attempts."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest

from gateway.bill_sheets import BillFile, open_note, sheet_of, statement_files
from gateway.flows import billing, reconciling
from gateway.flows.billing import Bills
from gateway.flows.reconciling import Wanted
from gateway.sheets import to_csv, to_xlsx
from inbox_store.embedded import FILE
from inbox_store.errors import Refused
from inbox_store.programs import ledger, trace
from sms_billing.periods import year_months
from sms_billing.reconcile import Difference
from sms_billing.tables import Heading, Table
from tests.gateway.bill_world import CHANNEL, MAY, Office, april, office, written

YEAR = year_months(2018)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """The installation of April 2018."""
    async with office(tmp_path / "data") as opened:
        yield opened


def files(told: Bills) -> list[BillFile]:
    """The files of all payers."""
    note = open_note(told.open_months)
    return [file for one in told.statements for file in statement_files(one, told.whose, note, told.made_at)]


def no_tell(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


async def test_the_statements_of_a_year(here: Office) -> None:
    """Each county bears what its units caused, the city its own; what has no line stands beside, never in the amount."""
    await april(here)
    told = await billing.bills(here.house, YEAR)
    city, east, west = told.statements
    assert [one.payer.name for one in told.statements] == ["云水市", "东川县", "西岭县"]
    assert (east.total.messages, east.total.segments, east.total.amount_li) == (3, 3, 150)
    assert (east.total.delivered, east.total.failed, east.total.unreported) == (1, 1, 1)
    assert east.total.unreported_li == 50
    assert (city.total.amount_li, city.total.in_doubt, city.total.in_doubt_li) == (100, 1, 50)
    assert (west.total.amount_li, west.total.suppressed) == (0, west.total.suppressed_segments // 2)
    assert west.total.suppressed > 0
    assert city.total.other_li + east.total.other_li + west.total.other_li == 250
    assert told.apportionment.lines_li == 250
    assert told.open_months == YEAR
    with pytest.raises(Refused, match="no_payer_named"):
        billing.of_payer(told, "南山县")
    assert billing.of_payer(told, "110") is east


async def test_every_form_tells_the_same(here: Office) -> None:
    """Workbook and CSV hold the figures of the statement; formulas are our sums alone, and equal what they sum."""
    await april(here)
    told = await billing.bills(here.house, YEAR)
    east = billing.of_payer(told, "东川县")
    xlsx, as_csv = statement_files(east, told.whose, open_note(told.open_months), told.made_at)
    assert xlsx.name == "110-东川县-2018年4—12月短信费用结算单.xlsx"
    values, formulas = (
        openpyxl.load_workbook(io.BytesIO(xlsx.content), data_only=only) for only in (True, False)
    )
    rows = list(csv.reader(io.StringIO(as_csv.content.decode("utf-8-sig"), newline="")))
    assert "暂计" in rows[0][0]
    page = values["按月份"]
    assert page.freeze_panes == "A3"
    titles = [cell.value for cell in page[2]]
    place = titles.index("金额（元）")
    amounts = [row[place].value for row in page.iter_rows(min_row=3)]
    assert amounts == [0.15, *[0] * 8, 0.15]
    assert [row[place] for row in rows[2:12]] == ["0.15", *["0.00"] * 8, "0.15"]
    total = formulas["按月份"].cell(12, place + 1)
    assert total.value == "=ROUND(SUM(K3:K11),3)"
    assert total.number_format == "0.00"
    for sheet in formulas:
        found = [cell for row in sheet.iter_rows(max_row=sheet.max_row - 1) for cell in row]
        assert not [cell for cell in found if cell.data_type == "f"]


def test_amounts_and_names_in_a_table() -> None:
    """A credit keeps its sign and a third decimal, a name that looks like a formula stays text, a list has no sum."""
    table = Table(
        name="分摊",
        title="分摊",
        headings=(Heading(title="单位", kind="text"), Heading(title="金额（元）", kind="yuan")),
        rows=(("=1+1", -45), ("东川县", 1_000), ("合计", 955)),
    )
    text = to_csv(sheet_of(table)).decode("utf-8-sig")
    assert text.splitlines()[2:] == ["'=1+1,-0.045", "东川县,1.00", "合计,0.955"]
    page = openpyxl.load_workbook(io.BytesIO(to_xlsx([sheet_of(table)], MAY)))["分摊"]
    assert [page["A3"].data_type, page["B3"].value, page["B3"].number_format] == ["s", -0.045, "0.000"]
    assert page["B5"].value == "=ROUND(SUM(B3:B4),3)"
    listed = openpyxl.load_workbook(io.BytesIO(to_xlsx([sheet_of(table, summed=False)], MAY)))["分摊"]
    assert listed["B5"].value == 0.955


async def test_a_closed_month_stays(here: Office, tmp_path: Path) -> None:
    """Late reports, late answers and new names change no byte of its statement; the late charge is in the open month."""
    attempts = await april(here)
    here.clock.now = MAY
    asked, outcomes = await billing.month_to_close(here.house, 201804)
    assert (asked.lines, sum(one.in_doubt for one in outcomes)) == (5, 1)
    assert await billing.close_month(here.house, 201804, "ops") == asked
    before = files(await billing.bills(here.house, (201804,)))
    here.clock.forward()
    await here.report(attempts[2], "delivered")
    await here.accept([attempts[3]])
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as conn:
        conn.execute("update unit set name = name || '（更名）'")
        conn.execute("update region set name = name || '（更名）'")
        conn.commit()
    told = await billing.bills(here.house, (201804,))
    assert files(told) == before
    assert not told.open_months
    may = await billing.bills(here.house, (201805,))
    assert may.statements[0].total.segments == 1
    assert await here.world.read(ledger.inconsistencies()) == []
    assert (await here.world.read(trace.verify())).faults == ()


async def test_closing_is_refused_in_words(here: Office) -> None:
    """A month that is none, is not over, or is closed already."""
    await april(here)
    for month, code in ((201813, "not_a_month"), (201804, "month_not_over")):
        with pytest.raises(Refused, match=code):
            await billing.month_to_close(here.house, month)
    here.clock.now = MAY
    await billing.close_month(here.house, 201804, "ops")
    with pytest.raises(Refused, match="month_closed"):
        await billing.close_month(here.house, 201804, "ops")


async def test_a_carriers_file(here: Office, tmp_path: Path) -> None:
    """Every kind of difference is listed with both sides; what was in doubt is found; nothing is changed."""
    east = await april(here)
    lines = [
        here.detail_line(east[0]),
        here.detail_line(east[0]),
        here.detail_line(east[1], "DELIVRD"),
        here.detail_line(east[2], "", segments=2),
        here.detail_line(east[3], message_id="x1"),
        here.detail_line(east[4], "", message_id="strange"),
        "short,line",
    ]
    file = written(tmp_path / "detail.csv", lines)
    position = here.world.store.engine.position
    steps: list[str] = []
    told = await reconciling.reconcile_file(
        here.house, Wanted(file=file, channel=CHANNEL), lambda what, *_: steps.append(what)
    )
    assert told.month == 201804
    assert told.matched.kinds == {
        "duplicate": 1,
        "status_differs": 1,
        "segments_differ": 1,
        "found": 1,
        "theirs_only": 1,
        "ours_only": 2,
        "unreadable": 1,
    }
    found = next(one for one in told.differences if one.kind == "found")
    assert isinstance(found, Difference)
    assert (found.attempt_id, found.message_id) == (east[3], "x1")
    assert (told.matched.ours, told.matched.theirs, told.matched.within) == (6, 7, False)
    assert set(steps) == {"读取我方记录", "核对运营商详单"}
    assert here.world.store.engine.position == position


async def test_a_file_without_times_or_headings(here: Office, tmp_path: Path) -> None:
    """Without a time the month must be named; without its columns nothing is read."""
    undated = written(tmp_path / "undated.csv", ["m1,13800000000,1,,1,DELIVRD"])
    with pytest.raises(Refused, match="detail_undated"):
        await reconciling.reconcile_file(here.house, Wanted(file=undated), no_tell)
    assert (
        await reconciling.reconcile_file(here.house, Wanted(file=undated, month=201804), no_tell)
    ).count == 1
    bare = tmp_path / "bare.csv"
    bare.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(Refused, match="detail_columns"):
        await reconciling.reconcile_file(here.house, Wanted(file=bare), no_tell)
