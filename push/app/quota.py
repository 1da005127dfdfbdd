"""What a vendor lets us send: so many within any minute (robots), so many a day (tests, small apps). Pure.

``now`` is in UTC microseconds: a day is the vendors' day in China.
"""

from __future__ import annotations

from collections import deque

from inbox_store.times import US, day_at
from push.app.calls import midnight_s


class Window:
    """At most ``most`` within any ``span_s`` seconds: a robot that runs over is silenced for ten minutes (DingTalk)."""

    def __init__(self, most: int, span_s: float) -> None:
        self._most = most
        self._span = int(span_s * US)
        self._taken: deque[int] = deque()

    def take(self, now: int) -> float:
        """Take one: 0; or the seconds until there is one."""
        while self._taken and (self._taken[0] <= now - self._span or self._taken[0] > now):
            self._taken.popleft()  # from the future: the clock was set back, better one too many than none for ever
        if len(self._taken) >= self._most:
            return (self._taken[0] + self._span - now) / US
        self._taken.append(now)
        return 0


class Daily:
    """At most ``most`` a day; 0: no limit of our own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._day = 0
        self.used = 0
        """Today."""

    def take(self, count: int, now: int) -> int:
        """How many of ``count`` may go today."""
        if (today := day_at(now)) != self._day:
            self._day, self.used = today, 0
        free = count if not self._most else max(0, min(count, self._most - self.used))
        self.used += free
        return free

    def put_back(self, count: int) -> None:
        """They did not leave after all."""
        self.used = max(0, self.used - count)

    def opens_s(self, now: int) -> float:
        """Seconds until the next day."""
        return midnight_s(now)
