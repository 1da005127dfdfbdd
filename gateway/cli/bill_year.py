"""`songda bill settle|object|answer|confirm`: the settlement of a year, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gateway.cli.bill_desk import Year, Yes, done, operator, print_bill, sure
from gateway.cli.client import Data, Json, print_json, print_table
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.assembly import Parts
    from gateway.flows.billing import Bills
    from inbox_store.programs.settlements import Kept

County = Annotated[str, typer.Option("--county", help="县（区）名称或编码", show_default=False)]
Note = Annotated[str, typer.Option("--note", help="异议或答复的内容", show_default=False)]


def settle(
    ctx: typer.Context,
    *,
    year: Year,
    method: Annotated[
        Literal["1", "2"], typer.Option("--method", help="1 按台账计费；2 按运营商账单分摊")
    ] = "1",
    invoice: Annotated[
        str,
        typer.Option("--invoice", help="运营商账单金额（元），方法 2 必填，如 82500.01", show_default=False),
    ] = "",
    as_json: Json = False,
    data: Data = None,
) -> None:
    """草拟年度结算：全部月份关账后，算出各承担单位应付金额。送出前可以换方法重算。

    Draft the settlement of a year once all its months are closed: who owes what, by the lines or by the invoice.
    """
    from gateway.flows import year as years

    wanted = years.Wanted(year=year, invoice_li=_invoice(method, invoice))

    async def work(parts: Parts) -> tuple[Kept, Bills]:
        from gateway.flows.billing import bills
        from sms_billing.periods import year_months

        told = await years.settle(parts.house, wanted, operator())
        return told, await bills(parts.house, year_months(year))

    told, shown = done(ctx, data, work)
    if not as_json:
        from sms_billing.tables import settlement_table

        print_bill(settlement_table(shown.statements, shown.apportionment))
    show_settlement(told, as_json=as_json)


def _invoice(method: str, text: str) -> int | None:
    from sms_billing.tariff import li

    if (method == "2") != bool(text):
        stop("方法 2 须写明账单金额，方法 1 不用", "写成 --method 2 --invoice 82500.01，或不写 --invoice")
    if not text:
        return None
    try:
        return li(text)
    except ValueError:
        stop(f"金额 {text} 无法识别", "写成元，如 82500.01")


def object_to(
    ctx: typer.Context, *, year: Year, county: County, note: Note, as_json: Json = False, data: Data = None
) -> None:
    """登记县（区）对结算单的异议；异议期 10 个工作日内。

    Keep a county's objection, within the window.
    """
    from gateway.flows import year as years

    told = done(ctx, data, lambda parts: years.object_to(parts.house, year, county, note, operator()))
    show_settlement(told, as_json=as_json)


def answer(
    ctx: typer.Context,
    *,
    year: Year,
    number: Annotated[int, typer.Option("--no", min=0, help="异议的编号", show_default=False)],
    note: Note,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """登记对异议的答复；答复后不能更改。

    Keep the city's answer to an objection.
    """
    from gateway.flows import year as years

    told = done(ctx, data, lambda parts: years.answer(parts.house, year, number, note, operator()))
    show_settlement(told, as_json=as_json)


def confirm(
    ctx: typer.Context,
    *,
    year: Year,
    county: County = "",
    everybody: Annotated[bool, typer.Option("--all", help="异议期满后全部确认并定稿")] = False,
    yes: Yes = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """确认结算：--county 登记一个县（区）的确认；--all 在异议期满、异议答复后全部确认并定稿。不能撤销。

    Confirm a county's statement by its word, or everything after the window; then the settlement is frozen.
    """
    from gateway.flows import year as years

    if bool(county) == everybody:
        stop("没有指明由谁确认", "用 --county 登记一个县（区）的确认，或用 --all 在期满后全部确认，两者取一")
    if not yes:
        sure(f"确认 {year} 年结算（{county or '全部'}）？不能撤销。", "核对无误后加 --yes")

    async def work(parts: Parts) -> Kept:
        if everybody:
            return await years.confirm_all(parts.house, year, operator())
        return await years.confirm_county(parts.house, year, county, operator())

    show_settlement(done(ctx, data, work), as_json=as_json)


def show_settlement(told: Kept, *, as_json: bool) -> None:
    """Where the settlement stands: steps, window, objections, consents, shares."""
    from inbox_store.times import moment
    from sms_billing.settlement import STEP_ZH
    from sms_billing.tariff import yuan

    if as_json:
        print_json(_plain(told))
        return
    names = {share.region_id: share.name for share in told.draft.shares}
    consents = {one.region_id for one in told.consents}
    for one in told.objections:
        answered = f"答复：{one.answer}" if one.answer is not None else "尚未答复"
        typer.echo(f"异议 {one.no}：{names[one.region_id]}：{one.text}（{answered}）")
    rows = [
        (share.name, yuan(share.share_li), "已确认" if share.region_id in consents else "")
        for share in told.draft.shares
    ]
    step = told.steps[-1]
    until = next((one.until_at for one in told.steps if one.until_at is not None), None)
    window = f"，异议期至 {moment(until):%Y-%m-%d %H:%M} 前" if until is not None else ""
    print_table(
        ("承担单位", "应承担（元）", "确认"), rows, f"{told.year} 年结算：{STEP_ZH[step.step]}{window}"
    )


def _plain(told: Kept) -> dict[str, object]:
    draft = told.draft
    return {
        "year": told.year,
        "step": told.steps[-1].step,
        "steps": told.steps,
        "method": draft.method,
        "invoice_li": draft.invoice_li,
        "lines_li": draft.lines_li,
        "difference_li": draft.difference_li,
        "digest": draft.digest.hex(),
        "shares": draft.shares,
        "objections": told.objections,
        "consents": told.consents,
    }


def register(bill: typer.Typer) -> None:
    """Add the verbs."""
    bill.command("settle")(settle)
    bill.command("object")(object_to)
    bill.command("answer")(answer)
    bill.command("confirm")(confirm)
