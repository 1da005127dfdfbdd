"""What a script makes of each request: the same seed and the same requests give the same history."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import NamedTuple

import msgspec

from push.app.simulator.script import SHARED, Case, Deed, Script


class Play(NamedTuple):
    """What happens to one request, and which of its devices are dead."""

    deed: Deed
    code: str
    gone: frozenset[str]
    slow_s: float


class Player:
    """A script being played, for one vendor."""

    def __init__(self, script: Script, vendor: str) -> None:
        self._script = script
        self._random = Random(f"{script.seed}/{vendor}")  # noqa: S311 - it is to be repeatable
        cases = [case for case in script.cases if case.vendor in ("", vendor)]
        self._numbered = {at: case for case in reversed(cases) for at in case.at}
        self._tokens = [case for case in cases if case.token]
        told = msgspec.structs.asdict(script.answers)
        sums = accumulate(told[deed] for deed in SHARED)
        self._limits = [(deed, limit) for deed, limit in zip(SHARED, sums, strict=True) if told[deed]]
        self.requests = 0

    def play(self, tokens: Sequence[str]) -> Play:
        """One request to ``tokens``. Two draws each time, so that a history can be told again from its seed."""
        self.requests += 1
        draw, slow = self._random.random(), self._random.random()
        case = self._case(tokens)
        if case is not None:
            deed, code = case.answer, case.code
        else:
            deed, code = self._deed(draw), ""
        gone = frozenset(token for token in tokens if self.is_gone(token))
        return Play(deed, code, gone, self._script.delays.slow.seconds(slow))

    def is_gone(self, token: str) -> bool:
        """Whether the device is dead: by a case, or by chance that falls for each token once and for all."""
        if any(case.gone and token.startswith(case.token) for case in self._tokens):
            return True
        if not self._script.gone:
            return False
        digest = hashlib.sha256(f"{self._script.seed}/{token}".encode()).digest()
        return int.from_bytes(digest[:4], "big") / 2**32 < self._script.gone

    def receipt(self) -> float | None:
        """Seconds until a receipt; None where it is not delivered."""
        is_delivered, after = self._random.random() < self._script.delivered, self._random.random()
        return self._script.delays.receipt.seconds(after) if is_delivered else None

    def _case(self, tokens: Sequence[str]) -> Case | None:
        if (case := self._numbered.get(self.requests)) is not None:
            return case
        found = (
            case
            for case in self._tokens
            if not case.gone and any(token.startswith(case.token) for token in tokens)
        )
        return next(found, None)

    def _deed(self, draw: float) -> Deed:
        return next((deed for deed, limit in self._limits if draw < limit), "accept")
