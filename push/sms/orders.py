"""Messages on their way through a channel: the segments of each, in order, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import structlog

from push.sms.carrier import Segment
from push.sms.ports import Build, Done, NotSent, Outcome

log = structlog.get_logger("sms")


class Order:
    """One message. Its segments go over one connection, back to back."""

    __slots__ = ("_done", "_left", "_outcomes", "next", "sequences", "things", "token")

    def __init__(
        self,
        things: Sequence[Segment | Build],
        done: Done,
        token: object,
        sequences: Sequence[int] | None,
    ) -> None:
        self.things = things
        self.token = token
        self.sequences = sequences
        self.next = 0
        """The segment that is to leave next."""
        self._done = done
        self._left = len(things)
        self._outcomes: list[Outcome | None] = [None] * self._left

    @property
    def waiting(self) -> int:
        """Segments that have not left."""
        return len(self.things) - self.next

    def settle(self, number: int, outcome: Outcome) -> None:
        """The outcome of one segment is known."""
        self._outcomes[number] = outcome
        self._left -= 1
        if self._left:
            return
        try:
            self._done(cast("list[Outcome]", self._outcomes))
        except Exception:
            # Others wait behind it in the same chunk of answers: they must hear theirs.
            log.exception("sms.done_raised")

    def give_up(self, why: NotSent) -> None:
        """What has not left will not."""
        for number in range(self.next, len(self.things)):
            self.next = number + 1
            self.settle(number, why)
