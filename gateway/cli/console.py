"""What every verb shares: the settings it runs with, and how it says that something is refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

import typer

from config.faults import ConfigFault
from config.loading import Loaded, load

USUAL_FILE = Path("songda.toml")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options before the verb say; kept as the context's object."""

    config: Path | None = None


def stop(reason: str, mend: str = "") -> NoReturn:
    """End with exit code 1: `reason` and what to do next go to standard error."""
    typer.echo(f"错误：{reason}", err=True)
    if mend:
        typer.echo(f"处理：{mend}", err=True)
    raise typer.Exit(1)


def outlast(stream: TextIO) -> None:
    """Let a stream go that nobody can write to (a log on a full disk): what is left in it is lost.

    Python would try once more when the process ends, and turn its exit status into 120.
    """
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def config_file(ctx: typer.Context) -> Path | None:
    """The file named by `--config` or SONGDA_CONFIG, else songda.toml in this folder when there is one."""
    chosen = ctx.find_object(Chosen)
    if chosen and chosen.config:
        return chosen.config
    return USUAL_FILE if USUAL_FILE.exists() else None


def loaded(file: Path | None, flags: Mapping[str, object] | None = None) -> Loaded:
    """The settings of this run with their origins; every fault is printed and the run ends with 1."""
    try:
        return load(file, os.environ, flags)
    except ConfigFault as fault:
        stop_for(fault)


def stop_for(fault: ConfigFault) -> NoReturn:
    """End because of a configuration: each fault on a line of its own."""
    for one in fault.faults:
        typer.echo(f"  {one}", err=True)
    stop(
        f"配置有 {len(fault.faults)} 处问题",
        "改正后执行 songda config check；各项含义见 songda config explain",
    )
