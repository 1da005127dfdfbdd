"""`songda bill tariff|policy|payer`: what messages cost and who pays, recorded and dated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.bill_desk import done, operator
from gateway.cli.client import Data, Json, print_json, print_table
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.flows.charge_rules import Station
    from inbox_store.programs.tariffs import PolicyRow, TariffRow

From = Annotated[str, typer.Option("--from", help="自哪一天零时起，如 2019-01-01", show_default=False)]
Basis = Annotated[str, typer.Option("--basis", help="依据：合同号或文号", show_default=False)]
UnitCode = Annotated[str, typer.Option("--unit", help="单位编码", show_default=False)]

_PER_ZH = {"segment": "条", "message": "次"}
_WHOSE_ZH = {"originator": "发送单位", "recipient": "接收单位"}

tariffs_app = typer.Typer(help="短信单价。\n\nPrices of short messages.", no_args_is_help=True)
policies_app = typer.Typer(
    help="费用承担口径，一年一种。\n\nWhose use counts, one policy a year.", no_args_is_help=True
)
payers_app = typer.Typer(
    help="驻地单位由哪个地区承担费用。\n\nPaying regions of stationed units.", no_args_is_help=True
)


@tariffs_app.command("add")
def tariff_add(
    ctx: typer.Context,
    *,
    price: Annotated[
        str, typer.Option("--price", help="单价（元），最多三位小数，如 0.045", show_default=False)
    ],
    start: From,
    end: Annotated[
        str, typer.Option("--to", help="到哪一天零时止；默认到下一个单价开始", show_default=False)
    ] = "",
    per: Annotated[
        Literal["segment", "message"], typer.Option("--per", help="segment 每条、message 每次")
    ] = "segment",
    basis: Basis,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """登记一个单价；已计费的日期不能改，前后不得有空档或重叠。

    Record a price from a day on; what was charged keeps its price.
    """
    from gateway.flows import charge_rules
    from sms_billing.tariff import Tariff

    from_at, to_at = _day(start), _day(end) if end else None
    if to_at is not None and to_at <= from_at:
        stop(f"终止日期 {end} 不在起始日期 {start} 之后", "核对 --from 和 --to")
    tariff = Tariff(price_li=_li(price), from_at=from_at, to_at=to_at, per=per)
    told = done(ctx, data, lambda parts: charge_rules.add_tariff(parts.house, tariff, basis, operator()))
    _show_tariffs(told, as_json=as_json)


@tariffs_app.command("drop")
def tariff_drop(ctx: typer.Context, *, start: From, as_json: Json = False, data: Data = None) -> None:
    """撤销登记有误、还没有计费的单价。

    Take back a price recorded by mistake and never charged.
    """
    from gateway.flows import charge_rules

    from_at = _day(start)
    told = done(ctx, data, lambda parts: charge_rules.drop_tariff(parts.house, from_at, operator()))
    _show_tariffs(told, as_json=as_json)


@tariffs_app.command("list")
def tariff_list(ctx: typer.Context, as_json: Json = False, data: Data = None) -> None:
    """列出单价；没有登记时为配置中的单价。

    List the prices.
    """
    from gateway.flows import charge_rules

    _show_tariffs(done(ctx, data, lambda parts: charge_rules.tariff_list(parts.house)), as_json=as_json)


def _show_tariffs(told: Sequence[TariffRow], *, as_json: bool) -> None:
    from sms_billing.tariff import yuan

    rows = [
        (
            _day_zh(row.from_at),
            "" if row.to_at is None else _day_zh(row.to_at),
            yuan(row.price_li),
            _PER_ZH[row.per],
            row.basis,
        )
        for row in told
    ]
    _shown(told, ("自", "至", "单价（元）", "每", "依据"), rows, as_json=as_json)


@policies_app.command("set")
def policy_set(
    ctx: typer.Context,
    *,
    year: Annotated[int, typer.Option("--year", help="自哪一年起", show_default=False)],
    whose: Annotated[
        Literal["originator", "recipient"],
        typer.Option(
            "--whose", help="originator 由发送单位承担，recipient 由接收单位承担", show_default=False
        ),
    ],
    basis: Basis,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """登记自某年起的费用承担口径；已有计费的年度不能改。

    Record whose use counts from a year on.
    """
    from gateway.flows import charge_rules

    told = done(ctx, data, lambda parts: charge_rules.set_policy(parts.house, year, whose, basis, operator()))
    _show_policies(told, as_json=as_json)


@policies_app.command("drop")
def policy_drop(
    ctx: typer.Context,
    *,
    year: Annotated[int, typer.Option("--year", help="自哪一年起的登记", show_default=False)],
    as_json: Json = False,
    data: Data = None,
) -> None:
    """撤销登记有误、还没有计费的口径。

    Take back a policy of a year that was never charged.
    """
    from gateway.flows import charge_rules

    told = done(ctx, data, lambda parts: charge_rules.drop_policy(parts.house, year, operator()))
    _show_policies(told, as_json=as_json)


@policies_app.command("list")
def policy_list(ctx: typer.Context, as_json: Json = False, data: Data = None) -> None:
    """列出承担口径；没有登记时由发送单位承担。

    List the policies.
    """
    from gateway.flows import charge_rules

    _show_policies(done(ctx, data, lambda parts: charge_rules.policy_list(parts.house)), as_json=as_json)


def _show_policies(told: Sequence[PolicyRow], *, as_json: bool) -> None:
    rows = [(row.from_year, _WHOSE_ZH[row.whose], row.basis) for row in told]
    _shown(told, ("自年度", "由谁承担", "依据"), rows, as_json=as_json)


@payers_app.command("set")
def payer_set(
    ctx: typer.Context,
    *,
    unit: UnitCode,
    county: Annotated[
        str, typer.Option("--county", help="承担地区：县（区）或市；不写则回到录入的地区", show_default=False)
    ] = "",
    start: From,
    basis: Basis,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """登记驻地单位自某日起由哪个地区承担费用。

    Record where a stationed unit is counted from a day on.
    """
    from gateway.flows import charge_rules

    from_at = _day(start)
    told = done(
        ctx,
        data,
        lambda parts: charge_rules.set_payer(parts.house, unit, county, from_at, basis, operator()),
    )
    _show_payers(told, as_json=as_json)


@payers_app.command("drop")
def payer_drop(
    ctx: typer.Context, *, unit: UnitCode, start: From, as_json: Json = False, data: Data = None
) -> None:
    """撤销登记有误、还没有计费的承担地区。

    Take back a paying region that was never charged.
    """
    from gateway.flows import charge_rules

    from_at = _day(start)
    told = done(ctx, data, lambda parts: charge_rules.drop_payer(parts.house, unit, from_at, operator()))
    _show_payers(told, as_json=as_json)


@payers_app.command("list")
def payer_list(ctx: typer.Context, as_json: Json = False, data: Data = None) -> None:
    """列出另行登记承担地区的单位；其余单位由录入的地区承担。

    List the stationed units that are counted elsewhere than where they are entered.
    """
    from gateway.flows import charge_rules

    _show_payers(done(ctx, data, lambda parts: charge_rules.payer_list(parts.house)), as_json=as_json)


def _show_payers(told: Sequence[Station], *, as_json: bool) -> None:
    rows = [
        (row.unit_code, row.unit, row.region or "录入的地区", _day_zh(row.from_at), row.basis) for row in told
    ]
    _shown(told, ("编码", "单位", "承担地区", "自", "依据"), rows, as_json=as_json)


def _shown(
    told: Sequence[object], headers: Sequence[str], rows: Sequence[Sequence[object]], *, as_json: bool
) -> None:
    if as_json:
        print_json(told)
    else:
        print_table(headers, rows)


def _day(text: str) -> int:
    from inbox_store.times import day_start

    try:
        return day_start(date.fromisoformat(text))
    except ValueError:
        stop(f"日期 {text} 无法识别", "按 年-月-日 填写，如 2019-01-01")


def _day_zh(at: int) -> str:
    from inbox_store.times import day_of

    return "最初" if at <= 0 else day_of(at).isoformat()


def _li(text: str) -> int:
    from sms_billing.tariff import li

    try:
        return li(text)
    except ValueError:
        stop(f"单价 {text} 无法识别", "写成元，最多三位小数，如 0.045")


def register(bill: typer.Typer) -> None:
    """Add the verbs."""
    bill.add_typer(tariffs_app, name="tariff")
    bill.add_typer(policies_app, name="policy")
    bill.add_typer(payers_app, name="payer")
