"""The settlement of a year: shares, the window of objections, consents, the freeze; and what the database refuses then."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from docx import Document

from gateway.bill_pages import statement_page
from gateway.bill_sheets import statement_files
from gateway.flows import billing, charge_rules, year
from gateway.flows.year import Wanted
from inbox_store.embedded import FILE
from inbox_store.errors import Refused
from inbox_store.programs import trace
from inbox_store.programs.settlements import Kept
from inbox_store.times import DAY_US, parse_iso
from sms_billing.periods import year_months
from sms_billing.tables import settlement_table, written
from tests.gateway.bill_world import Office, april, office

MONTHS = year_months(2018)
JANUARY = parse_iso("2019-01-08T15:00:00")
WINDOW_ENDS = parse_iso("2019-01-23T00:00:00")


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """The installation of April 2018."""
    async with office(tmp_path / "data") as opened:
        yield opened


async def all_closed(here: Office) -> None:
    """Every month of 2018 closed, in January."""
    await april(here)
    here.clock.now = JANUARY
    for month in MONTHS:
        await billing.close_month(here.house, month, "ops")


def owed(told: Kept) -> dict[str, int]:
    """Shares by name, in li."""
    return {share.name: share.share_li for share in told.draft.shares}


async def test_by_the_lines_from_draft_to_frozen(here: Office) -> None:
    """Each county owes its lines; after the ten working days and the answers it is confirmed and frozen, step by step."""
    await all_closed(here)
    house = here.house
    drafted = await year.settle(house, Wanted(year=2018), "ops")
    assert owed(drafted) == {"云水市": 100, "东川县": 150, "西岭县": 0}
    sent = await year.send_out(house, 2018, "ops")
    assert sent.steps[-1].until_at == WINDOW_ENDS
    here.clock.now = WINDOW_ENDS - 1
    objected = await year.object_to(house, 2018, "东川县", "4月有重复计费", "ops")
    assert [one.text for one in objected.objections] == ["4月有重复计费"]
    with pytest.raises(Refused, match="objections_unanswered"):
        await year.confirm_county(house, 2018, "东川县", "ops")
    with pytest.raises(Refused, match="objections_running"):
        await year.confirm_all(house, 2018, "ops")
    here.clock.now = WINDOW_ENDS
    with pytest.raises(Refused, match="objections_over"):
        await year.object_to(house, 2018, "西岭县", "迟到的异议", "ops")
    with pytest.raises(Refused, match="objections_unanswered"):
        await year.confirm_all(house, 2018, "ops")
    await year.answer(house, 2018, 0, "经核对没有重复", "ops")
    frozen = await year.confirm_all(house, 2018, "ops")
    assert [one.step for one in frozen.steps] == ["draft", "objections", "confirmed", "frozen"]
    assert frozen.draft == drafted.draft
    assert (await here.world.read(trace.verify())).faults == ()


async def test_by_the_invoice(here: Office) -> None:
    """The shares of an invoice sum up to it, the city's own segments included; the statements tell the same."""
    await all_closed(here)
    told = await year.settle(here.house, Wanted(year=2018, invoice_li=260), "ops")
    assert owed(told) == {"云水市": 100, "东川县": 160, "西岭县": 0}
    assert (told.draft.difference_li, sum(owed(told).values())) == (10, 260)
    shown = await billing.bills(here.house, MONTHS)
    assert shown.settled
    rows = written(settlement_table(shown.statements, shown.apportionment))
    assert [row[6] for row in rows] == ["0.10", "0.16", "0.00", "0.26"]
    assert not (await billing.bills(here.house, (201804,))).settled


async def test_a_draft_may_change_and_what_was_sent_out_may_not(here: Office) -> None:
    """Each step asked for again is answered alike, without a trace; another method is refused once the counties have it."""
    await all_closed(here)
    house = here.house
    await year.settle(house, Wanted(year=2018, invoice_li=260), "ops")
    first = await year.settle(house, Wanted(year=2018), "ops")
    position = house.store.engine.position
    here.clock.forward()
    assert await year.settle(house, Wanted(year=2018), "ops") == first
    assert house.store.engine.position == position
    sent = await year.send_out(house, 2018, "ops")
    here.clock.forward()
    assert await year.send_out(house, 2018, "ops") == sent
    assert await year.settle(house, Wanted(year=2018), "ops") == sent
    with pytest.raises(Refused, match="settlement_step"):
        await year.settle(house, Wanted(year=2018, invoice_li=260), "ops")
    await year.object_to(house, 2018, "东川县", "有误", "ops")
    assert len((await year.object_to(house, 2018, "东川县", "有误 ", "ops")).objections) == 1
    answered = await year.answer(house, 2018, 0, "无误", "ops")
    assert await year.answer(house, 2018, 0, "无误", "ops") == answered
    with pytest.raises(Refused, match="objection_answered"):
        await year.answer(house, 2018, 0, "又有误", "ops")


async def test_confirmed_by_every_county(here: Office, tmp_path: Path) -> None:
    """With the word of each county nobody waits for the window; from then on the database refuses every change."""
    await all_closed(here)
    house = here.house
    await year.settle(house, Wanted(year=2018), "ops")
    with pytest.raises(Refused, match="settlement_step"):
        await year.confirm_county(house, 2018, "东川县", "ops")
    await year.send_out(house, 2018, "ops")
    one = await year.confirm_county(house, 2018, "东川县", "ops")
    assert (one.steps[-1].step, len(one.consents)) == ("objections", 1)
    assert await year.confirm_county(house, 2018, "110", "ops") == one
    with pytest.raises(Refused, match="consent_given"):
        await year.object_to(house, 2018, "东川县", "反悔", "ops")
    with pytest.raises(Refused, match="not_a_party"):
        await year.confirm_county(house, 2018, "云水市", "ops")
    with pytest.raises(Refused, match="no_payer_named"):
        await year.confirm_county(house, 2018, "南山县", "ops")
    frozen = await year.confirm_county(house, 2018, "西岭县", "ops")
    assert frozen.steps[-1].step == "frozen"
    here.clock.now += 60 * DAY_US
    for again in (year.confirm_county(house, 2018, "西岭县", "ops"), year.confirm_all(house, 2018, "ops")):
        assert await again == frozen
    forbidden = (
        "update settlement set invoice_li = 1",
        "delete from settlement",
        "update settlement_share set share_li = 1",
        "delete from settlement_share",
        "insert into settlement_share values (2018, 99, 'x', 'x', 0, 0, 0, 0, 0)",
        "update settlement_step set at = 1",
        "delete from settlement_step",
        "insert into settlement_step values (2018, 'frozen', 0, 0, null)",
        "insert into settlement_objection values (2018, 0, 1, 'x', 0, 0, null, null, null)",
        "update settlement_consent set at = 1",
        "delete from settlement_consent",
    )
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as conn:
        for statement in forbidden:
            with pytest.raises(sqlite3.IntegrityError):
                conn.execute(statement)


async def test_what_settling_refuses(here: Office) -> None:
    """Not before the year is over, not while a month is open (which ones is told), not before the first settled year."""
    house = here.house
    await april(here)
    with pytest.raises(Refused, match="year_not_over"):
        await year.settle(house, Wanted(year=2018), "ops")
    here.clock.now = JANUARY
    for month in MONTHS[:-2]:
        await billing.close_month(house, month, "ops")
    with pytest.raises(Refused, match="month_open") as refused:
        await year.settle(house, Wanted(year=2018), "ops")
    assert refused.value.params["months"] == [201811, 201812]
    with pytest.raises(Refused, match="year_not_settled"):
        await year.settle(house, Wanted(year=2017), "ops")
    for step in (
        year.send_out(house, 2018, "ops"),
        year.object_to(house, 2018, "东川县", "有误", "ops"),
        year.confirm_all(house, 2018, "ops"),
    ):
        with pytest.raises(Refused, match="settlement_missing"):
            await step


async def test_the_next_policy_leaves_the_year_alone(here: Office) -> None:
    """With another policy recorded for 2019 every file of 2018 is the same byte for byte, comparison and page included."""
    await all_closed(here)

    async def files() -> list[bytes]:
        told = await billing.bills(here.house, MONTHS)
        found = [
            file.content
            for one in told.statements
            for file in statement_files(one, told.whose, "", told.made_at)
        ]
        return [
            *found,
            *(statement_page(one, told.whose, "", None, told.made_at).content for one in told.statements),
        ]

    before = await files()
    await charge_rules.set_policy(here.house, 2019, "recipient", "文", "ops")
    assert await files() == before


async def test_a_page_to_print(here: Office) -> None:
    """The document holds the figures of the statement and what is owed, and is the same bytes whenever it is made."""
    await all_closed(here)
    await year.settle(here.house, Wanted(year=2018), "ops")
    pages = []
    for _ in range(2):
        here.clock.forward()
        told = await billing.bills(here.house, MONTHS)
        east = billing.of_payer(told, "东川县")
        pages.append(
            statement_page(east, told.whose, "", told.apportionment.shares_li[east.payer_id], told.made_at)
        )
    assert pages[0] == pages[1]
    assert pages[0].name == "110-东川县-2018年4—12月短信费用结算单.docx"
    page = Document(io.BytesIO(pages[0].content))
    said = [one.text for one in page.paragraphs]
    assert said[0] == "东川县2018年4—12月短信费用结算单"
    assert "应承担 0.15 元" in said[1]
    by_month = [[cell.text for cell in row.cells] for row in page.tables[0].rows]
    place = by_month[0].index("金额（元）")
    assert [row[place] for row in by_month] == ["金额（元）", "0.15", *["0.00"] * 8, "0.15"]
    assert page.core_properties.created is not None
    assert page.core_properties.created.year == 2019
