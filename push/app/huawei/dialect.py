"""Huawei behind the port of push.app.calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, DialectBase, Request
from push.app.huawei import answers, asking
from push.app.huawei.account import HuaweiAccount
from push.app.sender import Deferred, Outcome, Push, Refused
from push.app.tokens import Grant, TokenRules


class HuaweiDialect(DialectBase):
    """One account. Huawei has no idempotency key: what is in doubt may have been shown."""

    vendor: Final = "huawei"
    batch_max: Final = 1000
    suspect_codes = frozenset({answers.ALL_INVALID})
    token_rules = TokenRules(early_s=300)

    def __init__(self, account: HuaweiAccount) -> None:
        self._account = account
        self._weighed = ("", 0)

    @property
    def url(self) -> str:
        """Where its requests go."""
        return self._account.url

    def lane(self, push: Push) -> str:
        """One body for all tokens of an API."""
        return asking.lane(push)

    def door(self, lane: str) -> str:
        """v1 and v3 have tokens of their own."""
        return lane[:2]

    def unsendable(self, push: Push) -> Refused | None:
        """A HarmonyOS device without a service account, a body above 4096 bytes."""
        if asking.is_harmony(push) and self._account.service is None:
            return Refused(code="no_service_account", alarm=True)
        # Alike for all of a lane, and a fan-out brings thousands of one in a row.
        if (lane := asking.lane(push)) != self._weighed[0]:
            self._weighed = (lane, asking.size(self._account, push))
        return Refused(code="too_long") if self._weighed[1] > asking.MESSAGE_MAX_BYTES else None

    def login(self, now: int, lane: str) -> Request | Grant | None:
        """OAuth2 or a JWT of our own."""
        return asking.login(self._account, now, lane)

    def granted(self, answer: Answer, now: int) -> Grant | Refused | Deferred:  # noqa: ARG002 - the port's
        """The token of OAuth2."""
        return answers.granted(answer)

    def request(self, pushes: Sequence[Push], now: int, token: str) -> Request:
        """The message."""
        return asking.request(self._account, pushes, now, token)

    def outcomes(self, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:  # noqa: ARG002 - the port's
        """One for each."""
        return answers.outcomes(answer, pushes)

    def stale(self, answer: Answer) -> bool:
        """Whether the token was refused."""
        return answers.stale(answer)
