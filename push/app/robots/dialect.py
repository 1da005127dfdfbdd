"""Robots behind the port of push.app.calls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from push.app.calls import Answer, DialectBase, Request
from push.app.robots import answers, messages
from push.app.robots.account import HOSTS, Kind, RobotAccount
from push.app.sender import Outcome, Push, Refused


class RobotDialect(DialectBase):
    """All robots of one vendor. A repetition shows twice."""

    batch_max: Final = 1
    per_minute = 20

    def __init__(self, account: RobotAccount) -> None:
        self._account = account
        self.vendor: Final[Kind] = account.kind

    @property
    def url(self) -> str:
        """Where its requests go."""
        return self._account.url or HOSTS[self._account.kind]

    def lane(self, push: Push) -> str:
        """Each robot by itself."""
        return push.token

    def unsendable(self, push: Push) -> Refused | None:
        """A robot that is not in the account."""
        return None if push.token in self._account.robots else Refused(code="no_such_robot", alarm=True)

    def request(self, pushes: Sequence[Push], now: int, token: str) -> Request:  # noqa: ARG002 - the port's
        """The message."""
        return messages.request(self._account, pushes[0], now)

    def outcomes(self, answer: Answer, pushes: Sequence[Push], now: int) -> list[Outcome]:  # noqa: ARG002 - the port's
        """The one."""
        return [answers.outcome(self._account.kind, answer)]
