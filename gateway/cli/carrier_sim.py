"""`songda carrier-sim`: a carrier's gateway to try everything with, that charges nobody."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, cast, get_args

import typer

from gateway.cli.console import stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from push.sms.simulator.office import Plan
    from push.sms.simulator.protocols import AnyName
    from push.sms.simulator.script import Script
    from push.sms.simulator.sgip_push import Listening

ACCOUNT: Final = "900001:888888"


class Wanted(NamedTuple):
    """The options as they were given."""

    protocols: Sequence[str]
    ports: Sequence[int]
    accounts: Sequence[str]
    report_to: Sequence[str]
    callbacks: Sequence[str] = ()


Protocols = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol", help="协议：cmpp、smgp、smpp、sgip、http；可重复，默认开前四种", show_default=False
    ),
]
Ports = Annotated[
    list[int] | None,
    typer.Option("--port", help="端口，与 --protocol 依次对应；省略或 0 为任选空闲端口", show_default=False),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option("--account", help=f"账号:密码；可重复，默认 {ACCOUNT}", show_default=False),
]
ScriptFile = Annotated[
    Path | None, typer.Option("--script", help="剧本文件（TOML），样例见 --sample", show_default=False)
]
Seed = Annotated[int | None, typer.Option("--seed", help="随机种子，优先于剧本", show_default=False)]
Detail = Annotated[
    Path | None,
    typer.Option("--detail", help="详单文件：每接受一条写一行，写在应答之前", show_default=False),
]
ReportTo = Annotated[
    list[str] | None,
    typer.Option("--report-to", help="SGIP 报告连回：账号=主机:端口:登录名:密码；可重复", show_default=False),
]
CallbackTo = Annotated[
    list[str] | None,
    typer.Option("--callback", help="HTTP 报告和上行推送到：账号=网址；可重复", show_default=False),
]
Host = Annotated[str, typer.Option("--host", help="监听地址")]
WindowSize = Annotated[int, typer.Option("--window", min=1, help="每个连接上未应答的报告数上限")]
Sample = Annotated[bool, typer.Option("--sample", help="输出带注释的剧本样例后结束")]


def carrier_sim(
    *,
    protocol: Protocols = None,
    port: Ports = None,
    account: Accounts = None,
    script: ScriptFile = None,
    seed: Seed = None,
    detail: Detail = None,
    report_to: ReportTo = None,
    callback: CallbackTo = None,
    host: Host = "127.0.0.1",
    window: WindowSize = 64,
    sample: Sample = False,
) -> None:
    """运营商网关模拟器：按剧本接受、拒绝、限流、断线、报告和回复；不收费，也不读本系统的数据。

    A simulated carrier. Prints one JSON line when it listens and another with counts when it ends (Ctrl-C or SIGTERM).
    """
    import uvloop

    from gateway.logs import configure_logs
    from push.sms.simulator.office import Plan
    from push.sms.simulator.sample import SAMPLE

    if sample:
        typer.echo(SAMPLE, nl=False)
        return
    wanted = Wanted(protocol or (), port or (), account or (ACCOUNT,), report_to or (), callback or ())
    try:
        plan = Plan(
            ports=ports_of(wanted),
            accounts=accounts_of(wanted),
            script=script_of(script, seed),
            detail=detail,
            host=host,
            window=window,
            listeners=listeners_of(wanted),
            callbacks=callbacks_of(wanted),
        )
    except ValueError as fault:
        stop(str(fault), "用法见 songda carrier-sim --help，剧本样例见 --sample")
    # What is printed is for programs to read: whatever is logged goes elsewhere.
    configure_logs(level="warning", form="console", stream=sys.stderr, colors=sys.stderr.isatty())
    try:
        uvloop.run(run(plan))
    except OSError as fault:
        stop(f"不能运行：{fault.strerror or fault}", "换一个端口（--port），并检查详单文件可写、磁盘有余")


async def run(plan: Plan) -> None:
    """Serve until told to stop. Raises OSError where it cannot listen, or cannot write the invoice any more."""
    import asyncio
    import signal

    import msgspec

    from push.sms.simulator.office import opened

    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with opened(plan) as office:
        typer.echo(
            msgspec.json.encode({"listening": office.ports, "host": plan.host, "seed": plan.script.seed})
        )
        office.broken.add_done_callback(lambda _: told.set())
        await told.wait()
    typer.echo(msgspec.json.encode({"ended": office.counts}))
    if office.broken.done():
        raise office.broken.result()


def ports_of(wanted: Wanted) -> Mapping[AnyName, int]:
    """Each protocol with its port. Raises ValueError."""
    from push.sms.simulator.protocols import AnyName, Name

    known = get_args(AnyName)
    chosen = wanted.protocols or get_args(Name)
    for name in chosen:
        if name not in known:
            raise ValueError(f"--protocol: {name} 不是 {'、'.join(known)} 之一")
    if len(set(chosen)) < len(chosen):
        raise ValueError("--protocol: 同一协议只能写一次")
    if len(wanted.ports) > len(chosen) or any(not 0 <= one <= 65535 for one in wanted.ports):
        raise ValueError("--port: 多于 --protocol，或不在 0 到 65535 之间")
    ports = [*wanted.ports, *[0] * (len(chosen) - len(wanted.ports))]
    return {cast("AnyName", name): one for name, one in zip(chosen, ports, strict=True)}


def accounts_of(wanted: Wanted) -> dict[str, str]:
    """Account to secret. Raises ValueError."""
    found = {}
    for number, one in enumerate(wanted.accounts, 1):
        name, colon, secret = one.partition(":")
        if not (name and colon and secret):
            raise ValueError(f"--account: 第 {number} 个不是 账号:密码")
        found[name] = secret
    return found


def script_of(file: Path | None, seed: int | None) -> Script:
    """The script of the file, with the seed told. Raises ValueError."""
    import msgspec

    from push.sms.simulator.script import Script, read_script

    try:
        script = Script() if file is None else read_script(file.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ValueError(f"--script: 读不到 {file}：{fault.strerror}") from None
    return script if seed is None else msgspec.structs.replace(script, seed=seed)


def listeners_of(wanted: Wanted) -> dict[str, Listening]:
    """Where accounts listen for reports. Raises ValueError."""
    from push.sms.simulator.sgip_push import Listening

    accounts, found = accounts_of(wanted), {}
    for one in wanted.report_to:
        account, _, rest = one.partition("=")
        parts = rest.split(":", 3)
        if account not in accounts or len(parts) != 4 or not parts[1].isdecimal():
            raise ValueError("--report-to: 须为 账号=主机:端口:登录名:密码，账号须在 --account 中")
        found[account] = Listening(parts[0], int(parts[1]), parts[2], parts[3])
    return found


def callbacks_of(wanted: Wanted) -> dict[str, str]:
    """Where accounts are called back over HTTP. Raises ValueError."""
    accounts, found = accounts_of(wanted), {}
    for one in wanted.callbacks:
        account, _, url = one.partition("=")
        if account not in accounts or not url.startswith(("http://", "https://")):
            raise ValueError("--callback: 须为 账号=网址，账号须在 --account 中")
        found[account] = url
    return found


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("carrier-sim")(carrier_sim)
