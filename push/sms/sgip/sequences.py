"""SGIP's sequence: 12 bytes of node number, time MMDDhhmmss and counter, which are a submit's message id too."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from push.sms.fields import login_stamp, read_time, seconds
from push.sms.sgip.account import NODE_MAX

BYTES: Final = 12
_WORD: Final = 0xFFFF_FFFF
_PER_MICROSECOND: Final = 4_294
"""How far apart two connections that begin one microsecond after the other begin to count: 2^32 over a second's."""
_SECOND: Final = 1_000_000
_AHEAD_MAX: Final = 200 * 86_400 * _SECOND


class Sequence(NamedTuple):
    """The three parts of a sequence."""

    node: int
    stamp: int
    """MMDDhhmmss in Beijing as a decimal number; the year is missing."""
    counter: int


def join(parts: Sequence) -> int:
    """The sequence as one number. Raises ValueError for a part that is no unsigned number of four bytes."""
    for field, value in parts._asdict().items():
        if not 0 <= value <= NODE_MAX:
            raise ValueError(f"{field}: {value} does not fit four bytes")
    return parts.node << 64 | parts.stamp << 32 | parts.counter


def parts_of(sequence: int) -> Sequence:
    """The three parts."""
    return Sequence(sequence >> 64, sequence >> 32 & _WORD, sequence & _WORD)


def to_text(sequence: int) -> str:
    """The sequence as message id: its 12 bytes in hexadecimal."""
    return f"{sequence:024x}"


def from_text(message_id: str) -> int:
    """The sequence behind a message id. Raises ValueError naming ``message_id`` for another text."""
    try:
        raw = bytes.fromhex(message_id)
    except ValueError:
        raw = b""
    if len(raw) != BYTES:
        raise ValueError(f"message_id: {message_id!r} is not 12 bytes in hexadecimal")
    return int.from_bytes(raw, "big")


def time_of(sequence: int, now: int) -> int | None:
    """The instant of the sequence's time, UTC microseconds; None where it is no time.

    The year is missing: it is the one of ``now`` in Beijing, or the one before where the time would lie more than 200
    days ahead (§1) or is a leap day that this year has not.
    """
    year = int(seconds(now)[:4])
    told = (read_time(f"{one}{parts_of(sequence).stamp:010d}") for one in (year, year - 1))
    return next((at for at in told if at is not None and at - now <= _AHEAD_MAX), None)


@lru_cache(maxsize=16)
def _stamp(second: int) -> int:
    return login_stamp(second * _SECOND)


class Counting:
    """The sequences of one connection of a node. ``lane`` of ``lanes`` tells connections of the same node apart.

    A submit's sequence is its message id, so that no two of a node may be alike. Parallel connections therefore count
    in steps of ``lanes``, each on its own lane; and a connection begins to count by the microsecond, because one that
    began with 0 again within the same second would repeat the ids of the one before.
    """

    def __init__(self, node: int, lane: int = 0, lanes: int = 1) -> None:
        if not 0 < node <= NODE_MAX:
            raise ValueError(f"node: {node} is no node number")
        if not 0 <= lane < lanes <= 256:
            raise ValueError(f"lane: {lane} is none of {lanes}")
        self._node, self._lane, self._lanes = node, lane, lanes

    def first_sequence(self, now: int) -> int:
        """The sequence of the first request of a connection at ``now``."""
        counter = now % _SECOND * _PER_MICROSECOND
        counter += self._lane - counter % self._lanes
        return self._node << 64 | _stamp(now // _SECOND) << 32 | counter

    def next_sequence(self, before: int, now: int) -> int:
        """The sequence after ``before``, at ``now``; the counter wraps after its four bytes, the time is as it is."""
        counter = (before & _WORD) + self._lanes
        if counter > _WORD:
            counter = self._lane
        return self._node << 64 | _stamp(now // _SECOND) << 32 | counter
