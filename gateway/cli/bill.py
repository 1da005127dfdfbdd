"""`songda bill`: close months, make the statements, compare a carrier's detail file. All at the machine itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from gateway.cli.client import Data, Json, existing_data, offline, print_json, print_table, write_new
from gateway.cli.console import stop
from inbox_store.errors import Refused

if TYPE_CHECKING:
    from gateway.assembly import Parts
    from gateway.bill_sheets import BillFile
    from gateway.flows.billing import Bills, Reconciled, Tell
    from inbox_store.programs.ledger import ClosedMonth
    from sms_billing.statement import Outcomes, Statement
    from sms_billing.tables import Table

T = TypeVar("T")

SHOWN_MAX = 20

bill_app = typer.Typer(
    help="短信费用：关账、结算单、对账。\n\nCharges of short messages: close, statements, reconciliation.",
    no_args_is_help=True,
)

Overwrite = Annotated[bool, typer.Option("--overwrite", help="文件已存在时覆盖")]


# Closing -------------------------------------------------------------------------------------------------------------


@bill_app.command("close")
def close(
    ctx: typer.Context,
    month: Annotated[str, typer.Argument(help="月份，如 201804 或 2018-04", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="不再询问，直接关账")] = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """关账一个月份：此后该月账目不再变动，迟到的事项记入未结月份。不能撤销。

    Close a month for good; what comes late becomes an adjustment in the month that is open.
    """
    import getpass

    from gateway.flows import billing

    wanted = _month(month)
    folder = existing_data(ctx, data)
    if not yes:
        told, outcomes = _done(folder, lambda parts: billing.month_to_close(parts.house, wanted))
        _ask(told, outcomes)
    closed = _done(folder, lambda parts: billing.close_month(parts.house, wanted, getpass.getuser()))
    if as_json:
        print_json(closed)
    else:
        typer.echo(f"{_month_zh(wanted)}已关账：{_in_words(closed)}。")
        typer.echo(f"明细摘要 {closed.digest}")


def _ask(told: ClosedMonth, outcomes: Sequence[Outcomes]) -> None:
    """Show what is to be closed and ask; the figures that are still open are named."""
    unreported, in_doubt = (
        sum(getattr(one, name) for one in outcomes) for name in ("unreported", "in_doubt")
    )
    typer.echo(f"{_month_zh(told.month)}：{_in_words(told)}。", err=True)
    typer.echo(f"其中无状态报告 {unreported} 条（已计费）；存疑 {in_doubt} 条（未计费）。", err=True)
    typer.echo("关账后不能撤销。请先用 songda bill reconcile 与各运营商详单对账。", err=True)
    try:
        sure = typer.confirm("确认关账？", default=False, err=True)
    except typer.Abort:  # nobody is there to answer
        stop("没有得到答复，没有关账", "核对无误后加 --yes")
    if not sure:
        stop("没有关账", "核对后重新执行")


def _in_words(told: ClosedMonth) -> str:
    from sms_billing.tariff import yuan

    return f"明细 {told.lines} 行，{told.segments} 条，{yuan(told.amount_li)} 元"


# Statements ----------------------------------------------------------------------------------------------------------


@bill_app.command("statement")
def statement(
    ctx: typer.Context,
    *,
    year: Annotated[int, typer.Option("--year", help="结算年度，如 2018（自 4 月起）")] = 0,
    month: Annotated[str, typer.Option("--month", help="只出一个月份，如 201804")] = "",
    county: Annotated[
        str, typer.Option("--county", help="县（区）或市的名称、编码；默认全部", show_default=False)
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="写到这个目录：每个承担单位一份 XLSX 和 CSV", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """出具短信费用结算单：按月份、单位、类别；全部月份关账后，每次结果逐字节相同。

    Statements per county and the city's, on the screen or as XLSX and CSV; those of closed months never change.
    """
    from gateway.flows import billing

    months = _months(year, month)
    folder = existing_data(ctx, data)
    told = _done(folder, lambda parts: billing.bills(parts.house, months))
    chosen = (_named(told, county),) if county else told.statements
    if out is not None:
        _write_all(out, _files(told, chosen, whole=not county), overwrite=overwrite)
    if as_json:
        print_json({"statements": chosen, "open_months": told.open_months, "whose": told.whose})
    elif out is None:
        _show(told, chosen, whole=not county)
    if told.open_months:
        typer.echo("提醒：有月份尚未关账，结算单为暂计。", err=True)


def _months(year: int, month: str) -> tuple[int, ...]:
    from sms_billing.periods import month_span, year_months

    if bool(year) == bool(month):
        stop("没有指明年度或月份", "用 --year 2018 出年度结算单，或用 --month 201804 出一个月份的，两者取一")
    try:
        if month:
            month_span(_month(month))
            return (_month(month),)
        return year_months(year)
    except Refused as refused:
        _refuse(refused)
        raise


def _named(told: Bills, county: str) -> Statement:
    from gateway.flows.billing import of_payer

    try:
        return of_payer(told, county)
    except Refused as refused:
        _refuse(refused)
        raise


def _files(told: Bills, chosen: Sequence[Statement], *, whole: bool) -> list[BillFile]:
    from gateway.bill_sheets import files_of, open_note, sheet_of, statement_files, titled
    from sms_billing.tables import period_zh

    note = open_note(told.open_months)
    found = [file for one in chosen for file in statement_files(one, told.whose, note, told.made_at)]
    if whole:
        name = f"{period_zh(told.months)}短信费用分摊汇总"
        found += files_of([sheet_of(titled(_summary(told), note))], name, told.made_at)
    return found


def _summary(told: Bills) -> Table:
    from sms_billing.tables import settlement_table

    return settlement_table(told.statements, told.apportionment)


def _write_all(folder: Path, files: Sequence[BillFile], *, overwrite: bool) -> None:
    """Write them all, or none where one is there already; a county's name can be no path."""
    from gateway.doors.file_names import clean_name

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        stop(f"不能建立目录 {folder}：{fault.strerror or fault}", "换一个有写权限的目录")
    paths = [folder / clean_name(file.name.replace("/", "_")) for file in files]
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        stop(f"{there[0]} 已存在（共 {len(there)} 个）", "换一个目录，或加 --overwrite")
    for path, file in zip(paths, files, strict=True):
        write_new(path, file.content, overwrite=overwrite)


def _show(told: Bills, chosen: Sequence[Statement], *, whole: bool) -> None:
    from gateway.bill_sheets import open_note, titled
    from sms_billing.tables import statement_tables

    tables = (_summary(told),) if whole else statement_tables(chosen[0], told.whose)
    for table in tables:
        _print(titled(table, open_note(told.open_months)))


def _print(table: Table) -> None:
    from sms_billing.tables import written

    print_table([heading.title for heading in table.headings], written(table), table.title)


# Reconciliation ------------------------------------------------------------------------------------------------------


@bill_app.command("reconcile")
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
    overwrite: Overwrite = False,
    as_json: Json = False,
    data: Data = None,
) -> None:
    """与运营商详单逐条对账，列出全部差异；不改动任何账目。差额超过 0.5 % 时退出码为 1。

    Compare a carrier's detail file with the attempts, line by line; nothing is changed.
    """
    from gateway.flows import billing
    from sms_billing.detail import DetailFormat

    folder = existing_data(ctx, data)
    _readable(file)
    wanted = billing.Wanted(
        file=file,
        channel=channel,
        month=_month(month) if month else None,
        form=DetailFormat(ids=ids, repeats=repeats),
        bill_on=bill_on,
    )
    with _watched() as tell:
        told = _done(folder, lambda parts: billing.reconcile_file(parts.house, wanted, tell))
    if out is not None:
        _write_all(out, _difference_files(told), overwrite=overwrite)
    _tell_reconciled(told, as_json=as_json, listed=out is not None)


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
    title = f"{_month_zh(told.month)}详单对账差异（{where}，共 {told.count} 处{cut}）"
    return difference_table(told.differences, title, rows_max)


def _tell_reconciled(told: Reconciled, *, as_json: bool, listed: bool) -> None:
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
            }
        )
    else:
        if told.count and not listed:
            _print(_differences(told, SHOWN_MAX))
        rows = [(DIFFERENCE_ZH[kind], count) for kind, count in sorted(found.kinds.items())]
        print_table(("项目", "数量"), [*_figures(told), *rows], f"{_month_zh(told.month)}对账结果")
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


# Together ------------------------------------------------------------------------------------------------------------


def _month(text: str) -> int:
    if not re.fullmatch(r"[0-9]{4}-?[0-9]{2}", text, re.ASCII):
        stop(f"月份 {text} 无法识别", "写成 201804 或 2018-04")
    return int(text.replace("-", ""))


def _month_zh(month: int) -> str:
    return f"{month // 100}年{month % 100}月"


def _done(folder: Path, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Do it over the data folder; a refusal ends the run in the catalogue's words."""
    try:
        return offline(folder, work)
    except Refused as refused:
        _refuse(refused)
        raise
    except OSError as fault:
        stop(f"读写失败：{fault.strerror or fault}（{fault.filename or ''}）", "核对路径、权限和磁盘空间")


def _refuse(refused: Refused) -> None:
    from gateway.doors.problems import entry_of, mend_of

    entry = entry_of(refused.code)
    params: dict[str, Any] = {name: _plain(value) for name, value in refused.params.items()}
    stop(entry.title_zh, mend_of(entry.mend, params))


def _plain(value: object) -> object:
    return "、".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(bill_app, name="bill")
