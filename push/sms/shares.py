"""How the channels of a route share its messages: by weight, and nobody waits for a channel that cannot take any. Pure.

Weighted fair queueing, pulled by the channels: each one's virtual time is its segments by its weight, and the one least
far on takes the next batch. A channel that was away does not claim afterwards what it missed: it begins where the least
far of the others stands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import lcm


class Shares:
    """The channels of one route with their weights; weight 0 is a reserve. Raises ValueError for a weight below 0.

    Of channels that are able all the time, the segments by weight never differ by more than one batch by its weight.
    """

    __slots__ = ("_floors", "_scale", "_times", "_weights")

    def __init__(self, weights: Mapping[str, int]) -> None:
        for name, weight in weights.items():
            if weight < 0:
                raise ValueError(f"{name}: weight {weight} is below 0")
        self._weights = dict(weights)
        # Virtual times in whole numbers: nothing drifts over years, and equal shares stay equal.
        self._scale = lcm(*filter(None, weights.values()))
        self._times = dict.fromkeys(weights, 0)
        # Those with weight and the reserves are two lines: neither moves the other on.
        self._floors = {True: 0, False: 0}

    def may(self, name: str, able: Collection[str]) -> bool:
        """Whether ``name`` may take the next batch; ``able``: the channels that are up and have room for one now.

        Of the able ones with weight the one least far on may, of equals the first in order; a reserve only while none
        with weight is able. Raises KeyError for a channel that the route does not have.
        """
        if name not in self._weights:
            raise KeyError(name)
        there = [one for one in self._weights if one in able]
        weighted = any(self._weights[one] for one in there)
        line = [one for one in there if (self._weights[one] > 0) == weighted]
        if name not in line:
            return False
        first = min(line, key=self._time)
        self._floors[weighted] = self._time(first)
        return name == first

    def took(self, name: str, segments: int) -> None:
        """``name`` took a batch of so many segments. Raises KeyError for a channel that the route does not have."""
        self._times[name] = self._time(name) + segments * self._scale // (self._weights[name] or 1)

    def _time(self, name: str) -> int:
        return max(self._times[name], self._floors[self._weights[name] > 0])
