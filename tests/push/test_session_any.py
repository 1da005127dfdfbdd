"""Any history of a client and a server: cut streams, lost and late answers, broken connections, in any order.

Each token is told exactly once, answered or in doubt, by the answer that is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from push.sms.carrier import Hello, Inbound, Report, SubmitAnswer, Submitted
from push.sms.happenings import Answered, Closed, Happening, InDoubt, SessionRules, Up
from push.sms.session import ClientSession, ServerSession
from tests.push.tiny_dialect import TinyClient, TinyServer, pdu, segment

S = 1_000_000
WINDOW = 3
RULES = SessionRules(window=WINDOW, answer_timeout_s=8, late_max=8)
# So near to the end that every connection of some length wraps.
FIRST = (1 << 16) - 5
ANY = st.integers(0, 1 << 16)


class Side:
    """What one side was told, and what must be true of it."""

    def __init__(self) -> None:
        self.sent: set[int] = set()
        self.answered: Counter[int] = Counter()
        self.doubted: Counter[int] = Counter()
        self.late: Counter[int] = Counter()
        self.over = False

    def heed(self, told: list[Happening[int]]) -> None:
        """Take note. Nothing may follow the end."""
        for one in told:
            assert not self.over
            if isinstance(one, Answered):
                self.heed_answer(one)
            elif isinstance(one, InDoubt):
                self.doubted[one.token] += 1
            elif isinstance(one, Closed):
                self.over = True

    def heed_answer(self, one: Answered[int]) -> None:
        """An answer is its own token's; a late one follows a doubt."""
        if isinstance(one.answer, SubmitAnswer):
            assert one.answer.message_id == f"id{one.token}"
        if one.late:
            assert self.doubted[one.token] == 1
            self.late[one.token] += 1
        else:
            self.answered[one.token] += 1

    def check(self, open_now: int) -> None:
        """Each token once; those told nothing are the open ones."""
        told = self.answered + self.doubted
        assert set(told) <= self.sent
        assert all(times == 1 for times in told.values())
        assert all(times == 1 for times in self.late.values())
        assert len(self.sent) - len(told) == open_now <= WINDOW


class Conversation(RuleBasedStateMachine):
    """One connection after another, between two machines that share nothing but bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.tokens = 0
        self.connect(greeted=True)

    def connect(self, *, greeted: bool) -> None:
        """A new connection; ``greeted`` where the log-in is over before anything else happens."""
        self.up: Side = Side()
        self.down: Side = Side()
        self.client: ClientSession[int] = ClientSession(TinyClient(first=FIRST), lambda: 0, RULES)
        self.server: ServerSession[int] = ServerSession(TinyServer(first=FIRST), lambda: 0, RULES)
        self.wires = {"up": bytearray(), "down": bytearray()}
        self.asked: list[Submitted] = []
        self.came: list[Inbound] = []
        self.stored: set[str] = set()
        self.client.start(self.now)
        self.server.start(self.now)
        self.write()
        if greeted:
            self.all_is_heard()

    def write(self) -> None:
        """Whatever both have to say is on its way."""
        self.wires["up"] += self.client.take()
        self.wires["down"] += self.server.take()

    def client_told(self, told: list[Happening[int]]) -> None:
        """To the client."""
        self.up.heed(told)
        self.came += [one for one in told if isinstance(one, Inbound)]
        assert not any(isinstance(one, Hello | Submitted) for one in told)
        self.write()

    def server_told(self, told: list[Happening[int]]) -> None:
        """To the server, which lets everybody in."""
        self.down.heed(told)
        for one in told:
            if isinstance(one, Hello):
                self.server_told(self.server.welcome(one, 0, "", self.now))
            elif isinstance(one, Submitted):
                self.asked.append(one)
            elif isinstance(one, Answered):
                assert f"r{one.token}" in self.stored
            assert not isinstance(one, Up) or self.server.state == "up"
        self.write()

    @rule(size=st.integers(1, 40))
    def client_hears(self, size: int) -> None:
        """Some bytes reach the client."""
        data = bytes(self.wires["down"][:size])
        del self.wires["down"][:size]
        self.client_told(self.client.received(data, self.now))

    @rule(size=st.integers(1, 40))
    def server_hears(self, size: int) -> None:
        """Some bytes reach the server."""
        data = bytes(self.wires["up"][:size])
        del self.wires["up"][:size]
        self.server_told(self.server.received(data, self.now))

    @rule()
    def all_is_heard(self) -> None:
        """Whatever is on its way arrives."""
        while any(self.wires.values()):
            self.client_hears(1 << 16)
            self.server_hears(1 << 16)

    @rule(count=st.integers(1, WINDOW + 1))
    def submit(self, count: int) -> None:
        """Some more segments, as far as the window has room."""
        for _ in range(count):
            room = self.client.free > 0
            self.tokens += 1
            assert self.client.submit(segment(str(self.tokens)), self.tokens, self.now) == room
            if room:
                self.up.sent.add(self.tokens)
        self.write()

    @rule(count=st.integers(1, WINDOW + 1))
    def report(self, count: int) -> None:
        """Some more reports, as far as the server's window has room."""
        for _ in range(count):
            room = self.server.free > 0
            self.tokens += 1
            told = Report(message_id=f"r{self.tokens}", to="", state="delivered", stat="DELIVRD")
            assert self.server.report(told, "", 0, self.tokens, self.now) == room
            if room:
                self.down.sent.add(self.tokens)
        self.write()

    @precondition(lambda self: self.asked)
    @rule(which=ANY, code=st.sampled_from([0, 8, 9]))
    def answer(self, which: int, code: int) -> None:
        """Any of the submits is answered."""
        asked = self.asked.pop(which % len(self.asked))
        self.server.answer(asked, f"id{asked.segment.content.decode()}", code)
        self.write()

    @precondition(lambda self: self.asked)
    @rule(which=ANY)
    def swallow(self, which: int) -> None:
        """A submit is never answered."""
        self.asked.pop(which % len(self.asked))

    @precondition(lambda self: self.came)
    @rule(which=ANY)
    def store(self, which: int) -> None:
        """Any of the reports is stored."""
        inbound = self.came.pop(which % len(self.came))
        assert isinstance(inbound.what, Report)
        self.stored.add(inbound.what.message_id)
        self.client_told(self.client.stored(inbound, self.now))

    @precondition(lambda self: self.came)
    @rule(which=ANY)
    def give_up(self, which: int) -> None:
        """Any of the reports cannot be stored."""
        inbound = self.came.pop(which % len(self.came))
        self.client_told(self.client.given_up(inbound, self.now))

    @rule(seconds=st.sampled_from([1, 9, 25, 61, 70]))
    def time_passes(self, seconds: int) -> None:
        """Both look at the clock, as their timers would."""
        until = self.now + seconds * S
        while (due := min(self.client.due, self.server.due)) <= until:
            assert due >= self.now, "a tick must move on"
            self.now = due
            for session, told in ((self.client, self.client_told), (self.server, self.server_told)):
                self.tick(session, told)
        self.now = until

    def tick(self, session: Any, told: Callable[[list[Happening[int]]], None]) -> None:  # noqa: ANN401 - either side
        """One tick, after which something else is due."""
        told(session.tick(self.now))
        assert session.due > self.now

    @rule(
        how=st.sampled_from(["client leaves", "server leaves", "garbage", "cut", "cut"]),
        greeted=st.booleans(),
    )
    def end(self, how: str, greeted: bool) -> None:  # noqa: FBT001 - drawn
        """Either side ends in order, the server's stream is spoilt, or the connection breaks and another is made."""
        if how == "client leaves":
            self.client_told(self.client.leave(self.now))
        elif how == "server leaves":
            self.server_told(self.server.leave(self.now))
        elif how == "garbage":
            self.wires["down"] += b"\xff\xff\xff\xff"
        else:
            self.cut(greeted=greeted)

    @precondition(lambda self: self.up.over or self.down.over)
    @rule()
    def again(self) -> None:
        """After an end another connection is made."""
        self.cut(greeted=True)

    def cut(self, *, greeted: bool) -> None:
        """What is on its way is lost."""
        self.client_told(self.client.lost(self.now))
        self.server_told(self.server.lost(self.now))
        self.up.check(0)
        self.down.check(0)
        assert self.up.over
        assert self.down.over
        self.connect(greeted=greeted)

    @invariant()
    def each_token_once(self) -> None:
        """At every moment."""
        self.up.check(self.client.open)
        self.down.check(self.server.open)

    def teardown(self) -> None:
        """At the end nothing is open."""
        self.cut(greeted=False)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


class LongConversation(Conversation):
    """The same, many times and longer."""


TestLongConversation = pytest.mark.long(LongConversation.TestCase)
TestLongConversation.settings = settings(max_examples=3000, stateful_step_count=150, deadline=None)


@given(st.lists(st.integers(1, 30), min_size=1))
def test_a_stream_may_be_cut_anywhere(sizes: list[int]) -> None:
    """However the bytes come in, the same is told and the same is said."""
    stream = (
        pdu("W", 1, b"\0") + pdu("P", 5) + pdu("R", 6, b"r") + pdu("?", 7) + pdu("R", 8, b"") + pdu("G", 9)
    )
    client: ClientSession[int] = ClientSession(TinyClient(), lambda: 0, RULES)
    client.start(0)
    client.take()
    told: list[Happening[int]] = []
    said = b""
    while stream:
        size = sizes[len(stream) % len(sizes)]
        told += client.received(stream[:size], 0)
        said += client.take()
        stream = stream[size:]
    assert [type(one) for one in told] == [Up, Inbound, Inbound, Closed]
    assert said == pdu("p", 5) + pdu("!", 7) + pdu("g", 9)
