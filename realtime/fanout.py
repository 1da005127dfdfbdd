"""From what was committed to what each person is sent: frames built once per distinct content. Pure.

A run of commits is planned as a whole. Persons for whom it means the same get the same frame, byte for byte: a
city-wide document makes as many frames as there are pairs of folder and state, not as many as there are people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from realtime.frames import Changes, pack
from realtime.items import Header, Item, arrived
from realtime.ports import Arrival

Entry = tuple[int, Item]
"""A commit number and what it meant."""


class Delivery(msgspec.Struct, frozen=True):
    """Entries of commits ``first`` to ``last`` in order, and the one frame that tells them to whoever has none yet."""

    first: int
    last: int
    entries: tuple[Entry, ...]
    frame: bytes


def changes_frame(entries: Iterable[Entry], position: int) -> bytes:
    """The frame that tells ``entries`` and brings a client to ``position``."""
    return pack(Changes(position=position, items=tuple(item for _, item in entries)))


def delivery(entries: tuple[Entry, ...]) -> Delivery:
    """The delivery of ``entries`` (at least one, commits ascending)."""
    last = entries[-1][0]
    return Delivery(entries[0][0], last, entries, changes_frame(entries, last))


class Plan:
    """Collects what a run of commits means for each person. Add commit by commit, ascending."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._index: dict[Entry, int] = {}
        self._of: dict[int, tuple[int, ...]] = {}

    def arrivals(self, commit_no: int, header: Header, rows: Iterable[Arrival]) -> None:
        """New entries of one document."""
        seen: dict[tuple[str, str], tuple[int]] = {}
        of = self._of
        for person_id, folder, state in rows:
            one = seen.get((folder, state))
            if one is None:
                one = seen[folder, state] = (self._place((commit_no, arrived(header, folder, state))),)
            before = of.get(person_id)
            of[person_id] = one if before is None else before + one

    def item(self, commit_no: int, person_id: int, item: Item) -> None:
        """One entry that changed."""
        self._of[person_id] = (*self._of.get(person_id, ()), self._place((commit_no, item)))

    def _place(self, entry: Entry) -> int:
        place = self._index.setdefault(entry, len(self._entries))
        if place == len(self._entries):
            self._entries.append(entry)
        return place

    def deliveries(self) -> Iterator[tuple[Delivery, list[int]]]:
        """Each distinct delivery with the persons it is for."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for person_id, places in self._of.items():
            group = groups.get(places)
            if group is None:
                groups[places] = [person_id]
            else:
                group.append(person_id)
        for places, persons in groups.items():
            yield delivery(tuple(self._entries[place] for place in places)), persons
