"""What a script makes of each submit: the same seed and the same submits give the same history. Pure.

``now`` is in microseconds on any clock; it counts only where the script sets a rate.
"""

from __future__ import annotations

from itertools import accumulate
from operator import itemgetter
from random import Random
from typing import Final, NamedTuple

import msgspec

from push.sms.carrier import ReportState
from push.sms.simulator.script import (
    ACCEPTING,
    SHARED,
    TWISTS,
    Case,
    Deed,
    Failure,
    Script,
    Twist,
    failure_of,
)

EARLY: Final = -1
"""The delay of a report that leaves before the answer."""
_BURST_US: Final = 100_000
"""How far an account may run ahead of its rate: a tenth of a second's submits come in one chunk."""
_DELIVERED: Final = Failure("DELIVRD", "000")
_UNTWISTED: Final[frozenset[Twist]] = frozenset()


class Telling(NamedTuple):
    """One report about a segment, ``after`` microseconds from its acceptance, or EARLY."""

    after: int
    state: ReportState
    stat: str
    error: str


class Fate(NamedTuple):
    """What becomes of an accepted segment. ``stat`` is what really happened, and what the invoice says."""

    stat: str
    tellings: tuple[Telling, ...]
    reply: str = ""
    reply_after: int = 0


class Play(NamedTuple):
    """What happens to one submit; a fate for each of its numbers where it is accepted."""

    deed: Deed
    code: int
    fates: tuple[Fate, ...]


class Codes(NamedTuple):
    """A protocol's own numbers for what a script says in words."""

    login: int
    throttle: int
    refusals: tuple[int, ...]


class Player:
    """A script being played, for one port."""

    def __init__(self, script: Script, codes: Codes, name: str = "") -> None:
        self._script = script
        self._random = Random(f"{script.seed}/{name}")  # noqa: S311 - it is to be repeatable
        self._codes = codes
        self._refusals = script.refusals or codes.refusals
        self._failures = [failure_of(one) for one in script.failures]
        self._limits = _limits(script)
        told = msgspec.structs.asdict(script.reports)
        self._shares: list[tuple[Twist, float]] = [(name, told[name]) for name in TWISTS if told[name]]
        self._prefixed = [case for case in script.cases if case.prefix]
        self._numbered = {at: case for case in reversed(script.cases) for at in case.at}
        self._interval = int(1e6 / script.rate_per_s) if script.rate_per_s else 0
        self._earliest: dict[str, int] = {}
        self.submits = 0

    def play(self, account: str, numbers: tuple[str, ...], now: int) -> Play:
        """One submit of ``account`` to ``numbers``."""
        self.submits += 1
        if self._interval and not self._is_in_time(account, len(numbers), now):
            return Play("throttle", self._codes.throttle, ())
        case = self._case(numbers[0])
        if case is not None:
            deed, code = case.answer, case.code
        else:
            deed, code = self._deed(), 0
        if deed in ACCEPTING:
            return Play(deed, 0, tuple([self._fate(case) for _ in numbers]))
        return Play(deed, self._code(deed, code), ())

    def _is_in_time(self, account: str, count: int, now: int) -> bool:
        """A bucket that leaks at the set rate; what is throttled does not count against it."""
        due = max(self._earliest.get(account, now), now)
        if due - now > _BURST_US:
            return False
        self._earliest[account] = due + count * self._interval
        return True

    def _case(self, number: str) -> Case | None:
        if (case := self._numbered.get(self.submits)) is not None:
            return case
        for case in self._prefixed:
            if number.startswith(case.prefix):
                return case
        return None

    def _deed(self) -> Deed:
        if not self._limits:
            return "accept"
        draw = self._random.random()
        for deed, limit in self._limits:
            if draw < limit:
                return deed
        return "accept"

    def _code(self, deed: Deed, code: int) -> int:
        if deed == "throttle":
            return code or self._codes.throttle
        if deed == "refuse":
            return code or self._random.choice(self._refusals)
        return 0

    def _fate(self, case: Case | None) -> Fate:
        """Draws in a fixed order, so that a history can be told again from its seed."""
        random, delays = self._random.random, self._script.delays
        if case is not None:
            truth = failure_of(case.failed) if case.failed else _DELIVERED
            twists, reply = frozenset(case.twists), case.reply
        else:
            truth, twists, reply = self._truth(), self._twists(), ""
        after = delays.report.at(random())
        if case is None and truth is _DELIVERED:
            reply = self._reply()
        if not twists:
            told: tuple[Telling, ...] = (_telling(after, truth),)
        else:
            told = self._twisted(truth, twists, after)
        return Fate(truth.stat, told, reply, after + delays.reply.at(random()) if reply else 0)

    def _truth(self) -> Failure:
        share = self._script.reports.failed
        if share and self._random.random() < share:
            return self._random.choice(self._failures)
        return _DELIVERED

    def _twists(self) -> frozenset[Twist]:
        if not self._shares:
            return _UNTWISTED
        random = self._random.random
        return frozenset([name for name, share in self._shares if random() < share])

    def _reply(self) -> str:
        replies = self._script.replies
        if replies.share and self._random.random() < replies.share:
            return self._random.choice(replies.texts)
        return ""

    def _twisted(self, truth: Failure, twists: frozenset[Twist], after: int) -> tuple[Telling, ...]:
        if "lost" in twists:
            return ()
        random, delays = self._random.random, self._script.delays
        after += delays.late.at(random()) if "late" in twists else 0
        after += delays.reordered.at(random()) if "reordered" in twists else 0
        first = EARLY if "early" in twists else after
        told = [_telling(first, truth)]
        if "interim" in twists:
            ahead = EARLY if first == EARLY else after // 2
            told.append(Telling(ahead, "waiting", "ACCEPTD", "000"))
        if "duplicate" in twists:
            told.append(_telling(after + delays.again.at(random()), truth))
        if "contradicting" in twists:
            other = self._failures[0] if truth is _DELIVERED else _DELIVERED
            # Before the truth or after it: nobody who hears both can tell which is which.
            apart = delays.again.at(random())
            told.append(_telling(max(0, after - apart) if random() < 0.5 else after + apart, other))
        told.sort(key=itemgetter(0))  # stable: of the early ones the final report was first
        return tuple(told)


def _telling(after: int, what: Failure) -> Telling:
    return Telling(after, "delivered" if what.stat == "DELIVRD" else "failed", what.stat, what.error)


def _limits(script: Script) -> list[tuple[Deed, float]]:
    """The deeds that may befall a submit, each with the draw below which it does."""
    told = msgspec.structs.asdict(script.answers)
    sums = accumulate(told[deed] for deed in SHARED)
    return [(deed, limit) for deed, limit in zip(SHARED, sums, strict=True) if told[deed]]
