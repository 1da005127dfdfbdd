"""`songda bill correct`: what an objection found right changes: lines taken back, and charged to another payer."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.bill_desk import Yes, done, month_of, month_zh, operator, sure
from gateway.cli.client import Data, Json, print_json


def correct(
    ctx: typer.Context,
    *,
    month: Annotated[str, typer.Option("--month", help="原来记入的月份，如 201804", show_default=False)],
    unit: Annotated[str, typer.Option("--unit", help="发文单位的名称或编码", show_default=False)],
    payer: Annotated[str, typer.Option("--from", help="错记的承担地区", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="应当承担的地区", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="依据，写入审计", show_default=False)],
    yes: Yes = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """更正承担地区：原明细红冲，向应承担的地区补记；已关账月份的更正记入未结月份。不能撤销，只能再更正。

    Correct who pays: lines are taken back and charged anew, in the month that is open.
    """
    from gateway.flows import corrections
    from sms_billing.tariff import yuan

    wish = corrections.Wish(month=month_of(month), unit=unit, payer=payer, to=to, reason=reason)
    if not yes:
        plan = done(ctx, data, lambda parts: corrections.planned(parts.house, wish))
        told = plan.told
        typer.echo(
            f"{month_zh(wish.month)} {unit}：{told.lines} 行、{told.segments} 条、{yuan(told.amount_li)} 元，"
            f"由{payer}改为{to}承担，记入{month_zh(plan.month)}。",
            err=True,
        )
        sure("确认更正？", "核对后加 --yes")
    corrected = done(ctx, data, lambda parts: corrections.correct(parts.house, wish, operator()))
    if as_json:
        print_json(corrected)
    else:
        typer.echo(f"已更正 {corrected.lines} 行、{corrected.segments} 条、{yuan(corrected.amount_li)} 元。")


def register(bill: typer.Typer) -> None:
    """Add the verb."""
    bill.command("correct")(correct)
