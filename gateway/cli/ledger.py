"""`songda ledger`: prove the ledger of charges on the machine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from gateway.cli.client import Data, Json, existing_data, offline, print_json
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.assembly import Parts

ledger_app = typer.Typer(
    help="计费台账：校验明细、合计和已结月份。\n\nThe ledger of charges: prove it.", no_args_is_help=True
)


@ledger_app.command("verify")
def verify(ctx: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """校验计费台账：逐行核对明细和记录链，核对各项合计，核对已结月份；不符时逐处列出，退出码为 1。

    Prove every line by the chain, every sum by its lines, every closed month by what it was.
    """
    told = offline(existing_data(ctx, data), _verified)
    if as_json:
        print_json(told)
    for fault in () if as_json else told["faults"]:
        typer.echo(f"  {fault}", err=True)
    if told["faults"]:
        stop(f"计费台账有 {len(told['faults'])} 处不符", "立即封存数据目录和备份，不要结账，报告安全管理员")
    counted = f"明细 {told['lines']} 行，{told['segments']} 条，{told['yuan']} 元"
    typer.echo(f"计费台账完好：{counted}，已结月份 {len(told['closed'])} 个。", err=as_json)


async def _verified(parts: Parts) -> dict[str, Any]:
    from inbox_store.programs import ledger, trace
    from sms_billing.tariff import yuan

    engine = parts.store.engine
    chain = await engine.read(trace.verify())
    differing = await engine.read(ledger.inconsistencies())
    lines, segments, amount_li = await engine.read(ledger.totals())
    return {
        "intact": not (chain.faults or differing),
        "faults": [*chain.faults, *differing],
        "lines": lines,
        "segments": segments,
        "amount_li": amount_li,
        "yuan": yuan(amount_li),
        "closed": sorted(await engine.read(ledger.closed_months())),
        "head": chain.head,
    }


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(ledger_app, name="ledger")
