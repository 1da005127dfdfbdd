"""vivo behind the port of push.app.calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, DialectBase, Request
from push.app.sender import Deferred, Outcome, Push, Refused
from push.app.tokens import Grant, TokenRules
from push.app.vivo import answers, asking
from push.app.vivo.account import VivoAccount


class VivoDialect(DialectBase):
    """One account. ``requestId`` makes a repetition harmless."""

    vendor: Final = "vivo"
    batch_max: Final = 1
    idempotent = True
    token_rules = TokenRules(longest_s=7200, early_s=600)

    def __init__(self, account: VivoAccount) -> None:
        self._account = account

    @property
    def url(self) -> str:
        """Where its requests go."""
        return self._account.url

    def lane(self, push: Push) -> str:  # noqa: ARG002 - the port's
        """Each goes alone anyway."""
        return ""

    def unsendable(self, push: Push) -> Refused | None:
        """A real push with 测试 in it is refused (10085)."""
        if not self._account.test and "测试" in f"{push.title}{push.body}":
            return Refused(code="text_refused")
        return None

    def login(self, now: int, lane: str) -> Request | Grant | None:  # noqa: ARG002 - the port's
        """Ask for a token; renewed every 1 to 2 hours."""
        return asking.login(self._account, now)

    def granted(self, answer: Answer, now: int) -> Grant | Refused | Deferred:  # noqa: ARG002 - the port's
        """The token."""
        return answers.granted(answer)

    def request(self, pushes: Sequence[Push], now: int, token: str) -> Request:
        """The message."""
        return asking.request(self._account, pushes[0], now, token)

    def outcomes(self, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:
        """The one."""
        return [answers.outcome(self._account, answer, pushes[0], now)]

    def stale(self, answer: Answer) -> bool:
        """Whether the token was refused."""
        return answers.stale(answer)
