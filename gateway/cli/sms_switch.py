"""`songda sms switch`: a county's short messages off and on (P66): apply, approve, reject, list."""

from __future__ import annotations

import secrets
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.client import Authority, Far, Json, Server, TokenFile, far, print_json, print_table, talk
from gateway.cli.console import stop
from gateway.cli.lookup import minute, paged, region_id

if TYPE_CHECKING:
    from gateway.cli.api import Api

switch_app = typer.Typer(
    help="县区短信提醒的关闭与恢复：申请、审批、一览。\n\nA county's messages off and on.",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(metavar="ID", help="申请编号", show_default=False)]

ON_OFF = {"off": "关闭", "on": "恢复"}
STANDING = ("编码", "县区", "短信", "自", "以后", "自", "待审批", "没有发出")
APPLICATIONS = ("编号", "县区", "申请", "文号", "申请人", "申请时间", "状态", "审批人", "生效时间", "意见")
NOW = {"off": "已关闭", "on": "开通"}


@switch_app.command("apply")
def apply(
    ctx: typer.Context,
    *,
    county: Annotated[str, typer.Option("--county", help="县区名称或编码", show_default=False)],
    letter: Annotated[str, typer.Option("--letter", help="函件文号", show_default=False)],
    off: Annotated[bool, typer.Option("--off/--on", help="关闭，或恢复", show_default=False)],
    day: Annotated[
        str, typer.Option("--day", help="希望生效的日子（年-月-日）；默认批准的次日", show_default=False)
    ] = "",
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """申请关闭或恢复一个县区的短信提醒，由市里另一人审批。

    Apply for a county's messages to be switched off, or on again; another person of the city office decides.
    """
    wanted = _day(day).isoformat() if day else None

    async def work(api: Api) -> Any:  # noqa: ANN401 - the application as it stands
        wish = {
            "county_id": await region_id(api, county, "county"),
            "letter_no": letter,
            "wanted_day": wanted,
        }
        wish["on_or_off"] = "off" if off else "on"
        return (await api.post("/sms/switches", wish, key=secrets.token_hex(16))).json

    _tell(talk(far(ctx, server, token_file, ca), work), as_json=as_json)


@switch_app.command("approve")
def approve(
    ctx: typer.Context,
    number: Number,
    *,
    since: Annotated[
        str,
        typer.Option("--from", help="生效时间（年-月-日，或带时刻）；默认次日零时", show_default=False),
    ] = "",
    note: Annotated[str, typer.Option("--note", help="审批意见", show_default=False)] = "",
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """批准一项申请；不能批准本人提交的，不追溯。

    Approve an application: never one's own, never for a time that has passed.
    """
    body = {"note": note, "from_at": _instant(since) if since else None}
    _decided(far(ctx, server, token_file, ca), f"/sms/switches/{number}/approve", body, as_json=as_json)


@switch_app.command("reject")
def reject(
    ctx: typer.Context,
    number: Number,
    *,
    reason: Annotated[str, typer.Option("--reason", help="不批准的原因", show_default=False)],
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """不批准一项申请。

    Reject an application.
    """
    place = far(ctx, server, token_file, ca)
    _decided(place, f"/sms/switches/{number}/reject", {"reason": reason}, as_json=as_json)


@switch_app.command("list")
def list_switches(
    ctx: typer.Context,
    *,
    at: Annotated[
        str, typer.Option("--at", help="看某一时刻的状态（年-月-日，或带时刻）；默认现在", show_default=False)
    ] = "",
    year: Annotated[
        int | None, typer.Option("--year", help="抑制条数的年度；默认今年", show_default=False)
    ] = None,
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """查看各县区短信开关的状态、没有发出的条数和全部申请。

    Each county's standing, what its switch-off kept from leaving by month, and all applications.
    """
    instant = _instant(at) if at else None

    async def work(api: Api) -> dict[str, Any]:
        standing = await api.get("/sms/switches/standing", at=instant, year=year)
        return {"standing": standing["items"], "applications": await paged(api, "/sms/switches")}

    told = talk(far(ctx, server, token_file, ca), work)
    if as_json:
        print_json(told)
    else:
        _show(told)


def _decided(place: Far, path: str, body: dict[str, Any], *, as_json: bool) -> None:
    answer = talk(place, lambda api: api.post(path, body, key=secrets.token_hex(16)))
    _tell(answer.json, as_json=as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(f"日期 {text} 无法识别", "按 年-月-日 填写，如 2026-07-01")


def _instant(text: str) -> str:
    """The moment with its offset; without one it is read as Asia/Shanghai, a day as its first instant."""
    from inbox_store.times import iso, parse_iso

    try:
        return iso(parse_iso(text))
    except ValueError:
        stop(f"时间 {text} 无法识别", "按 年-月-日 或 年-月-日T时:分 填写，如 2026-07-01T08:00")


def _tell(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    since = f"，自 {minute(told['from_at'])} 起生效" if told["from_at"] else ""
    what = f"{told['county']}短信提醒{ON_OFF[told['on_or_off']]}"
    typer.echo(f"{told['id']} {what}（{told['letter_no']}）：{told['state_zh']}{since}。")


def _show(told: dict[str, Any]) -> None:
    print_table(STANDING, [_standing_cells(one) for one in told["standing"]], "各县区短信开关")
    print_table(APPLICATIONS, [_application_cells(one) for one in told["applications"]], "申请")


def _standing_cells(one: dict[str, Any]) -> tuple[object, ...]:
    months = (f"{m['month']}：{m['messages']} 条次、{m['segments']} 条" for m in one["suppressed"])
    later = ON_OFF[one["next"]] if one["next"] else ""
    state = (NOW[one["on_or_off"]], minute(one["since"]), later, minute(one["next_at"]))
    return (one["code"], one["county"], *state, one["open_id"], "\n".join(months))


def _application_cells(one: dict[str, Any]) -> tuple[object, ...]:
    asked = (one["id"], one["county"], ON_OFF[one["on_or_off"]], one["letter_no"], one["applicant"])
    decided = (one["state_zh"], one["decider"], minute(one["from_at"]), one["note"])
    return (*asked, minute(one["applied_at"]), *decided)


def register(group: typer.Typer) -> None:
    """Add the verbs of this module to `songda sms`."""
    group.add_typer(switch_app, name="switch")
