"""`songda account`: activation codes, freeze and close by date, locks, tokens for trials, keys of other systems.

These verbs open the data folder itself: whoever may read its keys is not asked for a right, but recorded by name.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gateway.cli.console import config_file, loaded, stop
from inbox_store.errors import Refused

if TYPE_CHECKING:
    from gateway.flows.access import Access
    from gateway.flows.account_desk import CodeList, Operator
    from inbox_store.nouns import Role
    from inbox_store.programs.access import Account

T = TypeVar("T")

account_app = typer.Typer(
    help="帐户：激活码、冻结、注销、解锁、令牌。\n\nAccounts: codes, freeze, close, unlock, tokens.",
    no_args_is_help=True,
)
key_app = typer.Typer(
    help="接口密钥：其他系统凭密钥代单位办理指定的事项。\n\nAPI keys of other systems.", no_args_is_help=True
)
account_app.add_typer(key_app, name="api-key")

Login = Annotated[str, typer.Argument(help="登录名", show_default=False)]
Data = Annotated[
    Path | None, typer.Option("--data", help="数据目录；默认取自配置 store.path", show_default=False)
]
From = Annotated[
    str, typer.Option("--from", help="生效日期（年-月-日，当日零时起）；默认立即生效", show_default=False)
]

STATES = {"pending": "待激活", "active": "正常", "frozen": "已冻结", "closed": "已注销"}


@account_app.command("codes")
def codes(
    ctx: typer.Context,
    unit: Annotated[str, typer.Option("--unit", help="单位编码", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="写入 CSV 文件（仅本用户可读）；默认显示在屏幕上", show_default=False),
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="未用过的激活码也作废重发")] = False,
    data: Data = None,
) -> None:
    """为一个单位尚未激活的帐户发放一次性激活码。激活码只显示这一次。

    One-time codes for everybody of a unit who never logged in: a printable list, told this once.
    """
    if out is not None and out.exists():
        stop(f"{out} 已存在", "换一个文件名，或先移走它")
    told = _done(ctx, data, lambda access, by: access.activation_codes(by, unit, anew=anew))
    if out is not None:
        _keep(out, _csv(told))
    else:
        _show(told)
    fresh = sum(bool(line.code) for line in told.lines)
    typer.echo(
        f"{told.unit}：发放 {fresh} 人，另有 {len(told.lines) - fresh} 人此前的激活码仍有效。", err=True
    )


@account_app.command("code")
def code(ctx: typer.Context, login: Login, data: Data = None) -> None:
    """为一个帐户发放激活码，也用于忘记密码时重设。

    One code for one account; also for a forgotten password.
    """
    typer.echo(_done(ctx, data, lambda access, by: access.activation_code(by, login)))


@account_app.command("freeze")
def freeze(ctx: typer.Context, login: Login, since: From = "", data: Data = None) -> None:
    """冻结帐户：不能登录，不再收件，历史保留。

    Freeze an account from a day on: no log-in, nothing received, history stays.
    """
    at = _instant(since)
    _tell(_done(ctx, data, lambda access, by: access.freeze(by, login, at)))


@account_app.command("unfreeze")
def unfreeze(ctx: typer.Context, login: Login, data: Data = None) -> None:
    """解除冻结，包括尚未到期的冻结安排。

    Lift a freeze, in force or announced.
    """
    _tell(_done(ctx, data, lambda access, by: access.unfreeze(by, login)))


@account_app.command("close")
def close(ctx: typer.Context, login: Login, since: From = "", data: Data = None) -> None:
    """注销帐户（调离、退休）：不可恢复，内容不删除。

    Close an account for good from a day on; nothing is deleted.
    """
    at = _instant(since)
    _tell(_done(ctx, data, lambda access, by: access.close(by, login, at)))


@account_app.command("unlock")
def unlock(ctx: typer.Context, login: Login, data: Data = None) -> None:
    """解除因多次登录失败造成的锁定。

    Lift the lock that failed log-ins set.
    """
    _done(ctx, data, lambda access, by: access.unlock(by, login))
    typer.echo(f"{login}：已解除锁定。")


@account_app.command("revoke")
def revoke(ctx: typer.Context, login: Login, data: Data = None) -> None:
    """使帐户的全部登录会话和令牌立即失效，本人可重新登录。

    End every session and token of an account; the person may log in again.
    """
    _done(ctx, data, lambda access, by: access.revoke(by, login))
    typer.echo(f"{login}：全部会话和令牌已失效。")


@account_app.command("token")
def token(
    ctx: typer.Context,
    login: Login,
    hours: Annotated[int, typer.Option("--hours", min=1, max=24, help="有效小时数")] = 8,
    data: Data = None,
) -> None:
    """签发一个试用访问令牌，只输出令牌本身；签发记入审计。

    Mint an access token for trials; only the token goes to standard output, and the trace has it.
    """
    minted = _done(ctx, data, lambda access, by: access.trial_token(by, login, life_s=hours * 3600))
    typer.echo(minted.text)


@account_app.command("rotate-key")
def rotate_key(ctx: typer.Context, data: Data = None) -> None:
    """更换令牌签名密钥；旧令牌在到期前仍有效，运行中的服务在重启后启用新密钥。

    Replace the key under which tokens are signed; nobody is logged out.
    """
    from gateway.token_keys import rotate_ring
    from inbox_store.times import system_now

    settings = loaded(config_file(ctx), {"store.path": str(data)} if data else None).settings
    ring = rotate_ring(settings.keys_folder, system_now())
    typer.echo(f"新密钥 {ring.current.kid} 已生成，仍可验证的密钥共 {len(ring.keys)} 个。重启服务后启用。")


@key_app.command("create")
def create_key(
    ctx: typer.Context,
    unit: Annotated[str, typer.Option("--unit", help="代哪个单位办理：单位编码", show_default=False)],
    name: Annotated[str, typer.Option("--name", help="对方系统的名称", show_default=False)],
    login: Annotated[str, typer.Option("--login", help="密钥责任人的登录名", show_default=False)],
    action: Annotated[
        list[str],
        typer.Option("--action", help="准许的事项，如 dispatch.submit；可多次给出", show_default=False),
    ],
    role: Annotated[str, typer.Option("--role", help="以哪种职责办理")] = "clerk",
    days: Annotated[int, typer.Option("--days", min=1, help="有效天数")] = 365,
    data: Data = None,
) -> None:
    """签发接口密钥。密钥只显示这一次。

    Make a key for another system: its unit, its actions, who answers for it. It is told this once.
    """
    from gateway.flows.account_desk import KeyWish

    wish = KeyWish(unit=unit, name=name, login=login, actions=frozenset(action), role=_role(role), days=days)
    _, text = _done(ctx, data, lambda access, by: access.create_api_key(by, wish))
    typer.echo(text)


@key_app.command("revoke")
def revoke_key(
    ctx: typer.Context,
    prefix: Annotated[str, typer.Argument(help="密钥编号，即 sdk_ 之后的 8 位", show_default=False)],
    data: Data = None,
) -> None:
    """吊销接口密钥，立即生效。

    End a key at once.
    """
    _done(ctx, data, lambda access, by: access.revoke_api_key(by, prefix))
    typer.echo(f"{prefix}：已吊销。")


@key_app.command("list")
def list_keys(ctx: typer.Context, data: Data = None) -> None:
    """列出接口密钥：编号、名称、状态、到期日、准许的事项。

    List the keys: prefix, name, state, last day, actions.
    """
    from inbox_store.times import day_of

    for key, holds in _done(ctx, data, lambda access, by: access.api_keys(by)):
        state = "有效" if holds else "失效"
        typer.echo(
            f"{key.prefix}\t{key.name}\t{state}\t{day_of(key.expires_at)}\t{' '.join(sorted(key.actions))}"
        )


def _done(ctx: typer.Context, data: Path | None, work: Callable[[Access, Operator], Awaitable[T]]) -> T:
    """The one place where this module meets the store: open it, do ``work`` as the machine's user, close it."""
    import asyncio
    import getpass

    from gateway.assembly import open_parts
    from gateway.flows.account_desk import Operator

    settings = loaded(config_file(ctx), {"store.path": str(data)} if data else None).settings

    async def run() -> T:
        async with open_parts(settings) as parts:
            return await work(parts.access, Operator(name=getpass.getuser()))

    try:
        return asyncio.run(run())
    except Refused as refused:
        _refuse(refused)
        raise


def _refuse(refused: Refused) -> None:
    """End with the catalogue's words; what was not found is named."""
    from gateway.doors.problems import entry_of, mend_of

    entry = entry_of(refused.code)
    told = "、".join(str(value) for value in refused.params.values()) if refused.code == "not_found" else ""
    stop(f"{entry.title_zh}{f'：{told}' if told else ''}", mend_of(entry.mend, refused.params))


def _role(role: str) -> Role:
    from typing import cast, get_args

    from inbox_store.nouns import Role

    if role not in get_args(Role):
        stop(f"没有职责 {role}", f"可用：{'、'.join(get_args(Role))}")
    return cast("Role", role)


def _instant(day: str) -> int | None:
    """The first instant of the day in Asia/Shanghai, None for now."""
    from inbox_store.times import day_start

    if not day:
        return None
    try:
        return day_start(date.fromisoformat(day))
    except ValueError:
        stop(f"日期 {day} 无法识别", "按 年-月-日 填写，如 2026-07-01")


def _tell(account: Account) -> None:
    from inbox_store.times import day_of

    typer.echo(f"{account.login}（{account.name}）：{STATES[account.state]}。")
    if account.state in ("pending", "active"):
        for word, at in (("冻结", account.frozen_from), ("注销", account.closed_from)):
            if at is not None:
                typer.echo(f"将于 {day_of(at)} {word}。")


def _show(told: CodeList) -> None:
    from inbox_store.times import day_of

    typer.echo(f"{told.unit} 帐户激活码（{day_of(told.expires_at)} 前有效，用后作废）")
    for line in told.lines:
        typer.echo(f"{line.person_code}\t{line.name}\t{line.login}\t{line.code or '此前已发放'}")


def _csv(told: CodeList) -> bytes:
    from gateway.sheets import Column, Sheet, to_csv
    from inbox_store.times import day_of

    return to_csv(
        Sheet(
            name="激活码",
            title=f"{told.unit} 帐户激活码（{day_of(told.expires_at)} 前有效，用后作废）",
            columns=tuple(Column(title=title) for title in ("人员编号", "姓名", "登录名", "激活码")),
            rows=[
                (line.person_code, line.name, line.login, line.code or "此前已发放") for line in told.lines
            ],
        )
    )


def _keep(file: Path, told: bytes) -> None:
    """Write the list where only this user may read it; the codes cannot be told again, so a full disk shows them."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(told)
    except OSError as fault:
        typer.echo(told.decode("utf-8-sig"))
        stop(f"不能写入 {file}：{fault.strerror or fault}", "激活码已显示在上面，请抄录或重定向保存")
    typer.echo(f"已写出 {file}（仅本用户可读）。", err=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(account_app, name="account")
