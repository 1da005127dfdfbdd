"""The figures of ``rates`` as tables: by unit, county, group or line, in total, and ranked (bulletin 3.2, 3.6, 3.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Final, Literal

import msgspec

from gateway.rules.rates import Figures
from inbox_store.nouns import GROUP_ZH
from inbox_store.org import Organisation

By = Literal["unit", "county", "group", "line", "total"]

RANKED_FROM: Final = 10
"""Fewer copies than this say nothing: such units are not ranked (bulletin 3.2)."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table. ``key`` is the id or word of what it is for, None for what belongs to none and the total.

    ``rank`` is set by ``ranked``; ``code`` orders rows whose figures are equal.
    """

    key: int | str | None
    code: str
    name: str
    figures: Figures
    rank: int | None = None


def table(
    by_unit: Mapping[int, Figures], organisation: Organisation, by: By, listed: Iterable[int] = ()
) -> tuple[Row, ...]:
    """The figures by unit, county, group, line or in total, by code; over any of them the sums are the same.

    ``listed`` are units that must show even without a copy (with "—"). A unit the organisation no longer knows keeps
    its figures, in a row of its own.
    """
    key_of = _KEYS[by]
    rows: dict[int | str | None, Row] = {}
    empty = Figures()
    for unit_id in sorted({*by_unit, *listed}):
        fresh = key_of(unit_id, organisation)
        row = rows.get(fresh.key, fresh)
        added = row.figures + by_unit.get(unit_id, empty)
        rows[fresh.key] = msgspec.structs.replace(row, figures=added)
    if by == "total" and not rows:
        return (_TOTAL,)
    return tuple(sorted(rows.values(), key=lambda row: (row.key is None, row.code)))


def ranked(rows: Iterable[Row], ranked_from: int = RANKED_FROM) -> tuple[Row, ...]:
    """Rows by sign-for rate, on-time rate, number of copies and code, with competition ranks ("1, 2, 2, 4").

    Equal ranks are those whose two rates are equal. Rows of fewer than ``ranked_from`` copies follow, without a rank.
    """
    ordered = sorted(rows, key=lambda row: row.code)
    ordered.sort(key=lambda row: (*_merit(row), row.figures.copies), reverse=True)
    enough = [row for row in ordered if row.figures.copies >= ranked_from]
    told: list[Row] = []
    for place, row in enumerate(enough, start=1):
        same = told and _merit(told[-1]) == _merit(row)
        told.append(msgspec.structs.replace(row, rank=told[-1].rank if same else place))
    return (*told, *(row for row in ordered if row.figures.copies < ranked_from))


def _merit(row: Row) -> tuple[Fraction, Fraction]:
    """What ranks: the two rates, exact; without copies below everything."""
    copies = row.figures.copies
    if not copies:
        return Fraction(-1), Fraction(-1)
    return Fraction(row.figures.signed, copies), Fraction(row.figures.on_time, copies)


def _unit_row(unit_id: int, organisation: Organisation) -> Row:
    unit = organisation.units.get(unit_id)
    code, name = (unit.code, unit.name) if unit else ("", f"单位{unit_id}")
    return Row(key=unit_id, code=code, name=name, figures=Figures())


def _county_row(unit_id: int, organisation: Organisation) -> Row:
    unit = organisation.units.get(unit_id)
    county = organisation.regions.get(unit.county_id) if unit else None
    return Row(key=county.id, code=county.code, name=county.name, figures=Figures()) if county else _STRAY


def _group_row(unit_id: int, organisation: Organisation) -> Row:
    unit = organisation.units.get(unit_id)
    if unit is None:
        return _STRAY
    place = list(GROUP_ZH).index(unit.group)
    return Row(key=unit.group, code=str(place), name=GROUP_ZH[unit.group], figures=Figures())


def _line_row(unit_id: int, organisation: Organisation) -> Row:
    unit = organisation.units.get(unit_id)
    line = organisation.lines.get(unit.line_id) if unit and unit.line_id is not None else None
    return Row(key=line.id, code=line.code, name=line.name, figures=Figures()) if line else _NO_LINE


def _total_row(_unit_id: int, _organisation: Organisation) -> Row:
    return _TOTAL


_TOTAL: Final = Row(key=None, code="", name="合计", figures=Figures())
_NO_LINE: Final = Row(key=None, code="", name="未列入条线", figures=Figures())
_STRAY: Final = Row(key=None, code="", name="现有组织以外的单位", figures=Figures())
_KEYS: Final[Mapping[By, Callable[[int, Organisation], Row]]] = {
    "unit": _unit_row,
    "county": _county_row,
    "group": _group_row,
    "line": _line_row,
    "total": _total_row,
}
