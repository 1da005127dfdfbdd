"""What the verbs of `songda bill` share: the data folder, months, refusals in words, tables and files."""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateway.cli.client import existing_data, offline, print_table
from gateway.cli.console import config_file, loaded, stop
from inbox_store.errors import Refused
from inbox_store.failpoints import failpoint

if TYPE_CHECKING:
    from gateway.assembly import Parts
    from gateway.bill_sheets import BillFile
    from sms_billing.tables import Table

T = TypeVar("T")

Overwrite = Annotated[bool, typer.Option("--overwrite", help="文件已存在时覆盖")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="不再询问，直接办理")]
Year = Annotated[int, typer.Option("--year", help="结算年度，如 2018（自 4 月起）")]


def operator() -> str:
    """Who sits at the machine; the trace keeps the name."""
    return getpass.getuser()


def month_of(text: str) -> int:
    """A month as people write it, as yyyymm."""
    if not re.fullmatch(r"[0-9]{4}-?[0-9]{2}", text, re.ASCII):
        stop(f"月份 {text} 无法识别", "写成 201804 或 2018-04")
    return int(text.replace("-", ""))


def month_zh(month: int) -> str:
    """A month as an office writes it."""
    return f"{month // 100}年{month % 100}月"


def done(ctx: typer.Context, data: Path | None, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Do it over the data folder; a refusal ends the run in the catalogue's words.

    The price of the settings is that of the file in use: it serves until one is recorded.
    """
    folder, price_li = existing_data(ctx, data), loaded(config_file(ctx)).settings.sms.price_li

    async def priced(parts: Parts) -> T:
        from sms_billing.tariff import Tariff

        parts.house.tariffs = (Tariff(price_li=price_li, from_at=0),)
        return await work(parts)

    try:
        return offline(folder, priced)
    except Refused as refused:
        refuse(refused)
        raise
    except OSError as fault:
        stop(f"读写失败：{fault.strerror or fault}（{fault.filename or ''}）", "核对路径、权限和磁盘空间")


def refuse(refused: Refused) -> None:
    """End the run in the catalogue's words."""
    from gateway.doors.problems import entry_of, mend_of

    entry = entry_of(refused.code)
    params: dict[str, Any] = {name: _plain(value) for name, value in refused.params.items()}
    stop(entry.title_zh, mend_of(entry.mend, params))


def _plain(value: object) -> object:
    return "、".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def sure(question: str, mend: str) -> None:
    """Ask, and end the run unless the answer is yes."""
    try:
        told = typer.confirm(question, default=False, err=True)
    except typer.Abort:  # nobody is there to answer
        stop("没有得到答复，没有办理", mend)
    if not told:
        stop("没有办理", "核对后重新执行")


def print_bill(table: Table) -> None:
    """A table on the screen, amounts in yuan."""
    from sms_billing.tables import written

    print_table([heading.title for heading in table.headings], written(table), table.title)


def write_all(folder: Path, files: Sequence[BillFile], *, overwrite: bool) -> None:
    """Write them all, or none where one is there already; a county's name can be no path.

    They are written beside the folder and moved in when they are whole: a new folder appears with everything in it, and
    in one that exists no file is ever half of one (faults.md 9).
    """
    from gateway.doors.file_names import clean_name

    names = [clean_name(file.name.replace("/", "_")) for file in files]
    there = [folder / name for name in names if (folder / name).exists()]
    if there and not overwrite:
        stop(f"{there[0]} 已存在（共 {len(there)} 个）", "换一个目录，或加 --overwrite")
    beside = folder.parent / f".{folder.name}-{secrets.token_hex(4)}"
    try:
        beside.mkdir(parents=True)
        for name, file in zip(names, files, strict=True):
            _write_whole(beside / name, file.content)
        failpoint("before_statement")
        _move_in(beside, folder, names)
    except OSError as fault:
        shutil.rmtree(beside, ignore_errors=True)
        stop(f"不能写入 {folder}：{fault.strerror or fault}", "换一个有写权限、有空间的目录")
    for name in names:
        typer.echo(f"已写出 {folder / name}。", err=True)


def _write_whole(path: Path, content: bytes) -> None:
    with path.open("xb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _move_in(beside: Path, folder: Path, names: Sequence[str]) -> None:
    if not folder.exists():
        beside.rename(folder)
        return
    for name in names:
        (beside / name).replace(folder / name)
    beside.rmdir()
