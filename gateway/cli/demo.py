"""`songda demo`: a fictional city, one document on its whole road, and a server to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import stop

DESCRIPTORS = 65_536
"""Sockets for every clerk, on both ends."""


def demo(
    once: Annotated[bool, typer.Option("--once", help="演示结束即退出，不保持服务")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="最后一行输出 JSON 结果")] = False,
    folder: Annotated[
        Path | None,
        typer.Option("--data", help="数据目录，须不存在或为空；默认用临时目录", show_default=False),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="端口；0 为任选空闲端口")] = 0,
    units: Annotated[int, typer.Option("--units", help="单位数")] = 1027,
    persons: Annotated[int, typer.Option("--persons", help="人员数")] = 36_100,
) -> None:
    """演示：虚构一座城市，一份公文走完全程，随后保持服务供试用。

    A fictional city of Pingliang's size: import, one document to every unit, one meeting notice, signing, figures.
    """
    import tempfile

    import uvloop

    from realtime.housekeeping import raise_descriptor_limit

    raise_descriptor_limit(DESCRIPTORS)
    if folder is not None and folder.exists() and any(folder.iterdir()):
        stop(f"{folder} 不是空目录", "换一个目录，或删除它后再试")
    with tempfile.TemporaryDirectory(prefix="songda-demo-") as scratch:
        chosen = folder or Path(scratch) / "data"
        uvloop.run(_run(chosen, port, (units, persons), once=once, as_json=as_json))


async def _run(folder: Path, port: int, size: tuple[int, int], *, once: bool, as_json: bool) -> None:
    from gateway.demo.carrier import carrier
    from gateway.demo.play import Play
    from gateway.demo.result import as_json as line_of
    from gateway.demo.result import read_result
    from gateway.demo.screen import Display
    from gateway.demo.stage import demo_city, free_port, server, set_stage
    from gateway.demo.vendor import vendor

    host = "127.0.0.1"
    with Display() as display:
        cast = await set_stage(
            folder, demo_city(*size), lambda _phase, done, total: display.line("导入组织机构", done, total)
        )
        log, chosen = folder.parent / "songda-demo.log", port or free_port(host)
        async with (
            carrier(folder) as channels,
            vendor(folder, f"http://{host}:{chosen}") as phones,
            server(folder, host, chosen, log, {**channels, **phones}) as address,
        ):
            played = await Play(cast, address, display.progress).run()
            result, table, bills = await read_result(folder, cast, played)
            display.result(result, table, bills, played.faults)
            if as_json:
                typer.echo(line_of(result))
            if not once:
                display.next_steps(address, folder, cast, played)
                await _until_interrupted()


async def _until_interrupted() -> None:
    import asyncio
    import signal

    done = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, done.set)
    await done.wait()


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo")(demo)
