"""Codes that look like a dead token but may be our fault: dead only when they repeat while others get through. Pure.

Huawei 80300007 comes for every token alike where the app id is wrong (§4); Xiaomi 10029 and 65003 for phones
that are off; OPPO 10000 of a whole call may be about a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from push.app.sender import Accepted, Outcome, Push, Refused

REMEMBERED_MAX: Final = 20_000


class Suspects:
    """Tokens under suspicion, with how much had got through when it began."""

    def __init__(self, codes: frozenset[str]) -> None:
        self._codes = codes
        self._through = 0
        self._since: dict[str, int] = {}

    def judged(self, pushes: Sequence[Push], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of one request; a suspect is ``gone`` where another device got something since the first time."""
        if not self._codes:
            return list(outcomes)
        told = [self._one(push.token, outcome) for push, outcome in zip(pushes, outcomes, strict=True)]
        self._through += sum(isinstance(one, Accepted) for one in outcomes)
        return told

    def _one(self, token: str, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Accepted):
            self._since.pop(token, None)
            return outcome
        if not isinstance(outcome, Refused) or outcome.gone or outcome.code not in self._codes:
            return outcome
        if (since := self._since.get(token)) is None:
            while len(self._since) >= REMEMBERED_MAX:
                del self._since[next(iter(self._since))]
            self._since[token] = self._through
            return outcome
        return msgspec.structs.replace(outcome, gone=self._through > since)
