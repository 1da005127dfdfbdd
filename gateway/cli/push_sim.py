"""`songda push-sim`: the push vendors' far ends to try everything with, that wake no phone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.console import stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from push.app.simulator.office import Plan
    from push.app.simulator.script import Script

KEYS: Final = "100000001:songda-push-secret"

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="公共端口；0 为任选空闲端口")]
Account = Annotated[str, typer.Option("--account", help="编号:密钥，所有厂商共用")]
ScriptFile = Annotated[
    Path | None, typer.Option("--script", help="剧本文件（TOML），样例见 --sample", show_default=False)
]
Seed = Annotated[int | None, typer.Option("--seed", help="随机种子，优先于剧本", show_default=False)]
RecordFile = Annotated[
    Path | None,
    typer.Option("--record", help="记录文件：每接受一条写一行 JSON，写在应答之前", show_default=False),
]
Callbacks = Annotated[
    list[str] | None,
    typer.Option("--callback", help="回执推送到：厂商=网址；可重复", show_default=False),
]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--huawei-key", help="华为服务账号的公钥（PEM），用于核对鸿蒙接口的签名", show_default=False
    ),
]
Host = Annotated[str, typer.Option("--host", help="监听地址")]
Sample = Annotated[bool, typer.Option("--sample", help="输出带注释的剧本样例后结束")]


def push_sim(
    *,
    port: Port = 0,
    account: Account = KEYS,
    script: ScriptFile = None,
    seed: Seed = None,
    record: RecordFile = None,
    callback: Callbacks = None,
    huawei_key: PublicKey = None,
    host: Host = "127.0.0.1",
    sample: Sample = False,
) -> None:
    """推送厂商模拟器：核对签名、报文和限额，按剧本接受、拒绝、限流、断线和回执；不唤醒任何手机，也不读本系统的数据。

    Simulated push vendors. Prints one JSON line when they listen and another with counts when it ends (Ctrl-C or SIGTERM).
    """
    import uvloop

    from gateway.logs import configure_logs
    from push.app.simulator.far import Keys
    from push.app.simulator.office import Plan
    from push.app.simulator.sample import SAMPLE

    if sample:
        typer.echo(SAMPLE, nl=False)
        return
    try:
        name, secret = account_of(account)
        plan = Plan(
            keys=Keys(name, secret, text_of("--huawei-key", huawei_key)),
            port=port,
            script=script_of(script, seed),
            record=record,
            host=host,
            callbacks=callbacks_of(callback or ()),
        )
    except ValueError as fault:
        stop(str(fault), "用法见 songda push-sim --help，剧本样例见 --sample")
    # What is printed is for programs to read: whatever is logged goes elsewhere.
    configure_logs(level="warning", form="console", stream=sys.stderr, colors=sys.stderr.isatty())
    try:
        uvloop.run(run(plan))
    except OSError as fault:
        stop(f"不能运行：{fault.strerror or fault}", "换一个端口（--port），并检查记录文件可写、磁盘有余")


async def run(plan: Plan) -> None:
    """Serve until told to stop. Raises OSError where it cannot listen, or cannot write the record any more."""
    import asyncio
    import signal

    import msgspec

    from push.app.simulator.office import opened

    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with opened(plan) as office:
        line = {"listening": office.ports, "host": plan.host, "seed": plan.script.seed}
        typer.echo(msgspec.json.encode(line))
        office.broken.add_done_callback(lambda _: told.set())
        await told.wait()
    typer.echo(msgspec.json.encode({"ended": office.counts}))
    if office.broken.done():
        raise office.broken.result()


def account_of(told: str) -> tuple[str, str]:
    """Id and secret. Raises ValueError, without repeating them."""
    name, colon, secret = told.partition(":")
    if not (name and colon and secret):
        raise ValueError("--account: 不是 编号:密钥")
    return name, secret


def text_of(option: str, file: Path | None) -> str:
    """What stands in the file; empty without one. Raises ValueError."""
    try:
        return "" if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{option}: 读不到 {file}") from None


def script_of(file: Path | None, seed: int | None) -> Script:
    """The script of the file, with the seed told. Raises ValueError."""
    import msgspec

    from push.app.simulator.script import Script, read_script

    script = Script() if file is None else read_script(text_of("--script", file))
    return script if seed is None else msgspec.structs.replace(script, seed=seed)


def callbacks_of(told: Sequence[str]) -> dict[str, str]:
    """Where receipts are brought. Raises ValueError."""
    from push.app.simulator.office import FARS

    found = {}
    for one in told:
        vendor, _, url = one.partition("=")
        if vendor not in FARS or not url.startswith(("http://", "https://")):
            raise ValueError(f"--callback: 须为 厂商=网址，厂商为 {'、'.join(FARS)} 之一")
        found[vendor] = url
    return found


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("push-sim")(push_sim)
