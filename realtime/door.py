"""Who may open a socket at all, before the upgrade: foreign origins, and more sockets than there is room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from realtime.limits import LiveLimits

Refusal = Literal["foreign_origin", "full", "full_for_address", "draining", "bad_handshake"]


def origin_allowed(origin: str | None, allowed: frozenset[str]) -> bool:
    """Whether a page of ``origin`` may connect. Programs send none; browsers always do (ASVS 4.4.2)."""
    return origin is None or origin.lower() in allowed


class Door:
    """Counts the sockets inside, in all and per address, and those not admitted yet."""

    def __init__(self, origins: Iterable[str], limits: LiveLimits) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self.inside = 0
        self.greeting = 0
        self.shut = False

    def refusal(self, origin: str | None, address: str) -> Refusal | None:
        """Why this caller stays outside, or None."""
        limits = self._limits
        if not origin_allowed(origin, self._origins):
            return "foreign_origin"
        if self.shut:
            return "draining"
        if self.inside >= limits.sessions_max or self.greeting >= limits.greeting_max:
            return "full"
        if self._by_address[address] >= limits.sessions_per_address_max:
            return "full_for_address"
        return None

    def enter(self, address: str) -> None:
        """A socket comes in; it is a stranger until ``known``."""
        self.inside += 1
        self.greeting += 1
        self._by_address[address] += 1

    def known(self) -> None:
        """A socket's hello was answered, or it left without one."""
        self.greeting -= 1

    def leave(self, address: str) -> None:
        """A socket goes."""
        self.inside -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
