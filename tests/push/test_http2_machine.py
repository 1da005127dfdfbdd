"""One HTTP/2 connection, on a clock of the test's own: limits, both kinds of ends, what is told of each request."""

from __future__ import annotations

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from push.app.http2.happenings import (
    Answered,
    Closed,
    Happening,
    Http2Rules,
    InDoubt,
    Leaving,
    Unprocessed,
    Up,
)
from push.app.http2.machine import Unsendable
from push.sms.window import NEVER
from tests.push.http2_peer import HEADERS, RULES, Pair, request


def answers(told: list[Happening[str]]) -> dict[str, tuple[int, bytes]]:
    """Status and body by token."""
    return {one.token: (one.answer.status, one.answer.body) for one in told if isinstance(one, Answered)}


def ends(told: list[Happening[str]]) -> dict[str, str]:
    """How requests without an answer ended: kind and reason by token."""
    return {
        one.token: f"{type(one).__name__} {one.why}" for one in told if isinstance(one, InDoubt | Unprocessed)
    }


def test_nothing_is_sent_before_the_peers_settings() -> None:
    """The limit of streams is never assumed (apns §1): before SETTINGS there is no room."""
    pair = Pair()
    pair.machine.start(pair.now)
    assert pair.machine.free == 0
    assert not pair.machine.request(request(), "a", pair.now)
    pair.peer.initiate_connection()
    pair.exchange()
    assert pair.told == [Up()]
    assert pair.machine.free == 100


def test_a_request_is_answered_with_and_without_a_body() -> None:
    """200 with nothing, an error with a reason, an error with nothing: each is an answer."""
    pair = Pair().up()
    for token in "abc":
        assert pair.sent(token)
    pair.answer(3, 410, b'{"reason":"Unregistered"}')
    pair.answer(1)
    pair.answer(5, 503)
    assert answers(pair.told) == {"b": (410, b'{"reason":"Unregistered"}'), "a": (200, b""), "c": (503, b"")}
    assert pair.machine.open == 0


def test_the_peers_limit_of_streams_is_kept_when_it_changes() -> None:
    """One stream until the first success, a thousand after, our own limit below that (apns §1)."""
    pair = Pair(streams=1).up()
    assert pair.sent("a")
    assert not pair.sent("b")
    pair.peer.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 1_000})
    pair.exchange()
    assert pair.machine.free == RULES.streams_max - 1
    pair.peer.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: 0})
    pair.exchange()
    assert pair.machine.free == 0


def test_a_body_waits_for_the_peers_window_in_pieces() -> None:
    """Flow control: a body of 1,000 bytes leaves in pieces of 300, and nothing else is begun meanwhile."""
    pair = Pair(window=300)
    pair.acknowledges = False
    pair.up()
    assert pair.sent("a", 1_000)
    assert pair.got == {1: 300}
    assert pair.machine.free == 0
    pair.peer.acknowledge_received_data(300, 1)
    pair.exchange()
    assert pair.got == {1: 600}
    pair.peer.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1_000})
    pair.exchange()
    assert pair.got == {1: 1_000}
    assert pair.ended == {1}
    assert pair.machine.free > 0


def test_a_body_that_never_left_whole_was_not_processed() -> None:
    """A window that never opens: at the deadline the stream is reset, and the request may be sent again."""
    pair = Pair(window=10)
    pair.acknowledges = False
    pair.up()
    pair.sent("a")
    pair.wait(11)
    assert ends(pair.told) == {"a": "Unprocessed unfinished"}


def test_an_answer_before_the_whole_body_ends_the_request() -> None:
    """413 in the middle of a body (RFC 9113 §8.1): the answer counts, the stream is given up."""
    pair = Pair(window=10)
    pair.acknowledges = False
    pair.up()
    pair.sent("a")
    pair.answer(1, 413, b"{}"[:2])
    assert answers(pair.told) == {"a": (413, b"{}")}
    assert pair.resets == {1: ErrorCodes.CANCEL}
    assert pair.machine.free == 100


def test_an_answer_that_never_comes_is_in_doubt_at_its_deadline() -> None:
    """Each stream has its deadline; the connection lives on where the peer shows that it does."""
    pair = Pair().up()
    pair.sent("a")
    pair.wait(6)
    pair.sent("b")
    pair.answer(3)
    pair.wait(5)
    assert ends(pair.told) == {"a": "InDoubt timeout"}
    assert pair.machine.state == "up"
    assert pair.resets == {1: ErrorCodes.CANCEL}
    assert answers(pair.told) == {"b": (200, b"")}


def test_a_late_answer_hurts_nobody() -> None:
    """Frames of a stream that we gave up are dropped, and what is open goes on."""
    pair = Pair().up()
    pair.sent("a")
    pair.wait(5)
    pair.sent("b")
    pair.peer.send_headers(1, [(":status", "200")], end_stream=True)
    late = pair.peer.data_to_send()
    pair.peer.ping(b"12345678")
    pair.gave(pair.peer.data_to_send())
    pair.now += 6_000_000
    pair.told += pair.machine.tick(pair.now)
    pair.gave(late)
    assert ends(pair.told) == {"a": "InDoubt timeout"}
    pair.peer.send_headers(3, [(":status", "200")], end_stream=True)
    pair.gave(pair.peer.data_to_send())
    assert answers(pair.told) == {"b": (200, b"")}
    assert pair.machine.counts["late"] + pair.machine.counts["answers"] >= 1


def test_a_line_that_is_dead_is_left_at_the_first_deadline() -> None:
    """Not a frame since the oldest request left: all the others are in doubt at once, none waits in vain."""
    pair = Pair().up()
    pair.sent("a")
    pair.wait(1)
    pair.sent("b")
    pair.wait(9.5)
    assert ends(pair.told) == {"a": "InDoubt timeout", "b": "InDoubt lost"}
    assert pair.told[-1] == Closed("silent")


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (ErrorCodes.REFUSED_STREAM, "Unprocessed refused"),
        (ErrorCodes.INTERNAL_ERROR, "InDoubt reset"),
        (ErrorCodes.CANCEL, "InDoubt reset"),
        (ErrorCodes.ENHANCE_YOUR_CALM, "InDoubt reset"),
    ],
)
def test_only_a_refused_stream_was_not_processed(code: ErrorCodes, end: str) -> None:
    """RST_STREAM says nothing about what was done, except REFUSED_STREAM (RFC 9113 §8.7)."""
    pair = Pair().up()
    pair.sent("a")
    pair.peer.reset_stream(1, code)
    pair.exchange()
    assert ends(pair.told) == {"a": end}
    assert pair.machine.state == "up"


def test_a_status_without_an_end_is_an_answer() -> None:
    """The status is the verdict: what follows is cut, by a reset, a deadline or the line's end."""
    pair = Pair().up()
    for token in "abc":
        pair.sent(token)
    for stream in (1, 3, 5):
        pair.answer(stream, 403, ends=False)
    pair.peer.reset_stream(1)
    pair.exchange()
    pair.wait(5)
    pair.told += pair.machine.lost("gone")
    assert answers(pair.told) == {"a": (403, b""), "b": (403, b""), "c": (403, b"")}


def test_goaway_gives_back_what_was_not_processed() -> None:
    """Streams above the last one are told at once, those below are waited for, then the connection ends (§6.8)."""
    pair = Pair().up()
    for token in "abcd":
        pair.sent(token)
    pair.goaway(3, b'{"reason":"Shutdown"}')
    assert ends(pair.told) == {"c": "Unprocessed goaway", "d": "Unprocessed goaway"}
    assert Leaving("goaway", '0 {"reason":"Shutdown"}') in pair.told
    assert not pair.sent("e")
    pair.answer(3)
    pair.answer(1, 400, b'{"reason":"BadTopic"}')
    assert answers(pair.told) == {"b": (200, b""), "a": (400, b'{"reason":"BadTopic"}')}
    assert pair.told[-1] == Closed("goaway", '0 {"reason":"Shutdown"}')


def test_a_second_goaway_may_take_back_more() -> None:
    """A graceful end comes twice: first with the highest id there is, then with the true one (§6.8)."""
    pair = Pair().up()
    pair.sent("a")
    pair.sent("b")
    pair.goaway(2**31 - 1)
    assert ends(pair.told) == {}
    pair.goaway(1)
    assert ends(pair.told) == {"b": "Unprocessed goaway"}
    pair.answer(1)
    assert answers(pair.told) == {"a": (200, b"")}


def test_what_goaway_promised_and_never_came_is_in_doubt() -> None:
    """A stream below the last one keeps its deadline, and the end of the line ends it."""
    pair = Pair().up()
    pair.sent("a")
    pair.sent("b")
    pair.goaway(3)
    pair.told += pair.machine.lost("reset by peer")
    assert ends(pair.told) == {"a": "InDoubt lost", "b": "InDoubt lost"}


def test_what_was_never_handed_to_the_transport_was_not_sent() -> None:
    """The line ends in the turn in which a request was made: nothing of it is written after that."""
    pair = Pair().up()
    pair.sent("a")
    assert pair.machine.request(request(), "b", pair.now)
    pair.told += pair.machine.lost()
    assert ends(pair.told) == {"a": "InDoubt lost", "b": "Unprocessed unsent"}
    assert pair.machine.take() == b""


def test_an_idle_connection_is_kept_by_pings() -> None:
    """Health is checked with PING, not by closing (apns §1); without an answer the line is dead."""
    pair = Pair().up()
    pair.wait(181)
    assert pair.pings == 3
    assert pair.machine.state == "up"
    pair.wait(60)
    pair.machine.take()
    pair.now += 60_000_000
    pair.told += pair.machine.tick(pair.now)
    pair.machine.take()  # the PING is lost
    pair.now += 5_000_000
    pair.told += pair.machine.tick(pair.now)
    assert pair.told[-1] == Closed("silent", "PING")


def test_a_peer_that_never_greets_is_left() -> None:
    """SETTINGS have to come in time."""
    pair = Pair()
    pair.machine.start(pair.now)
    pair.now += 3_000_000
    pair.told += pair.machine.tick(pair.now)
    assert pair.told == [Closed("greeting_timeout")]
    assert pair.machine.due == NEVER


@pytest.mark.parametrize("junk", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64, b"\xff" * 64])
def test_bytes_that_are_no_frames_end_the_connection(junk: bytes) -> None:
    """Garbage, or another protocol: what was open is in doubt, nothing hangs."""
    pair = Pair().up()
    pair.sent("a")
    pair.gave(junk)
    pair.wait(20)
    assert ends(pair.told)["a"].startswith("InDoubt")
    assert isinstance(pair.told[-1], Closed)


def test_headers_that_are_too_many_end_the_connection() -> None:
    """The peer's header list is limited: a bomb costs the connection, not our memory."""
    pair = Pair(Http2Rules(header_list_max=2_000)).up()
    pair.sent("a")
    pair.peer.send_headers(1, [(":status", "200"), *((f"x-{n}", "y" * 200) for n in range(40))])
    pair.gave(pair.peer.data_to_send())
    assert ends(pair.told) == {"a": "InDoubt lost"}
    assert isinstance(pair.told[-1], Closed)
    assert pair.told[-1].why == "malformed"


def test_our_headers_keep_the_peers_limit() -> None:
    """SETTINGS_MAX_HEADER_LIST_SIZE of the peer, and our own limit of a body: nothing is sent beyond them."""
    pair = Pair().up()
    pair.peer.update_settings({SettingCodes.MAX_HEADER_LIST_SIZE: 150})
    pair.exchange()
    with pytest.raises(Unsendable, match="headers of"):
        pair.machine.request(request(), "a", pair.now)
    fresh = Pair().up()
    with pytest.raises(Unsendable, match="a body of"):
        fresh.machine.request(request(10_000), "a", fresh.now)
    assert fresh.machine.open == 0


def test_a_long_answer_is_cut() -> None:
    """A proxy's page: what is beyond the limit is not waited for, the status counts."""
    pair = Pair(Http2Rules(answer_max=1_000)).up()
    pair.sent("a")
    pair.answer(1, 502, b"<" * 900, ends=False)
    pair.peer.send_data(1, b"p" * 900)
    pair.exchange()
    assert answers(pair.told) == {"a": (502, b"<" * 900 + b"p" * 100)}


def test_many_answers_do_not_use_up_our_window() -> None:
    """What was read is acknowledged, also of streams that have ended: 300 answers of 1 kB pass a window of 64 kB."""
    pair = Pair().up()
    for number in range(300):
        assert pair.sent(str(number))
        pair.answer(2 * number + 1, 400, b"z" * 1_000)
    assert len(answers(pair.told)) == 300


def test_leaving_waits_for_what_is_open() -> None:
    """Nothing new, then the end in order; what has no answer within the limit is in doubt."""
    pair = Pair().up()
    pair.sent("a")
    pair.sent("b")
    pair.told += pair.machine.leave(pair.now)
    assert not pair.sent("c")
    pair.answer(1)
    pair.wait(10)
    assert answers(pair.told) == {"a": (200, b"")}
    assert ends(pair.told) == {"b": "InDoubt timeout"}
    assert isinstance(pair.told[-1], Closed)


def test_leaving_an_idle_connection_is_at_once() -> None:
    """With nothing open, GOAWAY and the end."""
    pair = Pair().up()
    pair.told += pair.machine.leave(pair.now)
    assert pair.told[-2:] == [Leaving("left"), Closed("left")]
    assert b"\x07" in pair.machine.take()


def test_stream_ids_do_not_run_out() -> None:
    """After so many requests the connection is left for a new one (apns §1)."""
    pair = Pair(Http2Rules(requests_max=2)).up()
    assert pair.sent("a")
    assert pair.sent("b")
    assert not pair.sent("c")
    pair.answer(1)
    assert Leaving("left", "stream ids") in pair.told
    pair.answer(3)
    assert pair.told[-1] == Closed("left", "stream ids")


def test_nothing_is_told_after_the_end() -> None:
    """A closed machine is deaf and dumb."""
    pair = Pair().up()
    pair.told += pair.machine.lost()
    assert pair.machine.received(b"more", pair.now) == []
    assert pair.machine.tick(pair.now) == []
    assert pair.machine.leave(pair.now) == []
    assert pair.machine.lost() == []
    assert not pair.machine.request(request(), "a", pair.now)
    assert pair.machine.due == NEVER


def test_rules_that_cannot_hold_are_refused() -> None:
    """Each limit names itself."""
    with pytest.raises(ValueError, match="streams_max"):
        Http2Rules(streams_max=0)
    with pytest.raises(ValueError, match="idle_s"):
        Http2Rules(idle_s=0)


def test_what_changes_with_each_request_is_not_indexed() -> None:
    """The header block of a second request is short: all that stays alike is in the table, nothing pushed it out."""
    pair = Pair().up()
    headers = [*HEADERS, (b"authorization", b"bearer " + b"j" * 200)]
    sizes = []
    for number in range(40):
        pair.machine.request(request()._replace(headers=headers), str(number), pair.now)
        data = pair.machine.take()
        sizes.append(len(data))
        pair.heard(data)
    assert sizes[0] > 300
    assert set(sizes[1:]) == {sizes[-1]}
    assert sizes[-1] < 9 + 9 + 100 + 20
