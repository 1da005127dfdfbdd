"""`songda doctor`: is this installation sound?"""

from __future__ import annotations

import typer

from gateway.cli.client import Data, Json, existing_data, offline, print_json
from gateway.cli.console import stop


def doctor(ctx: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """检查本机和数据：磁盘、权限、审计链、统计与历史；有问题时退出码为 1。

    Look at the machine and the data: disk, modes, trace, figures against the history.
    """
    from gateway.flows.health import machine, records

    folder = existing_data(ctx, data)
    findings = [*machine(folder), *offline(folder, lambda parts: records(parts.house))]
    if as_json:
        print_json(findings)
    for one in () if as_json else findings:
        typer.echo(f"{'正常' if one.good else '异常'}  {one.what}：{one.seen}")
    bad = sum(not one.good for one in findings)
    if bad:
        stop(f"{bad} 项异常", "逐项处理后再执行 songda doctor")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor")(doctor)
