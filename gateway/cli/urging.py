"""`songda urge` and `songda lights`: urge those who owe something of a document; the red and amber lights that are on."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gateway.cli.client import Authority, Json, Server, TokenFile, far, print_json, print_table, talk
from gateway.cli.console import stop
from gateway.cli.lookup import minute, paged, region_id

if TYPE_CHECKING:
    from gateway.cli.api import Api

URGES = ("时间", "单位", "催办", "第几次", "对象", "由谁", "费用承担", "告知")
LIGHTS = ("灯", "单位", "事项", "文件", "标题", "时限", "督查单位", "督办")
ASKED = {"inbox": "收件箱", "push": "推送", "sms": "短信"}


def urge(
    ctx: typer.Context,
    document: Annotated[int, typer.Argument(metavar="DOCUMENT", help="文件编号", show_default=False)],
    *,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", help="单位编码，可多次；不填为全部未完成的单位", show_default=False),
    ] = None,
    to: Annotated[
        Literal["clerks", "leader"],
        typer.Option("--to", help="催谁：clerks 收发员（办理中的为承办人），leader 负责领导"),
    ] = "clerks",
    sms: Annotated[bool, typer.Option("--sms", help="同时发短信")] = False,
    show: Annotated[bool, typer.Option("--list", help="只看催办记录，不催办")] = False,
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """催办一份文件：催签、催办理、催报会议回执；十分钟内不重复催同一单位。

    Urge the units that owe something of a document, or list its urges.
    """
    place = far(ctx, server, token_file, ca)
    if show:
        _show_urges(talk(place, lambda api: paged(api, f"/documents/{document}/urges")), as_json=as_json)
        return
    body = {"to": to, "sms": sms}

    async def work(api: Api) -> dict[str, Any]:
        path = f"/documents/{document}"
        if not unit:
            return dict((await api.post(f"{path}/urge", body, key=secrets.token_hex(16))).json)
        done = []
        for code in unit:
            number = await _unit_id(api, code)
            told = await api.post(f"{path}/units/{number}/urge", body, key=secrets.token_hex(16))
            done.append(told.json)
        return {"urged": done, "left": []}

    told = talk(place, work)
    if as_json:
        print_json(told)
        return
    persons = sum(one["persons"] for one in told["urged"])
    typer.echo(f"已催办 {len(told['urged'])} 个单位，告知 {persons} 人。")
    if told["left"]:
        first = min(one["again_at"] or "" for one in told["left"])
        typer.echo(f"{len(told['left'])} 个单位刚刚催办过，{minute(first)} 起可以再催。")


async def _unit_id(api: Api, code: str) -> int:
    found = (await api.get("/org/units", code=code))["items"]
    if not found:
        stop(f"没有编码为 {code} 的单位，或者您无权看到", "核对单位编码")
    return int(found[0]["id"])


def _show_urges(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"items": found})
        return
    print_table(URGES, [_urge_cells(one) for one in found], f"催办记录（{len(found)} 次）")


def _urge_cells(one: dict[str, Any]) -> tuple[object, ...]:
    told = "\n".join(
        f"{person['name']}（{'、'.join(ASKED[way] for way in person['asked'])}）" for person in one["told"]
    )
    who = (one["rung_zh"], one["by"] or "自动", one["payer"]["name"])
    return (minute(one["at"]), one["unit"]["name"], one["duty_zh"], one["number"], *who, told)


def lights(
    ctx: typer.Context,
    *,
    county: Annotated[str, typer.Option("--county", help="县区名称或编码", show_default=False)] = "",
    unit: Annotated[str, typer.Option("--unit", help="单位编码", show_default=False)] = "",
    red: Annotated[bool, typer.Option("--red", help="只看红灯")] = False,
    duty: Annotated[
        Literal["sign", "handle", "reply"] | None,
        typer.Option("--duty", help="只看签收 sign、办理 handle 或会议回执 reply", show_default=False),
    ] = None,
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """查看亮着的红灯和黄灯。

    Red and amber lights that are on, within one's reach.
    """

    async def work(api: Api) -> list[dict[str, Any]]:
        region = await region_id(api, county, "city", "county") if county else None
        number = await _unit_id(api, unit) if unit else None
        colour = "red" if red else "amber"
        return await paged(api, "/lights", county=region, unit=number, colour=colour, duty=duty)

    found = talk(far(ctx, server, token_file, ca), work)
    if as_json:
        print_json({"items": found})
        return
    count = sum(one["colour"] == "red" for one in found)
    title = f"红灯 {count}，黄灯 {len(found) - count}"
    print_table(LIGHTS, [_light_cells(one) for one in found], title)


def _light_cells(one: dict[str, Any]) -> tuple[object, ...]:
    above = one["supervisor"]["name"] if one["supervisor"] else ""
    what = (one["duty_zh"], one["document_id"], one["title"], minute(one["due_at"]))
    return (one["colour_zh"], one["unit"]["name"], *what, above, one["instruction_state_zh"])


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("urge")(urge)
    app.command("lights")(lights)
