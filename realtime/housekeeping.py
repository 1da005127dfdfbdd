"""Two things a process with thousands of sockets does to the machine it runs on."""

from __future__ import annotations

import gc
import resource
from typing import Final

YOUNG: Final = 10_000
"""New objects between two looks of the garbage collector at the young, in a process with thousands of sessions."""


def raise_descriptor_limit(wanted: int) -> int:
    """Raise the soft limit of open files to ``wanted``, as far as the hard limit lets; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= ceiling:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
    return ceiling


class Freezer:
    """Takes standing sessions out of the garbage collector's sight (limits.md, design 5: acked unicast x1.5).

    What is frozen and later dies in a cycle would stay for ever, so all is thawed and collected once as many sessions
    have gone as ``thaw_every``: one pause of about 0.1 s per 100 MiB then, instead of many. From the first freeze on
    young objects are looked through every ``YOUNG`` new ones: the default of 700 took a seventh of an acked round trip.
    """

    def __init__(self, freeze_every: int, thaw_every: int = 20_000) -> None:
        self._freeze_every = freeze_every
        self._thaw_every = thaw_every
        self._come = 0
        self._gone = 0
        self._threshold = gc.get_threshold()

    def came(self) -> None:
        """A session stands."""
        self._come += 1
        if self._freeze_every and self._come >= self._freeze_every:
            self._come = 0
            gc.set_threshold(YOUNG, *self._threshold[1:])
            gc.collect(0)
            gc.freeze()

    def went(self) -> None:
        """A session is gone."""
        self._gone += 1
        if self._freeze_every and self._gone >= self._thaw_every:
            self._gone = 0
            gc.unfreeze()
            gc.collect()
            gc.freeze()

    def thaw(self) -> None:
        """Give everything back to the collector as it was."""
        gc.set_threshold(*self._threshold)
        gc.unfreeze()
