"""`songda org`: the template, an offline check, the import, and a fictional city to try it with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gateway.cli.console import config_file, loaded, stop

if TYPE_CHECKING:
    from config.settings import Settings
    from gateway.flows.organisation import Imported, Progress
    from gateway.orgfile.faults import Fault
    from inbox_store.orgrows import OrgRows

org_app = typer.Typer(
    help="组织架构：模板、核对、导入。\n\nThe organisation: template, check, import.", no_args_is_help=True
)

SHOWN_MAX = 200
PHASES = {"read": "读取", "check": "核对", "store": "入库"}

Json = Annotated[bool, typer.Option("--json", help="输出 JSON（含全部问题）")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="文件已存在时覆盖")]
OrgFile = Annotated[Path, typer.Argument(help="按模板填写的 XLSX，或单张表的 CSV", show_default=False)]
NewFile = Annotated[Path, typer.Argument(help="写出的 XLSX 文件")]


@org_app.command("template")
def template(file: NewFile = Path("组织架构导入表.xlsx"), overwrite: Overwrite = False) -> None:
    """写出空白导入模板：五张表、下拉列表和填写说明。

    Write the empty template: five sheets with drop-down lists, and how to fill them in.
    """
    from gateway.orgfile.template import write_template

    with _writing(file, overwrite=overwrite):
        write_template(file)
    typer.echo(f"已写出 {file}。填好后先核对：songda org check {file}")


@org_app.command("check")
def check(
    file: OrgFile,
    as_json: Json = False,
    everything: Annotated[bool, typer.Option("--all", help=f"列出全部问题，不止前 {SHOWN_MAX} 条")] = False,
) -> None:
    """核对导入文件，一次列出全部问题；不连接数据库，也不改动任何内容。

    Check a file offline: every fault at once. Codes the file refers to and does not hold itself are not judged.
    """
    from gateway.orgfile.check import check as judge
    from gateway.orgfile.read import read_file

    checked = judge(read_file(file))
    if as_json:
        _print_json({"file": str(file), "importable": not checked.faults, "findings": checked.findings})
        raise typer.Exit(1 if checked.faults else 0)
    _print_findings(checked.findings, everything=everything)
    if checked.faults:
        _stop_for(checked.faults, "改正后再核对")
    typer.echo(f"核对通过：{_told(checked.rows)}。")


@org_app.command("import")
def import_(
    ctx: typer.Context,
    file: OrgFile,
    accept_good: Annotated[bool, typer.Option("--accept-good", help="有问题时仍导入无问题的行")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="数据目录；默认取自配置 store.path", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """导入组织架构和人员。有一处问题就全部不导入，除非指明 --accept-good；重复导入不会重复。

    Import the organisation: all or nothing, unless --accept-good. Importing the same file again changes nothing.
    """
    import asyncio

    settings = loaded(config_file(ctx), {"store.path": str(data)} if data else None).settings
    with _watched() as progress:
        done = asyncio.run(_imported(settings, file, accept_good=accept_good, progress=progress))
    if as_json:
        _print_json(done)
        raise typer.Exit(0 if done.stored else 1)
    _print_findings((*done.faults, *done.left_out, *done.warnings))
    if not done.stored:
        _stop_for(done.faults, "改正后重新导入；或加 --accept-good 先导入无问题的行")
    counted = f"地区 {done.regions}、单位 {done.units}、人员 {done.persons}、任职 {done.appointments}"
    typer.echo(f"已导入：{counted}。" + (f"未导入的问题 {len(done.faults)} 处。" if done.faults else ""))


@org_app.command("demo-city")
def demo_city(
    file: NewFile = Path("演示城市.xlsx"),
    seed: Annotated[int, typer.Option(help="随机种子；相同的种子写出相同的文件")] = 2018,
    units: Annotated[int, typer.Option(help="单位数（另有一个在外的发文单位）")] = 1027,
    persons: Annotated[int, typer.Option(help="人员数")] = 36_100,
    counties: Annotated[int, typer.Option(help="县（区）数")] = 7,
    overwrite: Overwrite = False,
) -> None:
    """写出一座虚构城市的组织架构，可直接导入试用；地名、人名、号码均为虚构。

    Write a fictional city in the format of the template, ready to be imported.
    """
    from gateway.demo.city import build_city, write_city_xlsx

    try:
        rows = build_city(seed, units, persons, counties)
    except ValueError as fault:
        stop(f"城市规模不成立：{fault}", "增加单位数或人员数，或减少县（区）数")
    with _writing(file, overwrite=overwrite):
        write_city_xlsx(rows, file)
    typer.echo(f"已写出 {file}：{_told(rows)}。导入：songda org import {file}")


async def _imported(settings: Settings, file: Path, *, accept_good: bool, progress: Progress) -> Imported:
    """The one place where this module meets the store."""
    from gateway.assembly import open_parts
    from gateway.flows.organisation import import_file

    async with open_parts(settings) as parts:
        return await import_file(parts.house, file, accept_good=accept_good, progress=progress)


@contextmanager
def _watched() -> Iterator[Progress]:
    """A progress bar of three phases on standard error; a phase is done when the next begins."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks = {phase: bars.add_task(name, total=None, start=False) for phase, name in PHASES.items()}

        def tell(phase: str, done: int, total: int) -> None:
            for earlier, task in tasks.items():
                if earlier == phase:
                    break
                bars.update(task, total=1, completed=1)
            bars.start_task(tasks[phase])
            bars.update(tasks[phase], total=total, completed=done)

        yield tell


@contextmanager
def _writing(file: Path, *, overwrite: bool) -> Iterator[None]:
    """Nothing is overwritten unasked; where the disk refuses, the verb ends with the reason."""
    if file.exists() and not overwrite:
        stop(f"{file} 已存在", "换一个文件名，或加 --overwrite")
    try:
        yield
    except OSError as fault:
        stop(f"不能写入 {file}：{fault.strerror or fault}", "换一个有写权限的目录")


def _told(rows: OrgRows) -> str:
    counts = (len(rows.regions), len(rows.units), len(rows.people), len(rows.appointments))
    return "地区 {}、单位 {}、人员 {}、任职 {}".format(*counts)


def _stop_for(faults: Sequence[Fault], mend: str) -> NoReturn:
    stop(f"文件有 {len(faults)} 处问题，未导入任何内容", mend)


def _print_json(told: object) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(told).decode())


def _print_findings(findings: Sequence[Fault], *, everything: bool = False) -> None:
    """A table of findings; texts of the file are printed as they are, never read as markup."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    if not findings:
        return
    headers = ("", "工作表", "行", "列", "内容", "原因", "处理")
    table = Table(*(Column(header, overflow="fold") for header in headers))
    for found in findings if everything else findings[:SHOWN_MAX]:
        mark = "提醒" if found.warning else "问题"
        row = str(found.row) if found.row else ""
        texts = (mark, found.sheet, row, found.column, found.value, found.reason, found.mend)
        table.add_row(*(Text(text) for text in texts))
    console = Console(highlight=False)
    console.print(table)
    if len(findings) > SHOWN_MAX and not everything:
        console.print(
            f"共 {len(findings)} 条，只列出前 {SHOWN_MAX} 条；全部：songda org check 文件 --all 或 --json"
        )


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(org_app, name="org")
