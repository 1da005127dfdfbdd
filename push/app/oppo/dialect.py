"""OPPO behind the port of push.app.calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, DialectBase, Request
from push.app.oppo import answers, asking
from push.app.oppo.account import OppoAccount
from push.app.sender import Deferred, Outcome, Push, Refused
from push.app.tokens import Grant, TokenRules


class OppoDialect(DialectBase):
    """One account. ``app_message_id`` makes a repetition harmless."""

    vendor: Final = "oppo"
    batch_max: Final = 100
    """1000 are allowed; with a text of its own each costs 25 us of CPU, and the loop is to be held up for less than 5 ms."""
    idempotent = True
    suspect_codes = frozenset({answers.BAD_REGISTRATION})
    token_rules = TokenRules(early_s=3600)

    def __init__(self, account: OppoAccount) -> None:
        self._account = account

    @property
    def url(self) -> str:
        """Where its requests go."""
        return self._account.url

    def lane(self, push: Push) -> str:  # noqa: ARG002 - the port's
        """Each message of a call has its own text: all go together."""
        return ""

    def login(self, now: int, lane: str) -> Request | Grant | None:  # noqa: ARG002 - the port's
        """Ask for a token; renewed after 23 of its 24 hours."""
        return asking.login(self._account, now)

    def granted(self, answer: Answer, now: int) -> Grant | Refused | Deferred:  # noqa: ARG002 - the port's
        """The token."""
        return answers.granted(answer)

    def request(self, pushes: Sequence[Push], now: int, token: str) -> Request:
        """The message or messages."""
        return asking.request(self._account, pushes, now, token)

    def outcomes(self, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:
        """One for each."""
        return answers.outcomes(self._account, answer, pushes, now)

    def stale(self, answer: Answer) -> bool:
        """Whether the token was refused."""
        return answers.stale(answer)
