"""Xiaomi behind the port of push.app.calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, DialectBase, Request
from push.app.sender import Outcome, Push, Refused
from push.app.xiaomi import answers, asking
from push.app.xiaomi.account import XiaomiAccount


class XiaomiDialect(DialectBase):
    """One account. The jobkey makes a repetition harmless."""

    vendor: Final = "xiaomi"
    batch_max: Final = 100
    """1000 are allowed; with a text of its own each costs 33 us of CPU, and the loop is to be held up for less than 5 ms."""
    idempotent = True
    suspect_codes = answers.UNKNOWN_DEVICE

    def __init__(self, account: XiaomiAccount) -> None:
        self._account = account

    @property
    def url(self) -> str:
        """Where its requests go."""
        return self._account.url

    def lane(self, push: Push) -> str:  # noqa: ARG002 - the port's
        """Each message of a call has its own text: all go together."""
        return ""

    def unsendable(self, push: Push) -> Refused | None:
        """A comma would turn one regid into two; a long link does not fit into ``extra``."""
        if "," in push.token:
            return Refused(code="bad_token")
        # Nothing in it varies by much but the link: only a long one is worth counting.
        is_long = len(push.url) > asking.LINK_SHORT
        if is_long and asking.extra_size(self._account, push) > asking.EXTRA_MAX:
            return Refused(code="too_long")
        return None

    def request(self, pushes: Sequence[Push], now: int, token: str) -> Request:
        """The message or messages."""
        return asking.request(self._account, pushes, now, token)

    def outcomes(self, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:
        """One for each."""
        return answers.outcomes(self._account, answer, pushes, now)
