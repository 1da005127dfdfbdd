"""Statements of a month or a year for each payer, from the sums of the ledger (sms-charges 4.5).

Every figure is a sum of integer rows, so that by month, by unit and by kind each come to the same total. What the city
does not apportion (codes, drills, operator notices, duplicates; C6) stands in a part of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

import msgspec

from inbox_store.ledger import Purpose
from inbox_store.programs.ledger import Sum

ELSEWHERE: Final = 0
"""The row "by unit" for units whose messages another payer bears: it has a comparison and nothing else."""

ALERT_KIND_ZH: Final[dict[str, str]] = {
    "arrival": "来文提醒",
    "urge": "人工催办",
    "red_light": "红灯催办",
    "reminder": "到期提醒",
    "code": "验证码",
    "drill": "演练",
    "operator": "运维通知",
}
PURPOSE_ZH: Final[dict[Purpose, str]] = {
    "document": "公文提醒",
    "code": "登录验证码",
    "drill": "演练",
    "operator": "运维通知",
    "duplicate": "换通道重发",
}

_UNITS_LAST: Final = "\uffff"

K = TypeVar("K", int, str)


class Outcomes(NamedTuple):
    """What became of messages, counted in segments, for the payer who bears them, or would if they were charged.

    ``unreported`` are charged where acceptance is; ``in_doubt`` and ``suppressed`` have no line, so that their cost is
    told beside the amount and never in it. ``suppressed`` counts messages, ``suppressed_segments`` what they would have been.
    """

    month: int
    payer_id: int
    unit_id: int
    alert_kind: str
    purpose: str
    delivered: int = 0
    failed: int = 0
    unreported: int = 0
    unreported_li: int = 0
    in_doubt: int = 0
    in_doubt_li: int = 0
    suppressed: int = 0
    suppressed_segments: int = 0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one line of a statement; ``*_li`` in li (0.001 yuan).

    ``adjusted_li`` is the part of ``amount_li`` that comes from adjustments, ``other_li`` what the payer would
    bear under the other policy, whoever bears it now. Outcomes as in ``Outcomes``.
    """

    messages: int = 0
    segments: int = 0
    amount_li: int = 0
    adjusted_li: int = 0
    delivered: int = 0
    failed: int = 0
    unreported: int = 0
    unreported_li: int = 0
    in_doubt: int = 0
    in_doubt_li: int = 0
    suppressed: int = 0
    suppressed_segments: int = 0
    other_li: int = 0

    def __add__(self, other: Figures) -> Figures:
        """Both together."""
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in _NAMES})


_NAMES = Figures.__struct_fields__
_PLACE = {name: place for place, name in enumerate(_NAMES)}
_OUTCOMES_FROM = _PLACE["delivered"]
_OTHER = _PLACE["other_li"]


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """How a region or unit is called; ``code`` orders the rows."""

    code: str
    name: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table: for a month (yyyymm), a unit's id, a kind of alert, or a purpose."""

    key: int | str
    label: Label
    figures: Figures


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What one payer bears in the months listed, in order.

    ``by_month``, ``by_unit`` and ``by_kind`` are three views of ``total``. ``own`` is what is not apportioned, by
    purpose, with ``own_total``: the city's alone. ``whole`` is everything the payer bears.
    """

    payer_id: int
    payer: Label
    months: tuple[int, ...]
    by_month: tuple[Row, ...]
    by_unit: tuple[Row, ...]
    by_kind: tuple[Row, ...]
    total: Figures
    own: tuple[Row, ...]
    own_total: Figures

    @property
    def whole(self) -> Figures:
        """Apportioned and not."""
        return self.total + self.own_total


Other = Callable[[Sum], int]
"""Who would pay for a row under the other policy (``Payers.compared``)."""

_Cell = tuple[int, int, int, str, str]
_Cells = dict[_Cell, list[int]]


def statements(
    months: Iterable[int],
    sums: Iterable[Sum],
    outcomes: Iterable[Outcomes],
    *,
    regions: Mapping[int, Label],
    units: Mapping[int, Label],
    city_id: int,
    other: Other | None = None,
) -> tuple[Statement, ...]:
    """A statement for the city, then for each region named or charged, by code.

    Rows of other months are left out. A region without any message gets its statement, too, with nothing in it: that it
    owes nothing is an answer. ``other`` None leaves the comparison at 0.
    """
    span = tuple(sorted(set(months)))
    cells = _gathered(frozenset(span), sums, outcomes, other)
    by_payer: dict[int, _Cells] = {payer_id: {} for payer_id in (city_id, *regions)}
    for cell, figures in cells.items():
        by_payer.setdefault(cell[0], {})[cell] = figures
    labels = {payer_id: regions.get(payer_id) or _stray(payer_id, "地区") for payer_id in by_payer}
    ordered = sorted(by_payer, key=lambda payer_id: (payer_id != city_id, labels[payer_id].code, payer_id))
    return tuple(
        _statement(payer_id, labels[payer_id], span, by_payer[payer_id], units) for payer_id in ordered
    )


def _gathered(
    months: frozenset[int], sums: Iterable[Sum], outcomes: Iterable[Outcomes], other: Other | None
) -> _Cells:
    """Every row added to its cell of payer, month, unit, kind and purpose: a year's rows are read once."""
    cells: _Cells = {}
    width = len(_NAMES)
    for told in sums:
        if told.month not in months:
            continue
        key = (told.payer_id, told.month, told.unit_id, told.alert_kind, told.purpose)
        cell = cells.get(key) or cells.setdefault(key, [0] * width)
        cell[0] += told.messages
        cell[1] += told.segments
        cell[2] += told.amount_li
        if told.kind == "adjustment":
            cell[3] += told.amount_li
        if other is not None:
            key = _under_other(told, other)
            cell = cells.get(key) or cells.setdefault(key, [0] * width)
            cell[_OTHER] += told.amount_li
    for met in outcomes:
        if met.month not in months:
            continue
        key = met[1], met[0], met[2], met[3], met[4]
        cell = cells.get(key) or cells.setdefault(key, [0] * width)
        for place, count in enumerate(met[5:], start=_OUTCOMES_FROM):
            cell[place] += count
    return cells


def _under_other(told: Sum, other: Other) -> _Cell:
    """The cell for the comparison; what is not apportioned stays where it is under any policy (C6).

    Messages that come from another payer's units are one row: a county's statement does not list the city's units.
    """
    payer_id = other(told) if told.purpose == "document" else told.payer_id
    unit_id = told.unit_id if payer_id == told.payer_id else ELSEWHERE
    return payer_id, told.month, unit_id, told.alert_kind, told.purpose


def _statement(
    payer_id: int, payer: Label, months: tuple[int, ...], cells: _Cells, units: Mapping[int, Label]
) -> Statement:
    shared = {cell: figures for cell, figures in cells.items() if cell[4] == "document"}
    own = {cell: figures for cell, figures in cells.items() if cell[4] != "document"}
    by_month = _grouped(shared, lambda cell: cell[1])
    by_month.update({month: Figures() for month in months if month not in by_month})
    by_unit = _rows(
        _grouped(shared, lambda cell: cell[2]), lambda unit_id: units.get(unit_id) or _stray(unit_id, "单位")
    )
    return Statement(
        payer_id=payer_id,
        payer=payer,
        months=months,
        by_month=_rows(by_month, _month_label),
        by_unit=by_unit,
        by_kind=_rows(_grouped(shared, lambda cell: cell[3]), _kind_label),
        total=_total(shared),
        own=_rows(_grouped(own, lambda cell: cell[4]), _purpose_label),
        own_total=_total(own),
    )


def _grouped(cells: _Cells, key_of: Callable[[_Cell], K]) -> dict[K, Figures]:
    groups: dict[K, list[list[int]]] = {}
    for cell, figures in cells.items():
        groups.setdefault(key_of(cell), []).append(figures)
    return {key: _figures(listed) for key, listed in groups.items()}


def _total(cells: _Cells) -> Figures:
    return _figures(list(cells.values()))


def _figures(listed: list[list[int]]) -> Figures:
    return Figures(**dict(zip(_NAMES, map(sum, zip(*listed, strict=True)), strict=False)))


def _rows(groups: Mapping[K, Figures], label_of: Callable[[K], Label]) -> tuple[Row, ...]:
    rows = [Row(key=key, label=label_of(key), figures=figures) for key, figures in groups.items()]
    return tuple(sorted(rows, key=lambda row: (row.label.code, str(row.key))))


def _month_label(month: int) -> Label:
    return Label(code=str(month), name=f"{month // 100}年{month % 100}月")


def _kind_label(kind: str) -> Label:
    place = list(ALERT_KIND_ZH).index(kind) if kind in ALERT_KIND_ZH else len(ALERT_KIND_ZH)
    return Label(code=f"{place:02}", name=ALERT_KIND_ZH.get(kind, kind))


def _purpose_label(purpose: str) -> Label:
    place, name = next((n, name) for n, (key, name) in enumerate(PURPOSE_ZH.items()) if key == purpose)
    return Label(code=f"{place:02}", name=name)


def _stray(key: int, what: str) -> Label:
    """What is no longer in the organisation keeps its figures, under its number."""
    if key == ELSEWHERE:
        return Label(code=_UNITS_LAST, name="其他地区单位（仅比较）")
    return Label(code="", name=f"{what}{key}")
