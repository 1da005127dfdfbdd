"""`songda bill statement`: what each payer bears in a year or a month, on the screen or as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.bill_desk import Overwrite, Year, done, month_of, print_bill, refuse, write_all
from gateway.cli.client import Data, Json, print_json
from gateway.cli.console import stop
from inbox_store.errors import Refused

if TYPE_CHECKING:
    from gateway.bill_sheets import BillFile
    from gateway.flows.billing import Bills
    from sms_billing.statement import Statement
    from sms_billing.tables import Table


def statement(
    ctx: typer.Context,
    *,
    year: Year = 0,
    month: Annotated[str, typer.Option("--month", help="只出一个月份，如 201804")] = "",
    county: Annotated[
        str, typer.Option("--county", help="县（区）或市的名称、编码；默认全部", show_default=False)
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="写到这个目录：每个承担单位一份 XLSX、CSV 和可打印的 DOCX", show_default=False
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """出具短信费用结算单：按月份、单位、类别；全部月份关账后，每次结果逐字节相同。

    Statements per county and the city's, on the screen or as XLSX, CSV and a DOCX to print; those of closed months never change.
    """
    from gateway.flows import billing

    months = _months(year, month)
    told = done(ctx, data, lambda parts: billing.bills(parts.house, months))
    chosen = (_named(told, county),) if county else told.statements
    if out is not None:
        write_all(out, _files(told, chosen, whole=not county), overwrite=overwrite)
    if as_json:
        print_json({"statements": chosen, "open_months": told.open_months, "whose": told.whose})
    elif out is None:
        _show(told, chosen, whole=not county)
    if told.open_months:
        typer.echo("提醒：有月份尚未关账，结算单为暂计。", err=True)


def _months(year: int, month: str) -> tuple[int, ...]:
    from sms_billing.periods import month_span, year_months

    if bool(year) == bool(month):
        stop("没有指明年度或月份", "用 --year 2018 出年度结算单，或用 --month 201804 出一个月份的，两者取一")
    try:
        if month:
            month_span(month_of(month))
            return (month_of(month),)
        return year_months(year)
    except Refused as refused:
        refuse(refused)
        raise


def _named(told: Bills, county: str) -> Statement:
    from gateway.flows.billing import of_payer

    try:
        return of_payer(told, county)
    except Refused as refused:
        refuse(refused)
        raise


def _files(told: Bills, chosen: Sequence[Statement], *, whole: bool) -> list[BillFile]:
    from gateway.bill_pages import statement_page
    from gateway.bill_sheets import files_of, open_note, sheet_of, statement_files, titled
    from sms_billing.tables import period_zh

    note = open_note(told.open_months)
    found: list[BillFile] = []
    for one in chosen:
        share_li = told.apportionment.shares_li[one.payer_id] if told.settled else None
        found += statement_files(one, told.whose, note, told.made_at)
        found.append(statement_page(one, told.whose, note, share_li, told.made_at))
    if whole:
        name = f"{period_zh(told.months)}短信费用分摊汇总"
        found += files_of([sheet_of(titled(_summary(told), note))], name, told.made_at)
    return found


def _summary(told: Bills) -> Table:
    from sms_billing.tables import settlement_table

    return settlement_table(told.statements, told.apportionment)


def _show(told: Bills, chosen: Sequence[Statement], *, whole: bool) -> None:
    from gateway.bill_sheets import open_note, titled
    from sms_billing.tables import statement_tables

    tables = (_summary(told),) if whole else statement_tables(chosen[0], told.whose)
    for table in tables:
        print_bill(titled(table, open_note(told.open_months)))


def register(bill: typer.Typer) -> None:
    """Add the verb."""
    bill.command("statement")(statement)
