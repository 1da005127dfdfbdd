"""`songda receipt`: fetch a unit's sign-for receipt, and verify one offline with the published key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.client import Authority, Json, Server, TokenFile, far, print_json, talk, write_new
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.cli.api import Api

receipt_app = typer.Typer(
    help="签收回执：取回、离线核验。\n\nSign-for receipts: fetch, verify offline.", no_args_is_help=True
)


@receipt_app.command("fetch")
def fetch(
    ctx: typer.Context,
    document: Annotated[int, typer.Argument(help="文件编号", show_default=False)],
    unit: Annotated[str, typer.Argument(help="单位编码", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", help="写入文件；默认显示", show_default=False)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="文件已存在时覆盖")] = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """取回一个单位对一份文件的签收回执。

    Fetch the receipt of a unit for a document; it verifies without the server.
    """

    async def work(api: Api) -> Any:  # noqa: ANN401 - the receipt as it stands
        found = (await api.get("/org/units", code=unit))["items"]
        if not found:
            stop(f"没有编码为 {unit} 的单位，或者您无权看到", "核对单位编码")
        return await api.get(f"/documents/{document}/units/{found[0]['id']}/receipt")

    told = talk(far(ctx, server, token_file, ca), work)
    if out is None:
        print_json(told)
        return
    import msgspec

    write_new(out, msgspec.json.format(msgspec.json.encode(told)) + b"\n", overwrite=overwrite)


@receipt_app.command("verify")
def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="回执文件（JSON）", show_default=False)],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="公钥文件，即 /api/v1/receipt-keys 的答复", show_default=False),
    ] = None,
    as_json: Json = False,
    server: Server = "",
    ca: Authority = None,
) -> None:
    """核验签收回执：有公钥文件即可，不连接服务器；无效时退出码为 1。

    Verify a receipt with the published keys; with --keys nothing is asked of any server. Exit code 1 when invalid.
    """
    from inbox_store.receipts import verify_receipt

    told = _json_of(file, "回执文件")
    if keys is not None:
        published = _json_of(keys, "公钥文件")
    else:
        published = talk(far(ctx, server, None, ca, public=True), lambda api: api.get("/receipt-keys"))
    leaf, finding = verify_receipt(told, keys_of(published))
    if as_json:
        print_json({"valid": leaf is not None, "finding": finding, "signed": leaf})
    elif leaf is not None:
        typer.echo(f"{finding}：{_words(leaf)}")
    if leaf is None:
        stop(finding, "向出具回执的单位重新索取；公钥须来自其公布的地址")


def keys_of(published: dict[str, Any]) -> dict[str, bytes]:
    """The raw Ed25519 keys by id. Ends the run where the file is none of ours."""
    try:
        return {str(one["key_id"]): bytes.fromhex(one["public_key"]) for one in published["keys"]}
    except (KeyError, TypeError, ValueError):
        stop("公钥文件残缺", "从 /api/v1/receipt-keys 重新下载")


def _json_of(file: Path, what: str) -> dict[str, Any]:
    import msgspec

    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as fault:
        stop(f"读不到{what} {file}：{fault.strerror or fault}", "核对路径")
    except (ValueError, RecursionError):
        stop(f"{what} {file} 不是 JSON", "重新下载后再核验")


def _words(leaf: dict[str, Any]) -> str:
    from inbox_store.times import iso

    marks = "，未阅即签" if leaf.get("unread") else ""
    marks += "，批量签收" if leaf.get("bulk") else ""
    return (
        f"{leaf['unit_name']}（{leaf['unit_code']}）{leaf['signer_name']} 于 {iso(leaf['signed_at'])} "
        f"签收文件 {leaf['document']} {leaf['doc_no']}{marks}；内容摘要 {leaf['digest']}"
    )


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(receipt_app, name="receipt")
