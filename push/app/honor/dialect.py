"""Honor behind the port of push.app.calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, DialectBase, Request, content_key
from push.app.honor import answers, asking
from push.app.honor.account import HonorAccount
from push.app.sender import Deferred, Outcome, Push, Refused
from push.app.tokens import Grant, TokenRules


class HonorDialect(DialectBase):
    """One account. Honor has no idempotency key: what is in doubt may have been shown."""

    vendor: Final = "honor"
    batch_max: Final = 1000
    suspect_codes = frozenset({answers.ALL_INVALID})
    token_rules = TokenRules(early_s=300)

    def __init__(self, account: HonorAccount) -> None:
        self._account = account

    @property
    def url(self) -> str:
        """Where its requests go."""
        return self._account.url

    def lane(self, push: Push) -> str:
        """There is no text per token."""
        return content_key(push)

    def login(self, now: int, lane: str) -> Request | Grant | None:  # noqa: ARG002 - the port's
        """OAuth2."""
        return asking.login(self._account)

    def granted(self, answer: Answer, now: int) -> Grant | Refused | Deferred:  # noqa: ARG002 - the port's
        """The token."""
        return answers.granted(answer)

    def request(self, pushes: Sequence[Push], now: int, token: str) -> Request:
        """The message."""
        return asking.request(self._account, pushes, now, token)

    def outcomes(self, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:  # noqa: ARG002 - the port's
        """One for each."""
        return answers.outcomes(answer, pushes, receipts=bool(self._account.callback_secret))

    def stale(self, answer: Answer) -> bool:
        """Whether the token was refused."""
        return answers.stale(answer)
