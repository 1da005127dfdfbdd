"""The words of the live protocol: frames as any client reads them, and bytes that are no message."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from realtime.frames import (
    CLIENT_FRAME_MAX_BYTES,
    PING,
    Ack,
    AskCounts,
    Bye,
    Changes,
    ClientMessage,
    Counts,
    FrameFault,
    Hello,
    Ping,
    Pong,
    ServerMessage,
    Welcome,
    frame,
    pack,
    parse,
    parse_server,
    say,
)
from realtime.items import UnitStatus, arrived
from realtime.rules import ERRORS, FAULTS
from tests.realtime.memory_house import header


def read(data: bytes) -> list[Frame]:
    """What a client's library makes of the bytes; it refuses masked or broken frames."""
    client = ClientProtocol(parse_uri("ws://localhost/"), max_size=None)
    client.state = State.OPEN
    client.reader.feed_data(data)
    client.parser = client.parse()
    client.receive_data(b"")
    assert client.parser_exc is None
    return [event for event in client.events_received() if isinstance(event, Frame)]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_frame_of_any_size_is_read_by_a_library_of_others(size: int) -> None:
    """Each of the three forms of the length is as RFC 6455 wants it."""
    (one,) = read(frame(b"x" * size))

    assert (True, b"x" * size) == (one.fin, bytes(one.data))


def test_the_heartbeat_is_a_ping_without_words() -> None:
    """Every websocket layer answers it by itself."""
    (one,) = read(PING)

    assert ("PING", b"") == (one.opcode.name, bytes(one.data))


ITEM = msgspec.structs.replace(
    arrived(header(7), "from_above", "to_do"),
    unit_status=(UnitStatus(unit_id=3, status="signed", by="王五"),),
)


@pytest.mark.parametrize(
    "message",
    [
        Welcome(session="1", position=5, epoch="e", heartbeat_s=30, resumed=True),
        Changes(position=6, items=(ITEM,)),
        Counts(position=6, folders={"from_above": (3, 1)}),
        Bye(reason="restart", reconnect_ms=1200),
        Pong(position=6),
    ],
)
def test_a_server_message_comes_through_as_it_was(message: ServerMessage) -> None:
    """Packed and read again, nothing is lost."""
    (one,) = read(pack(message))

    assert message == parse_server(bytes(one.data))


@pytest.mark.parametrize(
    "message", [Hello(ticket="t", position=4, epoch="e", device="手机"), Ack(position=9), Ping(), AskCounts()]
)
def test_a_client_message_comes_through_as_it_was(message: ClientMessage) -> None:
    """Said and parsed, nothing is lost."""
    assert message == parse(say(message).encode())


def test_every_fault_is_told_in_both_languages() -> None:
    """The error frames carry the code and what to do in Chinese and English."""
    for code, fault in FAULTS.items():
        (one,) = read(ERRORS[code])
        told = msgspec.json.decode(bytes(one.data))
        assert {"type": "error", "code": code, "zh": fault.zh, "en": fault.en} == told


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "bad_json"),
        (b"hello", "bad_json"),
        (b'{"type":"ack","position":1} {}', "bad_json"),
        (b'{"type":"ack","position":1', "bad_json"),
        (b"\xff\xfe", "bad_utf8"),
        (b'{"type":"ping","note":"\xff"}', "bad_utf8"),
        (b"[]", "bad_message"),
        (b"{}", "bad_message"),
        (b'{"type":7}', "bad_message"),
        (b'{"type":"ack"}', "bad_message"),
        (b'{"type":"ack","position":-1}', "bad_message"),
        (b'{"type":"ack","position":1.5}', "bad_message"),
        (b'{"type":"ack","position":"1"}', "bad_message"),
        (b'{"type":"ack","position":' + b"9" * 400 + b"}", "bad_message"),
        (b'{"type":"hello","token":"' + b"x" * 3_000 + b'"}', "bad_message"),
        (b'{"type":"subscribe"}', "unknown_type"),
        (b'{"type":"ping","x":' + b"[" * 4_000, "bad_json"),
        (b'{"type":"ping","x":' + b" " * CLIENT_FRAME_MAX_BYTES + b"1}", "frame_too_big"),
    ],
)
def test_what_is_no_message_has_a_name(payload: bytes, code: str) -> None:
    """Each kind of nonsense is told apart, and nesting without end does not bring the parser down."""
    with pytest.raises(FrameFault) as caught:
        parse(payload)

    assert code == caught.value.code


def test_fields_that_are_not_known_yet_are_passed_over() -> None:
    """A newer client may say more than this server understands."""
    assert Ack(position=3) == parse('{"type":"ack","position":3,"später":"好"}'.encode())


def outcome(payload: bytes) -> ClientMessage | str:
    """The message, or the name of the fault."""
    try:
        return parse(payload)
    except FrameFault as fault:
        return fault.code


@given(st.binary(max_size=200) | st.text(max_size=80).map(lambda text: f'{{"type":{text}}}'.encode()))
@example(b'{"type":"\\ud800"}')
@example(b'{"type":"hello","position":1e999}')
def test_any_bytes_are_a_message_or_a_named_fault(payload: bytes) -> None:
    """Whatever comes, the parser answers or names the fault; it never breaks."""
    told = outcome(payload)

    assert isinstance(told, Hello | Ack | Ping | AskCounts) or told in FAULTS
