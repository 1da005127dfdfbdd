"""Rows of the sheets as typed entries, each with its place; a faulty cell leaves its neutral value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from gateway.orgfile import columns, words
from gateway.orgfile.cells import Cells
from gateway.orgfile.faults import Place
from gateway.orgfile.findings import Findings
from gateway.orgfile.headers import Laid
from inbox_store.nouns import ClerkRank, Noun, RegionLevel, Role, RoleScope, Rollout, UnitGroup


class RegionEntry(Noun, frozen=True, kw_only=True):
    """A row of 地区; an empty code or a None level marks a faulty cell, here and below."""

    row: int
    code: str
    name: str
    level: RegionLevel | None
    parent_code: str


class LineEntry(Noun, frozen=True, kw_only=True):
    """A row of 条线."""

    row: int
    code: str
    name: str


class UnitEntry(Noun, frozen=True, kw_only=True):
    """A row of 单位."""

    row: int
    code: str
    name: str
    short_name: str
    group: UnitGroup | None
    region_code: str
    line_code: str
    tags: tuple[str, ...]
    obliged: bool
    rollout: Rollout | None
    active_from: date | None


class SectionEntry(Noun, frozen=True, kw_only=True):
    """A row of 科室."""

    row: int
    unit_code: str
    code: str
    name: str


class PostEntry(Noun, frozen=True, kw_only=True):
    """A row of 人员: a person and one post held; a person of several posts has several rows."""

    row: int
    code: str
    name: str
    phone: str
    login: str
    unit_code: str
    section_code: str
    role: Role | None
    rank: ClerkRank | None
    post: str
    scope: RoleScope | None
    from_day: date | None
    to_day: date | None


class Entries(Noun, frozen=True, kw_only=True):
    """All entries of a file."""

    regions: Sequence[RegionEntry] = ()
    lines: Sequence[LineEntry] = ()
    units: Sequence[UnitEntry] = ()
    sections: Sequence[SectionEntry] = ()
    posts: Sequence[PostEntry] = ()


def _region(cells: Cells) -> RegionEntry:
    return RegionEntry(
        row=cells.row,
        code=cells.code("地区编码"),
        name=cells.text("地区名称", columns.NAME_MAX_CHARS, needed=True),
        level=cells.word("级别", words.LEVELS, None),
        parent_code=cells.code("上级地区编码", needed=False),
    )


def _line(cells: Cells) -> LineEntry:
    name = cells.text("条线名称", columns.NAME_MAX_CHARS, needed=True)
    return LineEntry(row=cells.row, code=cells.code("条线编码"), name=name)


def _unit(cells: Cells) -> UnitEntry:
    name = cells.text("单位名称", columns.UNIT_NAME_MAX_CHARS, needed=True)
    return UnitEntry(
        row=cells.row,
        code=cells.code("单位编码"),
        name=name,
        short_name=cells.text("简称", columns.SHORT_NAME_MAX_CHARS) or name[: columns.SHORT_NAME_MAX_CHARS],
        group=cells.word("单位类别", words.GROUPS, None),
        region_code=cells.code("地区编码"),
        line_code=cells.code("条线编码", needed=False),
        tags=cells.tags("标签"),
        obliged=cells.word("应启用", words.YES, None) == "yes",
        rollout=cells.word("推行阶段", words.ROLLOUTS, "entered"),
        active_from=cells.day("启用日期"),
    )


def _section(cells: Cells) -> SectionEntry:
    return SectionEntry(
        row=cells.row,
        unit_code=cells.code("单位编码"),
        code=cells.code("科室编码"),
        name=cells.text("科室名称", columns.NAME_MAX_CHARS, needed=True),
    )


def _post(cells: Cells) -> PostEntry:
    code, unit_code, role = cells.code("人员编号"), cells.code("单位编码", needed=False), cells.raw("角色")
    missing = [header for header, text in (("单位编码", cells.raw("单位编码")), ("角色", role)) if not text]
    for header in missing:
        cells.tell("no_appointment", header, code, what=header)
    return PostEntry(
        row=cells.row,
        code=code,
        name=cells.text("姓名", columns.PERSON_NAME_MAX_CHARS, needed=True),
        phone=cells.phone("手机号"),
        login=cells.login("登录名"),
        unit_code=unit_code,
        section_code=cells.code("科室编码", needed=False),
        role=cells.word("角色", words.ROLES, None) if role else None,
        rank=cells.optional_word("收发员序位", words.RANKS),
        post=cells.text("职务", columns.POST_MAX_CHARS),
        scope=cells.word("管理范围", words.SCOPES, "unit"),
        from_day=cells.day("任职起"),
        to_day=cells.day("任职止"),
    )


E = TypeVar("E")


def _read(laid: Laid | None, entry: Callable[[Cells], E], findings: Findings) -> list[E]:
    if laid is None or laid.broken:
        return []
    _tell_formulas(laid, findings)
    cells = Cells(laid.table.sheet, laid.positions, findings)
    entries: list[E] = []
    for row, texts in laid.rows:
        cells.turn(row, texts)
        entries.append(entry(cells))
    return entries


def _tell_formulas(laid: Laid, findings: Findings) -> None:
    header_at = {index: header for header, index in laid.positions.items()}
    first_row = laid.rows[0][0] if laid.rows else 0
    for row, index in laid.formulas:
        if row >= first_row > 0 and index in header_at:
            findings.tell("formula", Place(laid.table.sheet, row, header_at[index]))


def read_entries(laid: Mapping[str, Laid], findings: Findings) -> Entries:
    """Every row of every recognised sheet, in the order of the file; faulty cells are told."""
    return Entries(
        regions=_read(laid.get("地区"), _region, findings),
        lines=_read(laid.get("条线"), _line, findings),
        units=_read(laid.get("单位"), _unit, findings),
        sections=_read(laid.get("科室"), _section, findings),
        posts=_read(laid.get("人员"), _post, findings),
    )
