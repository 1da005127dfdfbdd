"""`songda meeting`: the roster of a meeting and who has not answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.client import (
    Authority,
    Json,
    Server,
    TokenFile,
    far,
    print_json,
    print_table,
    talk,
    write_new,
)

if TYPE_CHECKING:
    from gateway.cli.api import Api

meeting_app = typer.Typer(help="会议：参会名单。\n\nMeetings: the roster.", no_args_is_help=True)


@meeting_app.command("roster")
def roster(
    ctx: typer.Context,
    document: Annotated[int, typer.Argument(metavar="ID", help="会议通知的文件编号", show_default=False)],
    *,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="写入 XLSX 文件", show_default=False)] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="写入 CSV 文件", show_default=False)] = None,
    masked: Annotated[bool, typer.Option("--masked", help="只要脱敏的手机号")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="文件已存在时覆盖")] = False,
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """查看参会名单和未报回执的单位，或写成 XLSX、CSV。

    The roster and the missing units, on the screen or as files.
    """
    place, path = far(ctx, server, token_file, ca), f"/meetings/{document}/roster"
    for file, kind in ((xlsx, "xlsx"), (csv, "csv")):
        if file is not None:
            content = talk(place, _download(f"{path}.{kind}", masked=masked))
            write_new(file, content, overwrite=overwrite)
    if xlsx is None and csv is None:
        told = talk(place, lambda api: api.get(path, masked=masked))
        if as_json:
            print_json(told)
        else:
            _show(told)


def _download(path: str, *, masked: bool) -> Any:  # noqa: ANN401 - what `talk` asks with
    async def work(api: Api) -> bytes:
        return await api.download(path, masked=masked)

    return work


def _show(told: dict[str, Any]) -> None:
    fields = told["meeting"]["fields"]
    headers = ("单位", "姓名", "职务", "电话", "方式", "替何人", "请假原因", *fields, "签到", "座位")
    rows = [
        (
            one["unit"]["name"],
            one["name"],
            one["post"],
            one["phone"],
            one["mode_zh"],
            one["for_person"],
            one["reason"],
            *(one["extra"].get(name, "") for name in fields),
            (one["checked_in_at"] or "")[:16].replace("T", " "),
            one["seat"],
        )
        for one in told["rows"]
    ]
    print_table(headers, rows, f"{told['title']} 参会人员名单")
    counts = told["summary"]
    typer.echo(
        f"应报 {counts['asked']} 个单位，已报 {counts['answered']}（逾期 {counts['late']}），"
        f"未报 {counts['missing']}；参会 {counts['attending']} 人，请假 {counts['on_leave']} 人。"
    )
    if told["missing"]:
        typer.echo("未报：" + "、".join(unit["name"] for unit in told["missing"]))


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(meeting_app, name="meeting")
