"""`songda bill close`: a month takes no more lines; a settled year goes to the counties."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.bill_desk import Yes, done, month_of, month_zh, operator, sure
from gateway.cli.bill_year import show_settlement
from gateway.cli.client import Data, Json, print_json
from gateway.cli.console import stop

if TYPE_CHECKING:
    from inbox_store.programs.ledger import ClosedMonth
    from sms_billing.statement import Outcomes


def close(
    ctx: typer.Context,
    *,
    month: Annotated[str, typer.Argument(help="月份，如 201804 或 2018-04", show_default=False)] = "",
    year: Annotated[
        int, typer.Option("--year", help="结算年度：结算单送各县（区），异议期开始", show_default=False)
    ] = 0,
    yes: Yes = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """关账一个月份：此后该月账目不再变动，迟到的事项记入未结月份；加 --year 则把年度结算单送出。都不能撤销。

    Close a month for good; what comes late becomes an adjustment in the month that is open. With --year the settlement
    of a year is sent out, and the ten working days of objections begin.
    """
    if bool(month) == bool(year):
        stop("没有指明月份或年度", "写明月份，如 songda bill close 201804；或用 --year 2018 送出年度结算单")
    if year:
        _close_year(ctx, year, data, yes=yes, as_json=as_json)
    else:
        _close_month(ctx, month_of(month), data, yes=yes, as_json=as_json)


def _close_month(ctx: typer.Context, wanted: int, data: Path | None, *, yes: bool, as_json: bool) -> None:
    from gateway.flows import billing

    if not yes:
        told, outcomes = done(ctx, data, lambda parts: billing.month_to_close(parts.house, wanted))
        _ask(told, outcomes)
    closed = done(ctx, data, lambda parts: billing.close_month(parts.house, wanted, operator()))
    if as_json:
        print_json(closed)
    else:
        typer.echo(f"{month_zh(wanted)}已关账：{_in_words(closed)}。")
        typer.echo(f"明细摘要 {closed.digest}")


def _ask(told: ClosedMonth, outcomes: Sequence[Outcomes]) -> None:
    """Show what is to be closed and ask; the figures that are still open are named."""
    unreported, in_doubt = (
        sum(getattr(one, name) for one in outcomes) for name in ("unreported", "in_doubt")
    )
    typer.echo(f"{month_zh(told.month)}：{_in_words(told)}。", err=True)
    typer.echo(f"其中无状态报告 {unreported} 条（已计费）；存疑 {in_doubt} 条（未计费）。", err=True)
    typer.echo("关账后不能撤销。请先用 songda bill reconcile 与各运营商详单对账。", err=True)
    sure("确认关账？", "核对无误后加 --yes")


def _in_words(told: ClosedMonth) -> str:
    from sms_billing.tariff import yuan

    return f"明细 {told.lines} 行，{told.segments} 条，{yuan(told.amount_li)} 元"


def _close_year(ctx: typer.Context, year: int, data: Path | None, *, yes: bool, as_json: bool) -> None:
    from gateway.flows import year as years

    if not yes:
        typer.echo(
            f"{year} 年结算单将送各县（区），此后分摊方法和金额不再变动，异议期 10 个工作日。", err=True
        )
        sure("确认送出？", "核对无误后加 --yes")
    show_settlement(
        done(ctx, data, lambda parts: years.send_out(parts.house, year, operator())), as_json=as_json
    )


def register(bill: typer.Typer) -> None:
    """Add the verb."""
    bill.command("close")(close)
