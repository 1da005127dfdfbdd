"""`songda rates`: the rates of a period from a server or from the data folder itself, and the recount."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.client import (
    Authority,
    Data,
    Json,
    Server,
    TokenFile,
    far,
    local_data,
    offline,
    print_json,
    print_table,
    talk,
)
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.assembly import Parts

rates_app = typer.Typer(
    help="签收率、及时签收率、归档率、回执率。\n\nRates of a period; the recount.",
    invoke_without_command=True,
)

By = Literal["unit", "county", "group", "line", "total"]


@rates_app.callback()
def rates(
    ctx: typer.Context,
    *,
    start: Annotated[
        str, typer.Option("--from", help="起始日（年-月-日）；默认本月 1 日", show_default=False)
    ] = "",
    end: Annotated[str, typer.Option("--to", help="截止日，当天也算；默认今天", show_default=False)] = "",
    by: Annotated[
        By, typer.Option("--by", help="unit 单位、county 县区、group 类别、line 条线、total 合计")
    ] = "county",
    cutoff: Annotated[
        str, typer.Option("--cutoff", help="统计截止日；默认期末后第 5 个工作日", show_default=False)
    ] = "",
    as_json: Json = False,
    data: Data = None,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """查看一段时间的签收率等各项比率；--data 直接读数据目录，否则向服务器查询。

    Rates of a period: from the data folder with --data, else from the server.
    """
    if ctx.invoked_subcommand is not None:
        return
    first, last = _days(start, end)
    params = {"from": first.isoformat(), "to": last.isoformat(), "by": by, "cutoff": cutoff or None}
    folder = local_data(ctx, data, server, token_file)
    if folder is not None:
        told = offline(folder, lambda parts: _read(parts, first, last, by, cutoff))
    else:
        told = talk(far(ctx, server, token_file, ca), lambda api: api.get("/rates", **params))
    if as_json:
        print_json(told)
    else:
        _show(told)


def _days(start: str, end: str) -> tuple[date, date]:
    from inbox_store.times import day_of, system_now

    last = _day(end) if end else day_of(system_now())
    return (_day(start) if start else last.replace(day=1)), last


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(f"日期 {text} 无法识别", "按 年-月-日 填写，如 2026-03-01")


async def _read(parts: Parts, first: date, last: date, by: By, cutoff: str) -> Any:  # noqa: ANN401
    """What a server would answer the operator, as plain JSON values."""
    import msgspec

    from gateway.doors.v1.figures import rates_view
    from gateway.flows.figures import rates as rates_of

    until = _day(cutoff) if cutoff else None
    told = await rates_of(parts.house, first, last, by, None, parts.house.clock(), until)
    return msgspec.to_builtins(rates_view(told))


def _show(told: dict[str, Any]) -> None:
    headers = (
        "编码",
        "名称",
        "收文",
        "签收",
        "签收率",
        "及时签收率",
        "归档率",
        "回执率",
        "退回",
        "未阅即签",
        "排名",
    )
    total = told["total"] | {"code": "", "name": "合计"}
    rows = [*told["rows"], total] if told["by"] != "total" else [total]
    title = f"{told['from']} 至 {told['to']}（统计至 {told['as_of']}）"
    print_table(headers, [_cells(row) for row in rows], title)


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    rates_ = (
        row[name]["percent"] for name in ("sign_rate", "on_time_sign_rate", "archive_rate", "receipt_rate")
    )
    counts = (row["code"], row["name"], row["copies"], row["signed"])
    return (*counts, *rates_, row["returned"], row["signed_unread"], row["rank"])


@rates_app.command("recount")
def recount(
    ctx: typer.Context,
    as_json: Json = False,
    data: Data = None,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """按历史重新计数，证明统计与历史相符；不符时逐项列出，退出码为 1。

    Count the whole history again; every tally that differs is named, and the exit code is 1.
    """
    folder = local_data(ctx, data, server, token_file)
    if folder is not None:
        told = offline(folder, _recounted)
    else:
        answer = talk(far(ctx, server, token_file, ca), lambda api: api.post("/rates/recount"))
        told = answer.json
    if as_json:
        print_json(told)
    elif told["differences"]:
        headers = ("项目", "单位", "文种", "日期", "结果", "结果日", "统计", "历史")
        print_table(headers, [tuple(one.values()) for one in told["differences"]])
    if not told["agreed"]:
        stop(f"统计与历史有 {told['count']} 处不符", "保留现场，连同本列表交系统管理员")
    typer.echo("统计与历史相符。", err=True)


async def _recounted(parts: Parts) -> Any:  # noqa: ANN401
    import msgspec

    from gateway.doors.v1.figures import recount_view
    from inbox_store.programs.figures import recount as count_again

    return msgspec.to_builtins(recount_view(await parts.store.engine.read(count_again())))


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(rates_app, name="rates")
