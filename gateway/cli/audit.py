"""`songda audit`: verify the whole trace on the machine itself, and export its signed head for another one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.client import Data, Json, existing_data, offline, print_json, write_new
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.assembly import Parts
    from inbox_store.programs.trace import Verdict

audit_app = typer.Typer(
    help="审计：校验记录链，导出链头。\n\nThe trace: verify it, export its head.", no_args_is_help=True
)


@audit_app.command("verify")
def verify(
    ctx: typer.Context,
    data: Data = None,
    head: Annotated[
        Path | None,
        typer.Option("--head", help="先前导出的链头，用来发现尾部被截断", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """校验全部审计记录和签收回执；有改动、缺失或截断时逐处列出，退出码为 1。

    Recompute the whole chain: a changed, missing or cut place is named, and the exit code is 1.
    """
    told = _head_of(head) if head else None
    verdict = offline(existing_data(ctx, data), lambda parts: _verified(parts, told))
    if as_json:
        print_json({"intact": not verdict.faults, "verdict": verdict})
    for fault in () if as_json else verdict.faults:
        typer.echo(f"  {fault}", err=True)
    if verdict.faults:
        stop(f"审计记录有 {len(verdict.faults)} 处不符", "立即封存数据目录和备份，报告安全管理员")
    counted = f"提交 {verdict.commits}、记录 {verdict.rows}、签收回执 {verdict.receipts}"
    typer.echo(f"审计记录完好：{counted}；链头 {verdict.head}。", err=as_json)


def _head_of(file: Path) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as fault:
        stop(f"读不到链头文件 {file}：{fault.strerror or fault}", "核对路径")
    except (ValueError, RecursionError):
        stop(f"链头文件 {file} 不是 JSON", "换一份先前导出的链头")


async def _verified(parts: Parts, head: dict[str, Any] | None) -> Verdict:
    from inbox_store.programs import trace

    engine = parts.store.engine
    if head is None:
        return await engine.read(trace.verify())
    from gateway.flows.heads import head_holds, last_of_former_epochs

    keys = {key_id: key for key_id, key, _ in await engine.read(trace.public_keys())}
    if not head_holds(head, keys):
        stop("链头文件的签名无效，或不是本系统的密钥所签", "换一份先前导出的链头")
    number = int(head["commit_no"])
    if head.get("epoch") != engine.epoch:
        last = (await last_of_former_epochs(parts.house)).get(str(head.get("epoch")))
        if last is None:
            stop("链头属于另一套数据，或数据库是重建的", "核对数据目录；用这套数据导出的链头核对")
        if number > last:
            stop(
                f"链头在备份之后导出：恢复时失去了提交 {last + 1} 到 {number}",
                "用备份之前或恢复以后导出的链头核对；失去的事项须重做",
            )
    return await engine.read(trace.verify(bytes.fromhex(str(head["link"])), number))


@audit_app.command("export-head")
def export_head(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="写出的链头文件", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="文件已存在时覆盖")] = False,
    data: Data = None,
) -> None:
    """导出带签名的链头（提交号、时间、链头、签名），请存到另一台机器。

    Export the signed head: kept on another machine it shows when the tail of the trace was cut.
    """
    import msgspec

    from gateway.flows.heads import signed_head

    told = offline(existing_data(ctx, data), lambda parts: signed_head(parts.house))
    write_new(file, msgspec.json.format(msgspec.json.encode(told)) + b"\n", overwrite=overwrite)
    typer.echo(f"提交 {told['commit_no']}，{told['at']}，链头 {told['link'][:16]}……")


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(audit_app, name="audit")
