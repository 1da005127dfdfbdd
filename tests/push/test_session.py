"""The session machines, over a tiny dialect: log-in, window, time, the two ways to end, and peers' habits."""

from __future__ import annotations

import pytest

from push.sms.carrier import Inbound, Reply, Report, Submitted
from push.sms.happenings import Answered, Closed, Happening, InDoubt, SessionRules, Up
from push.sms.session import ClientSession, ServerSession
from tests.push.tiny_dialect import RestingClient, TinyClient, TinyServer, pdu, segment

S = 1_000_000
RULES = SessionRules(window=2)
REPORT = Report(message_id="id", to="", state="delivered", stat="DELIVRD")


def no_clock() -> int:
    """An instant."""
    return 1_764_000_000 * S


def client_of(dialect: TinyClient | None = None, rules: SessionRules = RULES) -> ClientSession[str]:
    """A client that has said hello at 0."""
    client: ClientSession[str] = ClientSession(dialect or TinyClient(), no_clock, rules)
    client.start(0)
    assert client.take()[4:5] == b"H"
    return client


def up_client(dialect: TinyClient | None = None, rules: SessionRules = RULES) -> ClientSession[str]:
    """A client that was let in at 0; its hello had sequence 1."""
    client = client_of(dialect, rules)
    assert client.received(pdu("W", 1, b"\0"), 0) == [Up("")]
    return client


def up_server() -> ServerSession[str]:
    """A server that has let somebody in at 0."""
    server: ServerSession[str] = ServerSession(TinyServer(), no_clock, RULES)
    server.start(0)
    (hello,) = server.received(pdu("H", 1, b"office"), 0)
    server.welcome(hello, 0, "office", 0)  # type: ignore[arg-type]
    server.take()
    return server


def ends(told: list[Happening[str]]) -> list[str]:
    """Why the connection ended, with the doubts told before."""
    return [
        one.why if isinstance(one, Closed) else one.token for one in told if isinstance(one, Closed | InDoubt)
    ]


def test_a_login_in_time() -> None:
    """The welcome brings it up, with the whole window free."""
    client = client_of()
    assert client.free == 0
    assert not client.submit(segment("a"), "a", 0)
    client.received(pdu("W", 1, b"\0"), 0)
    assert client.free == 2


def test_a_login_too_late() -> None:
    """No welcome within the time ends it."""
    client = client_of()
    assert client.due == 30 * S
    assert client.tick(30 * S - 1) == []
    assert client.tick(30 * S) == [Closed("login_timeout")]


def test_a_login_refused_with_an_alarm() -> None:
    """What an operator must mend is told as such."""
    (closed,) = client_of().received(pdu("W", 1, b"\3"), 0)
    assert closed == Closed("refused", "登录被拒绝（3）", alarm=True)


def test_an_end_right_after_the_welcome_is_a_refusal() -> None:
    """SGIP §6.3: a gateway that says yes and hangs up has said no; later, or after a word, it has not."""
    client = up_client()
    assert ends(client.lost(S)) == ["refused"]
    assert ends(up_client().lost(3 * S)) == ["lost"]
    spoken = up_client()
    spoken.received(pdu("P", 1), 1)
    assert ends(spoken.lost(S)) == ["lost"]


def test_the_window_is_kept() -> None:
    """A third request waits until one of two is answered; answers in any order find their tokens."""
    client = up_client()
    assert client.submit(segment("a"), "a", 0)
    assert client.submit(segment("b"), "b", 0)
    assert not client.submit(segment("c"), "c", 0)
    (told,) = client.received(pdu("A", 3, b"\0idb"), 1)
    assert isinstance(told, Answered)
    assert (told.token, told.late) == ("b", False)
    assert client.free == 1


def test_what_cannot_be_carried_takes_no_slot() -> None:
    """The dialect's ValueError passes through, and nothing was sent."""
    client = up_client()
    with pytest.raises(ValueError, match="content"):
        client.submit(segment("x" * 101), "a", 0)
    assert client.free == 2
    assert client.take() == b""


def test_a_request_that_is_never_answered() -> None:
    """After a minute it is in doubt and its slot is free; a late answer is still told, once."""
    client = up_client(rules=SessionRules(window=1, idle_s=1000))
    client.submit(segment("a"), "a", 5)
    assert client.due == 60 * S + 5
    assert client.tick(60 * S + 5) == [InDoubt("a", "timeout", "")]
    assert client.free == 1
    (told,) = client.received(pdu("A", 2, b"\0id"), 70 * S)
    assert isinstance(told, Answered)
    assert told.late
    assert client.received(pdu("A", 2, b"\0id"), 70 * S) == []
    assert client.counts["unexpected"] == 1


def test_a_nack_without_an_outcome() -> None:
    """SMPP's generic_nack ends the request it names, in doubt."""
    client = up_client()
    client.submit(segment("a"), "a", 0)
    assert client.received(pdu("N", 2), 1) == [InDoubt("a", "nack", "")]
    assert client.received(pdu("N", 2), 1) == []
    assert client.received(pdu("A", 2, b"\0"), 1) == []


def test_unexpected_sequences_are_counted_and_ignored() -> None:
    """Answers nobody waits for, a second welcome, an answer to no probe, an end nobody began."""
    client = up_client()
    strange = pdu("A", 77, b"\0") + pdu("W", 1, b"\0") + pdu("p", 9) + pdu("g", 9) + pdu("K", 9, b"\0")
    assert client.received(strange, 1) == []
    assert client.counts["unexpected"] == 5
    assert client.state == "up"


def test_a_welcome_for_another_hello() -> None:
    """Only the answer to our own log-in lets us in."""
    client = client_of()
    assert client.received(pdu("W", 9, b"\0"), 1) == []
    assert client.state == "greeting"


def test_sequences_wrap_around_what_is_open() -> None:
    """A number that still waits for its answer is passed over; a remembered one is another request's from now on."""
    rules = SessionRules(window=2, answer_timeout_s=100, idle_s=1000)
    client = up_client(TinyClient(modulus=4), rules)
    client.submit(segment("old"), "old", 0)  # 2
    for round_no in range(6):
        client.submit(segment("new"), str(round_no), 1)
        sequence = int.from_bytes(client.take()[-5:-3], "big")
        assert sequence != 2
        (told,) = client.received(pdu("A", sequence, b"\0"), 1)
        assert isinstance(told, Answered)
        assert told.token == str(round_no)
    assert [one.token for one in client.tick(100 * S) if isinstance(one, InDoubt)] == ["old"]
    for _ in range(4):
        client.submit(segment("again"), "again", 101 * S)
        (told,) = client.received(pdu("A", int.from_bytes(client.take()[-7:-5], "big"), b"\0"), 101 * S)
        assert isinstance(told, Answered)
        assert (told.token, told.late) == ("again", False)
    assert client.received(pdu("A", 2, b"\0"), 101 * S) == []


def test_silence_is_probed_and_then_the_end() -> None:
    """After 20 s a probe, then each 10 s; three in vain and the open request is in doubt, the connection dead."""
    client = up_client()
    client.submit(segment("a"), "a", 0)
    client.take()
    sent = []
    for second in (20, 30, 40):
        assert client.due == second * S
        assert client.tick(second * S) == []
        sent.append(client.take()[4:5])
    assert sent == [b"P", b"P", b"P"]
    assert ends(client.tick(50 * S)) == ["a", "silent"]


def test_any_pdu_is_life() -> None:
    """A report instead of the probe's answer is as good; the next probe comes after the next silence."""
    client = up_client()
    client.tick(20 * S)
    client.received(pdu("R", 1, b"id"), 25 * S)
    assert client.due == 45 * S
    assert client.tick(30 * S) == []


def test_a_probe_answered_with_a_probe_of_its_own_sequence() -> None:
    """CMPP §12.6: a mock's habit is life too, and is answered."""
    client = up_client()
    client.tick(20 * S)
    probe = client.take()
    assert client.received(probe, 21 * S) == []
    assert client.take() == pdu("p", int.from_bytes(probe[5:7], "big"))
    assert client.due == 41 * S


def test_a_probe_is_answered_while_the_window_is_full() -> None:
    """Answers use no slot: neither to probes nor to reports."""
    client = up_client()
    client.submit(segment("a"), "a", 0)
    client.submit(segment("b"), "b", 0)
    client.take()
    (report,) = client.received(pdu("P", 9) + pdu("R", 10, b"id"), 1)
    assert client.take() == pdu("p", 9)
    assert isinstance(report, Inbound)
    client.stored(report, 1)
    assert client.take() == pdu("K", 10, b"\0")


def test_a_report_is_answered_when_it_is_stored() -> None:
    """Nothing is said before, nor ever about what could not be stored."""
    client = up_client()
    first, second = client.received(pdu("R", 10, b"a") + pdu("R", 11, b"b"), 1)
    assert client.take() == b""
    assert isinstance(first, Inbound)
    assert isinstance(second, Inbound)
    client.given_up(first, 2)
    client.stored(second, 2)
    assert client.take() == pdu("K", 11, b"\0")


@pytest.mark.parametrize(
    "garbage", [b"\0\0\0\1xxxx", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n", pdu("Z", 1)]
)
def test_garbage_ends_it_but_what_stands_before_counts(garbage: bytes) -> None:
    """The answer in front of the garbage is told; what is open is in doubt."""
    client = up_client()
    client.submit(segment("a"), "a", 0)
    client.submit(segment("b"), "b", 0)
    answered, *rest = client.received(pdu("A", 2, b"\0id") + garbage, 1)
    assert isinstance(answered, Answered)
    assert ends(rest) == ["b", "malformed"]
    assert client.received(pdu("A", 3, b"\0id"), 1) == []


def test_an_orderly_end_waits_for_answers() -> None:
    """No new submits; the goodbye goes out behind the last answer, the connection ends with the peer's."""
    client = up_client()
    client.submit(segment("a"), "a", 0)
    client.take()
    assert client.leave(1) == []
    assert not client.submit(segment("b"), "b", 1)
    assert client.take() == b""
    client.received(pdu("A", 2, b"\0id"), 2)
    goodbye = client.take()
    assert goodbye[4:5] == b"G"
    assert client.received(pdu("g", int.from_bytes(goodbye[5:7], "big")), 3) == [Closed("left")]


def test_an_orderly_end_waits_for_the_store() -> None:
    """A report that is being stored is answered before the goodbye."""
    client = up_client()
    (report,) = client.received(pdu("R", 10, b"id"), 1)
    client.leave(2)
    assert client.take() == b""
    assert isinstance(report, Inbound)
    client.stored(report, 3)
    said = client.take()
    assert (said[4:5], said[-3:-2]) == (b"K", b"G")


def test_an_orderly_end_is_bounded() -> None:
    """Ten seconds for open answers, five for the peer's goodbye; then what is open is in doubt."""
    client = up_client()
    client.submit(segment("a"), "a", 0)
    client.take()
    client.leave(0)
    assert client.tick(10 * S) == []
    assert client.take()[4:5] == b"G"
    assert ends(client.tick(15 * S)) == ["a", "left"]


def test_the_peers_goodbye() -> None:
    """It is answered, what is open is in doubt, the connection ends."""
    client = up_client()
    client.submit(segment("a"), "a", 0)
    client.take()
    assert ends(client.received(pdu("G", 5), 1)) == ["a", "goodbye"]
    assert client.take() == pdu("g", 5)


def test_leaving_before_the_login() -> None:
    """Nothing is open: it ends at once."""
    assert ends(client_of().leave(1)) == ["left"]


def test_without_a_heartbeat_an_idle_connection_is_ended() -> None:
    """SGIP §5: after half a minute without traffic a goodbye, which is no error."""
    client = up_client(RestingClient())
    assert client.tick(30 * S) == []
    goodbye = client.take()
    assert client.state == "parting"
    assert client.received(pdu("g", int.from_bytes(goodbye[5:7], "big")), 31 * S) == [Closed("rested")]


def test_without_a_heartbeat_a_request_in_vain_is_the_end() -> None:
    """Nothing else shows that the line is dead; a peer that spoke since is alive."""
    client = up_client(RestingClient())
    client.submit(segment("a"), "a", 0)
    assert ends(client.tick(60 * S)) == ["a", "silent"]
    alive = up_client(RestingClient())
    alive.submit(segment("a"), "a", 0)
    alive.received(pdu("R", 1, b"x"), 50 * S)
    assert ends(alive.tick(60 * S)) == ["a"]


def test_an_own_id_is_told_with_the_doubt() -> None:
    """Where we gave the id, a report can still be matched."""
    client = up_client(RestingClient())
    client.submit(segment("a"), "a", 0, sequence=500)
    assert client.lost(5)[0] == InDoubt("a", "lost", "own500")
    again = up_client(RestingClient())
    again.submit(segment("a"), "a", 0, sequence=500)
    with pytest.raises(ValueError, match="under way"):
        again.submit(segment("b"), "b", 0, sequence=500)


def test_a_server_lets_nobody_speak_before_the_login() -> None:
    """A submit without log-in ends the connection, as does no log-in in time."""
    server: ServerSession[str] = ServerSession(TinyServer(), no_clock, RULES)
    server.start(0)
    assert ends(server.received(pdu("S", 1, b"a"), 0)) == ["refused"]
    silent: ServerSession[str] = ServerSession(TinyServer(), no_clock, RULES)
    silent.start(0)
    assert ends(silent.tick(30 * S)) == ["login_timeout"]


def test_a_server_refuses_a_login() -> None:
    """The answer is written before the end."""
    server: ServerSession[str] = ServerSession(TinyServer(), no_clock, RULES)
    server.start(0)
    (hello,) = server.received(pdu("H", 1, b"thief"), 0)
    assert not server.permits(hello, "office")  # type: ignore[arg-type]
    assert ends(server.welcome(hello, 3, "office", 0)) == ["refused"]  # type: ignore[arg-type]
    assert server.take() == pdu("W", 1, b"\3")


def test_a_server_has_a_window_of_its_own() -> None:
    """Two reports wait for their answers, a third does not leave; answers to submits use no slot."""
    server = up_server()
    reply = Reply(sender="13800138000", source="10657333", content=b"1", coding="ascii")
    assert server.report(REPORT, "", 0, "r1", 1)
    assert server.reply(reply, "", "r2", 1)
    assert not server.report(REPORT, "", 0, "r3", 1)
    server.take()
    (asked,) = server.received(pdu("S", 7, b"a"), 2)
    assert isinstance(asked, Submitted)
    server.answer(asked, "id", 0)
    assert server.take() == pdu("A", 7, b"\0id")
    (taken,) = server.received(pdu("K", 2, b"\0"), 3)
    assert isinstance(taken, Answered)
    assert taken.token == "r2"
    assert ends(server.lost(4)) == ["r1", "lost"]


def test_ignored_words_are_answered_as_the_protocol_wants() -> None:
    """An unknown command is counted, and told so where the protocol has a word for it."""
    client = up_client()
    assert client.received(pdu("?", 9), 1) == []
    assert client.take() == pdu("!", 9)
    assert client.counts["ignored"] == 1


@pytest.mark.parametrize("field", ["window", "misses_max", "idle_s", "answer_timeout_s"])
def test_rules_name_what_is_wrong(field: str) -> None:
    """A limit of nothing is refused by name."""
    with pytest.raises(ValueError, match=field):
        SessionRules(**{field: 0})
