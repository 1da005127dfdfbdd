"""`songda phones`: numbers that need a look, and lifting the mark of a bad one (F19)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
from gateway.cli.console import stop
from gateway.cli.lookup import minute, paged, region_id

if TYPE_CHECKING:
    from gateway.cli.api import Api

phones_app = typer.Typer(
    help="手机号码：哪些需要核对，恢复发送。\n\nNumbers that need a look.", no_args_is_help=True
)

Problem = Literal["missing", "bad", "refused", "ported"]
HEADERS = (
    "人员编码",
    "姓名",
    "单位",
    "手机号码",
    "问题",
    "停发时间",
    "失败次数",
    "最后失败",
    "运营商说明",
    "退订",
    "运营商",
)
ROUTES = {"mobile": "移动", "unicom": "联通", "telecom": "电信", "broadnet": "广电"}


@phones_app.command("report")
def report(
    ctx: typer.Context,
    *,
    county: Annotated[str, typer.Option("--county", help="县区名称或编码", show_default=False)] = "",
    problem: Annotated[
        Problem | None,
        typer.Option(
            "--problem",
            help="只看一类：missing 没有号码，bad 无法送达，refused 本人退订，ported 携号转网",
            show_default=False,
        ),
    ] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="写入 XLSX 文件", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="文件已存在时覆盖")] = False,
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """列出需要核对的手机号码：没有号码、无法送达、本人退订、携号转网；号码隐去中间四位。

    People whose number is missing, bad, refused or ported; numbers are masked.
    """

    async def work(api: Api) -> list[dict[str, Any]]:
        region = await region_id(api, county, "city", "county") if county else None
        return await paged(api, "/phones", county=region, problem=problem)

    found = talk(far(ctx, server, token_file, ca), work)
    if xlsx is not None:
        write_new(xlsx, _workbook(found), overwrite=overwrite)
    elif as_json:
        print_json({"items": found})
    else:
        print_table(HEADERS, [_cells(one) for one in found], f"需要核对的手机号码（{len(found)} 人）")


@phones_app.command("clear")
def clear(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(help="人员编码", show_default=False)],
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """号码核对无误，恢复向其发送短信。

    Lift the bad mark of a person's number: messages go to it again.
    """

    async def work(api: Api) -> None:
        found = [one for one in await paged(api, "/phones", problem="bad") if one["code"] == person]
        if not found:
            stop(f"没有编码为 {person}、号码已停发的人员，或者您无权看到", "用 songda phones report 核对")
        path = f"/phones/{found[0]['person_id']}/clear"
        await api.ask("PUT", path, key=secrets.token_hex(16))

    talk(far(ctx, server, token_file, ca), work)
    typer.echo(f"{person}：已恢复发送。")


def _cells(one: dict[str, Any]) -> tuple[str | int, ...]:
    units = "、".join(unit["name"] for unit in one["units"])
    bad = (minute(one["bad_at"]), one["failures"], minute(one["failed_at"]), one["error"])
    carrier = ROUTES.get(one["route"], one["route"])
    if "ported" in one["problems"]:
        carrier += f"（号段 {ROUTES.get(one['prefix_route'], one['prefix_route'])}）"
    asked = (one["code"], one["name"], units, one["phone"], "、".join(one["problems_zh"]))
    return (*asked, *bad, "、".join(one["refused"]), carrier)


def _workbook(found: Sequence[dict[str, Any]]) -> bytes:
    from gateway.sheets import Column, Sheet, to_xlsx
    from inbox_store.times import system_now

    kinds = {"失败次数": "number"}
    columns = tuple(Column(title=title, kind=kinds.get(title, "text")) for title in HEADERS)  # type: ignore[arg-type]
    rows = [_cells(one) for one in found]
    return to_xlsx(
        [Sheet(name="手机号码", title="需要核对的手机号码", columns=columns, rows=rows)], system_now()
    )


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(phones_app, name="phones")
