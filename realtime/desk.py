"""What the parts of the live server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from realtime.effects import Effects
from realtime.limits import LiveLimits
from realtime.link import Link
from realtime.ports import Feed
from realtime.register import Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The feed, who is online, the limits, and three ways to get something done.

    ``perform`` carries out what a machine asks for; ``spawn`` starts a task of the one tree; ``now`` is in seconds on a
    clock that never jumps.
    """

    feed: Feed
    register: Register
    limits: LiveLimits
    perform: Callable[[Link, Effects], None]
    spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]]
    now: Callable[[], float]

    def write(self, link: Link, frame: bytes) -> None:
        """Write a frame; a reader that is too slow for it is cut."""
        if not link.write(frame):
            self.too_slow(link)

    def too_slow(self, link: Link) -> None:
        """Cut a reader for whom too much waits."""
        self.perform(link, link.session.too_slow(self.now()))
