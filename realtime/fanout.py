"""From what was committed to what each person is sent: frames built once per distinct content. Pure.

A run of commits is planned as a whole. Persons for whom it means the same get the same frame, byte for byte: a
city-wide document makes as many frames as there are pairs of folder and state, not as many as there are people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from inbox_store.nouns import Folder, InboxState
from realtime.frames import Changes, pack
from realtime.items import Header, Item, arrived

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
    return pack(Changes(position=position, items=tuple([item for _, item in entries])))


def delivery(entries: tuple[Entry, ...]) -> Delivery:
    """The delivery of ``entries`` (at least one, commits ascending)."""
    last = entries[-1][0]
    return Delivery(entries[0][0], last, entries, changes_frame(entries, last))


class Plan:
    """Collects what a run of commits means for each person. Add commit by commit, ascending."""

    def __init__(self) -> None:
        self._persons: dict[Entry, list[int]] = {}

    def arrivals(
        self, commit_no: int, header: Header, rows: Iterable[tuple[int, Folder, InboxState]]
    ) -> None:
        """New entries of one document: who, in which folder, in which state."""
        found: dict[tuple[Folder, InboxState], list[int]] = {}
        for person_id, folder, state in rows:
            try:
                found[folder, state].append(person_id)
            except KeyError:
                found[folder, state] = [person_id]
        for (folder, state), persons in found.items():
            self._for((commit_no, arrived(header, folder, state)), persons)

    def item(self, commit_no: int, person_id: int, item: Item) -> None:
        """One entry that changed."""
        self._for((commit_no, item), [person_id])

    def _for(self, entry: Entry, persons: list[int]) -> None:
        before = self._persons.setdefault(entry, persons)
        if before is not persons:
            before += persons

    def deliveries(self) -> Iterator[tuple[Delivery, list[int]]]:
        """Each distinct delivery with the persons it is for."""
        if self._one_each():
            return ((delivery((entry,)), persons) for entry, persons in self._persons.items())
        return self._joined()

    def _one_each(self) -> bool:
        """Whether nobody has more than one entry: so it is with one document for a city, and nothing is to be joined."""
        rows = sum(map(len, self._persons.values()))
        return rows == len(set[int]().union(*self._persons.values()))

    def _joined(self) -> Iterator[tuple[Delivery, list[int]]]:
        entries = list(self._persons)
        of: dict[int, tuple[int, ...]] = {}
        for place, persons in enumerate(self._persons.values()):
            for person_id in persons:
                of[person_id] = (*of.get(person_id, ()), place)
        groups: dict[tuple[int, ...], list[int]] = {}
        for person_id, places in of.items():
            groups.setdefault(places, []).append(person_id)
        for places, persons in groups.items():
            yield delivery(tuple(entries[place] for place in places)), persons
