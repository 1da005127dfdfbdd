"""Collects what a check finds: every fault up to a bound, and every bad row and person without one."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from gateway.orgfile.faults import WARNINGS, Fault, Place, fault

FAULTS_MAX: Final = 50_000
"""Faults kept in full. A junk file could hold millions; what lies beyond is counted, and its rows are bad all the same."""

COMPARISONS_MAX: Final = 60_000
"""Comparisons spent on guessing what was meant (some 10 us each); beyond them faults are told without a guess."""

PERSON_COLUMNS: Final = frozenset({"人员编号", "姓名", "手机号", "登录名"})
"""A fault here is a fault of the person, hence of all rows of that person; elsewhere only of the one post."""


class Findings:
    """A growing list of faults. A row is bad when a fault (not a warning) lies in it."""

    def __init__(self, given: tuple[Fault, ...] = ()) -> None:
        self._faults = list(given)
        self._more = 0
        self._guesses: dict[tuple[str, str], str] = {}
        self._comparisons = COMPARISONS_MAX
        self._bad: dict[str, set[int]] = {}
        self._bad_people: set[int] = set()

    def tell(self, code: str, place: Place, value: str = "", **params: object) -> None:
        """Note the fault ``code`` of the catalogue at ``place``."""
        if code not in WARNINGS:
            self._bad.setdefault(place.sheet, set()).add(place.row)
            if place.sheet == "人员" and place.column in PERSON_COLUMNS:
                self._bad_people.add(place.row)
        if len(self._faults) < FAULTS_MAX:
            self._faults.append(fault(code, place, value, **params))
        else:
            self._more += 1

    def nearest(self, header: str, word: str, known: Collection[str]) -> str:
        """The half sentence that names which of ``known`` (always the same for a ``header``) was meant, or nothing."""
        key = (header, word)
        if key not in self._guesses and self._comparisons >= len(known):
            self._comparisons -= len(known)
            near = get_close_matches(word[:64], sorted(known), n=1, cutoff=0.6)
            self._guesses[key] = f"，是否为“{near[0]}”" if near else ""
        return self._guesses.get(key, "")

    def bad(self, sheet: str, row: int) -> bool:
        """Whether a fault lies in the row."""
        return row in self._bad.get(sheet, ())

    def bad_person(self, row: int) -> bool:
        """Whether a fault of the person (not only of the post) lies in the row of the people's sheet."""
        return row in self._bad_people

    def faults(self) -> tuple[Fault, ...]:
        """All that was found, faults before warnings, each by sheet, row and column as they stand in the file."""
        order = {"": 0, "地区": 1, "条线": 2, "单位": 3, "科室": 4, "人员": 5}
        ranked = sorted(self._faults, key=lambda found: (found.warning, order.get(found.sheet, 9), found.row))
        if self._more:
            ranked.append(fault("too_many_faults", max_faults=FAULTS_MAX, more=self._more))
        return tuple(ranked)
