"""The two sides of a connection with a carrier: the one that logs in, and the one that is logged in to. Pure.

What both share stands in ``push.sms.machine``.
"""

from __future__ import annotations

from typing import ClassVar, Final, TypeVar

from inbox_store.times import Clock
from push.sms.carrier import (
    ClientDialect,
    Hello,
    Inbound,
    Reply,
    Report,
    Segment,
    ServerDialect,
    Submitted,
    Welcome,
)
from push.sms.happenings import RULES, Happening, SessionRules, Up
from push.sms.machine import Machine

T = TypeVar("T")

_US: Final = 1_000_000


class ClientSession(Machine[T]):
    """The side that logs in: we towards a gateway, or a gateway of SGIP towards our listener."""

    __slots__ = ("_hello_sequence", "client")

    def __init__(self, dialect: ClientDialect, clock: Clock, rules: SessionRules = RULES) -> None:
        super().__init__(dialect, dialect.read, clock, rules)
        self.client = dialect
        self._hello_sequence = 0

    def start(self, now: int) -> None:
        """The transport is there: log in."""
        if self.state != "new":
            return
        super().start(now)
        self._hello_sequence = self._next_sequence()
        self._out.append(self.client.hello(self._hello_sequence, self._clock()))

    def submit(self, segment: Segment, token: T, now: int, sequence: int | None = None) -> bool:
        """Send a segment; False where the window is full or nothing is up. Raises ValueError as the dialect does.

        ``sequence``: one that the caller has set aside, where it is the message's id (SGIP).
        """
        if self.free <= 0:
            return False
        if sequence is None:
            sequence = self._next_sequence()
        elif sequence in self._window:
            raise ValueError(f"sequence: {sequence:x} is under way already")
        self._out.append(self.client.submit(sequence, segment))
        self._window.put(sequence, token, now)
        return True

    def _own_id(self, sequence: int) -> str:
        return self.client.own_id(sequence)

    def _is_turned_out(self, now: int) -> bool:
        soon = now - self._up_at <= self._rules.settle_s * _US
        return self.state in {"up", "leaving"} and soon and self._heard_at <= self._up_at

    def _on_welcome(self, heard: Welcome, now: int, told: list[Happening[T]]) -> None:
        if self.state != "greeting" or heard.sequence != self._hello_sequence:
            self.counts["unexpected"] += 1
        elif heard.ok:
            self._enter(now)
            told.append(Up(heard.note))
        else:
            note = heard.note or f"登录被拒绝（{heard.code}）"
            self._close(told, "refused", note, alarm=heard.alarm)

    _DEEDS: ClassVar = {**Machine._DEEDS, Welcome: _on_welcome}  # noqa: SLF001 - a subclass extends the table


class ServerSession(Machine[T]):
    """The side that is logged in to: the simulator, and our listener for SGIP.

    Hello is told to the owner, who answers with ``welcome``; Submitted likewise, with ``answer``. Reports and replies
    are requests with a window of their own.
    """

    __slots__ = ("_hello", "_server")

    def __init__(self, dialect: ServerDialect, clock: Clock, rules: SessionRules = RULES) -> None:
        super().__init__(dialect, dialect.read, clock, rules)
        self._server = dialect
        self._hello: Hello | None = None

    @property
    def account(self) -> str:
        """Who is logged in, or tried to."""
        return self._hello.account if self._hello else ""

    def permits(self, hello: Hello, secret: str) -> bool:
        """Whether the log-in shows the secret."""
        return self._server.permits(hello, secret)

    def welcome(self, hello: Hello, code: int, secret: str, now: int) -> list[Happening[T]]:
        """Answer a log-in: 0 lets it in, any other code of the protocol refuses it and ends the connection."""
        told: list[Happening[T]] = []
        if self.state != "greeting":
            return told
        self._out.append(self._server.welcome(hello, code, secret))
        if code:
            self._close(told, "refused", f"{hello.account}: {code}")
        else:
            self._enter(now)
            told.append(Up(""))
        return told

    def answer(self, asked: Submitted, message_id: str, code: int) -> None:
        """Answer a submit; code 0 accepts it. After the end of the connection nothing is said."""
        if self.state != "closed":
            self._out.append(self._server.submit_answer(asked, message_id, code))

    def report(self, report: Report, source: str, submitted_at: int, token: T, now: int) -> bool:
        """Send a delivery report; False where the window is full or nobody is logged in."""
        if self.free <= 0:
            return False
        sequence = self._next_sequence()
        self._out.append(self._server.report(sequence, report, source, submitted_at))
        self._window.put(sequence, token, now)
        return True

    def reply(self, reply: Reply, message_id: str, token: T, now: int) -> bool:
        """Send a message from a phone; False where the window is full or nobody is logged in."""
        return self.request(lambda sequence: self._server.reply(sequence, reply, message_id), token, now)

    def _on_hello(self, heard: Hello, _now: int, told: list[Happening[T]]) -> None:
        if self.state != "greeting" or self._hello is not None:
            self.counts["unexpected"] += 1
            return
        self._hello = heard
        told.append(heard)

    def _on_submitted(self, heard: Submitted, _now: int, told: list[Happening[T]]) -> None:
        if self.state in {"up", "leaving"}:
            told.append(heard)
        else:
            self._out_of_turn(told)

    def _on_inbound(self, heard: Inbound, _now: int, told: list[Happening[T]]) -> None:
        if self.state == "greeting":
            self._out_of_turn(told)
        else:
            self._unstored += 1
            told.append(heard)

    def _out_of_turn(self, told: list[Happening[T]]) -> None:
        """Nobody is logged in: whoever sends all the same is no client of ours."""
        self.counts["unexpected"] += 1
        if self.state == "greeting":
            self._close(told, "refused", "未登录就发送")

    _DEEDS: ClassVar = {
        **Machine._DEEDS,  # noqa: SLF001 - a subclass extends the table
        Hello: _on_hello,
        Submitted: _on_submitted,
        Inbound: _on_inbound,
    }
