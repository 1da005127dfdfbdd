"""Our own push service without any I/O: the conversation with a browser, what senders may post."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox_store.programs.push_service import Message
from inbox_store.times import US
from push.app.own_service import conversation as talk
from push.app.own_service.conversation import (
    WINDOW,
    Close,
    Conversation,
    Fetch,
    Greet,
    Say,
    Settle,
    Subscribe,
)
from push.app.own_service.service import OwnServiceRules
from push.app.own_service.submission import Refusal, Submission, read_submission
from tests.push.webpush_cases import RFC8292_KEY

FRESH: Final = "f" * 32
UAID: Final = "0123456789abcdef" * 2
CHANNEL: Final = "11111111-2222-3333-4444-555555555555"
HELLO: Final = '{"messageType":"hello","broadcasts":{},"use_webpush":true}'


def message(number: int, topic: str = "", until: int = 10 * US, token: str = "t") -> Message:  # noqa: S107
    """A message that waits."""
    told = {"id": f"m{number}", "token": token, "agent": "a", "channel": CHANNEL, "body": b"x"}
    return Message(**told, topic=topic, urgency="normal", at=number, until=until)  # type: ignore[arg-type]


def opened(**told: Any) -> Conversation:  # noqa: ANN401 - passed on
    """A conversation after hello."""
    one = Conversation(FRESH, 0, **told)
    one.heard(HELLO, 0)
    one.greeted(known=False, uaid="")
    return one


def said(todo: Sequence[talk.Do]) -> list[dict[str, Any]]:
    """What is said of what is to be done."""
    return [msgspec.json.decode(do.text) for do in todo if isinstance(do, Say)]


# The conversation ----------------------------------------------------------------------------------------------------


def test_a_new_browser_is_given_an_id() -> None:
    """Its first hello brings a fresh uaid, then what waits."""
    one = Conversation(FRESH, 0)
    assert one.heard(HELLO, 0) == (Greet(""),)
    todo = one.greeted(known=False, uaid="")
    assert said(todo) == [
        {"messageType": "hello", "uaid": FRESH, "status": 200, "use_webpush": True, "broadcasts": {}}
    ]
    assert todo[-1] == Fetch(WINDOW)


@pytest.mark.parametrize(("known", "uaid"), [(True, UAID), (False, FRESH)])
def test_a_browser_comes_back(known: bool, uaid: str) -> None:  # noqa: FBT001 - the expectation
    """A known one keeps its uaid; one that we forgot gets another, and so subscribes anew."""
    one = Conversation(FRESH, 0)
    assert one.heard(f'{{"messageType":"hello","uaid":"{UAID}","use_webpush":true}}', 0) == (Greet(UAID),)
    assert said(one.greeted(known=known, uaid=UAID))[0]["uaid"] == uaid == one.uaid


@pytest.mark.parametrize("uaid", ['"../../etc"', "null", '""', '"' + "F" * 32 + '"'])
def test_a_strange_id_is_none(uaid: str) -> None:
    """Only ids of our own form are looked up."""
    assert Conversation(FRESH, 0).heard(f'{{"messageType":"hello","uaid":{uaid}}}', 0) == (Greet(""),)


@pytest.mark.parametrize(
    ("key", "plain"), [(RFC8292_KEY, RFC8292_KEY), (RFC8292_KEY + "=", RFC8292_KEY), ("", "")]
)
def test_a_page_subscribes(key: str, plain: str) -> None:
    """The endpoint is said once the store has the subscription; the key is kept without padding."""
    one = opened()
    asked = one.heard(f'{{"messageType":"register","channelID":"{CHANNEL}","key":"{key}"}}', 0)
    assert asked == (Subscribe(CHANNEL, plain),)
    assert said(one.subscribed(CHANNEL, "https://a/send/1")) == [
        {"messageType": "register", "channelID": CHANNEL, "status": 200, "pushEndpoint": "https://a/send/1"}
    ]
    assert said(one.subscribed(CHANNEL, ""))[0]["status"] == 429


@pytest.mark.parametrize(("key", "status"), [("AAAA", 400), ("", 403), ("中", 400), (RFC8292_KEY, 403)])
def test_a_key_that_may_not_subscribe(key: str, status: int) -> None:
    """What is no key, and what is not ours where only ours may."""
    one = opened(keys=frozenset({"other"}))
    word = msgspec.json.encode({"messageType": "register", "channelID": CHANNEL, "key": key}).decode()
    assert said(one.heard(word, 0))[0]["status"] == status


def test_messages_leave_once_and_acks_are_kept_first() -> None:
    """What is under way is not said again; only what was said here can be acked."""
    one = opened()
    assert [told["version"] for told in said(one.waiting([message(1), message(2)]))] == ["m1", "m2"]
    assert one.arrived() == (Fetch(WINDOW),)
    assert [told["version"] for told in said(one.waiting([message(1), message(2), message(3)]))] == ["m3"]
    acked = (
        '{"messageType":"ack","updates":[{"channelID":"x","version":"m1","code":100},{"version":"strange"}]}'
    )
    assert one.heard(acked, 0) == (Settle((("m1", CHANNEL, 100),)),)
    assert one.settled(["m1"]) == ()
    assert one.heard(acked, 0) == ()
    assert one.heard('{"messageType":"nack","version":"m2","code":302}', 0) == (
        Settle((("m2", CHANNEL, 102),)),
    )


def test_a_full_window_waits_for_acks() -> None:
    """No more than the window is under way; the next ones are fetched as acks come."""
    one = opened()
    one.waiting([message(number) for number in range(WINDOW)])
    assert one.arrived() == ()
    assert one.settled(["m0"]) == (Fetch(WINDOW),)
    rest = [message(number) for number in range(1, WINDOW + 1)]
    assert [told["version"] for told in said(one.waiting(rest))] == [f"m{WINDOW}"]


def test_a_message_without_a_body_has_no_data() -> None:
    """An empty push is an event without data."""
    (told,) = said(opened().waiting([msgspec.structs.replace(message(1), body=b"")]))
    assert told == {"messageType": "notification", "channelID": CHANNEL, "version": "m1"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (HELLO, 1002),
        ("", 1007),
        ("[]", 1007),
        ('{"messageType":"steal"}', 1007),
        ('{"messageType":"register","channelID":"../x"}', 1007),
        ("[" * 50_000, 1007),
    ],
)
def test_what_closes_an_open_line(text: str, code: int) -> None:
    """A second hello and what nobody can read; afterwards nothing more is done."""
    one = opened()
    (close,) = one.heard(text, 0)
    assert isinstance(close, Close)
    assert close.code == code
    assert one.heard("{}", 0) == one.waiting([message(1)]) == one.replaced() == ()


def test_what_is_not_hello_first() -> None:
    """Who does not say hello is sent away, also for keeping silent; a ping may come."""
    one = Conversation(FRESH, 0)
    assert said(one.heard("{}", 0)) == [{}]
    assert isinstance(one.late()[0], Close)
    other = Conversation(FRESH, 0)
    assert isinstance(other.heard('{"messageType":"ack","updates":[]}', 0)[0], Close)
    assert opened().late() == ()


def test_broadcasts_are_passed_over() -> None:
    """Mozilla's own channels do not exist here."""
    assert opened().heard('{"messageType":"broadcast_subscribe","broadcasts":{"a/b":"1"}}', 0) == ()


def test_too_many_words_close_the_line() -> None:
    """A flood ends with 1008; a ping a second goes on for hours."""
    one = opened()
    flood = [do for _ in range(700) for do in one.heard("{}", 0)]
    assert isinstance(flood[-1], Close)
    assert flood[-1].code == 1008
    calm = opened()
    assert all(said(calm.heard("{}", second * US)) for second in range(5_000))


@given(
    st.lists(
        st.one_of(
            st.text(max_size=80), st.sampled_from([HELLO, "{}", '{"messageType":"nack","version":"1"}'])
        )
    )
)
def test_any_words_are_answered_or_close(words: list[str]) -> None:
    """Whatever comes, the machine goes on or closes once."""
    one = Conversation(FRESH, 0)
    closed = 0
    for word in words:
        for do in one.heard(word, 0):
            closed += isinstance(do, Close)
            if isinstance(do, Greet):
                one.greeted(known=False, uaid=do.uaid)
    assert closed == (one.state == "closing")


# What may be posted --------------------------------------------------------------------------------------------------

PLAIN: Final = {"TTL": "60", "Content-Encoding": "aes128gcm"}


@pytest.mark.parametrize(
    ("headers", "body", "told"),
    [
        (PLAIN, b"x", Submission(60, "", "normal", b"x")),
        ({"TTL": "0"}, b"", Submission(0, "", "normal", b"")),
        (PLAIN | {"TTL": "9999999999"}, b"x", Submission(2_592_000, "", "normal", b"x")),
        (PLAIN | {"Topic": "a-_9", "Urgency": "very-low"}, b"x", Submission(60, "a-_9", "very-low", b"x")),
        (PLAIN, b"x" * 4096, Submission(60, "", "normal", b"x" * 4096)),
        ({}, b"", Refusal(400, "ttl")),
        ({"TTL": "-1"}, b"", Refusal(400, "ttl")),
        ({"TTL": "²"}, b"", Refusal(400, "ttl")),
        (PLAIN | {"Topic": "a" * 33}, b"x", Refusal(400, "topic")),
        (PLAIN | {"Topic": "a b"}, b"x", Refusal(400, "topic")),
        (PLAIN | {"Urgency": "now"}, b"x", Refusal(400, "urgency")),
        (PLAIN, b"x" * 4097, Refusal(413, "length")),
        ({"TTL": "60"}, b"x", Refusal(415, "encoding")),
        ({"TTL": "60", "Content-Encoding": "aesgcm"}, b"x", Refusal(415, "encoding")),
    ],
)
def test_what_may_be_posted(headers: dict[str, str], body: bytes, told: Submission | Refusal) -> None:
    """RFC 8030 §5: a TTL is demanded, a topic has its alphabet, 4096 bytes are taken."""
    assert read_submission(headers, body) == told


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "ftp://a"), ("url", "https://a/push/"), ("secret", b"short"), ("waiting_max", 0)],
)
def test_rules_that_mean_nothing(field: str, value: object) -> None:
    """A wrong setting is told at the start, by its name."""
    told = {"url": "https://a/push", "secret": b"s" * 32, field: value}
    with pytest.raises(ValueError, match=field):
        OwnServiceRules(**told)  # type: ignore[arg-type]
    assert "sss" not in repr(OwnServiceRules(url="https://a/push", secret=b"s" * 32))
