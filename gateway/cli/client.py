"""What the verbs that ask a server share: where it is, by which token, and how its refusals are told."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from gateway.cli.console import config_file, loaded, stop

if TYPE_CHECKING:
    from gateway.assembly import Parts
    from gateway.cli.api import Api, Problem

T = TypeVar("T")

TOKEN_VARIABLE = "SONGDA_TOKEN"  # noqa: S105 - the variable's name
FAULTS_SHOWN_MAX = 50

Server = Annotated[
    str, typer.Option("--server", envvar="SONGDA_SERVER", help="服务器地址；默认取自配置", show_default=False)
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help=f"存放访问令牌或接口密钥的文件；默认取环境变量 {TOKEN_VARIABLE}，再取 ~/.config/songda/token",
        show_default=False,
    ),
]
Authority = Annotated[
    Path | None,
    typer.Option("--ca", help="服务器证书的签发证书（PEM），试用自签证书时需要", show_default=False),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", help="数据目录；默认取自配置 store.path", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON")]


@dataclass(frozen=True, slots=True)
class Far:
    """The server to ask: its address without a slash at the end, the token ("" for none), who signed its certificate."""

    url: str
    token: str = ""
    ca: Path | None = None


def far(
    ctx: typer.Context, server: str, token_file: Path | None, ca: Path | None, *, public: bool = False
) -> Far:
    """The server of this run. ``public``: what is asked for needs no token. Ends the run when there is none."""
    url = (server or loaded(config_file(ctx)).settings.server.address).rstrip("/")
    if not url.startswith(("http://", "https://")):
        stop(f"服务器地址不对：{url}", "写成 http://主机:端口 或 https://主机")
    return Far(url, "" if public else token_of(token_file), ca)


def token_of(file: Path | None) -> str:
    """The token in ``file``, the environment, or the usual file. Ends the run when there is none."""
    given = os.environ.get(TOKEN_VARIABLE, "").strip()
    if file is None and given:
        return given
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = file or folder / "songda" / "token"
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token:
        stop(f"读不到令牌：{path}", f"先取得令牌，例如 songda account token 登录名 > {path}")
    return token


def talk(place: Far, work: Callable[[Api], Awaitable[T]]) -> T:
    """Do ``work`` with the server; a refusal or a dead line ends the run with 1 and a sentence."""
    import asyncio

    import aiohttp

    from gateway.cli.api import Problem, opened

    async def run() -> T:
        async with opened(place) as api:
            return await work(api)

    try:
        return asyncio.run(run())
    except Problem as problem:
        refuse(problem)
    except (aiohttp.ClientError, TimeoutError, OSError) as fault:
        stop(
            f"与 {place.url} 的连接失败：{str(fault) or type(fault).__name__}",
            "核对地址和网络后用同样的命令重试；已受理的不会重复办理",
        )


def refuse(problem: Problem) -> NoReturn:
    """End with what the server refused: the title, each faulty place, what to do, and the request's id."""
    lines = [f"  {one.get('pointer') or '/'}：{one.get('reason', '')}" for one in problem.errors]
    lines += [f"  {_row(one)}" for one in problem.params.get("faults", ()) if isinstance(one, dict)]
    for line in lines[:FAULTS_SHOWN_MAX]:
        typer.echo(line, err=True)
    if len(lines) > FAULTS_SHOWN_MAX:
        typer.echo(f"  ……共 {len(lines)} 处", err=True)
    told = f"（{problem.code}，请求 {problem.request_id}）" if problem.request_id else f"（{problem.code}）"
    stop(f"{problem.title}{told}", problem.detail)


def _row(found: dict[str, Any]) -> str:
    place = " ".join(str(found.get(name) or "") for name in ("sheet", "row", "column")).strip()
    return f"{place}：{found.get('reason', '')}"


def existing_data(ctx: typer.Context, data: Path | None) -> Path:
    """The data folder to look into. Ends the run where there is no store: looking must not make an empty one."""
    from inbox_store.embedded import FILE

    folder = data or loaded(config_file(ctx)).settings.data_folder
    if not (folder / FILE).is_file():
        stop(f"{folder} 不是数据目录：没有 {FILE}", "用 --data 指明数据目录，或用 --config 指明配置文件")
    return folder


def local_data(ctx: typer.Context, data: Path | None, server: str, token_file: Path | None) -> Path | None:
    """The data folder to read directly: the one named, or this machine's own where nobody named a server or a token."""
    if data is not None:
        return existing_data(ctx, data)
    if server or token_file or os.environ.get(TOKEN_VARIABLE):
        return None
    from inbox_store.embedded import FILE

    folder = loaded(config_file(ctx)).settings.data_folder
    return folder if (folder / FILE).is_file() else None


def offline(folder: Path, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Do ``work`` over the data folder itself, beside a running server or without one."""
    import asyncio

    from gateway.assembly import open_offline

    async def run() -> T:
        async with open_offline(folder) as parts:
            return await work(parts)

    return asyncio.run(run())


def print_json(told: object) -> None:
    """``told`` as one line of JSON on standard output."""
    import msgspec

    typer.echo(msgspec.json.encode(told).decode())


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table for people; texts are printed as they are, never read as markup."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(*(Column(header, overflow="fold") for header in headers), title=title or None)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console(highlight=False).print(table)


def write_new(file: Path, content: bytes, *, overwrite: bool = False) -> None:
    """Write ``file``; nothing is overwritten unasked. Ends the run where it cannot be written."""
    try:
        with file.open("wb" if overwrite else "xb") as opened:
            opened.write(content)
    except FileExistsError:
        stop(f"{file} 已存在", "换一个文件名，或加 --overwrite")
    except OSError as fault:
        stop(f"不能写入 {file}：{fault.strerror or fault}", "换一个有写权限的目录")
    typer.echo(f"已写出 {file}。", err=True)
