"""`songda sms replies`: what people answered to short messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.client import Authority, Json, Server, TokenFile, far, print_json, print_table, talk
from gateway.cli.lookup import minute

if TYPE_CHECKING:
    from gateway.cli.api import Api

LIMIT_MAX = 1_000
_PAGE = 100
HEADERS = ("时间", "号码", "姓名", "单位", "内容", "含义", "姓名或原因", "未登记的原因")


def replies(
    ctx: typer.Context,
    *,
    document: Annotated[
        int | None,
        typer.Option("--document", metavar="ID", help="文件编号；不填为未对应的回复", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LIMIT_MAX, help="最多显示的条数")] = 50,
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """查看短信回复：对一份文件的短信的回复，或没有对应到任何短信的回复，新的在前。

    Replies from phones, newest first: to a document's messages, or those that answer nothing.
    """

    async def work(api: Api) -> list[dict[str, Any]]:
        return await _some(api, document, limit)

    lines = talk(far(ctx, server, token_file, ca), work)
    if as_json:
        print_json({"items": lines})
    else:
        print_table(HEADERS, [_row(line) for line in lines], "短信回复" if document else "未对应的短信回复")


async def _some(api: Api, document: int | None, limit: int) -> list[dict[str, Any]]:
    """The newest ``limit``, page by page."""
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        asked = {"limit": min(_PAGE, limit - len(found)), "cursor": cursor, "document_id": document}
        page = await api.get("/sms/replies", **{name: value for name, value in asked.items() if value})
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    return found


def _row(line: dict[str, Any]) -> tuple[object, ...]:
    unit = line["unit"]["name"] if line["unit"] else ""
    said = (line["meaning_zh"], line["detail"], line["refused_zh"])
    return (minute(line["said_at"]), line["phone"], line["person"], unit, line["text"], *said)


def register(group: typer.Typer) -> None:
    """Add the verb to `songda sms`."""
    group.command("replies")(replies)
