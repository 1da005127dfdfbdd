"""What the demo shows in the terminal: progress while it plays, the figures at the end, what to try next."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.demo.crowd import signs
from gateway.demo.play import SEED, Played
from gateway.demo.play import Progress as Told
from gateway.demo.result import Result
from gateway.demo.stage import Cast
from gateway.flows.billing import Bills
from gateway.flows.figures import RateTable
from sms_billing.tariff import yuan

COLUMNS = ("地区", "应签份数", "已签", "签收率", "及时签收率", "未阅即签", "退回", "会议回执率")
BILL_COLUMNS = ("承担单位", "提醒人次", "条数", "送达", "无报告", "停用未发", "金额（元）")
FAULTS_SHOWN_MAX = 5


class Display:
    """Phases and progress bars by name, on standard error: the result alone goes to standard output."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Progress(*columns, console=self.console)
        self._tasks: dict[str, TaskID] = {}
        self._phase = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def line(self, name: str, done: int, total: int) -> None:
        """Set the bar ``name``."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)

    def progress(self, told: Told) -> None:
        """Show a phase and its lines."""
        if told.phase != self._phase:
            self._phase = told.phase
            self.console.print(f"[bold]{told.phase}[/bold]")
        for name, (done, total) in told.lines.items():
            self.line(name, done, total)

    def result(self, result: Result, table: RateTable, told: Bills, faults: list[str]) -> None:
        """The figures of the run, the rates by county, and what each county pays."""
        self._bars.stop()
        self.console.print(_sheet(table))
        meeting = result.meeting
        self.console.print(
            f"公文：{result.distributions} 份送达 {result.inbox_entries} 人的收件箱，分发用时 {result.fanout_s} 秒；"
            f"已签收 {result.signed} 份，退回 {result.returned} 份。\n"
            f"会议：通知 {meeting['asked']} 个单位，{meeting['answered']} 个已报回执，{meeting['attending']} 人参会，"
            f"{meeting['missing']} 个单位未报。"
        )
        self.console.print(_bill(told))
        sms = result.sms
        self.console.print(
            f"短信：提醒 {sms.messages} 人次，计费 {sms.charged_segments} 条；送达 {sms.delivered}，"
            f"无状态报告 {sms.unreported}，存疑 {sms.in_doubt}，停用未发 {sms.suppressed}。"
        )
        for fault in faults[:FAULTS_SHOWN_MAX]:
            self.console.print(f"[red]{fault}[/red]")

    def next_steps(self, address: str, folder: Path, cast: Cast, played: Played) -> None:
        """What to try next, ready to be typed."""
        for line in next_lines(address, folder, cast, played):
            self.console.print(line, soft_wrap=True, highlight=False, markup=False)


def next_lines(address: str, folder: Path, cast: Cast, played: Played) -> list[str]:
    """The commands to try, as one types them."""
    clerk = next(player for player in cast.clerks.values() if signs(SEED, player))
    receipt = f"songda receipt fetch {played.document_id} {clerk.unit_code} --out receipt.json"
    return [
        f"服务正在运行：{address}（数据在 {folder}）。接下来可以另开一个终端（先执行 . .venv/bin/activate）：",
        "",
        f"  export SONGDA_SERVER={address}",
        f"  export SONGDA_TOKEN={cast.tokens[cast.sender.account_id]}    # 发文单位的收发员",
        f"  songda rates --by county --data {folder}",
        f"  songda meeting roster {played.meeting_id}",
        f"  songda bill statement --month {played.month} --data {folder}",
        f"  songda bill reconcile {folder}/carrier-detail.csv --data {folder}",
        f"  songda ledger verify --data {folder}",
        f"  songda audit verify --data {folder}",
        f"  {receipt} && songda receipt verify receipt.json",
        f"  songda send --title 测试通知 --body 请知悉 --to-unit {clerk.unit_code} --yes",
        f"  SONGDA_TOKEN={cast.tokens[clerk.account_id]} songda listen    # {clerk.unit_name}的收发员",
        "",
        "按 Ctrl-C 结束。",
    ]


def _bill(told: Bills) -> Table:
    """What everybody bears this month."""
    sheet = Table(title=f"短信费用（{told.months[0]} 暂计，按条计费）")
    for title in BILL_COLUMNS:
        sheet.add_column(title, justify="left" if title == BILL_COLUMNS[0] else "right")
    for one in told.statements:
        whole = one.whole
        counts = (whole.messages, whole.segments, whole.delivered, whole.unreported, whole.suppressed)
        sheet.add_row(one.payer.name, *(str(count) for count in counts), yuan(whole.amount_li))
    return sheet


def _sheet(table: RateTable) -> Table:
    sheet = Table(title=f"签收情况（按县区，截至 {table.as_of.isoformat()}）")
    for title in COLUMNS:
        sheet.add_column(title, justify="left" if title == COLUMNS[0] else "right")
    for row in (*table.rows, table.total):
        told = row.figures
        counts = (str(told.copies), str(told.signed), told.sign_rate.percent, told.on_time_sign_rate.percent)
        sheet.add_row(
            row.name, *counts, str(told.signed_unread), str(told.returned), told.receipt_rate.percent
        )
    return sheet
