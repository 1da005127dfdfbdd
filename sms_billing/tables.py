"""Statements, apportionments and reconciliations as tables with the headings an office writes; a sheet is made of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final, Literal

import msgspec

from sms_billing.apportion import Apportionment
from sms_billing.detail import CarrierStatus, bare_number
from sms_billing.payers import Whose
from sms_billing.reconcile import DIFFERENCE_ZH, Difference, OurStatus
from sms_billing.statement import Figures, Row, Statement
from sms_billing.tariff import yuan

HeadingKind = Literal["text", "number", "yuan"]
"""``yuan`` cells are integer li: ``written`` makes the text of them, a workbook may divide by 1000."""
Cell = str | int | None

WHOSE_ZH: Final[dict[Whose, str]] = {"originator": "按发送单位", "recipient": "按接收单位"}


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """The title of a column and what its cells hold."""

    title: str
    kind: HeadingKind = "number"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table; ``name`` is for the page of a workbook, the last row is the total."""

    name: str
    title: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]


_FIGURES: Final[tuple[tuple[str, HeadingKind], ...]] = (
    ("发送人次", "number"),
    ("计费条数", "number"),
    ("送达", "number"),
    ("失败", "number"),
    ("无状态报告", "number"),
    ("存疑", "number"),
    ("抑制人次", "number"),
    ("抑制折合条数", "number"),
    ("金额（元）", "yuan"),
    ("其中补记红冲（元）", "yuan"),
    ("其中无状态报告（元）", "yuan"),
    ("存疑未计费（元）", "yuan"),
)


def period_zh(months: tuple[int, ...]) -> str:
    """The months as an office writes them: "2018年4月", "2018年4—12月", "2018年度" for all twelve."""
    first, last = months[0], months[-1]
    year = first // 100
    if first == last:
        return f"{year}年{first % 100}月"
    if year != last // 100:
        return f"{year}年{first % 100}月—{last // 100}年{last % 100}月"
    return f"{year}年度" if len(months) == 12 else f"{year}年{first % 100}—{last % 100}月"


def statement_tables(statement: Statement, whose: Whose) -> tuple[Table, ...]:
    """A statement as tables by month, unit and kind, and for the city what is not apportioned.

    ``whose`` is the policy that was charged under; the comparison stands under the other one.
    """
    other = WHOSE_ZH["recipient" if whose == "originator" else "originator"]
    title = f"{statement.payer.name}{period_zh(statement.months)}政务短信费用结算单（{WHOSE_ZH[whose]}承担）"
    views = (
        ("按月份", "月份", statement.by_month),
        ("按单位", "单位", statement.by_unit),
        ("按类别", "类别", statement.by_kind),
    )
    tables = [
        _view(name, f"{title}·{name}", head, rows, statement.total, other) for name, head, rows in views
    ]
    if statement.own:
        name = "不分摊部分"
        tables.append(_view(name, f"{title}·{name}", "用途", statement.own, statement.own_total, other))
    return tuple(tables)


def _view(name: str, title: str, head: str, rows: tuple[Row, ...], total: Figures, other: str) -> Table:
    headings = (
        Heading(title="序号"),
        Heading(title=head, kind="text"),
        *_figure_headings(),
        Heading(title=f"对照：{other}承担（元）", kind="yuan"),
    )
    cells: list[tuple[Cell, ...]] = [
        (place, row.label.name, *_figures(row.figures)) for place, row in enumerate(rows, start=1)
    ]
    return Table(name=name, title=title, headings=headings, rows=(*cells, (None, "合计", *_figures(total))))


def _figure_headings() -> tuple[Heading, ...]:
    return tuple(Heading(title=title, kind=kind) for title, kind in _FIGURES)


def _figures(told: Figures) -> tuple[int, ...]:
    return (
        told.messages,
        told.segments,
        told.delivered,
        told.failed,
        told.unreported,
        told.in_doubt,
        told.suppressed,
        told.suppressed_segments,
        told.amount_li,
        told.adjusted_li,
        told.unreported_li,
        told.in_doubt_li,
        told.other_li,
    )


def settlement_table(statements: Iterable[Statement], apportionment: Apportionment) -> Table:
    """All payers on one page: lines, share, and what the city keeps of the difference to the invoice.

    Under method 1 the difference is a line of its own under the city; the last row is the sum either way.
    """
    listed = tuple(statements)
    rows: list[tuple[Cell, ...]] = [
        (place, told.payer.name, *_owed(told, apportionment.shares_li.get(told.payer_id, 0)))
        for place, told in enumerate(listed, start=1)
    ]
    extra = apportionment.difference_li if apportionment.method == "lines" else 0
    if extra:
        rows.append((len(rows) + 1, "与运营商账单差额（由市承担）", 0, 0, 0, 0, extra))
    sums = tuple(sum(int(row[place] or 0) for row in rows) for place in range(2, 7))
    method = "按台账计费" if apportionment.method == "lines" else "按运营商账单分摊"
    return Table(
        name="分摊汇总",
        title=f"{period_zh(listed[0].months)}政务短信费用分摊汇总表（{method}）",
        headings=(
            Heading(title="序号"),
            Heading(title="承担单位", kind="text"),
            Heading(title="发送人次"),
            Heading(title="计费条数"),
            Heading(title="台账金额（元）", kind="yuan"),
            Heading(title="其中不分摊（元）", kind="yuan"),
            Heading(title="应承担（元）", kind="yuan"),
        ),
        rows=(*rows, (None, "合计", *sums)),
    )


def _owed(told: Statement, share_li: int) -> tuple[int, int, int, int, int]:
    whole = told.whole
    return whole.messages, whole.segments, whole.amount_li, told.own_total.amount_li, share_li


STATUS_ZH: Final[dict[OurStatus | CarrierStatus, str]] = {
    "delivered": "送达",
    "failed": "失败",
    "unreported": "无状态报告",
    "unknown": "无状态报告",
    "in_doubt": "存疑",
    "refused": "拒收",
}
_UNREADABLE_ZH: Final = {
    "columns": "列数不足",
    "segments": "计费条数不是数字",
    "id_missing": "没有消息编号",
    "id_rounded": "消息编号被表格软件改成科学计数",
    "csv": "引号不成对或含非法字符",
}


def difference_table(differences: Iterable[Difference], title: str, rows_max: int) -> Table:
    """The first ``rows_max`` differences for those who settle them; numbers are masked."""
    rows = [_difference(place, told) for place, told in enumerate(islice(differences, rows_max), start=1)]
    texts = ("差异类别", "消息编号", "手机号码", "运营商接收时间", "我方状态", "运营商状态", "说明")
    return Table(
        name="对账差异",
        title=title,
        headings=(
            Heading(title="序号"),
            *(Heading(title=text, kind="text") for text in texts),
            Heading(title="我方条数"),
            Heading(title="运营商条数"),
            Heading(title="详单行号"),
            Heading(title="我方记录号"),
        ),
        rows=tuple(rows),
    )


def _difference(place: int, told: Difference) -> tuple[Cell, ...]:
    number = bare_number(told.line.number) if told.line else ""
    return (
        place,
        DIFFERENCE_ZH[told.kind],
        told.message_id,
        _masked(number) if told.line else "",
        told.line.accepted if told.line else "",
        STATUS_ZH[told.our_status] if told.our_status else "",
        STATUS_ZH[told.their_status] if told.their_status else "",
        _UNREADABLE_ZH.get(told.reason, told.reason),
        told.our_segments,
        told.their_segments,
        told.line_no,
        told.attempt_id,
    )


def _masked(number: str) -> str:
    # As inbox_store.keys.mask; that module reads key files and is not for pure ones.
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 8 else "****"


def written(table: Table) -> tuple[tuple[str | int, ...], ...]:
    """The rows with amounts as texts in yuan and empty cells as ""."""
    return tuple(
        tuple(_told(cell, heading.kind) for cell, heading in zip(row, table.headings, strict=True))
        for row in table.rows
    )


def _told(cell: Cell, kind: HeadingKind) -> str | int:
    if cell is None:
        return ""
    return yuan(cell) if kind == "yuan" and isinstance(cell, int) else cell
