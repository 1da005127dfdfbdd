"""`songda serve`: the doors, the live sockets and the upkeep, in one process."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from gateway.cli.console import config_file, loaded, outlast, stop

DESCRIPTORS = 65_536


def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="监听地址，优先于配置", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="监听端口，优先于配置", show_default=False)
    ] = None,
) -> None:
    """启动服务：接口、实时连接和后台任务；Ctrl-C 或 SIGTERM 停止。

    Serve until SIGTERM or Ctrl-C; what was taken in is finished before it ends.
    """
    import uvloop

    from gateway.assembly import serve as run
    from gateway.logs import configure_logs
    from gateway.token_keys import KeyFault
    from inbox_store.errors import StoreBroken
    from realtime.housekeeping import raise_descriptor_limit

    told = loaded(config_file(ctx), {"server.host": host, "server.port": port}).settings
    configure_logs(level=told.log.level, form=told.log.format, stream=sys.stderr, colors=sys.stderr.isatty())
    raise_descriptor_limit(DESCRIPTORS)
    with contextlib.suppress(OSError):  # a log on a full disk: serving matters more than saying so
        typer.echo(f"启动服务：{told.server.address}，数据目录 {told.data_folder}。Ctrl-C 停止。")
    try:
        uvloop.run(run(told))
    except (StoreBroken, KeyFault) as fault:
        stop(f"不能启动：{fault}")
    except OSError as fault:
        mend = "换一个端口（--port），或停掉占用它的程序；数据目录须可写"
        stop(f"不能启动：{fault.strerror or fault}", mend)
    finally:
        outlast(sys.stdout)
        outlast(sys.stderr)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("serve")(serve)
