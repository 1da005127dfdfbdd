"""Requests under way on one connection: a bounded window by sequence, each ended exactly once. Pure.

``now`` is in microseconds on a clock that never jumps.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

NEVER: Final = 1 << 62
"""Later than any instant."""


class Ended(NamedTuple, Generic[T]):
    """A request that ended, or was answered after it had."""

    token: T
    late: bool


class Window(Generic[T]):
    """At most ``size`` requests without an answer. What timed out leaves its slot, and is remembered for a late answer."""

    __slots__ = ("_late", "_late_max", "_open", "_size", "_timeout_us")

    def __init__(self, size: int, timeout_us: int, late_max: int) -> None:
        self._size = size
        self._timeout_us = timeout_us
        self._late_max = late_max
        # In the order they were sent, which is the order of their deadlines.
        self._open: dict[int, tuple[T, int]] = {}
        self._late: dict[int, T] = {}

    def __len__(self) -> int:
        """Requests without an answer."""
        return len(self._open)

    def __contains__(self, sequence: object) -> bool:
        """Whether a request with this sequence waits for its answer."""
        return sequence in self._open

    @property
    def free(self) -> int:
        """Requests that may be sent now."""
        return self._size - len(self._open)

    @property
    def due(self) -> int:
        """When the oldest request times out; NEVER where none is open."""
        for _, sent_at in self._open.values():
            return sent_at + self._timeout_us
        return NEVER

    @property
    def oldest(self) -> int:
        """When the oldest open request was sent; NEVER where none is open."""
        return self.due - self._timeout_us if self._open else NEVER

    def put(self, sequence: int, token: T, now: int) -> None:
        """A request was sent. Its sequence must not be open."""
        self._open[sequence] = (token, now)
        if self._late:
            # After a wrap the number is another request's: an answer to the old one cannot be told apart any more.
            self._late.pop(sequence, None)

    def answered(self, sequence: int) -> Ended[T] | None:
        """An answer came; None for a sequence that nobody waits for."""
        found = self._open.pop(sequence, None)
        if found is not None:
            return Ended(found[0], late=False)
        if sequence in self._late:
            return Ended(self._late.pop(sequence), late=True)
        return None

    def expired(self, now: int) -> list[tuple[int, T]]:
        """Take out what waited too long, oldest first: sequence and token."""
        until = now - self._timeout_us
        gone = []
        for sequence, (token, sent_at) in self._open.items():
            if sent_at > until:
                break
            gone.append((sequence, token))
        for sequence, token in gone:
            del self._open[sequence]
            self._remember(sequence, token)
        return gone

    def clear(self) -> list[tuple[int, T]]:
        """Take out everything, oldest first: the connection is gone, and no answer will come."""
        gone = [(sequence, token) for sequence, (token, _) in self._open.items()]
        self._open.clear()
        self._late.clear()
        return gone

    def _remember(self, sequence: int, token: T) -> None:
        if len(self._late) >= self._late_max:
            del self._late[next(iter(self._late))]
        self._late[sequence] = token
