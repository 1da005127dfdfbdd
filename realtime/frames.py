"""The words of the live protocol (docs/asyncapi.yaml) and how they become websocket frames. Pure.

A message is one JSON object with its name in ``type``. Server frames are unmasked, so that a frame is a constant
string of bytes: it is built once and written to every socket that is to have it (limits.md, design 5).
"""

from __future__ import annotations

from struct import Struct
from typing import Annotated, Final, Literal

import msgspec

from inbox_store.nouns import Folder
from realtime.items import Item

TEXT: Final = 0x1
PING_OPCODE: Final = 0x9
PONG_OPCODE: Final = 0xA
_FIN: Final = 0x80
_HEAD_16: Final = Struct(">BBH").pack

CLIENT_FRAME_MAX_BYTES: Final = 4_096
"""Largest frame a client may send: a hello with its token is the longest word it has."""

POSITION_MAX: Final = 2**53 - 1
"""Positions are commit numbers; a browser holds integers exactly up to here."""

Position = Annotated[int, msgspec.Meta(ge=0, le=POSITION_MAX)]
ShortText = Annotated[str, msgspec.Meta(max_length=128)]
Token = Annotated[str, msgspec.Meta(max_length=2_048)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """One message of the protocol. Fields at their default are left out on the wire."""


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """The first word: a one-use ``ticket`` (browsers) or an access ``token`` (programs), never in the URL.

    ``position`` and ``epoch`` are those of the last frame taken; without them the session begins at the present.
    ``acked``: everything above it and up to ``position`` reached this device although its ack may have been lost.
    """

    ticket: Token | None = None
    token: Token | None = None
    position: Position | None = None
    epoch: ShortText | None = None
    acked: Position | None = None
    device: ShortText = ""
    app: ShortText = ""


class Ack(Message, frozen=True, kw_only=True, tag="ack"):
    """Everything up to ``position`` reached this device and was taken by the program behind it."""

    position: Position


class Ping(Message, frozen=True, kw_only=True, tag="ping"):
    """Asks for a pong: browsers cannot see the protocol's own pings, and so cannot notice a dead line otherwise."""


class AskCounts(Message, frozen=True, kw_only=True, tag="counts"):
    """Asks for the folder counts."""


ClientMessage = Hello | Ack | Ping | AskCounts


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """The session stands. ``resumed`` says that what happened above ``position`` follows without gap.

    Otherwise ``position`` is the present: read the inbox through the API once, then follow from here.
    """

    session: str
    position: int
    epoch: str
    heartbeat_s: float
    resumed: bool


class Changes(Message, frozen=True, kw_only=True, tag="changes"):
    """What happened to one's own entries, in commit order. With it taken, one's position is ``position``."""

    position: int
    items: tuple[Item, ...]


class Counts(Message, frozen=True, kw_only=True, tag="counts"):
    """Folder -> (entries, of them waiting to be handled or read), as they stand at ``position``."""

    position: int
    folders: dict[Folder, tuple[int, int]]


class Notice(Message, frozen=True, kw_only=True, tag="notice"):
    """A word to the person that is no document: a number that cannot be reached, an agent, a request. It stays unread until it is marked read.

    It moves no position. ``about`` is the person it is about; ``created_at`` UTC microseconds.
    """

    id: int
    kind: Literal["phone_bad", "phone_bad_of", "agent", "request", "request_answer"]
    about: int
    text: str
    created_at: int


class Bye(Message, frozen=True, kw_only=True, tag="bye"):
    """The server is about to close; come back after ``reconnect_ms`` milliseconds, each client at its own moment."""

    reason: str
    reconnect_ms: int


class Error(Message, frozen=True, kw_only=True, tag="error"):
    """What was wrong with the client's last frame (``realtime.rules.FAULTS``)."""

    code: str
    zh: str
    en: str


class Pong(Message, frozen=True, kw_only=True, tag="pong"):
    """Answers a ping. Everything sent before that ping was handled; nothing up to ``position`` is missing."""

    position: int


ServerMessage = Welcome | Changes | Counts | Notice | Bye | Error | Pong

_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


class _Head(msgspec.Struct):
    type: str


_head_decoder = msgspec.json.Decoder(_Head)
_KNOWN: Final = frozenset({"hello", "ack", "ping", "counts"})


class FrameFault(ValueError):
    """A client frame that cannot be taken; ``code`` is a key of ``realtime.rules.FAULTS``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """The whole unmasked websocket frame around ``payload`` (RFC 6455, 5.2), ready for any number of sockets."""
    size = len(payload)
    if size < 126:
        return bytes((_FIN | opcode, size)) + payload
    if size < 65_536:
        return _HEAD_16(_FIN | opcode, 126, size) + payload
    return bytes((_FIN | opcode, 127)) + size.to_bytes(8, "big") + payload


def pack(message: ServerMessage) -> bytes:
    """``message`` as a websocket frame."""
    return frame(_encoder.encode(message))


def say(message: ClientMessage) -> str:
    """``message`` as the text of a client's frame; the client's library masks and frames it."""
    return _encoder.encode(message).decode()


def parse(payload: bytes) -> ClientMessage:
    """The client's message. Raises FrameFault; never anything else, whatever the bytes are."""
    if len(payload) > CLIENT_FRAME_MAX_BYTES:
        raise FrameFault("frame_too_big")
    try:
        # The decoder does not look into strings it skips: UTF-8 is checked here, for the frame as a whole.
        return _client_decoder.decode(payload if payload.isascii() else payload.decode())
    except (ValueError, RecursionError) as why:
        raise FrameFault(_fault_of(payload, why)) from None


def parse_server(payload: bytes | str) -> ServerMessage:
    """The server's message, for clients. Raises ValueError."""
    return _server_decoder.decode(payload)


def _fault_of(payload: bytes, why: Exception) -> str:
    if isinstance(why, UnicodeDecodeError):
        return "bad_utf8"
    if not isinstance(why, msgspec.ValidationError):
        return "bad_json"
    try:
        known = _head_decoder.decode(payload).type in _KNOWN
    except (ValueError, RecursionError):
        return "bad_message"
    return "bad_message" if known else "unknown_type"


PING: Final = frame(b"", PING_OPCODE)
"""The server's heartbeat: answered by every client's websocket layer without a word of its program."""
