"""The rates of a period as a sheet for XLSX and CSV, in the columns of the bulletin's attachments (3.6, 3.7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from gateway.rules.rate_tables import By, Row
from gateway.sheets import Cell, Column, Sheet

BY_ZH: Final[dict[By, str]] = {
    "unit": "单位",
    "county": "县（区）",
    "group": "单位类别",
    "line": "条线",
    "total": "全市",
}

_COUNTS: Final = (
    "收文份数",
    "签收份数",
    "及时签收份数",
    "未签收份数",
    "未阅即签份数",
    "退回份数",
    "撤回份数",
)
_RATES: Final = ("签收率", "及时签收率")
_HANDLING: Final = ("转内部办理份数", "归档份数", "归档率")
_MEETINGS: Final = ("会议通知应回执", "已回执", "回执率")


def _columns(by: By) -> tuple[Column, ...]:
    numbers = tuple(Column(title=name, kind="number", width=12) for name in _COUNTS)
    handling = (*(Column(title=name, kind="number") for name in _HANDLING[:2]), Column(title=_HANDLING[2]))
    meetings = (*(Column(title=name, kind="number") for name in _MEETINGS[:2]), Column(title=_MEETINGS[2]))
    return (
        Column(title="序号", kind="number", width=6),
        Column(title="编码"),
        Column(title=BY_ZH[by], width=28),
        *numbers,
        *(Column(title=name, width=12) for name in _RATES),
        *handling,
        *meetings,
        Column(title="排名", kind="number", width=6),
    )


def _cells(place: int | None, row: Row) -> tuple[Cell, ...]:
    told = row.figures
    return (
        place,
        row.code,
        row.name,
        told.copies,
        told.signed,
        told.on_time,
        told.unsigned,
        told.signed_unread,
        told.returned,
        told.recalled,
        told.sign_rate.percent,
        told.on_time_sign_rate.percent,
        told.handled,
        told.archived,
        told.archive_rate.percent,
        told.asked,
        told.answered,
        told.receipt_rate.percent,
        row.rank,
    )


def rate_title(start: date, last: date, as_of: date, by: By) -> str:
    """The title of the table and the name of its file."""
    return f"{start} 至 {last} 签收情况统计表（按{BY_ZH[by]}，统计至 {as_of}）"


def rate_sheet(title: str, by: By, rows: Iterable[Row], total: Row) -> Sheet:
    """The table with its total as the last line."""
    cells = [_cells(place, row) for place, row in enumerate(rows, start=1)]
    if by != "total":
        cells.append(_cells(None, total))
    else:
        cells = [_cells(1, total)]
    return Sheet(name="签收情况", title=title, columns=_columns(by), rows=cells)
