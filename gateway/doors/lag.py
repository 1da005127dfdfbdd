"""How late the event loop is: the one figure that tells whether anything keeps everybody waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 0.05
"""Between two looks: some 0.2 ms of CPU a second."""

MISSED_MAX: Final = 100
"""Looks counted for one stall: a process that was stopped for a night does not count them all."""


class LagMeter:
    """Tells ``observe`` how late a timer ran, in seconds, every EVERY_S.

    A stall counts once for each look that fell into it, shorter by EVERY_S each: so that the shares are shares of time,
    and a stall of a second does not hide behind nineteen good looks (coordinated omission).
    """

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + EVERY_S
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        for _ in range(MISSED_MAX):
            self._observe(max(0.0, now - self._due))
            self._due += EVERY_S
            if self._due > now:
                break
        else:
            self._due = now + EVERY_S
        self._timer = self._loop.call_at(self._due, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
