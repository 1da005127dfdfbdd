"""Reports and replies of one account that are due, now or later, and tried again where no answer came. Pure.

``now`` is in microseconds on a clock that never jumps.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Final

from push.sms.carrier import Reply, Report
from push.sms.window import NEVER

TRIES: Final = 3
"""How often something is sent that nobody answers, before the carrier gives up (cmpp §10)."""


class Item:
    """One thing to tell a client; it is the token of its request."""

    __slots__ = ("message_id", "source", "submitted_at", "tries", "what")

    def __init__(self, what: Report | Reply, source: str, submitted_at: int, message_id: str = "") -> None:
        self.what = what
        self.source = source
        self.submitted_at = submitted_at
        """UTC microseconds."""
        self.message_id = message_id
        """Of a reply; a report names its own."""
        self.tries = 0


class Outbox:
    """What is ready is sent in the order it became due."""

    def __init__(self) -> None:
        self.ready: deque[Item] = deque()
        self._due: list[tuple[int, int, Item]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self.ready) + len(self._due)

    @property
    def due(self) -> int:
        """When the next becomes ready; NEVER where none waits for its time."""
        return self._due[0][0] if self._due else NEVER

    def put(self, item: Item, at: int) -> None:
        """Ready at ``at``; of two for the same moment the one that was put first."""
        self._count += 1
        heappush(self._due, (at, self._count, item))

    def ripen(self, now: int) -> bool:
        """Make ready what is due; whether anything is ready."""
        due = self._due
        while due and due[0][0] <= now:
            self.ready.append(heappop(due)[2])
        return bool(self.ready)

    def unanswered(self, item: Item) -> bool:
        """It was sent and not taken: it is the next to be sent, or given up; False says the latter."""
        if item.tries >= TRIES:
            return False
        self.ready.appendleft(item)
        return True


def reply_of(number: str, source: str, text: str) -> Reply:
    """As a phone writes it: digits plain, Chinese in UCS-2."""
    if text.isascii():
        return Reply(sender=number, source=source, content=text.encode(), coding="ascii")
    return Reply(sender=number, source=source, content=text.encode("utf-16-be"), coding="ucs2")
