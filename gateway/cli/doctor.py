"""`songda doctor`: is this installation sound?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gateway.cli.client import Data, Json, existing_data, offline, print_json
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.flows.health import Finding


def doctor(ctx: typer.Context, data: Data = None, as_json: Json = False) -> None:
    """检查本机和数据：磁盘、数据文件、审计链、统计、公文、附件、密钥；有问题时退出码为 1。

    Look at the machine and all of the data, page by page: takes seconds for a city, minutes for years of it.
    """
    from gateway.flows.health import files, machine
    from inbox_store.embedded import FILE

    folder = existing_data(ctx, data)
    found = files(folder / FILE)
    # A file that is damaged or lacks commits is not opened for writing: what it and its log still hold is kept.
    whole = all(one.good for one in found if one.what != "表结构")
    findings = [*machine(folder), *found, *(_records(folder) if whole else [])]
    if as_json:
        print_json(findings)
    for one in () if as_json else findings:
        typer.echo(f"{'正常' if one.good else '异常'}  {one.what}：{one.seen}")
    bad = sum(not one.good for one in findings)
    if bad:
        stop(f"{bad} 项异常", "逐项处理后再执行 songda doctor")


def _records(folder: Path) -> list[Finding]:
    """What the opened store holds; one finding more where it cannot be opened or read."""
    import sqlite3

    from gateway.flows.health import Finding, records
    from inbox_store.errors import StoreBroken

    try:
        return offline(folder, lambda parts: records(parts.house))
    except (StoreBroken, sqlite3.Error, ValueError) as fault:
        return [Finding(what="打开", good=False, seen=str(fault))]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor")(doctor)
