"""How long a channel waits before it connects again. Pure: the randomness is passed in."""

from __future__ import annotations

from typing import Final

import msgspec

ATTEMPTS_TOLD: Final = 32
"""Doubling stops mattering long before; the exponent stays small for a channel that has been down for weeks."""


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Pauses between attempts: ``first_s`` doubling to ``max_s`` seconds, half of each by chance (cmpp §10, smpp §6)."""

    first_s: float = 1
    max_s: float = 60
    alarm_s: float = 60
    """Least pause after a refusal that trying soon does not mend: account, secret, version."""

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.max_s:
            raise ValueError(f"first_s: {self.first_s} is not between 0 and max_s {self.max_s}")
        if self.alarm_s < 0:
            raise ValueError(f"alarm_s: {self.alarm_s} is below 0")

    def pause_s(self, attempt: int, chance: float, *, alarm: bool = False) -> float:
        """Seconds before attempt number ``attempt`` (0 follows a connection that had been up).

        ``chance`` in [0, 1) spreads channels that lost their gateway together. An alarm's pause is only lengthened by
        it: a carrier counts log-ins that fail, and locks accounts.
        """
        pause_s = min(self.max_s, self.first_s * 2.0 ** min(attempt, ATTEMPTS_TOLD))
        if alarm:
            return max(self.alarm_s, pause_s) * (1 + chance / 2)
        return pause_s * (0.5 + chance / 2)
