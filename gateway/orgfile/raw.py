"""What the reader hands over: cells as text, sheet by sheet, before anything is judged."""

from __future__ import annotations

from typing import Literal

from gateway.orgfile.faults import Fault
from inbox_store.nouns import Noun

Format = Literal["xlsx", "csv", "none"]


class RawSheet(Noun, frozen=True, kw_only=True):
    """One sheet. ``rows``: (row as the spreadsheet counts it, from 1; texts from column A on), blank rows left out.

    ``formulas`` are (row, column index from 0) of cells that were computed: their texts are only last results.
    A CSV file is one sheet without a name.
    """

    name: str
    rows: list[tuple[int, list[str]]]
    formulas: tuple[tuple[int, int], ...] = ()


class RawFile(Noun, frozen=True, kw_only=True):
    """A whole file; ``faults`` are those of the file itself, and then there are no sheets."""

    format: Format = "none"
    sheets: tuple[RawSheet, ...] = ()
    faults: tuple[Fault, ...] = ()
