"""`songda config` and `songda init`: look at the settings, and make a fresh folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config.faults import ConfigFault
from gateway.cli.console import config_file, loaded, stop, stop_for

config_app = typer.Typer(
    help="查看和检查配置。\n\nLook at the configuration and check it.", no_args_is_help=True
)


@config_app.command("check")
def check(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="配置文件；默认同 --config", show_default=False)] = None,
) -> None:
    """检查配置文件、环境变量和配置所指的各表（节假日、归夹规则、短信通道），一次列出全部问题。

    Check the file, the environment and the tables they name; every fault is listed with its place.
    """
    from config.advice import advice
    from gateway.assembly import check_tables

    found = loaded(file or config_file(ctx))
    try:
        check_tables(found.settings)
    except ConfigFault as fault:
        stop_for(fault)
    for sentence in advice(found.settings):
        typer.echo(f"提醒：{sentence}")
    typer.echo(f"配置有效：{len(found.origins)} 项有设置，其余取默认值。")


@config_app.command("explain")
def explain(
    ctx: typer.Context,
    key: Annotated[
        str, typer.Argument(help="设置项或配置段，如 server.port；省略则全部列出", show_default=False)
    ] = "",
) -> None:
    """说明设置项的含义、单位、取值、默认值和当前值。

    Tell what a key means, its unit, range, default and its value now.
    """
    from config.catalogue import catalogue, nearest
    from config.explain import explain as page

    chosen = [one for path, one in catalogue().items() if key in {"", path, one.section}]
    if not chosen:
        close = nearest(key)
        stop(
            f"没有设置项 {key}",
            f"songda config explain {close}" if close else "songda config explain 列出全部设置项",
        )
    found = loaded(config_file(ctx))
    for one in chosen:
        value = getattr(getattr(found.settings, one.section), one.name)
        typer.echo(page(one, value, found.origins.get(one.path, "")) + "\n")


@config_app.command("sample")
def print_sample() -> None:
    """打印带注释的配置样例。

    Print the annotated sample, as in `songda config sample > songda.toml`.
    """
    from config.sample import sample

    typer.echo(sample(), nl=False)


def init(
    folder: Annotated[Path, typer.Argument(help="新目录；默认为当前目录", show_default=False)] = Path(),
) -> None:
    """写出带注释的配置文件，建立空的数据目录。

    Write the annotated configuration and an empty data folder; nothing is ever overwritten.
    """
    from config.sample import sample

    file, data = folder / "songda.toml", folder / "songda-data"
    for taken in (file, data):
        if taken.exists():
            stop(f"{taken} 已存在，不会覆盖", "换一个目录，或先移走它")
    try:
        data.mkdir(mode=0o700, parents=True)
        file.write_text(sample({"store.path": "./songda-data"}), encoding="utf-8")
    except OSError as fault:
        stop(f"不能写入 {fault.filename}：{fault.strerror}", "换一个有写权限的目录")
    typer.echo(f"已写出 {file}，数据目录 {data}（仅本用户可读）。")
    typer.echo(f"下一步：songda --config {file} config check，然后 songda --config {file} serve")


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(config_app, name="config")
    app.command("init")(init)
