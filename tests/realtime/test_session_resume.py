"""Any interleaving of commits, nudges, pages, acks and breaks: a client sees its items above n, in order, once."""

from __future__ import annotations

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from realtime.effects import Acked, Authenticate, CatchUp, Close, Effects, Join, Send
from realtime.fanout import Plan
from realtime.frames import Ack, Changes, Hello, Ping, Pong, Welcome, parse_server, say
from realtime.items import Item, arrived
from realtime.ports import Admitted, Page
from realtime.rules import SessionRules
from realtime.session import Session
from tests.realtime.memory_house import YEAR_2100, header

ME, OTHER = 1, 2
WHO = Admitted(person_id=ME, name="", token_id="t", expires_at=YEAR_2100)
RULES = SessionRules(page_items=4, kept_max=3, idle_words_burst=10_000)


class Resuming(RuleBasedStateMachine):
    """A city with two persons, a hub that lags behind, and one client whose line breaks at will."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[int, int, Item]] = []
        self.durable = self.published = self.handled = 0
        self.session: Session | None = None
        self.joined = False
        self.asked: CatchUp | None = None
        self.page: Page | None = None
        self.wire: deque[bytes] = deque()
        self.start: int | None = None
        self.position = self.acked_from = 0
        self.seen: list[Item] = []
        self.covered: list[tuple[int, int]] = []
        self.documents = 0

    # -- the city

    @rule(persons=st.lists(st.sampled_from([ME, OTHER]), min_size=1, max_size=3))
    def commit(self, persons: list[int]) -> None:
        """One transaction with some entries; its nudge is published later."""
        self.durable += 1
        for person in persons:
            self.documents += 1
            item = arrived(header(self.documents), "from_above", "to_do")
            self.log.append((self.durable, person, item))

    @rule(commits=st.lists(st.sampled_from([ME, ME, OTHER]), min_size=1, max_size=6), together=st.booleans())
    def burst(self, commits: list[int], together: bool) -> None:  # noqa: FBT001 - drawn
        """Several transactions in a row, handed out one by one or in one go."""
        for person in commits:
            self.commit([person])
            self.published = self.durable
            if not together:
                self.hand_out(1)
        self.hand_out(len(commits))

    @precondition(lambda self: self.published < self.durable)
    @rule()
    def publish(self) -> None:
        """The nudge of the next commit reaches the hub's queue."""
        self.published += 1

    @rule(count=st.integers(1, 4))
    def hand_out(self, count: int) -> None:
        """The hub takes some nudges and tells whoever is entered."""
        last = min(self.handled + count, self.published)
        plan = Plan()
        for no, person, item in self.log:
            if self.handled < no <= last and person == ME:
                plan.item(no, person, item)
        for delivery, _ in plan.deliveries():
            frame = self.session.nudged(delivery) if self.session and self.joined else None
            if frame is not None:
                self.wire.append(frame)
        self.handled = last

    @precondition(lambda self: self.handled < self.published)
    @rule()
    def overflow(self) -> None:
        """The hub's queue is dropped: everybody reads."""
        self.handled = self.published
        if self.session and self.joined:
            self.perform(self.session.behind())

    # -- the client and its session

    def perform(self, effects: Effects) -> None:
        """Do what the machine asks for, as far as it does not wait for a rule."""
        for effect in effects:
            match effect:
                case Send(frame):
                    self.wire.append(frame)
                case Join():
                    self.joined = True
                case CatchUp():
                    assert self.asked is None
                    self.asked = effect
                case Acked(_, low, high, _):
                    self.covered.append((low, high))
                case Authenticate():
                    pass
                case Close():
                    raise AssertionError(f"closed: {effect}")

    @initialize()
    def begin(self) -> None:
        """The first session, from the present on."""
        self.connect()
        assert self.session
        self.perform(self.session.admitted(WHO, 0, "e", 0, 1e9))
        self.client_reads()

    @rule(missed=st.integers(0, 3), meanwhile=st.integers(0, 6), together=st.booleans())
    def come_back(self, missed: int, meanwhile: int, together: bool) -> None:  # noqa: FBT001 - drawn
        """The line breaks, something happens, the client is back, and more happens while its first page is read."""
        self.break_line()
        self.burst([ME] * missed, together=True)
        self.connect()
        assert self.session
        self.perform(self.session.admitted(WHO, self.durable, "e", 0, 1e9))
        if self.asked:
            self.read_page()
        self.burst([ME] * meanwhile, together)

    @precondition(lambda self: self.session is None)
    @rule()
    def connect(self) -> None:
        """A new line, with the position of the last frame taken."""
        self.session = Session("1", RULES, 0)
        known = (
            {} if self.start is None else {"position": self.position, "epoch": "e", "acked": self.acked_from}
        )
        hello = Hello(token="t", **known)  # type: ignore[arg-type]
        self.perform(self.session.received(say(hello).encode(), 0))

    @precondition(lambda self: self.session is not None and self.session.state == "greeted")
    @rule(data=st.data())
    def admit(self, data: st.DataObject) -> None:
        """The ticket is good. The feed's position is at least the newest published commit."""
        assert self.session
        position = data.draw(st.integers(self.published, self.durable))
        position = max(position, self.position)
        self.perform(self.session.admitted(WHO, position, "e", 0, 1e9))

    @precondition(lambda self: self.session is not None)
    @rule()
    def break_line(self) -> None:
        """The line breaks; what was under way in either direction is lost."""
        self.session, self.joined, self.asked, self.page = None, False, None, None
        self.wire.clear()

    @precondition(lambda self: self.asked is not None and self.page is None)
    @rule()
    def read_page(self) -> None:
        """The database answers with what it can see at this moment: whole commits."""
        assert self.asked
        rows = [(no, item) for no, person, item in self.log if person == ME and no > self.asked.after]
        if len(rows) <= self.asked.limit:
            self.page = Page(items=tuple(rows), position=self.durable, more=False)
        else:
            last = rows[self.asked.limit - 1][0]
            self.page = Page(items=tuple(row for row in rows if row[0] <= last), position=last, more=True)

    @precondition(lambda self: self.page is not None)
    @rule()
    def page_comes(self) -> None:
        """The answer reaches the session, after whatever happened meanwhile."""
        assert self.session
        assert self.page
        page, self.page, self.asked = self.page, None, None
        self.perform(self.session.page(page, 0))

    @rule(frames=st.integers(1, 12))
    def client_reads_on(self, frames: int) -> None:
        """The client takes some frames."""
        for _ in range(min(frames, len(self.wire))):
            self.client_reads()

    def client_reads(self) -> None:
        """The client takes one frame."""
        frame = self.wire.popleft()
        payload = frame[4:] if frame[1] == 126 else frame[10:] if frame[1] == 127 else frame[2:]
        match parse_server(payload):
            case Welcome(position=position, resumed=resumed):
                assert resumed == (self.start is not None)
                if self.start is None:
                    self.start = self.position = self.acked_from = position
            case Changes(position=position, items=items):
                self.seen += items
                self.position = position
            case Pong(position=position):
                self.position = max(self.position, position)

    @precondition(lambda self: self.session is not None and self.session.state in {"catching_up", "live"})
    @rule()
    def client_pings(self) -> None:
        """The client asks how far it is."""
        assert self.session
        self.perform(self.session.received(say(Ping()).encode(), 0, self.handled))

    @precondition(
        lambda self: (
            self.session is not None
            and self.session.state in {"catching_up", "live"}
            and self.start is not None
        )
    )
    @rule()
    def client_acks(self) -> None:
        """The client acks what it took."""
        assert self.session
        self.perform(self.session.received(say(Ack(position=self.position)).encode(), 0))

    # -- what must hold

    def mine(self, upto: int) -> list[Item]:
        """What the client should have seen."""
        start = self.start or 0
        return [item for no, person, item in self.log if person == ME and start < no <= upto]

    @invariant()
    def in_order_and_once(self) -> None:
        """Taken so far: exactly one's own entries between the start and one's position."""
        if self.start is not None:
            assert self.mine(self.position) == self.seen

    @invariant()
    def acks_are_true(self) -> None:
        """Nothing counts as delivered that the client did not take."""
        assert all(low < high <= self.position for low, high in self.covered)

    def settle(self) -> None:
        """Everything under way ends, one more entry comes, the client reads on: then nothing may be missing."""
        if self.session is None:
            self.connect()
        assert self.session
        if self.session.state == "greeted":
            self.perform(self.session.admitted(WHO, self.durable, "e", 0, 1e9))
        while self.asked:
            if self.page is None:
                self.read_page()
            self.page_comes()
        self.published = self.durable
        self.hand_out(self.durable)
        self.burst([ME], together=True)
        while self.wire:
            self.client_reads()
        assert self.session.state == "live"
        assert self.mine(self.durable) == self.seen
        self.client_acks()

    def teardown(self) -> None:
        """Settled with the present line, and again with a new one; then every entry counts as delivered."""
        if self.start is None:
            return
        self.settle()
        self.break_line()
        self.settle()
        reached = self.start
        for low, high in sorted(self.covered):
            assert low <= reached
            reached = max(reached, high)
        assert reached == self.position


TestResuming = Resuming.TestCase
TestResuming.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
