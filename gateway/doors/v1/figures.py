"""Figures: rates from the tallies with their integers, as JSON, XLSX and CSV; the recount; use by day (bulletin 3)."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.doors.downloads import CSV, XLSX, made
from gateway.doors.routes import Raw, Routes
from gateway.doors.v1.adapter import AppCall, faulty
from gateway.doors.v1.reaching import covers
from gateway.doors.wire import Answer, Body
from gateway.flows.figures import RateTable
from gateway.flows.figures import rates as rates_of
from gateway.rate_sheets import rate_sheet, rate_title
from gateway.rules.access import reach
from gateway.rules.rate_tables import By, Row
from gateway.rules.rates import Rate
from gateway.sheets import Sheet, to_csv, to_xlsx
from inbox_store.errors import Refused
from inbox_store.programs.figures import Difference, recount
from inbox_store.programs.usage import logins, peaks

routes = Routes("figures")


FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
"""Days outside are typing errors."""

DIFFERENCES_MAX: Final = 1_000

Day = Annotated[date, Meta(description="日期")]


class Days(Body, frozen=True, kw_only=True):
    """统计的日子，首尾都算"""

    start: Day = msgspec.field(name="from")
    end: Day = msgspec.field(name="to")


class RateQuery(Days, frozen=True, kw_only=True):
    """统计的条件；cutoff 为统计截止日，默认期末后第 5 个工作日"""

    start: Day = msgspec.field(name="from")
    end: Day = msgspec.field(name="to")
    by: By = "county"
    cutoff: date | None = None


class RateView(Answer, frozen=True, kw_only=True):
    """比率：两个整数和显示用的百分数；分母为 0 时显示“—”"""

    numerator: int
    denominator: int
    percent: str


class RateRow(Answer, frozen=True, kw_only=True):
    """一行统计；key 为单位、地区、条线的编号或单位类别，合计为空；份数少于 10 的单位不排名"""

    key: int | str | None
    code: str
    name: str
    rank: int | None
    copies: int
    signed: int
    on_time: int
    late: int
    unsigned: int
    returned: int
    recalled: int
    signed_unread: int
    handled: int
    archived: int
    asked: int
    answered: int
    answered_late: int
    sign_rate: RateView
    on_time_sign_rate: RateView
    archive_rate: RateView
    receipt_rate: RateView


class Rates(Answer, frozen=True, kw_only=True):
    """一段时间的统计；as_of 为统计到哪一天"""

    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    cutoff: date
    as_of: date
    by: By
    rows: tuple[RateRow, ...]
    total: RateRow


def _rate(told: Rate) -> RateView:
    return RateView(numerator=told.numerator, denominator=told.denominator, percent=told.percent)


def _row(told: Row) -> RateRow:
    figures = told.figures
    return RateRow(
        key=told.key,
        code=told.code,
        name=told.name,
        rank=told.rank,
        copies=figures.copies,
        signed=figures.signed,
        on_time=figures.on_time,
        late=figures.late,
        unsigned=figures.unsigned,
        returned=figures.returned,
        recalled=figures.recalled,
        signed_unread=figures.signed_unread,
        handled=figures.handled,
        archived=figures.archived,
        asked=figures.asked,
        answered=figures.answered,
        answered_late=figures.answered_late,
        sign_rate=_rate(figures.sign_rate),
        on_time_sign_rate=_rate(figures.on_time_sign_rate),
        archive_rate=_rate(figures.archive_rate),
        receipt_rate=_rate(figures.receipt_rate),
    )


def rates_view(told: RateTable) -> Rates:
    """The table as answers show it; its last day is included."""
    return Rates(
        start=told.period.start,
        end=_last_day(told),
        cutoff=told.period.cutoff,
        as_of=told.as_of,
        by=told.by,
        rows=tuple(_row(row) for row in told.rows),
        total=_row(told.total),
    )


def _last_day(told: RateTable) -> date:
    """The last day of the period: the table's own end lies one day after."""
    return date.fromordinal(told.period.end.toordinal() - 1)


def _check(days: Days) -> None:
    for name, day in (("from", days.start), ("to", days.end)):
        if not FIRST_DAY <= day <= LAST_DAY:
            raise faulty("query_invalid", (f"/{name}", "日期应在 2000 年至 2199 年之间"))
    if days.end < days.start:
        raise Refused("period_reversed", start=days.start.isoformat(), end=days.end.isoformat())


async def _table(call: AppCall[None, RateQuery]) -> RateTable:
    told = call.query
    _check(told)
    cutoff = min(told.cutoff, LAST_DAY) if told.cutoff else None
    return await rates_of(
        call.services.house, told.start, told.end, told.by, call.principal, call.now, cutoff
    )


@routes.at(
    "GET",
    "/api/v1/rates",
    name="rates.show",
    access="rates.read",
    query=RateQuery,
    answer=Rates,
    errors=("period_reversed",),
    zh="签收率、及时签收率、归档率、回执率：按单位、县（区）、类别、条线或合计",
    en="Sign-for, on-time, archive and receipt rates by unit, county, group, line or in total",
)
async def show_rates(call: AppCall[None, RateQuery]) -> Rates:
    """The rates of what is within reach."""
    return rates_view(await _table(call))


async def _sheet(call: AppCall[None, RateQuery]) -> Sheet:
    told = await _table(call)
    title = rate_title(told.period.start, _last_day(told), told.as_of, told.by)
    return rate_sheet(title, told.by, told.rows, told.total)


@routes.at(
    "GET",
    "/api/v1/rates.xlsx",
    name="rates.xlsx",
    access="rates.read",
    query=RateQuery,
    answer=Raw((XLSX,)),
    errors=("period_reversed", "export_too_large"),
    zh="统计表（XLSX）",
    en="The rates as a workbook",
)
async def rates_xlsx(call: AppCall[None, RateQuery]) -> web.Response:
    """The table as a workbook."""
    sheet = await _sheet(call)
    return made(await asyncio.to_thread(to_xlsx, [sheet], call.now), f"{sheet.title}.xlsx")


@routes.at(
    "GET",
    "/api/v1/rates.csv",
    name="rates.csv",
    access="rates.read",
    query=RateQuery,
    answer=Raw((CSV,)),
    errors=("period_reversed", "export_too_large"),
    zh="统计表（CSV）",
    en="The rates as CSV (UTF-8)",
)
async def rates_csv(call: AppCall[None, RateQuery]) -> web.Response:
    """The table as CSV."""
    sheet = await _sheet(call)
    return made(await asyncio.to_thread(to_csv, sheet), f"{sheet.title}.csv")


class DifferenceView(Answer, frozen=True, kw_only=True):
    """一项与历史不符的统计；day、outcome_day 为 yyyymmdd；kind 为空的是 day 起一个季度的合计，outcome_day 为 0"""

    unit_id: int
    kind: str
    day: int
    outcome: str
    outcome_day: int
    tally: int
    history: int


class Recount(Answer, frozen=True, kw_only=True):
    """核对结果：count 为不符的项数，至多列出 1,000 项"""

    agreed: bool
    count: int
    differences: tuple[DifferenceView, ...]


def recount_view(found: list[Difference]) -> Recount:
    """What a recount found, as answers show it."""
    listed = found[:DIFFERENCES_MAX]
    return Recount(
        agreed=not found,
        count=len(found),
        differences=tuple(DifferenceView(**msgspec.structs.asdict(one)) for one in listed),
    )


@routes.at(
    "POST",
    "/api/v1/rates/recount",
    name="rates.recount",
    access="rates.recount",
    answer=Recount,
    keyless="it only reads: the history is counted again and nothing is changed",
    zh="核对统计：按历史重新计数，列出不符之处",
    en="Count the whole history again and name every tally that differs",
)
async def count_again(call: AppCall[None, None]) -> Recount:
    """Proves tallies against the history."""
    return recount_view(await call.services.house.store.engine.read(recount()))


# Use by day ---------------------------------------------------------------------------------------------------------


class PeakView(Answer, frozen=True, kw_only=True):
    """一天的峰值在线人数"""

    day: date
    persons: int


class Online(Answer, frozen=True, kw_only=True):
    """每日峰值在线（五分钟内不同人数的最大值）；没有人在线的日子不列"""

    days: tuple[PeakView, ...]


class LoginDay(Answer, frozen=True, kw_only=True):
    """一天的登录次数和登录帐户数"""

    day: date
    logins: int
    accounts: int


class LoginDays(Answer, frozen=True, kw_only=True):
    """每日登录（只计本人登录，不计续期和重连）；没有人登录的日子不列"""

    total: int
    days: tuple[LoginDay, ...]


@routes.at(
    "GET",
    "/api/v1/figures/online",
    name="figures.online",
    access="metrics.read",
    query=Days,
    answer=Online,
    errors=("period_reversed",),
    zh="每日峰值在线，全市",
    en="Daily online peaks of the whole house",
)
async def online(call: AppCall[None, Days]) -> Online:
    """The peaks: distinct persons of the whole house, which no county's share can be taken of."""
    _check(call.query)
    found = await call.services.house.store.engine.read(peaks(call.query.start, call.query.end))
    return Online(days=tuple(PeakView(day=one.day, persons=one.persons) for one in found))


@routes.at(
    "GET",
    "/api/v1/figures/logins",
    name="figures.logins",
    access="rates.read",
    query=Days,
    answer=LoginDays,
    errors=("period_reversed",),
    zh="每日登录次数，限管理范围",
    en="Log-ins by day, of people within reach",
)
async def logins_by_day(call: AppCall[None, Days]) -> LoginDays:
    """Interactive log-ins of people who held a post within reach on that day."""
    _check(call.query)
    house = call.services.house
    told = reach(call.principal, "rates.read")
    units = None
    if not told.all:
        units = [unit.id for unit in (await house.organisation()).units.values() if covers(told, unit)]
    found = await house.store.engine.read(logins(call.query.start, call.query.end, units))
    return LoginDays(
        total=sum(one.logins for one in found),
        days=tuple(LoginDay(day=one.day, logins=one.logins, accounts=one.accounts) for one in found),
    )
