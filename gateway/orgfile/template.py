"""The template that an office fills in: five sheets with Chinese headers and drop-down lists, and how to fill them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.orgfile.columns import TABLES, Table
from gateway.orgfile.write import write_workbook

_NEED_ZH: Final = {"cell": "必填", "column": "列必有，可空", "optional": "可空"}

NOTES: Final = (
    "送达 组织架构导入表",
    "1. 在“地区”“条线”“单位”“科室”“人员”各表第二行起填写，不改动表头；用不到的表留空。",
    "2. 编码由本单位自定，一经使用不再改变；再次导入时按编码更新，不会重复。",
    "3. 一人多职填多行，人员编号、姓名、手机号相同。每个单位指定 A、B 两名收发员。",
    "4. 系统管理员、安全管理员、审计管理员须由不同的人担任。",
    "5. 只填数值，不填公式；日期写成 2018-04-13。",
    "6. 导入前可用“songda org check 文件”核对，全部问题一次列出。",
    "7. 只更新人员时，可将“人员”表单独存为 CSV（UTF-8 或 GB18030）导入。",
)


def guide_rows() -> Iterator[tuple[str, ...]]:
    """The sheet 说明: notes, then for each table its headers, what must be filled in, hints and two example rows."""
    for note in NOTES:
        yield (note,)
    for table in TABLES:
        yield ()
        yield from _table_rows(table)


def _table_rows(table: Table) -> Iterator[tuple[str, ...]]:
    yield (f"【{table.sheet}】", *table.headers)
    yield ("填写要求", *(_NEED_ZH[column.need] for column in table.columns))
    yield ("说明", *(column.hint for column in table.columns))
    for number, example in enumerate(table.examples, start=1):
        yield (f"示例 {number}", *example)


def write_template(path: Path) -> None:
    """Write the empty template. Raises OSError where the file cannot be written."""
    write_workbook(path, {}, guide_rows())
