"""Dead tokens are struck off only behind a stop gate: a wrong key makes a whole city's phones look dead. Pure.

    open --too many within an hour--> shut, with an alarm --release by an operator--> open

``now`` is in UTC microseconds.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Literal, NamedTuple

import msgspec

from inbox_store.times import US
from push.app.sender import Vendor

HOUR_US: Final = 3_600 * US

Verdict = Literal["prune", "keep", "shut"]
"""``prune``: strike it off. ``keep``: the gate is shut. ``shut``: this one shut it, an operator has to look."""


class GateRules(msgspec.Struct, frozen=True, kw_only=True):
    """How many of a vendor's devices may be struck off within an hour. Raises ValueError naming the field."""

    share: float = 0.05
    least: int = 20
    """So many are always allowed: five per cent of ten phones is none."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share: {self.share} is not 0 to 1")
        if self.least < 0:
            raise ValueError(f"least: {self.least} is below 0")

    def most(self, devices: int) -> int:
        """Within an hour, of ``devices`` registered when it began."""
        return max(self.least, int(devices * self.share))


class Shut(NamedTuple):
    """Why a gate is shut: since when, how many had been struck off, of how many devices."""

    at: int
    pruned: int
    devices: int


class PruneGate:
    """The gates of all vendors. ``shut`` and ``restore`` let the state outlive a restart."""

    def __init__(self, rules: GateRules) -> None:
        self._rules = rules
        self._pruned: dict[Vendor, deque[int]] = {}
        self._shut: dict[Vendor, Shut] = {}
        self.held: dict[Vendor, int] = {}
        """Tokens that were kept because the gate is shut, since it shut."""

    def dead(self, vendor: Vendor, devices: int, now: int) -> Verdict:
        """A token was refused on a listed code; ``devices`` are the vendor's registered ones, this one among them.

        What was struck off within the hour counts as registered: otherwise the limit would shrink with its own use.
        """
        if vendor in self._shut:
            self.held[vendor] = self.held.get(vendor, 0) + 1
            return "keep"
        pruned = self._within(vendor, now)
        if len(pruned) >= self._rules.most(devices + len(pruned)):
            self._shut[vendor] = Shut(now, len(pruned), devices)
            self.held[vendor] = 1
            return "shut"
        pruned.append(now)
        return "prune"

    def shut(self, vendor: Vendor) -> Shut | None:
        """Why it is shut; None where it is open."""
        return self._shut.get(vendor)

    def release(self, vendor: Vendor) -> int:
        """An operator has looked: it opens, and the hour begins anew. Returns how many tokens were kept meanwhile."""
        self._shut.pop(vendor, None)
        self._pruned.pop(vendor, None)
        return self.held.pop(vendor, 0)

    def restore(self, vendor: Vendor, pruned_at: list[int], shut: Shut | None) -> None:
        """Go on after a restart: the times of the last hour's prunings, and a gate that had shut."""
        self._pruned[vendor] = deque(sorted(pruned_at))
        if shut is not None:
            self._shut[vendor] = shut

    def _within(self, vendor: Vendor, now: int) -> deque[int]:
        """The prunings of the last hour. A clock set back forgets none: what lies ahead of it still counts."""
        pruned = self._pruned.setdefault(vendor, deque())
        while pruned and pruned[0] <= now - HOUR_US:
            pruned.popleft()
        return pruned
