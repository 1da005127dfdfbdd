"""The rules of one session, as tables: what may be said when, what ends it, what time does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from realtime.effects import Acked, Authenticate, CatchUp, Close, Effects, Join, ReadCounts, Recheck, Send
from realtime.fanout import Delivery, delivery
from realtime.frames import PING, Bye, Changes, Counts, Hello, Pong, ServerMessage, Welcome, parse_server
from realtime.items import arrived
from realtime.ports import Admitted, CountsRead, Page
from realtime.rules import CLOSE_CODES, FAULTS, SessionRules
from realtime.session import Session
from tests.realtime.memory_house import YEAR_2100, header

RULES = SessionRules(kept_max=2)
WHO = Admitted(person_id=7, name="", token_id="login", expires_at=YEAR_2100)
HELLO = b'{"type":"hello","ticket":"t","device":"d"}'
RESUME = b'{"type":"hello","ticket":"t","device":"d","position":5,"epoch":"e","acked":3}'


def entries(*commits: int) -> tuple[tuple[int, object], ...]:
    """One entry per commit, each of a document of the same number."""
    return tuple((no, arrived(header(no), "from_above", "to_do")) for no in commits)


def told(*commits: int) -> Delivery:
    """The hub's delivery of these commits."""
    return delivery(entries(*commits))  # type: ignore[arg-type]


def page(position: int, *commits: int, more: bool = False) -> Page:
    """A page of the catch-up."""
    return Page(items=entries(*commits), position=position, more=more)  # type: ignore[arg-type]


def message(frame: bytes) -> ServerMessage:
    """The message in a frame."""
    return parse_server(frame[4:] if frame[1] == 126 else frame[2:])


def seen(frame: bytes | None) -> list[int]:
    """The documents a frame of changes tells."""
    assert frame is not None
    changes = message(frame)
    assert isinstance(changes, Changes)
    return [item.document_id for item in changes.items]


def closed(effects: Effects) -> int | None:
    """The code with which the effects close the session, if they do."""
    return next((effect.code for effect in effects if isinstance(effect, Close)), None)


def connecting() -> Session:
    """A socket that was just opened."""
    return Session("s", RULES, 0)


def greeted(hello: bytes = HELLO) -> Session:
    """The hello is being looked at."""
    session = connecting()
    session.received(hello, 0)
    return session


def live(position: int = 5) -> Session:
    """A session at the present."""
    session = greeted()
    session.admitted(WHO, position, "e", 0, 1e6)
    return session


def catching_up(position: int = 9) -> Session:
    """A session that resumes from 5."""
    session = greeted(RESUME)
    session.admitted(WHO, position, "e", 0, 1e6)
    return session


def test_a_hello_without_a_position_begins_at_the_present() -> None:
    """Nothing is read from the store; the inbox comes through the API."""
    session = greeted()

    effects = session.admitted(WHO, 5, "e", 0, 1e6)

    assert [Join(7), Send] == [effects[0], type(effects[1])]
    assert isinstance(effects[1], Send)
    assert Welcome(session="s", position=5, epoch="e", heartbeat_s=30, resumed=False) == message(
        effects[1].frame
    )
    assert "live" == session.state


def test_a_hello_with_a_position_resumes_and_counts_as_an_ack() -> None:
    """The catch-up starts above the position; what was taken without an ack counts as delivered now."""
    session = greeted(RESUME)

    join, welcome, acked, catch_up = session.admitted(WHO, 9, "e", 0, 1e6)

    assert isinstance(welcome, Send)
    assert Welcome(session="s", position=5, epoch="e", heartbeat_s=30, resumed=True) == message(welcome.frame)
    assert (Join(7), Acked(7, 3, 5, "d"), CatchUp(7, 5, 200)) == (join, acked, catch_up)
    assert "catching_up" == session.state


@pytest.mark.parametrize(("position", "epoch"), [(9, "another history"), (4, "e")])
def test_a_position_of_another_history_or_of_the_future_is_void(position: int, epoch: str) -> None:
    """A restored backup has another epoch, or fewer commits: the client is told that it was not resumed."""
    session = greeted(RESUME)

    _, welcome = session.admitted(WHO, position, epoch, 0, 1e6)

    assert isinstance(welcome, Send)
    assert not message(welcome.frame).resumed  # type: ignore[union-attr]
    assert (position, "live") == (session.position, session.state)


def test_whoever_missed_nothing_reads_nothing() -> None:
    """A storm of clients that stand at the newest commit costs no reads."""
    session = greeted(RESUME)

    effects = session.admitted(WHO, 5, "e", 0, 1e6)

    assert not any(isinstance(effect, CatchUp) for effect in effects)
    assert "live" == session.state


def test_deliveries_wait_while_pages_are_read_and_none_comes_twice() -> None:
    """What a page covered is dropped, what lies above it follows at once."""
    session = catching_up()
    assert session.nudged(told(9)) is None
    assert session.nudged(told(10)) is None

    page_frame, kept = session.page(page(9, 6, 9), 0)

    assert isinstance(page_frame, Send)
    assert isinstance(kept, Send)
    assert ([6, 9], [10]) == (seen(page_frame.frame), seen(kept.frame))
    assert ("live", 10) == (session.state, session.position)


def test_more_pages_follow_each_other_from_where_the_last_one_ended() -> None:
    """Each page is asked for above the former one."""
    session = catching_up(position=20)

    effects = session.page(page(12, 6, 12, more=True), 0)

    assert CatchUp(7, 12, 200) == effects[-1]


def test_too_many_deliveries_while_catching_up_mean_reading_once_more() -> None:
    """What no longer fits is dropped, and the next read covers it."""
    session = catching_up()
    for no in (10, 11, 12):
        session.nudged(told(no))

    _, again = session.page(page(9, 9), 0)
    _, kept = session.page(page(11, 10, 11), 0)

    assert CatchUp(7, 9, 200) == again
    assert isinstance(kept, Send)
    assert [12] == seen(kept.frame)
    assert "live" == session.state


def test_a_live_session_that_falls_behind_reads_for_itself() -> None:
    """Once, even when it is told so several times; a second loss while it reads makes it read again."""
    session = live()

    assert (CatchUp(7, 5, 200),) == session.behind()
    assert () == session.behind()
    assert CatchUp(7, 8, 200) == session.page(page(8, 8), 0)[-1]
    session.page(page(9, 9), 0)
    assert "live" == session.state


def test_a_delivery_that_was_partly_seen_is_cut_to_what_is_new() -> None:
    """The catch-up may end in the midst of commits that the hub hands out together."""
    session = live(position=7)

    assert [8, 9] == seen(session.nudged(told(6, 7, 8, 9)))
    assert session.nudged(told(6, 7, 8, 9)) is None
    assert 9 == session.position


def test_everybody_gets_the_same_bytes() -> None:
    """A frame is built once: no session copies it."""
    one = told(6)

    assert live().nudged(one) is one.frame


def test_a_page_that_leads_nowhere_ends_the_session() -> None:
    """A feed that promises more and gives nothing would be asked for ever."""
    assert 1011 == closed(catching_up().page(page(5, more=True), 0))


def test_acks_move_forward_only() -> None:
    """An ack says how far; one that repeats or goes back changes nothing."""
    session = live(position=5)
    for no in (6, 7, 8):
        session.nudged(told(no))

    assert (Acked(7, 5, 7, "d"),) == session.received(b'{"type":"ack","position":7}', 1)
    assert () == session.received(b'{"type":"ack","position":6}', 1)
    assert () == session.received(b'{"type":"ack","position":7}', 1)
    assert (Acked(7, 7, 8, "d"),) == session.received(b'{"type":"ack","position":8}', 1)


def test_a_pong_tells_how_far_the_hub_has_come() -> None:
    """A quiet client resumes from there later, with little to read; one that catches up is told its own position."""
    pong = live(position=5).received(b'{"type":"ping"}', 1, 42)[0]
    waits = catching_up().received(b'{"type":"ping"}', 1, 42)[0]

    assert isinstance(pong, Send)
    assert isinstance(waits, Send)
    assert (Pong(position=42), Pong(position=5)) == (message(pong.frame), message(waits.frame))


def test_counts_are_read_when_asked_for_and_told_only_to_their_person() -> None:
    """A frame of counts for this person; nothing for somebody else's."""
    session = live()
    read = CountsRead(position=9, by_person={7: {"brief": (4, 1)}})

    assert (ReadCounts(7),) == session.received(b'{"type":"counts"}', 1)
    frame = session.counts(read)
    assert frame is not None
    assert Counts(position=9, folders={"brief": (4, 1)}) == message(frame)
    assert session.counts(CountsRead(position=9, by_person={8: {}})) is None
    assert connecting().counts(read) is None


ACK_0 = b'{"type":"ack","position":0}'


@pytest.mark.parametrize(
    ("make", "payload", "code", "close"),
    [
        (connecting, ACK_0, "out_of_turn", 1008),
        (connecting, b'{"type":"counts"}', "out_of_turn", 1008),
        (connecting, b'{"type":"hello"}', "no_credential", 1008),
        (connecting, b'{"type":"hello","ticket":"a","token":"b"}', "no_credential", 1008),
        (greeted, HELLO, "out_of_turn", 1008),
        (greeted, ACK_0, "out_of_turn", 1008),
        (live, HELLO, "out_of_turn", 1008),
        (live, b'{"type":"ack","position":6}', "ack_ahead", 1008),
        (catching_up, b'{"type":"ack","position":6}', "ack_ahead", 1008),
        (live, b"\xff", "bad_utf8", 1007),
        (live, b"no json", "bad_json", 1007),
        (live, b'{"type":"ack"}', "bad_message", 1008),
        (live, b" " * 4_097, "frame_too_big", 1009),
        (live, b'{"type":"dance"}', "unknown_type", None),
    ],
)
def test_words_that_may_not_be_said(
    make: Callable[[], Session], payload: bytes, code: str, close: int | None
) -> None:
    """Each is told by name, and most end the session with their code."""
    effects = make().received(payload, 1)

    assert isinstance(effects[0], Send)
    assert code == message(effects[0].frame).code  # type: ignore[union-attr]
    assert close == closed(effects) == FAULTS[code].close


@pytest.mark.parametrize("idle", [b'{"type":"ping"}', ACK_0, b'{"type":"dance"}', b'{"type":"counts"}'])
def test_idle_words_without_end_are_a_flood(idle: bytes) -> None:
    """A burst is allowed and grows back by one a second; beyond it the session is closed."""
    session = live()
    for _ in range(RULES.idle_words_burst):
        assert closed(session.received(idle, 1)) is None
    assert closed(session.received(idle, 2.5)) is None

    assert 4429 == closed(session.received(idle, 2.5))


def test_pings_of_the_websocket_layer_count_too() -> None:
    """They are answered with their own payload until there are too many."""
    session = live()
    first = session.pinged(b"abc", 1)
    for _ in range(RULES.idle_words_burst - 1):
        session.pinged(b"", 1)

    assert (Send(b"\x8a\x03abc"),) == first
    assert 4429 == closed(session.pinged(b"", 1))


@pytest.mark.parametrize(
    ("make", "act", "close"),
    [
        (connecting, lambda one: one.tick(10), 4408),
        (greeted, lambda one: one.tick(10), 4408),
        (greeted, lambda one: one.admitted(None, 5, "e", 1, 0), 4401),
        (greeted, lambda one: one.admitted(WHO, 5, "e", 1, 0), 4401),
        (greeted, lambda one: one.unread(1), 1011),
        (catching_up, lambda one: one.unread(1), 1011),
        (live, lambda one: one.tick(75), 4408),
        (live, lambda one: one.rechecked(False, 60), 4401),
        (live, lambda one: one.too_slow(1), 1013),
        (live, lambda one: one.replaced(), 4409),
        (live, lambda one: one.binary(1), 1003),
        (live, lambda one: one.dismissed(), 1012),
        (connecting, lambda one: one.dismissed(), 1012),
    ],
)
def test_what_ends_a_session(
    make: Callable[[], Session], act: Callable[[Session], Effects], close: int
) -> None:
    """Each end has its documented code, comes once, and nothing comes after it."""
    session = make()

    assert close == closed(act(session))
    assert close in CLOSE_CODES
    assert "closing" == session.state
    assert () == act(session)
    assert () == session.received(b'{"type":"ping"}', 2)
    assert () == session.tick(1e9)
    assert session.nudged(told(6)) is None


def test_nothing_is_due_until_it_is() -> None:
    """Before its time a tick does nothing; the heartbeat comes after thirty quiet seconds, once."""
    session = live()

    assert (30, ()) == (session.due, session.tick(29.9))
    assert (Send(PING),) == session.tick(30)
    assert () == session.tick(31)
    session.heard(32)
    assert (Send(PING), Recheck("login")) == session.tick(62)


def test_the_login_is_asked_about_again_and_not_knowing_is_not_a_yes() -> None:
    """Every minute; an answer that fails three times in a row ends the session."""
    session = live()
    session.heard(59)

    assert Recheck("login") in session.tick(60)
    assert closed(session.rechecked(None, 60)) is None
    assert closed(session.rechecked(True, 60)) is None
    assert closed(session.rechecked(None, 60)) is None
    assert closed(session.rechecked(None, 60)) is None
    assert 1011 == closed(session.rechecked(None, 60))


def test_a_session_ends_with_the_login_that_opened_it() -> None:
    """The expiry is kept as a span, so that a jump of the wall clock neither cuts nor prolongs it."""
    session = greeted()
    session.admitted(WHO, 5, "e", 0, 20)

    assert 20 == session.due
    assert 4401 == closed(session.tick(20))


def test_acks_still_count_after_the_bye() -> None:
    """The server says when to come back, and takes what is on its way until it closes."""
    session = live(position=5)
    session.nudged(told(6))

    (bye,) = session.drain("restart", 800)

    assert isinstance(bye, Send)
    assert Bye(reason="restart", reconnect_ms=800) == message(bye.frame)
    assert (Acked(7, 5, 6, "d"),) == session.received(b'{"type":"ack","position":6}', 1)


def test_an_answer_that_comes_too_late_opens_nothing() -> None:
    """The ticket was good, but the session had been closed meanwhile."""
    session = greeted()
    session.tick(10)

    assert () == session.admitted(WHO, 5, "e", 11, 1e6)


def test_a_hello_names_its_device() -> None:
    """The machine hands the whole hello to the admission."""
    asked = connecting().received(HELLO, 0)

    assert (Authenticate(Hello(ticket="t", device="d")),) == asked
