"""The message ids that a simulated gateway gives, per protocol; no two alike, also across a restart.

Counters begin at the place of the microsecond in their round: a gateway that is killed and started again goes on behind
the ids it gave, as long as it gives fewer in a second than a counter has room for (CMPP 65,536 a second, SMGP a million
a minute).
"""

from __future__ import annotations

from typing import Final, Protocol

from push.sms.carrier import Submitted
from push.sms.cmpp import ids as cmpp
from push.sms.sgip.sequences import to_text
from push.sms.smgp import ids as smgp

_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_NOTHING: Final = -1


class Ids(Protocol):
    """Gives ids; ``now`` in UTC microseconds."""

    def of(self, asked: Submitted, now: int) -> list[str]:
        """One for each number of a submit."""
        ...

    def one(self, now: int) -> str:
        """One for a message from a phone."""
        ...


class CmppIds:
    """64 bits of time, gateway and counter (cmpp §6)."""

    def __init__(self, gateway: int, now: int) -> None:
        self._gateway = gateway
        self._count = now % _SECOND * 0x10000 // _SECOND
        self._second = _NOTHING
        self._prefix = 0

    def of(self, asked: Submitted, now: int) -> list[str]:
        """Receiver i of a SUBMIT to many has the first one's id + i."""
        return [self.one(now) for _ in asked.numbers]

    def one(self, now: int) -> str:
        """The next."""
        if now // _SECOND != self._second:
            self._second = now // _SECOND
            self._prefix = int(cmpp.message_id(now, self._gateway, 0), 16)
        self._count = self._count + 1 & 0xFFFF
        return f"{self._prefix | self._count:016x}"


class SmgpIds:
    """10 bytes of BCD: gateway, minute, counter (smgp §4)."""

    def __init__(self, gateway: str, now: int) -> None:
        self._gateway = gateway
        self._count = now % _MINUTE * 1_000_000 // _MINUTE
        self._minute = _NOTHING
        self._head = ""

    def of(self, asked: Submitted, now: int) -> list[str]:
        """Receiver i of a SUBMIT to many has the first one's id + i."""
        return [self.one(now) for _ in asked.numbers]

    def one(self, now: int) -> str:
        """The next."""
        if now // _MINUTE != self._minute:
            self._minute = now // _MINUTE
            self._head = smgp.message_id(now, self._gateway, 0)[:14]
        self._count = (self._count + 1) % 1_000_000
        return f"{self._head}{self._count:06d}"


class SmppIds:
    """A number in hexadecimal, as text."""

    def __init__(self, now: int) -> None:
        self._next = now

    def of(self, asked: Submitted, now: int) -> list[str]:
        """A submit_sm has one receiver."""
        return [self.one(now) for _ in asked.numbers]

    def one(self, now: int) -> str:  # noqa: ARG002 - it counts on
        """The next."""
        self._next += 1
        return f"{self._next:x}"


class SgipIds:
    """The sequence of the SUBMIT itself, for each of its numbers."""

    def of(self, asked: Submitted, now: int) -> list[str]:  # noqa: ARG002 - the SP gave it
        """The same for all of them: a REPORT names the number beside it."""
        return [to_text(asked.sequence)] * len(asked.numbers)

    def one(self, now: int) -> str:  # noqa: ARG002 - a DELIVER bears none
        """None."""
        return ""
