"""`songda bill reconcile`: a carrier's detail file against our attempts, and what was in doubt settled with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from gateway.cli.bill_desk import Overwrite, done, month_of, month_zh, operator, print_bill, write_all
from gateway.cli.client import Data, Json, print_json, print_table
from gateway.cli.console import stop

if TYPE_CHECKING:
    from gateway.assembly import Parts
    from gateway.bill_sheets import BillFile
    from gateway.flows.reconciling import Reconciled, Tell, Wanted
    from sms_billing.tables import Table

SHOWN_MAX: Final = 20


def reconcile(
    ctx: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(help="运营商详单，CSV，UTF-8 或 GB18030", show_default=False)],
    month: Annotated[
        str, typer.Option("--month", help="月份；默认取详单第一行的时间", show_default=False)
    ] = "",
    channel: Annotated[
        str, typer.Option("--channel", help="只与这个通道比较；默认全部", show_default=False)
    ] = "",
    bill_on: Annotated[
        Literal["accepted", "delivered"],
        typer.Option("--bill-on", help="合同按什么计费：accepted 受理、delivered 送达"),
    ] = "accepted",
    ids: Annotated[
        Literal["text", "hex"], typer.Option("--ids", help="消息编号按文字还是按十六进制数比较")
    ] = "text",
    repeats: Annotated[
        Literal["duplicate", "segment"],
        typer.Option("--repeats", help="编号重复出现：duplicate 是重复计费，segment 是同一短信的另一条"),
    ] = "duplicate",
    out: Annotated[
        Path | None, typer.Option("--out", help="差异清单写到这个目录（XLSX 和 CSV）", show_default=False)
    ] = None,
    settle: Annotated[
        bool, typer.Option("--settle", help="详单中查明的存疑短信记账：按详单的时间和编号，每条只记一次")
    ] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """与运营商详单逐条对账，列出全部差异；差额超过 0.5 % 时退出码为 1。不加 --settle 不改动任何账目。

    Compare a carrier's detail file with the attempts, line by line; nothing is changed without --settle.
    """
    from gateway.flows import reconciling
    from sms_billing.detail import DetailFormat

    _readable(file)
    wanted = reconciling.Wanted(
        file=file,
        channel=channel,
        month=month_of(month) if month else None,
        form=DetailFormat(ids=ids, repeats=repeats),
        bill_on=bill_on,
    )
    with _watched() as tell:
        told, settled = done(ctx, data, lambda parts: _compared(parts, wanted, tell, settle=settle))
    if out is not None:
        write_all(out, _difference_files(told), overwrite=overwrite)
    if settle:
        typer.echo(f"存疑短信已按详单记账 {settled} 条；详单中没有的仍为存疑。", err=True)
    _tell_reconciled(told, settled, as_json=as_json, listed=out is not None)


async def _compared(parts: Parts, wanted: Wanted, tell: Tell, *, settle: bool) -> tuple[Reconciled, int]:
    """The differences, and how many attempts in doubt were settled."""
    from gateway.flows import reconciling

    told = await reconciling.reconcile_file(parts.house, wanted, tell)
    if not settle:
        return told, 0
    return told, await reconciling.settle_found(parts.house, told, wanted.file.name, operator(), tell)


def _readable(file: Path) -> None:
    """End with a sentence where the file is none, or a workbook."""
    try:
        with file.open("rb") as opened:
            head = opened.read(4)
    except OSError as fault:
        stop(f"读不到详单 {file}：{fault.strerror or fault}", "核对路径和权限")
    if head.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        stop(
            f"{file} 是 Excel 工作簿",
            "在表格软件中另存为 CSV 后再对账；消息编号列先设为文本，以免变成科学计数",
        )


def _difference_files(told: Reconciled) -> tuple[BillFile, ...]:
    from gateway.bill_sheets import files_of, sheet_of
    from sms_billing.periods import month_span

    table = _differences(told, len(told.differences))
    made_at = month_span(told.month)[1]
    name = f"{told.month}{told.channel and '-'}{told.channel}对账差异"
    return files_of([sheet_of(table, summed=False)], name, made_at)


def _differences(told: Reconciled, rows_max: int) -> Table:
    from sms_billing.tables import difference_table

    where = f"通道 {told.channel}" if told.channel else "全部通道"
    shown = min(rows_max, len(told.differences))
    cut = f"，列出前 {shown} 处" if shown < told.count else ""
    title = f"{month_zh(told.month)}详单对账差异（{where}，共 {told.count} 处{cut}）"
    return difference_table(told.differences, title, rows_max)


def _tell_reconciled(told: Reconciled, settled: int, *, as_json: bool, listed: bool) -> None:
    from sms_billing.reconcile import DIFFERENCE_ZH

    found = told.matched
    if as_json:
        print_json(
            {
                "month": told.month,
                "channel": told.channel,
                "figures": found,
                "within": found.within,
                "differences": told.count,
                "settled": settled,
            }
        )
    else:
        if told.count and not listed:
            print_bill(_differences(told, SHOWN_MAX))
        rows = [(DIFFERENCE_ZH[kind], count) for kind, count in sorted(found.kinds.items())]
        print_table(("项目", "数量"), [*_figures(told), *rows], f"{month_zh(told.month)}对账结果")
    if not found.within:
        stop(
            f"双方条数相差 {abs(found.ours - found.theirs)} 条，超过 0.5 %",
            "逐项核实差异（--out 写出清单）后再关账；查实的记为未决事项",
        )


def _figures(told: Reconciled) -> list[tuple[str, int]]:
    found = told.matched
    return [
        ("我方计费条数", found.ours),
        ("运营商计费条数", found.theirs),
        ("相差", found.ours - found.theirs),
        ("详单行数", found.lines),
        ("一致的短信", found.agreed),
    ]


@contextmanager
def _watched() -> Iterator[Tell]:
    """A progress bar for each step, on standard error; nothing where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield tell


def register(bill: typer.Typer) -> None:
    """Add the verb."""
    bill.command("reconcile")(reconcile)
