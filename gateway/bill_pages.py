"""A payer's statement as a page to print, sign and seal: a document (DOCX) that an office can open anywhere.

The clock is not read; ``made_at`` stands in the file, so that a closed period gives the same bytes whenever it is asked for.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Final

from docx import Document
from docx.document import Document as Page
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.styles.style import ParagraphStyle
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from gateway.bill_sheets import BillFile, titled
from inbox_store.times import moment
from sms_billing.payers import Whose
from sms_billing.statement import Statement
from sms_billing.tables import Table, period_zh, statement_tables, written
from sms_billing.tariff import yuan

FONT: Final = "仿宋"
"""The type of official documents (GB/T 9704); every Chinese edition of an office program has it, or puts its own in place."""

_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
_A4: Final = (Cm(29.7), Cm(21.0))
_MARGIN: Final = Cm(1.5)


def statement_page(told: Statement, whose: Whose, note: str, share_li: int | None, made_at: int) -> BillFile:
    """One payer's statement: what is owed, then the tables by month, unit and kind, and where to sign.

    ``share_li`` is what a settlement says is owed, None before there is one.
    """
    page = _landscape()
    tables = [titled(table, note) for table in statement_tables(told, whose)]
    name = f"{told.payer.name}{period_zh(told.months)}短信费用结算单"
    _title(page, f"{name}（{note}）" if note else name)
    _said(page, _owed(told, share_li))
    for table in tables:
        _table(page, table)
    _said(page, "经办人：　　　　　　　　复核人：　　　　　　　　负责人：　　　　　　　　（盖章）")
    _said(page, f"出具日期：{moment(made_at):%Y年%m月%d日}　　　　确认日期：　　　　年　　月　　日")
    _properties(page, name, made_at)
    stem = f"{told.payer.code}-{told.payer.name}-{period_zh(told.months)}短信费用结算单"
    return BillFile(f"{stem}.docx", _fixed(page))


def _owed(told: Statement, share_li: int | None) -> str:
    whole = told.whole
    lines = f"发送 {whole.messages} 人次，计费 {whole.segments} 条，台账金额 {yuan(whole.amount_li)} 元"
    return f"{lines}。" if share_li is None else f"{lines}；应承担 {yuan(share_li)} 元。"


def _landscape() -> Page:
    page = Document()
    section = page.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = _A4
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = _MARGIN
    style = page.styles["Normal"]
    if isinstance(style, ParagraphStyle):
        style.font.name = FONT
        style.font.size = Pt(10.5)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONT)
    return page


def _title(page: Page, text: str) -> None:
    paragraph = page.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run(_clean(text))
    run.bold, run.font.size = True, Pt(16)


def _said(page: Page, text: str) -> None:
    page.add_paragraph(_clean(text))


def _table(page: Page, table: Table) -> None:
    heading = page.add_paragraph()
    heading.paragraph_format.keep_with_next = True
    heading.add_run(_clean(table.title)).bold = True
    titles = [one.title for one in table.headings]
    rows: list[Sequence[str | int]] = [titles, *written(table)]
    grid = page.add_table(rows=len(rows), cols=len(titles), style="Table Grid")
    # Cells are walked row by row: asking the table for each by its place looks through all of it every time.
    for line, (row, cells) in enumerate(zip(grid.rows, rows, strict=True)):
        right = [line > 0 and one.kind != "text" for one in table.headings]
        for cell, told, to_right in zip(row.cells, cells, right, strict=True):
            _cell(cell, str(told), right=to_right)
    # The library has no word for a heading that stands on every page (ECMA-376 part 1, 17.4.78).
    grid.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))  # noqa: SLF001


def _cell(cell: _Cell, text: str, *, right: bool) -> None:
    paragraph: Paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
    paragraph.add_run(_clean(text)).font.size = Pt(7.5)


def _properties(page: Page, title: str, made_at: int) -> None:
    """The template's author and date give way to ours."""
    told = page.core_properties
    told.title, told.author, told.comments, told.last_modified_by = _clean(title), "", "", ""
    told.created = told.modified = moment(made_at).replace(tzinfo=None)


def _fixed(page: Page) -> bytes:
    """The file with the dates of its parts taken out: they would be those of this run."""
    made, target = io.BytesIO(), io.BytesIO()
    page.save(made)
    with zipfile.ZipFile(made) as parts, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for part in sorted(parts.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            place = zipfile.ZipInfo(part, _ZIP_DATE)
            place.compress_type = zipfile.ZIP_DEFLATED
            place.external_attr = 0o600 << 16
            out.writestr(place, parts.read(part))
    return target.getvalue()


def _clean(text: str) -> str:
    """Without what XML 1.0 cannot hold: control characters and lone surrogates."""
    told = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c for c in told if c >= " " and c not in "\ufffe\uffff")
