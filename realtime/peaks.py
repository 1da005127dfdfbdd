"""How many persons are online at once, per bin of five minutes (the bulletin's online peak). Pure."""

from __future__ import annotations

from typing import Final

from inbox_store.times import US

BIN_US: Final = 300 * US
"""Width of a bin. Five minutes divide the hour, so that bins fall alike in UTC and in Asia/Shanghai."""


class PeakMeter:
    """Keeps the highest number seen in the present bin."""

    def __init__(self) -> None:
        self._bin = 0
        self._peak = 0
        self._told = 0

    def seen(self, at: int, persons: int) -> tuple[int, int] | None:
        """``persons`` are online at ``at`` (UTC microseconds). The bin that this ends, as (start, peak), if any."""
        start = at - at % BIN_US
        if start == self._bin:
            self._peak = max(self._peak, persons)
            return None
        ended = self.ended()
        self._bin, self._peak, self._told = start, persons, 0
        return ended

    def ended(self) -> tuple[int, int] | None:
        """The present bin as (start, peak), if it holds more than was told of it already."""
        if self._peak <= self._told:
            return None
        self._told = self._peak
        return self._bin, self._peak
