"""The command line `songda`: the options before the verb, and the modules that bring the verbs.

Exit codes: 0 done, 1 refused or faulty (standard error says what to do next), 2 wrong usage.
"""

from __future__ import annotations

import platform
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from config.faults import ConfigFault
from gateway import __version__
from gateway.cli.console import Chosen, stop, stop_for
from inbox_store.errors import Refused, StoreBroken

MODULES = (
    "settings",
    "serve",
    "demo",
    "org",
    "account",
    "send",
    "listen",
    "receipt",
    "meeting",
    "sms",
    "phones",
    "urging",
    "why",
    "rates",
    "ledger",
    "bill",
    "audit",
    "doctor",
    "backup",
    "carrier_sim",
    "push_sim",
)
"""The modules that bring verbs, in the order of the help; each has `register(app)`. A new one is named here."""

app = typer.Typer(
    name="songda",
    help="送达：公文和会议通知送到人，并能证明送到。\n\nDelivers official documents and proves that they arrived.",
    no_args_is_help=True,
    add_completion=False,
    # A trace with local variables would show telephone numbers and keys.
    pretty_exceptions_show_locals=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="SONGDA_CONFIG",
            help="配置文件；默认为当前目录的 songda.toml（如有）",
            show_default=False,
        ),
    ] = None,
    tell_version: Annotated[  # noqa: ARG001 - its callback has acted by then
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="显示版本")
    ] = False,
) -> None:
    """Options before the verb."""
    ctx.obj = Chosen(config)


@app.command()
def version() -> None:
    """显示版本。

    Print the version of Songda and of Python.
    """
    typer.echo(f"songda {__version__}（Python {platform.python_version()}，{platform.system()}）")


def _load_verbs() -> None:
    for name in MODULES:
        if find_spec(f"gateway.cli.{name}"):
            import_module(f"gateway.cli.{name}").register(app)


_load_verbs()


def main() -> None:
    """Run one verb. What is refused outside of any verb's own words ends here with exit code 1."""
    try:
        app()
    except (ConfigFault, Refused, StoreBroken) as fault:
        raise SystemExit(_refusal(fault)) from None


def _refusal(fault: ConfigFault | Refused | StoreBroken) -> int:
    try:
        if isinstance(fault, ConfigFault):
            stop_for(fault)
        stop(str(fault))
    except typer.Exit as end:
        return int(end.exit_code)
