"""Attempts in doubt without a message id, and the lines of a detail file that one of them may be (sms-charges 4.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Final, NamedTuple

from sms_billing.detail import DetailLine, bare_number, read_time

MINUTE_US: Final = 60_000_000

Lookup = Callable[[str], bytes]
"""The keyed hash under which a bare number is kept; numbers themselves stay sealed."""


class Doubt(NamedTuple):
    """A segment that left and was not answered. ``source`` is access number with extension, ``sent_at`` UTC microseconds.

    Segments of one order are alike: which of them the carrier took does not change what is charged.
    """

    attempt_id: int
    order_id: int
    segment_no: int
    number: bytes
    source: str
    sent_at: int


class Pair(NamedTuple):
    """An attempt and the line that is it; or one of them alone, ``choice`` where more than one could be the other."""

    doubt: Doubt | None
    line: DetailLine | None
    choice: bool = False


class _Candidate(NamedTuple):
    """A line of the right number and source with the minute it was accepted in."""

    minute: int
    line: DetailLine


_Group = tuple[bytes, str]


class Doubts:
    """Collects lines that belong to no known id and pairs them in the end."""

    def __init__(self, doubts: Iterable[Doubt], lookup: Lookup) -> None:
        self._lookup = lookup
        self._groups: dict[_Group, list[Doubt]] = {}
        for doubt in doubts:
            self._groups.setdefault((doubt.number, doubt.source), []).append(doubt)
        self._minutes = {
            (group, doubt.sent_at // MINUTE_US) for group, listed in self._groups.items() for doubt in listed
        }
        self._sources = {source for _, source in self._groups}
        self._candidates: dict[_Group, list[_Candidate]] = {}

    def takes(self, line: DetailLine) -> bool:
        """Keeps a line that could be one of them: same number and source, at most a minute apart."""
        source = line.source.strip()
        if source not in self._sources:  # most lines end here, before anything is hashed
            return False
        at = read_time(line.accepted)
        group = (self._lookup(bare_number(line.number)), source)
        if at is None or group not in self._groups:
            return False
        minute = at // MINUTE_US
        if not any((group, near) in self._minutes for near in (minute - 1, minute, minute + 1)):
            return False
        self._candidates.setdefault(group, []).append(_Candidate(minute, line))
        return True

    def pairs(self) -> Iterator[Pair]:
        """Every attempt, and every line kept, in a pair or alone."""
        for group, doubts in self._groups.items():
            for near, lines in _clusters(doubts, self._candidates.get(group, ())):
                yield from _paired(near, lines)


def _clusters(
    doubts: Iterable[Doubt], candidates: Iterable[_Candidate]
) -> Iterator[tuple[list[Doubt], list[_Candidate]]]:
    """Attempts and lines of one number and source, cut where more than a minute lies between two neighbours."""
    listed: list[tuple[int, Doubt | _Candidate]] = [(doubt.sent_at // MINUTE_US, doubt) for doubt in doubts]
    listed += [(told.minute, told) for told in candidates]
    listed.sort(key=lambda told: told[0])
    near: list[Doubt] = []
    lines: list[_Candidate] = []
    last = None
    for minute, told in listed:
        if last is not None and minute - last > 1:
            yield near, lines
            near, lines = [], []
        last = minute
        if isinstance(told, Doubt):
            near.append(told)
        else:
            lines.append(told)
    if near or lines:
        yield near, lines


def _paired(doubts: list[Doubt], lines: list[_Candidate]) -> Iterator[Pair]:
    """Pairs where no choice is left that changes a charge; else everything alone, marked."""
    doubts = sorted(doubts, key=lambda doubt: (doubt.sent_at, doubt.order_id, doubt.segment_no))
    told = [one.line for one in sorted(lines, key=lambda one: (one.minute, one.line.line_no))]
    orders = {doubt.order_id for doubt in doubts}
    if len(orders) == 1 and len(told) == 1 and told[0].segments == len(doubts):
        told *= len(doubts)  # one line for a whole message
    statuses = {line.status for line in told}
    if len(orders) == 1:
        plain = len(told) <= len(doubts)
    else:
        plain = not told or (len(told) == len(doubts) and len(statuses) == 1)
    plain = plain and all(one.line.segments in (1, len(told)) for one in lines)
    if not (plain and _near(doubts, lines)):
        yield from (Pair(doubt, None, choice=True) for doubt in doubts)
        yield from (Pair(None, line, choice=True) for line in told)
        return
    yield from (Pair(doubt, line) for doubt, line in zip_longest(doubts, told))


def _near(doubts: list[Doubt], lines: list[_Candidate]) -> bool:
    """Whether each line, in order of time, is at most a minute from the attempt it would be paired with."""
    minutes = sorted(one.minute for one in lines)
    return all(
        abs(minute - doubt.sent_at // MINUTE_US) <= 1 for doubt, minute in zip(doubts, minutes, strict=False)
    )
