"""`songda send`: a document or notice through the API, looked at first, and sent once however often it is tried."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from gateway.cli.client import Authority, Far, Json, Server, TokenFile, far, print_json, print_table, talk
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.cli.api import Api

BLOCK_BYTES = 1024 * 1024
FILE_MAX_BYTES = 8 * 1024 * 1024

Bar = Callable[[str, int, int], None]
"""Told a file's name, how many bytes of it are sent, and of how many."""


# long because its parameters are its page of help
def send(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(help="发文内容（JSON，同接口 /dispatches），- 为标准输入", show_default=False)
    ] = "",
    *,
    title: Annotated[str, typer.Option("--title", help="标题", show_default=False)] = "",
    body: Annotated[str, typer.Option("--body", help="正文", show_default=False)] = "",
    body_file: Annotated[
        Path | None, typer.Option("--body-file", help="正文文件（UTF-8 文本）", show_default=False)
    ] = None,
    sender: Annotated[
        str,
        typer.Option("--from-unit", help="以哪个单位的名义：单位编码；只有一个的可不填", show_default=False),
    ] = "",
    to_unit: Annotated[
        list[str] | None, typer.Option("--to-unit", help="主送单位编码，可多次给出", show_default=False)
    ] = None,
    to_region: Annotated[
        list[str] | None,
        typer.Option("--to-region", help="主送地区编码，含其下各级，可多次给出", show_default=False),
    ] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="发到单位的每一个人；不限单位即全市")] = False,
    kind: Annotated[
        str, typer.Option("--kind", help="文种，如 notice、slip、alert；默认 notice", show_default=False)
    ] = "",
    urgency: Annotated[
        str, typer.Option("--urgency", help="紧急程度，如 extra_urgent、urgent；默认平件", show_default=False)
    ] = "",
    attach: Annotated[
        list[Path] | None, typer.Option("--attach", help="附件文件，可多次给出", show_default=False)
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="只预览，不发送")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="不再询问，直接发送")] = False,
    key: Annotated[
        str, typer.Option("--key", help="幂等键；默认由内容得出，同样的内容只发一次", show_default=False)
    ] = "",
    as_json: Json = False,
    server: Server = "",
    token_file: TokenFile = None,
    ca: Authority = None,
) -> None:
    """发文：先预览范围、人数、短信费用，确认后发送；断线重试不会重复发送。

    Send through the API: the preview first, then, when confirmed, once; repeated under the same key on a dead line.
    """
    wish = _content(file) if file else {}
    options = {
        "title": title,
        "body": _text(body_file) if body_file else body,
        "sender_unit_code": sender,
        "kind": kind or wish.get("kind") or "notice",
        "urgency": urgency,
    }
    wish |= {name: value for name, value in options.items() if value}
    _address(wish, to_unit or [], to_region or [], everyone=everyone)
    files = [_enclosed(path) for path in attach or []]
    place = far(ctx, server, token_file, ca)
    # Uploaded before the preview: a document may be all attachment, and file names are screened too.
    wish["attachments"] = [*wish.get("attachments", ()), *_uploaded(place, wish, files)]
    told = talk(place, lambda api: _previewed(api, wish))
    if as_json and preview:
        print_json(told)
    else:
        _show(told, table=not as_json)
    if not told["sendable"]:
        stop("按此内容不能发送", "按上面列出的问题修改后再发")
    if preview:
        return
    if not yes:
        _ask(told, from_stdin=file == "-")
    _tell(talk(place, lambda api: _sent(api, wish, key)), as_json=as_json)


def _content(file: str) -> dict[str, Any]:
    """The JSON object of the file or of standard input."""
    import msgspec

    try:
        raw = sys.stdin.buffer.read(FILE_MAX_BYTES + 1) if file == "-" else Path(file).read_bytes()
        if len(raw) > FILE_MAX_BYTES:
            stop(f"{file} 超过 {FILE_MAX_BYTES} 字节", "长内容请作为附件（--attach）发送")
        return msgspec.json.decode(raw, type=dict[str, Any])
    except OSError as fault:
        stop(f"读不到 {file}：{fault.strerror or fault}", "核对路径")
    except (ValueError, RecursionError) as fault:
        stop(f"{file} 不是 JSON 对象：{fault}", "对照接口说明 /dispatches 填写")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        stop(f"读不到正文 {path}：{fault}", "正文须为 UTF-8 文本")


class Enclosed(NamedTuple):
    """A file to be attached, read once before anything is asked: ``sha256`` in hexadecimal."""

    path: Path
    size_bytes: int
    sha256: str


def _enclosed(path: Path) -> Enclosed:
    content = hashlib.sha256()
    try:
        for block in _blocks(path):
            content.update(block)
        return Enclosed(path, path.stat().st_size, content.hexdigest())
    except OSError as fault:
        stop(f"读不到附件 {path}：{fault.strerror or fault}", "核对路径")


def _address(wish: dict[str, Any], units: list[str], regions: list[str], *, everyone: bool) -> None:
    """Add the recipients named by options to those of the file."""
    scope: dict[str, Any] = wish.setdefault("scope", {})
    if units:
        scope["unit_codes"] = [*scope.get("unit_codes", ()), *units]
    if regions:
        scope["region_codes"] = [*scope.get("region_codes", ()), *regions]
    if everyone:
        scope["everyone"] = True


async def _previewed(api: Api, wish: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = (await api.post("/dispatches/preview", wish)).json
    return told


def _show(told: dict[str, Any], *, table: bool) -> None:
    """The preview: whom it reaches and what it may cost; everything wrong with it goes to standard error."""
    figures = told["figures"]
    rows: list[tuple[str, object]] = [
        ("单位", figures["units"]),
        ("人员", figures["persons"]),
        ("短信条数（上限）", figures["segments_ceiling"]),
        ("短信费用（上限，元）", figures["amount_yuan_ceiling"]),
        ("普发，须第二人批准", "是" if figures["general"] else "否"),
    ]
    if told["sms"]:
        sms = told["sms"]
        rows.append(("短信内容", f"{sms['text']}（{sms['units']} 字，每人 {sms['segments']} 条）"))
    if table:
        print_table(("预览", ""), rows)
    for text in figures["warnings"]:
        typer.echo(f"提醒：{text}", err=True)
    for one in told["findings"]:
        typer.echo(f"{'问题' if one['refused'] else '提醒'}：{one['reason']}", err=True)
    for one in told["faults"]:
        typer.echo(f"问题：{one['reason']}", err=True)
    if told["left_out"]:
        names = "、".join(unit["name"] for unit in told["left_out"][:10])
        typer.echo(f"提醒：现在不能收文、未列入的单位 {len(told['left_out'])} 个：{names}", err=True)


def _ask(told: dict[str, Any], *, from_stdin: bool) -> None:
    if from_stdin:
        stop("内容来自标准输入，无法再询问", "加 --yes 直接发送，或先用 --preview 查看")
    figures = told["figures"]
    if not typer.confirm(f"发送到 {figures['units']} 个单位、{figures['persons']} 人？", err=True):
        stop("没有发送")


async def _sent(api: Api, wish: dict[str, Any], key: str) -> tuple[dict[str, Any], bool]:
    """Hand the dispatch in; its answer, and whether that was given before."""
    answer = await api.post("/dispatches", wish, key or f"send-{_digest(_canonical(wish))}")
    return answer.json, answer.replayed


def _uploaded(place: Far, wish: dict[str, Any], files: list[Enclosed]) -> list[str]:
    """The ids of the attachments, in order."""
    if not files:
        return []
    mark = _digest(_canonical(wish))

    async def work(api: Api) -> list[str]:
        with _watched() as bar:
            return [await _upload(api, file, mark, bar) for file in files]

    return talk(place, work)


async def _upload(api: Api, file: Enclosed, mark: str, bar: Bar) -> str:
    """The id of one attachment. Its key holds the dispatch's mark: tried again it is found, sent anew it is new."""

    async def body() -> AsyncIterator[bytes]:
        sent = 0
        for block in _blocks(file.path):
            yield block
            sent += len(block)
            bar(file.path.name, sent, file.size_bytes)

    key = _digest(f"{mark}|{file.path.name}|{file.sha256}".encode())
    answer = await api.upload("/attachments", body, f"file-{key}", name=file.path.name)
    return str(answer.json["id"])


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _canonical(told: object) -> bytes:
    import msgspec

    return msgspec.json.encode(told, order="deterministic")


def _digest(told: bytes) -> str:
    return hashlib.sha256(told).hexdigest()[:48]


@contextmanager
def _watched() -> Iterator[Bar]:
    """A progress bar for each attachment, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield tell


def _tell(sent: tuple[dict[str, Any], bool], *, as_json: bool) -> None:
    told, replayed = sent
    if as_json:
        print_json(told | {"replayed": replayed})
        return
    for text in told["warnings"]:
        typer.echo(f"提醒：{text}", err=True)
    reached = f"{told['units']} 个单位、{told['persons']} 人"
    numbers = f"文件 {told['document_id']}，发文 {told['dispatch_id']}"
    typer.echo(f"{told['state_zh']}：{numbers}，{reached}。")
    if replayed:
        typer.echo("同样的内容此前已受理，没有重复发送；确需再发，请用 --key 给一个新的键。", err=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("send")(send)
