"""`songda why`: why a person was told of a document, or was not."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.client import Authority, Json, Server, TokenFile, far, print_json, print_table, talk


def why(
    ctx: typer.Context,
    document: Annotated[int, typer.Argument(metavar="DOCUMENT", help="文件编号", show_default=False)],
    person: Annotated[int, typer.Argument(metavar="PERSON", help="人员编号", show_default=False)],
    *,
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """为什么收到（或没有收到）一份文件的提醒：每条提醒的渠道、状态和原因。

    Why a person was, or was not, told of a document: every alert with its channel, state and reason.
    """
    place = far(ctx, server, token_file, ca)
    told = talk(place, lambda api: api.get(f"/documents/{document}/why/{person}"))
    if as_json:
        print_json(told)
        return
    typer.echo(f"《{told['title']}》：{told['summary']}。")
    moments = (("收件箱送达", "delivered_at"), ("打开", "opened_at"), ("办结", "done_at"))
    rows = [(word, told[key] or "尚未") for word, key in moments]
    rows += [(one["due_at"], one["words"]) for one in told["orders"]]
    print_table(("时间或事项", "情况"), rows)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("why")(why)
